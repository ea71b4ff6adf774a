"""Access: the tables of `mingdan/orders/access`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
