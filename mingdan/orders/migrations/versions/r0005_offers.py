"""Offers: the tables of `mingdan/orders/offers`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
