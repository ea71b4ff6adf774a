"""What an order costs does not grow with what is on record."""

from __future__ import annotations

from sqlalchemy import Connection, text

from mingdan.orders.intake import apply_batch, read_frames
from mingdan.orders.store import OrderStore
from tests.orders.support import opening, person, postgresql_url

LOADED = 3_000
INDICES = ("pk_product_order", "pk_subscription", "pk_party", "pk_product")
READ = "SELECT pg_stat_get_xact_tuples_returned(CAST(:index AS regclass))"


def rows_read(connection: Connection) -> dict[str, int]:
    """Rows this session has read by each index and not yet told the server's statistics of."""
    return {
        index: connection.execute(text(READ), {"index": index}).scalar_one() for index in INDICES
    }


def test_an_order_after_a_load_reads_its_own_rows_only() -> None:
    """The session has the plans of the load's checks; they must do for a single order, too."""
    with OrderStore.open(postgresql_url()) as store:
        load = [opening(n, party=person(n % 800)) for n in range(1, LOADED + 1)]
        assert store.apply(load).completed == LOADED
        with store.database.writing() as connection:
            before = rows_read(connection)
            one = list(read_frames([opening(LOADED + 1, party=person(900))], []))
            apply_batch(store.database, connection, store.policy, store.offerings, one)
            read = {index: rows - before[index] for index, rows in rows_read(connection).items()}
        assert max(read.values()) < 50, read
