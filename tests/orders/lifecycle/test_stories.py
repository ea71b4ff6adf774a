"""Each business from acceptance to completion, and what everyone sees on the way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from mingdan.orders import model as m
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import (
    AnyCommand,
    ChangeNumber,
    Charge,
    Open,
    Pay,
    Protect,
    Resume,
    Suspend,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.kinds import kind
from mingdan.orders.lifecycle.model import Archive, Notice, StagedOrder
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.stock import reservations
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.lifecycle.ways import (
    COUNTER,
    REAL,
    at_once,
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
from tests.orders.support import (
    at,
    done,
    iccid,
    imsi,
    msisdn,
    named,
    opening,
    order,
    person,
    refusal,
    resident_id,
)

NEW_SIM = {"imsi": imsi(70), "iccid": iccid(70)}
STORIES: list[tuple[AnyCommand, list[str]]] = [
    (order(ChangeNumber, "x", at(), msisdn=msisdn(70)), ["number_changed"]),
    (order(SwapSim, "x", at(), **NEW_SIM, reason="swap"), ["sim_changed"]),
    (order(SwapSim, "x", at(), **NEW_SIM, reason="replace"), ["sim_replaced"]),
    (order(TransferOwner, "x", at(), party=person(70)), ["owner_changed"]),
    (order(Suspend, "x", at(), reason="lost"), ["suspended"]),
    (order(Resume, "x", at(), reason="customer_request"), ["resumed"]),
    (order(Terminate, "x", at()), ["terminated"]),
]


def opened(desk: OrderDesk) -> None:
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, order(Suspend, "s", at(), reason="customer_request"), at(1))


def test_an_opening_is_staged_until_it_is_completed(desk: OrderDesk, store: OrderStore) -> None:
    before = rows(store, *REAL)
    view = place(desk, opening(1), at())
    assert (view.state, view.product_status, view.due_fen) == ("pending", "created", 1000)
    assert [charge.code for charge in view.charges] == ["sim_fee"]
    assert view.reserved_until == at(1)
    assert view.subscription_id is None
    view = pay(desk, view, at(hours=1))
    assert (view.state, view.paid_fen) == ("inProgress", 1000)
    assert view.receipt is not None
    assert provision(desk, "open-1", at(hours=2)).product_status == "pendingActive"
    assert rows(store, *REAL) == before, "nothing is real before completion"
    view = complete(desk, "open-1", at(hours=3))
    assert (view.state, view.product_status, view.subscription_id) == ("completed", "active", 1)
    assert events(store, view.order_id) == ["acknowledged", "pending", "inProgress", "completed"]
    assert store.subscription_key(msisdn(1)) == 1
    [subscription] = rows(store, m.Subscription)["subscription"]
    assert at(hours=3) in subscription
    [number] = rows(store, m.Msisdn)["msisdn"]
    assert "in_service" in number
    assert residue(store) == {}


def test_an_opening_at_once_is_one_transaction_with_the_same_result(
    desk: OrderDesk, store: OrderStore
) -> None:
    view = at_once(desk, opening(1), at(), 1000)
    assert (view.state, view.paid_fen, view.subscription_id) == ("completed", 1000, 1)
    assert events(store, view.order_id) == ["acknowledged", "inProgress", "completed"]
    assert rows(store, StagedOrder) == {"staged_order": []}
    stored = desk.get("open-1")
    assert stored == desk.get("open-1")
    assert (stored.receipt, stored.charges, stored.due_fen) == (view.receipt, view.charges, 1000)
    assert [each.text for each in desk.notices("open-1")] == [
        "欢迎使用后付费套餐！您的号码138******01已于2026-10-01 09:00开通。"
    ]


@pytest.mark.parametrize(("command", "notices"), STORIES)
def test_every_business_goes_through_every_stage(
    desk: OrderDesk, store: OrderStore, command: AnyCommand, notices: list[str]
) -> None:
    opened(desk)
    before = rows(store, *REAL)
    pay(desk, place(desk, command, at(2)), at(2))
    assert rows(store, *REAL) == before
    if kind(desk.get("x").order_type).provisioning:
        assert refused(complete, desk, "x", at(2)) == "order_not_provisioned"
        provision(desk, "x", at(2, hours=1))
    view = complete(desk, "x", at(2, hours=2))
    assert view.state == "completed"
    assert rows(store, *REAL) != before
    assert [each.template for each in desk.notices("x")] == notices
    assert residue(store) == {}
    again = complete(desk, "x", at(2, hours=3))
    assert again.repeated
    assert again.completed_at == view.completed_at


@pytest.mark.parametrize(
    "command",
    [
        order(Charge, "x", at(), amount_fen=500, due_at=at(9)),
        order(Pay, "x", at(), amount_fen=500),
        order(Protect, "x", at(), party_ref="P1", scope="all", until=at(99), maker="a",
              checker="b"),
    ],
)  # fmt: skip
def test_facts_wait_for_nothing(desk: OrderDesk, command: AnyCommand) -> None:
    opened(desk)
    assert desk.place(command, actor=SYSTEM, at=at(2)).state == "completed"
    assert desk.place(command, actor=SYSTEM, at=at(3)).repeated


def test_the_way_of_every_order_type_is_known() -> None:
    known = {row["code"] for row in load.rows("order_type")}
    assert {row["order_type"] for row in load.rows("order_lifecycle")} <= known
    assert {row["order_type"] for row in load.rows("notice_template")} <= known


def test_free_orders_wait_for_no_payment(desk: OrderDesk) -> None:
    view = place(desk, opening(1, product_code="POSTPAID_5G"), at())
    assert (view.state, view.due_fen) == ("inProgress", 0)


def test_an_advance_stays_on_the_account_and_a_fee_does_not(
    desk: OrderDesk, store: OrderStore
) -> None:
    at_once(desk, opening(1, product_code="PREPAID"), at(), 6000)
    found = rows(store, m.CustomerBill, m.Payment)
    assert [row[3] for row in found["customer_bill"]] == [1000]
    assert [row[3] for row in found["payment"]] == [6000]


def test_an_order_that_costs_more_than_was_handed_over_waits(desk: OrderDesk) -> None:
    money = Money(amount_fen=400, correlator="c")
    view = desk.run(opening(1), actor=COUNTER, at=at(), payment=money)
    assert (view.state, view.paid_fen) == ("pending", 400)
    assert desk.run(opening(2), actor=COUNTER, at=at()).state == "pending"


def test_the_archive_keeps_what_was_accepted_without_who_it_was(
    desk: OrderDesk, store: OrderStore
) -> None:
    view = whole(desk, opening(1), at())
    with store.database.reading() as connection:
        kept = connection.execute(select(Archive)).mappings().one()
    [archive] = [dict(kept)]
    assert archive["accepted_by"] == archive["completed_by"] == str(COUNTER)
    assert archive["receipt"] == view.receipt
    text = repr(archive["request"])
    for secret in (resident_id(1), named(1), msisdn(1), imsi(1), iccid(1)):
        assert secret not in text
    assert archive["request"]["product_code"] == "POSTPAID"


def test_notices_are_given_out_once_and_in_clear(desk: OrderDesk, store: OrderStore) -> None:
    whole(desk, opening(1), at())
    [notice] = desk.take_notices(actor=SYSTEM, at=at(1))
    assert notice.recipient == msisdn(1)
    assert msisdn(1)[2:] in notice.text
    assert desk.take_notices(actor=SYSTEM, at=at(1)) == []
    [shown] = desk.notices("open-1")
    assert msisdn(1)[2:] not in shown.text + shown.recipient
    [row] = rows(store, Notice)["notice"]
    assert at(1) in row


def test_provisioning_may_be_held_solved_and_ask_for_more(
    desk: OrderDesk, store: OrderStore
) -> None:
    view = pay(desk, place(desk, opening(1), at()), at())
    assert provision(desk, "open-1", at(), "held").state == "held"
    assert refused(complete, desk, "open-1", at()) == "order_state"
    assert provision(desk, "open-1", at(), "solved").state == "inProgress"
    assert provision(desk, "open-1", at(), "information_needed").state == "pending"
    assert provision(desk, "open-1", at(), "information_received").state == "inProgress"
    provision(desk, "open-1", at())
    assert provision(desk, "open-1", at()).repeated
    view = complete(desk, "open-1", at())
    assert view.reasons == ("line down", "line down")
    assert events(store, view.order_id) == [
        "acknowledged", "pending", "inProgress", "held", "inProgress", "pending", "inProgress",
        "completed",
    ]  # fmt: skip


def test_a_request_made_again_is_answered_as_it_stands(desk: OrderDesk, store: OrderStore) -> None:
    first = place(desk, opening(1), at(), idempotency_key="k")
    before = everything(store)
    for command in (opening(1), opening(1, order_ref="another")):
        again = place(desk, command, at(hours=1), idempotency_key="k")
        assert again.repeated
        assert again.order_ref == first.order_ref
    assert place(desk, opening(1), at(hours=1)).repeated
    assert everything(store) == before
    pay(desk, first, at())
    before = everything(store)
    assert pay(desk, first, at(hours=2)).repeated
    assert everything(store) == before
    whole_ = provision(desk, "open-1", at()), complete(desk, "open-1", at())
    assert whole_[1].state == "completed"
    assert place(desk, opening(1), at(9), idempotency_key="k").state == "completed"
    found = desk.get(idempotency_key="k", interface_no="counter")
    assert found.order_ref == "open-1"
    assert refused(desk.get, idempotency_key="k", interface_no="hotline") == "unknown_order", (
        "another interface has keys of its own"
    )


def test_a_key_is_known_after_the_fast_path_too(desk: OrderDesk) -> None:
    money = Money(amount_fen=1000, correlator="c")
    first = desk.run(opening(1), actor=COUNTER, at=at(), idempotency_key="k", payment=money)
    again = desk.run(opening(1), actor=COUNTER, at=at(1), idempotency_key="k", payment=money)
    assert again.repeated
    assert again.order_id == first.order_id
    code = refused(desk.run, opening(2), actor=COUNTER, at=at(1), idempotency_key="k")
    assert code == "idempotency_key_reused"


def test_the_bulk_engine_respects_orders_on_their_way(desk: OrderDesk, store: OrderStore) -> None:
    place(desk, opening(1), at())
    other = opening(2, when=at(hours=1), msisdn=msisdn(1))
    sim = opening(3, when=at(hours=1), imsi=imsi(1), iccid=iccid(1))
    applied = store.apply([other, sim, opening(1)])
    codes = {each.order_ref: each.code for each in applied.refused}
    assert codes == {
        "open-1": "order_not_completed",
        "open-2": "number_reserved",
        "open-3": "sim_unavailable",
    }
    # Past its time the reservation is dead, though nobody swept it.
    done(store, opening(2, when=at(1, hours=1), msisdn=msisdn(1)))
    pay_code = refused(desk.pay, "open-1", 1000, "late", COUNTER, at(1, hours=2))
    assert pay_code == "order_expired"


def test_bulk_orders_can_be_asked_for_and_not_changed(desk: OrderDesk, store: OrderStore) -> None:
    done(store, opening(1))
    assert desk.get("open-1").state == "completed"
    assert place(desk, opening(1), at(1)).repeated
    assert refused(desk.cancel, "open-1", "no", actor=COUNTER, at=at(1)) == "order_state"


def test_what_has_a_way_back_is_taken_back_once(desk: OrderDesk, store: OrderStore) -> None:
    opened(desk)
    at_once(desk, order(TransferOwner, "t", at(), party=person(2)), at(2))
    for ref, back in (("s", "RESUME"), ("t", "TRANSFER_OWNER")):
        if ref == "s":
            assert refused(desk.reverse, ref, "b", actor=COUNTER, at=at(2)) == "reversal_too_late"
            continue
        view = desk.reverse(ref, f"back-{ref}", actor=COUNTER, at=at(2, hours=1))
        assert (view.order_type, view.state) == (back, "completed")
        assert desk.reverse(ref, f"back-{ref}", actor=COUNTER, at=at(2, hours=2)).repeated
        code = refused(desk.reverse, ref, "other", actor=COUNTER, at=at(2, hours=2))
        assert code == "already_reversed"
    owners = store.subscription_holdings(at(9)).sort("valid_from")
    assert owners["party_id"].to_list() == [1, 2, 1]
    lifted = at_once(desk, order(Resume, "r", at(), reason="customer_request"), at(3))
    assert lifted.state == "completed"
    assert desk.reverse("r", "back-r", actor=COUNTER, at=at(3)).order_type == "SUSPEND"
    assert refused(desk.reverse, "open-1", "b2", actor=COUNTER, at=at(0)) == "later_order"


def test_a_transfer_is_not_taken_back_over_a_later_one(desk: OrderDesk) -> None:
    opened(desk)
    at_once(desk, order(TransferOwner, "t", at(), party=person(2)), at(2))
    at_once(desk, order(TransferOwner, "u", at(), party=person(3)), at(2, hours=1))
    code = refused(desk.reverse, "t", "b", actor=COUNTER, at=at(2, hours=2))
    assert code == "later_order"


def test_a_number_changes_hands_only_with_both_there(desk: OrderDesk, store: OrderStore) -> None:
    opened(desk)
    asked = {"party": person(2), "holder_document": resident_id(3)}
    before = rows(store, *REAL)
    for command in (
        order(TransferOwner, "t", at(), party=person(2)),
        order(TransferOwner, "t", at(), **asked),
    ):
        code = refused(desk.place, command, actor=COUNTER, at=at(2))
        assert code == "holder_not_verified"
    assert rows(store, *REAL) == before
    # The old document of 15 digits is the same one.
    short = resident_id(1)[:6] + resident_id(1)[8:17]
    shown = order(TransferOwner, "t", at(), party=person(2), holder_document=short)
    assert desk.run(shown, actor=COUNTER, at=at(2)).state == "completed"
    with store.database.reading() as connection:
        asked_for = select(Archive.request).where(Archive.command == "transfer_owner")
        kept = connection.execute(asked_for).scalar_one()
    assert set(kept["holder_document"][:-2]) == {"*"}
    # In bulk it is as another system says; what is given must be right.
    done(store, order(TransferOwner, "u", at(3), party=person(4)))
    wrong = order(TransferOwner, "v", at(4), party=person(5), holder_document=resident_id(1))
    assert refusal(store, wrong) == "holder_not_verified"


def test_a_clock_that_lags_takes_no_step_before_the_last(desk: OrderDesk) -> None:
    view = pay(desk, place(desk, opening(1), at()), at(hours=-1))
    provision(desk, "open-1", at(hours=1))
    assert complete(desk, "open-1", at(hours=-5)).completed_at == at(hours=1)
    assert view.placed_at == at()


def test_what_was_entered_may_be_anything_a_person_is_called(desk: OrderDesk) -> None:
    odd: dict[str, Any] = {"name": "Anne-Marie O'Neill", "contact": "'; DROP TABLE party;-- 𠮷"}
    command: Open = opening(1, party=person(1, **odd))
    assert whole(desk, command, at()).state == "completed"


def held_before(store: OrderStore, number: str) -> int:
    with store.database.writing() as connection:
        return reservations.reserve(
            Journal(connection, at(), "test"), at=at(), until=at(hours=1), number=number,
            iccid=None, order_id=None, reserved_for="a customer at the window",
        )  # fmt: skip


@pytest.mark.parametrize("fen", [0, 1000])
def test_an_order_takes_over_what_was_held_before(
    desk: OrderDesk, store: OrderStore, fen: int
) -> None:
    held, late = held_before(store, msisdn(1)), held_before(store, msisdn(2))
    assert refused(place, desk, opening(1), at()) == "number_reserved"
    money = Money(amount_fen=fen, correlator="c") if fen else None
    view = desk.run(opening(1), actor=COUNTER, at=at(), payment=money, reservation=held)
    assert view.state == ("completed" if fen else "pending")
    assert place(desk, opening(1), at(), reservation=held).repeated
    other = opening(3, msisdn=msisdn(2))
    assert refused(place, desk, other, at(), reservation=held) == "reservation_ended"
    assert refused(place, desk, other, at(hours=1), reservation=late) == "reservation_ended"
    assert refused(place, desk, other, at(), reservation=99) == "unknown_reservation"
    if not fen:
        # What an order holds is nobody else's to take over.
        assert refused(place, desk, other, at(), reservation=late + 1) == "unknown_reservation"
    assert place(desk, other, at(), reservation=late).state == "pending"
    assert residue(store) == {}
