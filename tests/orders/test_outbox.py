"""The outbox: every event once, in the order of commits, none lost to a late commit."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from mingdan.errors import Busy
from mingdan.orders import database
from mingdan.orders.commands import Charge, Pay, Protect, Suspend, Terminate
from mingdan.orders.database import Database
from mingdan.orders.outbox import Position
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, opening, order, postgresql_url


def test_events_are_read_once_and_in_order(store: OrderStore) -> None:
    done(store, *[opening(n) for n in range(1, 5)])
    position, seen = None, []
    while events := (page := store.outbox(position, limit=5)).events:
        assert len(events) <= 5
        seen += events
        position = page.position
    assert [event.seq for event in seen] == sorted(event.seq for event in seen)
    assert len({event.seq for event in seen}) == 12
    assert [event.state for event in seen[:3]] == ["acknowledged", "inProgress", "completed"]
    assert store.outbox(position).position == position

    done(store, order(Suspend, "stop", at(1), reason="lost"))
    more = store.outbox(position).events
    assert [(e.event_type, e.order_type, e.state) for e in more] == [
        ("ProductOrderCreateEvent", "SUSPEND", "acknowledged"),
        ("ProductOrderStateChangeEvent", "SUSPEND", "inProgress"),
        ("ProductOrderStateChangeEvent", "SUSPEND", "completed"),
    ]
    assert {e.effective_at for e in more} == {at(1)}


def test_money_and_protections_are_facts_not_orders(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Charge, "bill", at(1), amount_fen=100, due_at=at(9)),
        order(Pay, "paid", at(2), amount_fen=100),
        order(
            Protect, "vip", at(3), party_ref="P1", scope="all", until=at(9), maker="a", checker="b"
        ),
        order(Terminate, "end", at(4)),
    )  # fmt: skip
    kinds = [event.event_type for event in store.outbox().events]
    assert kinds[3:6] == [
        "CustomerBillCreateEvent",
        "PaymentCreateEvent",
        "PartyProtectionCreateEvent",
    ]


def test_an_event_committed_late_is_not_lost() -> None:
    url = postgresql_url()
    slow = Database(url)
    with OrderStore.open(url) as store:
        done(store, opening(1))
        start = store.outbox().position
        with slow.engine.connect() as connection, connection.begin() as transaction:
            # Takes its sequence number now, commits after a faster writer.
            early = connection.execute(
                text(
                    "INSERT INTO order_event (event_type, order_type, order_id, state,"
                    " effective_at, recorded_at) SELECT 'slow', order_type, order_id, state,"
                    " effective_at, recorded_at FROM order_event LIMIT 1 RETURNING seq"
                )
            ).scalar_one()
            done(store, opening(2))
            meanwhile = store.outbox(start)
            assert meanwhile.events == (), "what a slower writer may still precede is not read"
            transaction.commit()
        after = store.outbox(meanwhile.position)
        assert after.events[0].seq == early
        assert len(after.events) == 4
        assert store.outbox(after.position).events == ()
    slow.close()


def test_a_night_waits_for_orders_on_their_way(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT_SECONDS", 0.2)
    writer = Database(url)
    with OrderStore.open(url) as store:
        with writer.writing() as connection:
            writer.lock(connection, "customers", ["orders:1"])
            with pytest.raises(Busy):
                store.settle()
        store.settle()
        done(store, opening(1))
    writer.close()


def test_a_position_can_be_kept_as_two_numbers(store: OrderStore) -> None:
    done(store, opening(1), opening(2))
    page = store.outbox(limit=2)
    again = Position(page.position.transaction, page.position.seq)
    assert len(store.outbox(again).events) == 4
