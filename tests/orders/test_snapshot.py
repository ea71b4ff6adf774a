"""The night's step: the lake's tables, their columns, windows and bytes."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from mingdan.calendar import day_start, known_at, naive_utc
from mingdan.identifiers import pseudonym
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.orders import tables
from mingdan.orders.commands import ChangeNumber, Protect, Suspend, Terminate
from mingdan.orders.snapshot import snapshot
from mingdan.orders.store import OrderStore
from tests.orders.support import PEPPER, at, done, msisdn, opening, order, resident_id

DAY = date(2026, 10, 4)


def test_frames_have_the_lake_tables_columns(store: OrderStore) -> None:
    for commands in ([], [opening(1), order(Suspend, "s", at(1), reason="lost"),
                          order(Protect, "p", at(1), party_ref="P1", scope="all", until=at(9),
                                maker="a", checker=None)]):  # fmt: skip
        done(store, *commands)
        frames = {
            tables.ORDER_EVENTS: store.order_events(at(-1), at(9)),
            tables.NUMBER_HOLDINGS: store.number_holdings(at(9)),
            tables.SUBSCRIPTION_HOLDINGS: store.subscription_holdings(at(9)),
            tables.SUBSCRIPTIONS: store.subscriptions(at(9), DAY, pepper=PEPPER),
            tables.PROTECTIONS: store.protections(at(9)),
            tables.APPEALS: store.appeals(at(9)),
        }
        for table, frame in frames.items():
            assert dict(frame.schema) == Lake.schema(table), table.name
            if table is not tables.APPEALS:  # nobody appeals by an order
                assert frame.is_empty() == (not commands), table.name


def test_a_subscription_row_says_all_that_labels_need(store: OrderStore) -> None:
    applied = done(store, opening(1, product_code="PREPAID"), opening(2))
    row = store.subscriptions(known_at(DAY), DAY, pepper=PEPPER).row(0, named=True)
    assert row == {
        "subscription_id": applied.subscription_ids["S1"],
        "external_id": "S1",
        "party_id": applied.party_ids["P1"],
        "party_type": "individual",
        "sender_kind": "person",
        "product_code": "PREPAID",
        "payment_kind": "prepaid",
        "status": "active",
        "suspend_reasons": "",
        "activated_at": naive_utc(at()),
        "terminated_at": None,
        "arrears_fen": 0,
        "arrears_days": 0,
        "document_id": pseudonym(PEPPER, "document", f"resident_id:{resident_id(1)}"),
        "party_cards": 1,
    }


def test_a_night_holds_the_events_recorded_since_the_one_before(store: OrderStore) -> None:
    edge = known_at(DAY)
    done(store, opening(1, when=at()))
    late = [
        order(
            ChangeNumber, f"n{n}", edge - timedelta(hours=9), msisdn=msisdn(20 + n), recorded_at=r
        )
        for n, r in enumerate((edge, edge + timedelta(microseconds=1)))
    ]
    done(store, *late)
    before, tonight, next_night = (
        store.order_events(known_at(DAY + timedelta(days=n - 1)), known_at(DAY + timedelta(days=n)))
        for n in (-1, 0, 1)
    )
    assert before.height == 0
    assert tonight["recorded_at"].unique().to_list() == [naive_utc(edge)]
    assert next_night.height == 3


def test_the_same_night_gives_the_same_bytes_whatever_came_later(night: Night) -> None:
    store = night.orders
    done(store, opening(1), opening(2), order(Terminate, "end", at(1), subscription_ref="S2"))
    first = snapshot(night, DAY)
    assert first.facts["subscriptions in service"] == 1
    assert {part.table for part in first.partitions} == {table.name for table in tables.TABLES}

    done(
        store,
        opening(3, when=at(20)),
        order(ChangeNumber, "late", at(2), recorded_at=at(20), msisdn=msisdn(9)),
    )
    second = snapshot(night, DAY)
    assert [p.digest for p in second.partitions] == [p.digest for p in first.partitions]


def test_what_ended_long_ago_is_left_out(night: Night) -> None:
    store = night.orders
    done(
        store,
        opening(1),
        opening(2),
        opening(3),
        order(Terminate, "end 1", at(1), subscription_ref="S1"),
        order(Terminate, "end 2", at(30), subscription_ref="S2"),
    )
    day = date(2026, 11, 30)
    snapshot(night, day)
    kept = night.lake.scan(tables.SUBSCRIPTIONS, [day]).collect()
    numbers = night.lake.scan(tables.NUMBER_HOLDINGS, [day]).collect()
    assert kept["external_id"].to_list() == ["S2", "S3"]
    assert set(numbers["subscription_id"]) == set(kept["subscription_id"])
    holders = night.lake.scan(tables.SUBSCRIPTION_HOLDINGS, [day]).collect()
    assert set(holders["subscription_id"]) == set(kept["subscription_id"])
    assert numbers["key"].dtype == pl.Int64


def test_days_are_those_of_shanghai(store: OrderStore) -> None:
    done(
        store,
        opening(1, when=day_start(DAY) - timedelta(microseconds=1)),
        opening(2, when=day_start(DAY)),
    )
    before = DAY - timedelta(days=1)
    frame = store.subscriptions(known_at(before), before, pepper=PEPPER)
    assert frame["external_id"].to_list() == ["S1"]
