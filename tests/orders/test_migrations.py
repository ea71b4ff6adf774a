"""The database comes to the model's shape, keeps its data, and guards itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError

from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders import migrations
from mingdan.orders.commands import ChangeNumber, Charge, Pay
from mingdan.orders.database import Database
from mingdan.orders.migrating import head, shapes
from mingdan.orders.migrations.versions.r0010_sets import REFERENCES
from mingdan.orders.migrations.versions.r0011_loads import ADDED
from mingdan.orders.schema import METADATA
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, msisdn, opening, order, postgresql_url, sqlite_url


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrated_schema_is_the_model(url: str) -> None:
    database = Database(url)
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": False}
        )
        found = compare_metadata(context, METADATA)
        if database.is_postgresql:
            # These are looked after for all rows of a statement at once.
            sets = (*REFERENCES.items(), *ADDED.items())
            checked = {(table, c) for table, known in sets for c, _, _ in known}
            missing = [e for e in found if e[0] == "add_fk" and _column(e[1]) in checked]
            assert len(missing) == len(checked)
            found = [each for each in found if each not in missing]
        assert found == []
        assert context.get_current_revision() == head()
    database.close()


def test_the_shapes_are_those_that_alembic_goes_through() -> None:
    folder = Path(migrations.__file__).parent
    steps = [each.revision for each in ScriptDirectory(str(folder)).walk_revisions()]
    assert shapes() == tuple(reversed(steps))


def _column(constraint: Any) -> tuple[str, str]:
    return constraint.table.name, constraint.column_keys[0]


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_a_missing_column_would_be_seen(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE party DROP COLUMN contact")
    with database.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert [each[0] for each in found] == ["add_column"]
    database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_empty_database_becomes_a_store(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "orders.db"
    url = f"sqlite:///{path}" if kind == "sqlite" else postgresql_url(empty=True)
    with OrderStore.open(url) as store:
        done(store, opening(1))
    with OrderStore.open(url) as store:
        assert store.subscription_key(msisdn(1)) == 1


def test_an_older_shape_is_brought_up_and_keeps_its_data(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        done(store, opening(1))
    database = Database(own_url)
    database.downgrade("0001")
    with database.reading() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == "0001"
        assert "entity_event" not in inspect(connection).get_table_names()
    database.migrate()
    with database.reading() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == head()
        assert connection.execute(text("SELECT count(*) FROM subscription")).scalar() == 1
    database.close()


def test_a_store_of_a_newer_mingdan_is_refused(own_url: str) -> None:
    database = Database(own_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    database.close()
    with pytest.raises(InputRefused, match="newer Mingdan"):
        OrderStore.open(own_url)


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(WrongUsage):
        OrderStore.open(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    path.write_bytes(b"not a database, but quite long enough to look like one" * 100)
    with pytest.raises(InputRefused, match="cannot open the order store"):
        OrderStore.open(f"sqlite:///{path}")


def test_the_embedded_store_writes_ahead(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    OrderStore.open(url).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


GUARDED = [
    "UPDATE number_holding SET valid_to = valid_from WHERE holding_id = 1",
    "UPDATE number_holding SET superseded_at = NULL",
    "UPDATE subscription_holding SET party_id = party_id + 1, superseded_at = recorded_at",
    "DELETE FROM number_holding",
    "DELETE FROM subscription_holding",
    "UPDATE order_event SET state = 'failed'",
    "DELETE FROM order_event",
]


@pytest.mark.parametrize("statement", GUARDED)
def test_the_database_refuses_to_rewrite_the_past(url: str, statement: str) -> None:
    with OrderStore.open(url) as store:
        done(store, opening(1), order(ChangeNumber, "new", at(1), msisdn=msisdn(2)))
    database = Database(url)
    with pytest.raises(DatabaseError), database.writing() as connection:
        connection.execute(text(statement))
    database.close()


def test_the_database_refuses_two_holders_of_one_number(url: str) -> None:
    with OrderStore.open(url) as store:
        done(store, opening(1), opening(2))
    copied = (
        "INSERT INTO number_holding (key_kind, key, subscription_id, order_id, valid_from,"
        " valid_to, recorded_at, superseded_at) SELECT key_kind, key, {holder}, order_id,"
        " {start}, {end}, recorded_at, NULL FROM number_holding WHERE subscription_id = 1"
        " AND key_kind = 'msisdn'"
    )
    database = Database(url)
    postgresql = database.is_postgresql
    hour = "interval '1 hour'" if postgresql else "3600000000"
    overlapping = copied.format(
        holder=2, start=f"valid_from + {hour}", end=f"valid_from + 2 * {hour}"
    )
    apart = copied.format(holder=2, start=f"valid_from - 2 * {hour}", end=f"valid_from - {hour}")
    touching = copied.format(holder=2, start=f"valid_from - {hour}", end="valid_from")
    for statement in (apart, touching):
        with database.writing() as connection:
            connection.execute(text(statement))
    with pytest.raises(DatabaseError), database.writing() as connection:
        connection.execute(text(overlapping))
    database.close()


def test_one_subscription_holds_one_number_at_a_time(url: str) -> None:
    with OrderStore.open(url) as store:
        done(store, opening(1))
    database = Database(url)
    with pytest.raises(DatabaseError), database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO number_holding (key_kind, key, subscription_id, order_id, valid_from,"
                " recorded_at) SELECT key_kind, key + 5, 1, order_id, valid_from, recorded_at"
                " FROM number_holding WHERE key_kind = 'msisdn'"
            )
        )
    database.close()


def test_every_table_is_known_to_the_model(url: str) -> None:
    database = Database(url)
    with database.reading() as connection:
        found = set(inspect(connection).get_table_names())
    assert found - {"alembic_version"} == set(METADATA.tables)
    database.close()


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO {table} SELECT "  # noqa: S608
        + ", ".join(
            "999999"
            if column.name in (changed, *(key.name for key in METADATA.tables[table].primary_key))
            else column.name
            for column in METADATA.tables[table].columns
        )
        + f" FROM {table} LIMIT 1"
        for table, changed in (
            ("product", "subscription_id"),
            ("product_order_item", "order_id"),
            ("product_order_item", "product_id"),
            ("product_order", "party_id"),
            ("order_event", "order_id"),
            ("customer_bill", "account_id"),
            ("payment", "order_id"),
        )
    ]
    + [
        "DELETE FROM party",
        "DELETE FROM product_offering",
        "DELETE FROM product_order",
        "UPDATE subscription SET subscription_id = 77",
        "UPDATE product SET subscription_id = 77",
        "UPDATE product SET offering_code = 'NONE'",
        "UPDATE product_order SET party_id = 77",
        "UPDATE msisdn SET subscription_id = 77",
        "INSERT INTO sim_card SELECT '1', '1', state, until, 77, changed_at, 8, stk FROM sim_card",
    ],
)
def test_nothing_refers_to_what_is_not_there(own_url: str, statement: str) -> None:
    with OrderStore.open(own_url) as store:
        bill = order(Charge, "bill", at(1), amount_fen=100, due_at=at(2))
        done(store, opening(1), bill, order(Pay, "pay", at(2), amount_fen=100))
    database = Database(own_url)
    with pytest.raises(DatabaseError), database.writing() as connection:
        connection.execute(text(statement))
    database.close()


_CLOSES = (
    "INSERT INTO money_transaction (transaction_ref, kind, effective_at, recorded_at)"
    " SELECT 'x', kind, effective_at, recorded_at FROM money_transaction"
)


@pytest.mark.parametrize(
    ("entries", "closes"),
    [
        # Into one that is closed; none at all; one alone; two that do not cancel out.
        ("SELECT transaction_ref, leg_no + 8, ledger, key, amount_fen FROM account_entry", False),
        (None, True),
        ("SELECT 'x', leg_no, ledger, key, amount_fen FROM account_entry WHERE leg_no = 1", True),
        ("SELECT 'x', leg_no, ledger, key, leg_no FROM account_entry", True),
    ],
)
def test_the_database_refuses_money_from_nowhere(
    own_url: str, entries: str | None, closes: bool
) -> None:
    with OrderStore.open(own_url) as store:
        bill = order(Charge, "bill", at(1), amount_fen=100, due_at=at(2))
        done(store, opening(1), bill)
    columns = "(transaction_ref, leg_no, ledger, key, amount_fen)"
    statements = [f"INSERT INTO account_entry {columns} {entries}"] if entries else []
    statements += [_CLOSES] if closes else []
    database, said = Database(own_url), "sum to zero" if closes else "is closed"
    with pytest.raises(DatabaseError, match=said), database.writing() as connection:
        _carry_out(connection, statements)
    database.close()


def test_what_was_booked_is_closed_within_its_own_transaction(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        done(store, opening(1), order(Charge, "bill", at(1), amount_fen=100, due_at=at(2)))
    pair = (
        "INSERT INTO account_entry (transaction_ref, leg_no, ledger, key, amount_fen)"
        " SELECT 'x', leg_no + {more}, ledger, key, amount_fen FROM account_entry"
        " WHERE transaction_ref <> 'x'"
    )
    database = Database(own_url)
    with pytest.raises(DatabaseError, match="is closed"), database.writing() as connection:
        _carry_out(connection, [pair.format(more=0), _CLOSES, pair.format(more=8)])
    with database.writing() as connection:
        _carry_out(connection, [pair.format(more=0), _CLOSES])
    database.close()


@pytest.mark.parametrize("apart", [1, 7])
def test_one_of_many_rows_refers_to_what_is_not_there(own_url: str, apart: int) -> None:
    """Keys that lie close together are counted, others looked up one by one."""
    with OrderStore.open(own_url) as store:
        done(store, *(opening(serial) for serial in range(1, 301)))
    statement = text(
        "INSERT INTO product (product_id, subscription_id, offering_code, status, start_date)"
        " SELECT product_id + 1000, CASE WHEN product_id = :last THEN :to ELSE subscription_id"
        " END, offering_code, status, start_date FROM product WHERE product_id % :apart = 0"
    )
    last = 300 - 300 % apart
    database = Database(own_url)
    with pytest.raises(DatabaseError), database.writing() as connection:
        connection.execute(statement, {"last": last, "to": 301, "apart": apart})
    with database.writing() as connection:
        connection.execute(statement, {"last": last, "to": 300, "apart": apart})
    database.close()


def _carry_out(connection: Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.execute(text(statement))


def test_references_are_kept_on_a_filled_store_down_and_up(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        done(store, opening(1))
    database = Database(own_url)
    for revision in ("0010", "0009"):
        database.downgrade(revision)
    with OrderStore.open(own_url) as store:
        done(store, opening(2))
    database.close()
