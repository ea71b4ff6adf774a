"""Money: the tables of `mingdan/orders/money`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
