"""Who may do which business through which interface, and who looked at whom.

Here: the tables of access. Not here: the checks of a business.
"""
