"""What Alembic runs: the scripts on the connection `database.migrate` hands in.

Here: only that. Not here: the scripts (`versions`), which spell their tables out
and never import `model.py`. There is no alembic.ini: `OrderStore.open` migrates.
"""

from __future__ import annotations

from alembic import context

from mingdan.orders.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
context.run_migrations()
