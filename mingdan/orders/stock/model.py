"""Resources an operator issues: numbers, SIMs, cards, handsets.

Here: the tables of stock. Not here: who holds what when (`number_holding`).
"""
