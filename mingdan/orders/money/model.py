"""Accounts, payments, refunds and vouchers: the order store's money.

Here: the tables of money. Not here: bills of the bulk interface (`businesses/account.py`).
"""
