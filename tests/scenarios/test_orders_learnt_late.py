"""Orders the store learns of late: they change what is known from then on, never before."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from sqlalchemy import select

from mingdan.calendar import known_at, naive_utc
from mingdan.orders.commands import (
    AnyCommand,
    ChangeNumber,
    Resume,
    Suspend,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.orders.model import Msisdn
from mingdan.orders.store import OrderStore
from tests.orders.support import (
    PEPPER,
    at,
    done,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    refusal,
    store,
    url,
    young,
)

__all__ = ["store", "url"]
Interval = tuple[datetime, datetime | None]


def numbers(store: OrderStore, known: datetime) -> dict[int, Interval]:
    frame = store.number_holdings(known).filter(pl.col("key_kind") == "msisdn")
    return {
        row[0]: (row[1], row[2]) for row in frame.select("key", "valid_from", "valid_to").rows()
    }


def test_a_number_change_learnt_late_splits_the_past(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(ChangeNumber, "second", at(10), msisdn=msisdn(30)),
        order(ChangeNumber, "late", at(5), recorded_at=at(12), msisdn=msisdn(20)),
    )
    first, between, last = int(msisdn(1)), int(msisdn(20)), int(msisdn(30))
    assert numbers(store, at(11)) == {
        first: (naive_utc(at()), naive_utc(at(10))),
        last: (naive_utc(at(10)), None),
    }
    assert numbers(store, at(12)) == {
        first: (naive_utc(at()), naive_utc(at(5))),
        between: (naive_utc(at(5)), naive_utc(at(10))),
        last: (naive_utc(at(10)), None),
    }
    # It rests from when the next number took its place.
    assert refusal(store, opening(2, when=at(99), msisdn=msisdn(20))) == "number_ageing"
    done(store, opening(3, when=at(100), msisdn=msisdn(20)))


def test_a_sim_swap_learnt_late_leaves_the_present_sim_in_use(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(SwapSim, "second", at(10), imsi=imsi(30), iccid=iccid(30), reason="swap"),
        order(SwapSim, "late", at(5), recorded_at=at(12), imsi=imsi(20), iccid=iccid(20),
              reason="replace"),
    )  # fmt: skip
    frame = store.number_holdings(at(20)).filter(pl.col("key_kind") == "imsi")
    assert frame.select("key", "valid_from", "valid_to").rows() == [
        (int(imsi(1)), naive_utc(at()), naive_utc(at(5))),
        (int(imsi(20)), naive_utc(at(5)), naive_utc(at(10))),
        (int(imsi(30)), naive_utc(at(10)), None),
    ]
    spent = opening(2, when=at(20), imsi=imsi(20), iccid=iccid(20))
    assert refusal(store, spent) == "sim_unavailable"
    taken = opening(2, when=at(20), imsi=imsi(30), iccid=iccid(30))
    assert refusal(store, taken) == "sim_in_use"


def test_an_opening_learnt_late_was_unknown_that_night(store: OrderStore) -> None:
    done(store, opening(1, recorded_at=at(2)))
    night = date(2026, 10, 1)
    assert store.subscriptions(known_at(night), night, pepper=PEPPER).height == 0
    assert store.number_holdings(known_at(night)).height == 0
    later = store.subscriptions(at(3), night, pepper=PEPPER)
    assert later["external_id"].to_list() == ["S1"]


def test_a_termination_learnt_late_frees_the_number_from_its_day(store: OrderStore) -> None:
    done(store, opening(1), order(Terminate, "end", at(3), recorded_at=at(8)))
    day = date(2026, 10, 6)
    known_then = store.subscriptions(known_at(day), day, pepper=PEPPER)
    known_now = store.subscriptions(at(8), day, pepper=PEPPER)
    assert known_then["status"].to_list() == ["active"]
    assert known_now["status"].to_list() == ["terminated"]
    assert known_now["terminated_at"].to_list() == [naive_utc(at(3))]
    assert refusal(store, opening(2, when=at(92), msisdn=msisdn(1))) == "number_ageing"
    done(store, opening(2, when=at(93), msisdn=msisdn(1)))


def test_a_transfer_learnt_late_names_the_holder_of_the_time(store: OrderStore) -> None:
    applied = done(
        store,
        opening(1),
        order(TransferOwner, "second", at(10), party=person(3)),
        order(TransferOwner, "late", at(5), recorded_at=at(12), party=person(2)),
    )
    parties = applied.party_ids
    frame = store.subscription_holdings(at(20))
    assert frame.select("party_id", "valid_from", "valid_to").rows() == [
        (parties["P1"], naive_utc(at()), naive_utc(at(5))),
        (parties["P2"], naive_utc(at(5)), naive_utc(at(10))),
        (parties["P3"], naive_utc(at(10)), None),
    ]


def test_a_resumption_learnt_late_shortens_the_block(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Suspend, "stop", at(2), reason="customer_request"),
        order(Resume, "go", at(4), recorded_at=at(9), reason="customer_request"),
    )
    day = date(2026, 10, 6)
    then = store.subscriptions(known_at(day), day, pepper=PEPPER)
    now = store.subscriptions(at(9), day, pepper=PEPPER)
    assert (then["status"][0], now["status"][0]) == ("suspended", "active")


@pytest.mark.parametrize(
    "later",
    [
        order(ChangeNumber, "later", at(10), msisdn=msisdn(30)),
        order(TransferOwner, "later", at(10), party=person(2)),
        order(Suspend, "later", at(10), reason="fraud"),
    ],
)
def test_an_end_before_a_later_change_is_refused(store: OrderStore, later: AnyCommand) -> None:
    done(store, opening(1), later)
    assert refusal(store, order(Terminate, "end", at(5), recorded_at=at(12))) == "later_order"
    done(store, order(Terminate, "end then", at(11), recorded_at=at(12)))


def test_the_number_of_another_at_the_time_is_refused_however_late(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        opening(2),
        order(ChangeNumber, "gives up", at(20), subscription_ref="S2", msisdn=msisdn(40)),
    )
    late = order(ChangeNumber, "late", at(10), recorded_at=at(300), msisdn=msisdn(2))
    assert refusal(store, late) == "number_in_use"


def test_a_late_order_of_a_former_holder_leaves_the_present_one_alone(url: str) -> None:
    with OrderStore.open(url, policy=young(0)) as store:
        done(store, opening(1), order(Terminate, "end", at(10)))
        second = done(store, opening(2, when=at(20), msisdn=msisdn(1))).subscription_ids["S2"]
        late = order(ChangeNumber, "late", at(5), recorded_at=at(30), msisdn=msisdn(60))
        done(store, late)
        assert refusal(store, opening(3, when=at(40), msisdn=msisdn(1))) == "number_in_use"
        assert number_state(store, msisdn(1)) == ("in_service", second)
        assert number_state(store, msisdn(60)) == ("aging", None)


def number_state(store: OrderStore, number: str) -> tuple[str, int | None]:
    with store._database.reading() as connection:
        row = connection.execute(
            select(Msisdn.state, Msisdn.subscription_id).where(Msisdn.number == number)
        ).one()
        return (row[0], row[1])


def test_nothing_takes_effect_before_it_is_recorded(store: OrderStore) -> None:
    early = opening(1, when=at(5), recorded_at=at(4))
    assert refusal(store, early) == "future_effect"


def test_a_lagging_clock_never_records_before_what_is_on_record(store: OrderStore) -> None:
    done(
        store, opening(1), order(ChangeNumber, "late", at(1), recorded_at=at(9), msisdn=msisdn(20))
    )
    done(store, order(Terminate, "end", at(5), recorded_at=at(5)))
    known = numbers(store, at(8))
    assert known == {int(msisdn(1)): (naive_utc(at()), None)}, "unknown until at(9)"
    assert numbers(store, at(9))[int(msisdn(20))] == (naive_utc(at(1)), naive_utc(at(5)))


def test_commands_are_carried_out_as_they_are_learnt_not_as_they_are_handed_in(
    store: OrderStore,
) -> None:
    stop = order(Suspend, "stop", at(3), reason="lost")
    applied = store.apply([opening(1, recorded_at=at(6)), stop])
    assert [each.code for each in applied.refused] == ["unknown_subscription"]
