"""A province's night at operator scale: a synthetic day, the real steps, floors and peers.

Here: `world` (what happened), `orders` (who held what), `files` (as sources deliver it),
`steps` (what is measured), `peers` and `peers_month` (straightforward scripts for the same
outputs), `report` (tables and plot). Not here: correctness (`tests/`).
"""
