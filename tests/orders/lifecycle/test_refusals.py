"""Every reason the order desk refuses for: given, worded, and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mingdan.orders.access.actor import SYSTEM, Actor
from mingdan.orders.commands import (
    ChangeNumber,
    Charge,
    Resume,
    Suspend,
    TopUp,
    TransferOwner,
)
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.restrictions import Restriction
from mingdan.orders.stock import reservations
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import (
    COUNTER,
    at_once,
    cancel,
    complete,
    everything,
    pay,
    place,
    provision,
    refused,
)
from tests.orders.stock.support import table, taken
from tests.orders.support import (
    at,
    done,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    resident_id,
)

Call = Callable[[OrderDesk], Any]


def asked(serial: int, when: datetime | None = None, **values: Any) -> Call:
    command = opening(serial, order_ref=f"x{serial}", **values)
    return lambda desk: place(desk, command, when or at(5))


def change(ref: str, **values: Any) -> Call:
    command = order(ChangeNumber, "x", at(), **({"msisdn": msisdn(70)} | values))
    return lambda desk: place(desk, replace(command, order_ref=ref), at(5))


CASES: list[tuple[str, Call]] = [
    ("invalid_value", asked(9, party=person(9, name="张" * 201))),
    ("invalid_value", asked(9, party=person(9, name="a\x00b"))),
    ("name_unacceptable", asked(9, party=person(9, name="⽂明"))),
    ("name_unacceptable", asked(9, party=person(9, name="张" * 101))),
    ("name_unacceptable", lambda d: place(
        d, order(TransferOwner, "x", at(), party=person(9, name="阿卜杜拉•买买提")), at(5))),
    ("invalid_value", asked(9, msisdn="'; DROP TABLE msisdn; --" * 20)),
    ("number_invalid", asked(9, msisdn="'; DROP TABLE msisdn; --")),
    ("number_invalid", asked(9, msisdn="95555")),
    ("prefix_of_other", asked(9, msisdn="8613300000009")),
    ("prefix_of_other", asked(9, product_code="SP_PORT", msisdn="106550001")),
    ("prefix_of_other", change("x", msisdn="+86 133-0000-0009")),
    ("invalid_value", asked(9, iccid="8986'00")),
    ("invalid_value", asked(9, subscription_ref="")),
    ("invalid_value", lambda d: place(d, opening(9), datetime(2026, 10, 1))),  # noqa: DTZ001
    ("invalid_value", lambda d: place(d, opening(9), at(5), idempotency_key="")),
    ("invalid_value", lambda d: place(d, opening(9, order_ref="\n"), at(5))),
    ("unknown_product", asked(9, product_code="FREE' OR '1'='1")),
    ("unknown_business", lambda d: place(
        d, order(TopUp, "x", at(), amount_fen=1, voucher="1"), at(5))),
    ("document_invalid", asked(9, party=person(9, document_number=resident_id(9)[:-1] + "A"))),
    ("document_invalid", asked(9, party=person(9, document_number=resident_id(9)[:-1] + "х"))),
    ("party_mismatch", asked(9, party=person(9, party_ref="P1"))),
    ("number_in_use", asked(9, msisdn=msisdn(1))),
    ("number_reserved", asked(9, msisdn=msisdn(2))),
    ("number_reserved", asked(9, msisdn=msisdn(8))),
    ("number_reserved", change("x", msisdn=msisdn(2))),
    ("number_unchanged", change("x", msisdn=msisdn(1))),
    ("sim_in_use", asked(9, imsi=imsi(1), iccid=iccid(1))),
    ("sim_unavailable", asked(9, imsi=imsi(2), iccid=iccid(2))),
    ("sim_mismatch", asked(9, imsi=imsi(77), iccid=iccid(2))),
    ("subscription_exists", asked(9, subscription_ref="S1")),
    ("order_in_transit", asked(9, subscription_ref="S2")),
    ("party_restricted", asked(9, party=person(3))),
    ("party_restricted", lambda d: place(
        d, order(TransferOwner, "x", at(), party=person(3)), at(5))),
    ("cap_reached", asked(9, party=person(1))),
    ("cap_reached", lambda d: at_once(d, opening(9, party=person(1)), at(5), 1000)),
    ("cap_reached", lambda d: place(
        d, order(TransferOwner, "x", at(), party=person(1), subscription_ref="S3"), at(5))),
    ("credit_arrears", asked(9, party=person(4))),
    ("credit_blocked", asked(9, party=person(5))),
    ("credit_blocked", lambda d: place(
        d, order(TransferOwner, "x", at(), party=person(5)), at(5))),
    ("unknown_subscription", lambda d: place(
        d, order(Suspend, "x", at(), subscription_ref="S77", reason="lost"), at(5))),
    ("order_ref_reused", lambda d: place(d, opening(9, order_ref="open-2"), at(5))),
    ("idempotency_key_reused", lambda d: place(d, opening(9), at(5), idempotency_key="k2")),
    ("unknown_order", lambda d: pay_(d, "none", 1)),
    ("unknown_order", lambda d: complete(d, "none", at(5))),
    ("unknown_order", lambda d: d.get("'; DROP TABLE product_order; --")),
    ("unknown_order", lambda d: d.get()),
    ("order_unpaid", lambda d: complete_pending(d, "open-2")),
    ("order_state", lambda d: provision(d, "open-2", at(5))),
    ("order_unpaid", lambda d: provision(d, "open-2", at(5), "information_received")),
    ("order_state", lambda d: provision(d, "open-2", at(5), "held")),
    ("order_state", lambda d: provision(d, "open-2", at(5), "failed")),
    ("invalid_value", lambda d: provision(d, "open-2", at(5), "finished")),
    ("invalid_value", lambda d: d.provision("ready", "held", actor=COUNTER, at=at(5))),
    ("invalid_value", lambda d: d.cancel("open-2", " ", actor=COUNTER, at=at(5))),
    ("invalid_value", lambda d: pay_(d, "open-2", -1000)),
    ("invalid_value", lambda d: pay_(d, "open-2", 0)),
    ("invalid_value", lambda d: pay_(d, "open-2", 10.0)),
    ("invalid_value", lambda d: pay_(d, "open-2", True)),
    ("invalid_value", lambda d: pay_(d, "open-2", 1, correlator="")),
    ("invalid_value", lambda d: pay_(d, "open-2", 1, correlator="x" * 201)),
    ("invalid_value", lambda d: pay_(d, "open-2", 1, method="shells")),
    ("payment_too_much", lambda d: pay_(d, "open-2", 1001)),
    ("payment_too_much", lambda d: pay_(d, "ready", 1)),
    ("correlator_reused", lambda d: pay_(d, "ready", 999, correlator="pay-ready")),
    ("correlator_reused", lambda d: pay_(d, "open-2", 1000, correlator="pay-ready")),
    ("order_not_provisioned", lambda d: complete(d, "ready", at(5))),
    ("order_expired", lambda d: pay_(d, "open-2", 1000, when=at(6))),
    ("order_expired", lambda d: provision(d, "ready", at(6))),
    ("order_expired", lambda d: complete(d, "ready", at(6))),
    ("order_state", lambda d: complete(d, "gone", at(5))),
    ("order_state", lambda d: pay_(d, "gone", 1)),
    ("order_state", lambda d: provision(d, "gone", at(5))),
    ("order_state", lambda d: cancel(d, "open-1", at(5))),
    ("order_state", lambda d: d.deny_cancellation("ready", "no", actor=COUNTER, at=at(5))),
    ("order_state", lambda d: d.reverse("ready", "x", actor=COUNTER, at=at(5))),
    ("not_reversible", lambda d: d.reverse("bill", "x", actor=SYSTEM, at=at(5))),
    ("order_state", lambda d: d.reverse("open-3", "x", actor=COUNTER, at=at(5))),
    ("order_ref_reused", lambda d: d.reverse("paid-for", "open-2", actor=COUNTER, at=at(5))),
    ("reversal_too_late", lambda d: d.reverse("paid-for", "x", actor=COUNTER, at=at(6))),
    ("unknown_interface", lambda d: d.place(
        opening(9), actor=Actor("counter", "9999", "x"), at=at(5))),
    ("business_not_permitted", lambda d: d.place(
        opening(9), actor=Actor("hotline", "hotline", "x"), at=at(5))),
    ("business_not_permitted", lambda d: d.complete(
        "ready", actor=Actor("hotline", "hotline", "x"), at=at(5))),
    ("business_not_permitted", lambda d: d.take_notices(actor=COUNTER, at=at(5))),
]  # fmt: skip


def pay_(desk: OrderDesk, ref: str, fen: Any, **values: Any) -> Any:
    plain: dict[str, Any] = {"correlator": "c1", "method": "cash", "when": at(5)} | values
    return desk.pay(ref, fen, plain["correlator"], COUNTER, plain["when"], method=plain["method"])


def complete_pending(desk: OrderDesk, ref: str) -> Any:
    # Waiting for payment it is not in work; the money is what is asked for first.
    desk.provision(ref, "information_received", actor=COUNTER, at=at(5))


@pytest.fixture
def town(desk: OrderDesk, store: OrderStore) -> OrderDesk:
    """S1 of a person who has five, S2 waiting for money, others in every kind of trouble."""
    done(
        store,
        *(
            opening(n, party=person(1), order_ref=f"open-{n}", subscription_ref=f"S{n}")
            for n in (1, 11, 12, 13)
        ),
        *(opening(n) for n in (3, 4, 5)),
        order(Charge, "bill", at(1), subscription_ref="S4", amount_fen=500, due_at=at(2)),
        order(Suspend, "fraud", at(1), subscription_ref="S5", reason="fraud"),
    )
    store.restrict(
        at(1).date(),
        [
            Restriction(
                subject_type="party",
                subject_id=2,
                effect="no_new_subscription",
                class_code="spammer",
                reason_code="r1",
            )
        ],
    )
    place(desk, opening(2), at(4, hours=12), idempotency_key="k2")
    fifth = opening(14, party=person(1), order_ref="ready", subscription_ref="S14")
    pay(desk, place(desk, fifth, at(4, hours=12)), at(4, hours=13))
    place(desk, opening(15, order_ref="gone"), at(4, hours=12))
    cancel(desk, "gone", at(4, hours=13))
    at_once(desk, opening(6, order_ref="paid-for"), at(4, hours=23), 1000)
    with store.database.writing() as connection:
        reservations.reserve(
            Journal(connection, at(4), "test"), at=at(4), until=at(9), number=msisdn(8),
            iccid=None, order_id=None, reserved_for="somebody",
        )  # fmt: skip
    return desk


def test_each_is_refused_and_leaves_nothing_behind(town: OrderDesk, store: OrderStore) -> None:
    before = everything(store)
    for number, (code, call) in enumerate(CASES):
        assert (number, refused(call, town)) == (number, code)
    assert everything(store) == before


@pytest.mark.parametrize(
    ("product", "number"),
    [
        ("SP_PORT", "10690001234"),
        ("SP_PORT", "106571234"),
        ("CALL_CENTRE", "4008001234"),
        ("CALL_CENTRE", "95588"),
        ("M2M", "861440012345678"),
    ],
)
def test_numbers_that_no_other_operator_issues_are_taken(
    desk: OrderDesk, product: str, number: str
) -> None:
    command = opening(1, product_code=product, msisdn=number)
    assert place(desk, command, at()).state in ("pending", "inProgress")


def test_a_number_ported_in_is_taken_once_it_is_in_stock(
    desk: OrderDesk, store: OrderStore
) -> None:
    command = opening(1, msisdn="8613300000009")
    assert refused(place, desk, command, at()) == "prefix_of_other"
    taken(store, "number", table("number", "13300000009"), ported_in=True)
    assert place(desk, command, at()).state == "pending"


def test_prepaid_is_not_on_credit(town: OrderDesk) -> None:
    for serial in (4, 5):
        command = opening(
            90 + serial, party=person(serial), product_code="PREPAID", order_ref=f"x{serial}"
        )
        assert place(town, command, at(5)).state == "pending"


def test_blocks_a_customer_asked_for_are_no_bad_credit(desk: OrderDesk, store: OrderStore) -> None:
    done(store, opening(1), order(Suspend, "lost", at(1), reason="lost"))
    assert place(desk, opening(2, party=person(1)), at(2)).state == "pending"


def test_debts_outlive_the_subscription(desk: OrderDesk, store: OrderStore) -> None:
    bill = order(Charge, "bill", at(2), amount_fen=500, due_at=at(3))
    done(store, opening(1), bill)
    at_once(desk, order(Suspend, "s", at(), reason="customer_request"), at(4))
    at_once(desk, order(Resume, "r", at(), reason="customer_request"), at(4, hours=1))
    assert refused(place, desk, opening(2, party=person(1)), at(5)) == "credit_arrears"


def test_a_lookalike_digit_is_the_digit(desk: OrderDesk) -> None:
    wide = str.maketrans("0123456789", "".join(chr(0xFF10 + n) for n in range(10)))
    command = opening(1, msisdn=msisdn(1).translate(wide))
    place(desk, command, at())
    assert refused(place, desk, opening(2, msisdn=msisdn(1)), at()) == "number_reserved"
