"""Lifecycle: the tables of `mingdan/orders/lifecycle`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
