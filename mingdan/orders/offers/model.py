"""Offers, features, prices and customers' data.

Here: the tables of offers. Not here: money.
"""
