"""Orders that end otherwise than completed: nothing of them is left."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from mingdan.orders import model as m
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import ChangeNumber, SwapSim, TransferOwner
from mingdan.orders.lifecycle import notices
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import (
    COUNTER,
    REAL,
    at_once,
    cancel,
    complete,
    events,
    everything,
    pay,
    place,
    provision,
    refused,
    residue,
    rows,
    whole,
)
from tests.orders.support import at, iccid, imsi, msisdn, opening, order, person

STAGES = ["placed", "paid", "held", "asked", "provisioned", "assessed"]


def bring(desk: OrderDesk, ref: str, stage: str, when: datetime) -> None:
    """A placed order to a stage of its way."""
    view = desk.get(ref)
    if stage != "placed":
        pay(desk, view, when)
    if stage == "held":
        provision(desk, ref, when, "held")
    if stage == "asked":
        provision(desk, ref, when, "information_needed")
    if stage == "provisioned":
        provision(desk, ref, when)
    if stage == "assessed":
        desk.ask_cancellation(ref, "too slow", actor=COUNTER, at=when)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("late", [False, True], ids=["alive", "expired"])
def test_a_cancelled_order_leaves_nothing(
    desk: OrderDesk, store: OrderStore, stage: str, late: bool
) -> None:
    before = rows(store, *REAL)
    view = place(desk, opening(1), at())
    bring(desk, "open-1", stage, at(hours=1))
    view = cancel(desk, "open-1", at(3 if late else 0, hours=2))
    assert (view.state, view.product_status) == ("cancelled", "cancelled")
    assert view.given_back_fen == view.paid_fen == (0 if stage == "placed" else 1000)
    assert events(store, view.order_id)[-3:] == [
        "assessingCancellation", "pendingCancellation", "cancelled",
    ]  # fmt: skip
    assert rows(store, *REAL) == before
    assert residue(store) == {}
    found = rows(store, m.Msisdn, m.SimCard)
    assert "available" in found["msisdn"][0]
    assert "in_stock" in found["sim_card"][0]
    assert cancel(desk, "open-1", at(4)).repeated
    # And the same can be had again by anybody.
    other = opening(1, order_ref="again", subscription_ref="S9", party=person(9))
    assert whole(desk, other, at(4)).state == "completed"


def test_what_the_network_cannot_do_fails_without_residue(
    desk: OrderDesk, store: OrderStore
) -> None:
    for serial, before in ((1, "done"), (2, "held")):
        pay(desk, place(desk, opening(serial), at()), at())
        provision(desk, f"open-{serial}", at(), before)
        view = provision(desk, f"open-{serial}", at(9), "failed")
        assert (view.state, view.product_status) == ("failed", "aborted")
        assert view.given_back_fen == 1000
        assert view.reasons[-1] == "line down"
    assert residue(store) == {}
    assert rows(store, m.Subscription) == {"subscription": []}
    assert refused(desk.cancel, "open-1", "no", actor=COUNTER, at=at(9)) == "order_state"


@pytest.mark.parametrize(
    "values",
    [
        (ChangeNumber, {"msisdn": msisdn(70)}),
        (SwapSim, {"imsi": imsi(70), "iccid": iccid(70), "reason": "swap"}),
        (TransferOwner, {"party": person(70)}),
    ],
)
def test_a_change_cancelled_changes_nothing(
    desk: OrderDesk, store: OrderStore, values: tuple[Any, dict[str, Any]]
) -> None:
    at_once(desk, opening(1), at(), 1000)
    before = rows(store, *REAL)
    pay(desk, place(desk, order(values[0], "x", at(), **values[1]), at(1)), at(1))
    cancel(desk, "x", at(2))
    assert rows(store, *REAL) == before
    assert residue(store) == {}
    assert whole(desk, order(values[0], "y", at(), **values[1]), at(3)).state == "completed"


def test_a_cancellation_asked_for_stops_the_order_until_it_is_decided(desk: OrderDesk) -> None:
    pay(desk, place(desk, opening(1), at()), at())
    provision(desk, "open-1", at())
    asked = desk.ask_cancellation("open-1", "too slow", actor=COUNTER, at=at())
    assert asked.state == "assessingCancellation"
    assert desk.ask_cancellation("open-1", "again", actor=COUNTER, at=at()).repeated
    for outcome in ("done", "held", "failed"):
        assert refused(provision, desk, "open-1", at(), outcome) == "order_state"
    assert refused(complete, desk, "open-1", at()) == "order_state"
    view = desk.deny_cancellation("open-1", "nearly done", actor=COUNTER, at=at())
    assert (view.state, view.reasons) == ("inProgress", ("too slow", "nearly done"))
    assert complete(desk, "open-1", at()).state == "completed"


def test_dead_orders_are_cleaned_up_and_counted_by_the_clock_before(
    desk: OrderDesk, store: OrderStore
) -> None:
    for serial in (1, 2, 3, 4, 5):
        place(desk, opening(serial, party=person(1)), at())
    pay(desk, desk.get("open-1"), at())
    sixth = opening(6, party=person(1))
    assert refused(place, desk, sixth, at(1, hours=-1)) == "cap_reached"
    # Dead at their instant, though nobody swept them: their numbers and places are free.
    reused = opening(6, party=person(1), msisdn=msisdn(2), imsi=imsi(2), iccid=iccid(2))
    assert whole(desk, reused, at(1)).state == "completed"
    assert desk.expire(actor=SYSTEM, at=at(1)) == 5
    assert desk.expire(actor=SYSTEM, at=at(1)) == 0
    assert [desk.get(f"open-{n}").state for n in (1, 2, 6)] == [
        "cancelled", "cancelled", "completed",
    ]  # fmt: skip
    assert desk.get("open-1").given_back_fen == 1000
    assert residue(store) == {}
    assert store.subscription_key(msisdn(2)) == 1, "sweeping takes nothing from who has it now"


def test_completion_checks_everything_again(desk: OrderDesk, store: OrderStore) -> None:
    pay(desk, place(desk, opening(1), at()), at())
    provision(desk, "open-1", at())
    with store.database.writing() as connection:
        connection.execute(update(m.Msisdn).values(state="blocked"))
    before = everything(store)
    assert refused(complete, desk, "open-1", at(hours=1)) == "number_unavailable"
    assert everything(store) == before
    assert cancel(desk, "open-1", at(hours=2)).given_back_fen == 1000


def test_a_crash_in_the_middle_of_completion_is_no_completion(
    desk: OrderDesk, store: OrderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay(desk, place(desk, opening(1), at()), at())
    provision(desk, "open-1", at())
    before = everything(store)

    def crash(*_: Any) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(notices, "write", crash)
        with pytest.raises(OSError, match="power cut"):
            complete(desk, "open-1", at(hours=1))
    assert everything(store) == before
    assert complete(desk, "open-1", at(hours=1)).state == "completed"
