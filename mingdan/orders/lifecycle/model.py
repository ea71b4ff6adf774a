"""Orders between acceptance (受理) and completion (竣工).

Here: staged orders and their tables. Not here: the businesses themselves (`businesses`).
"""
