"""Customer care: knowledge base, tickets, process flows.

Here: the tables of care. Not here: complaints as the lake sees them (`reports`).
"""
