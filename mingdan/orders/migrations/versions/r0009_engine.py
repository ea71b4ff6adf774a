"""The engine: the tables of `mingdan/orders/engine`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
