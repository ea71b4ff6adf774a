"""Care: the tables of `mingdan/orders/care`.

Here: their creation and removal. Not here: other rooms' tables.
"""

from __future__ import annotations

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
