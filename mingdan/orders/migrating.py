"""Which shape a database has, and carrying it to another by Alembic.

Here: that only. Not here: the steps from shape to shape (`migrations/versions`), and
who else must wait meanwhile (`database.py`).

Alembic is imported once a database must change: nearly none must, and it takes longer
to import than the question takes to ask.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

_SCRIPTS = Path(__file__).parent / "migrations"
_SHAPE = text("SELECT version_num FROM alembic_version")


@cache
def shapes() -> tuple[str, ...]:
    """All revisions there are, oldest first, as their files are named (`r0001_first.py`)."""
    return tuple(sorted(path.name[1:5] for path in (_SCRIPTS / "versions").glob("r[0-9]*.py")))


def head() -> str:
    """The revision that the tables in the code stand at."""
    return shapes()[-1]


def shape(connection: Connection) -> str | None:
    """The database's revision; None if it is empty."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(_SHAPE).scalar()
    return None if found is None else str(found)


def upgrade(connection: Connection) -> None:
    """Carry the database of `connection` to `head`, in its transaction."""
    from alembic import command

    command.upgrade(_config(connection), "head")


def downgrade(connection: Connection, revision: str) -> None:
    """Carry it back to an older revision, dropping what that did not have."""
    from alembic import command

    command.downgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.attributes["connection"] = connection
    return config
