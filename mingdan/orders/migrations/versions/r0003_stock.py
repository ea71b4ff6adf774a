"""Stock: the tables of `mingdan/orders/stock`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
