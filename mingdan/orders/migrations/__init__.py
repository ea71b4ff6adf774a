"""Alembic's scripts: how a database comes to the shape of `model.py`.

Here: one script per change, written once and never edited after a release. A
script spells its tables out; it never imports `model.py`, which moves on.
"""
