"""Diagnosis: each fault the flows describe is found where it is, and nothing else is blamed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.commands import Charge, Pay, Suspend, SwapSim, Terminate
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.offers.diagnosis import Diagnosis, DiagnosisDesk
from mingdan.orders.offers.symptoms import CHECKS
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.support import at, done, iccid, imsi, msisdn, opening, order

HOTLINE = Actor("hotline", "hotline", "li.na")
CLERK = Actor("counter", "counter", "zhao")
BOSS = Actor("manager", "back_office", "wang")
LATER = 30
"""Days after which an opening is not new any more."""


def diagnose(store: OrderStore, serial: int = 1, *, days: float = LATER, **more: Any) -> Diagnosis:
    desk = DiagnosisDesk(store)
    return desk.diagnose(msisdn(serial), actor=HOTLINE, at=at(days), **more)


def cause(found: Diagnosis) -> str:
    assert found.cause is not None
    return found.cause.finding


def faults(found: Diagnosis) -> list[str]:
    return [step.finding for step in found.steps if step.verdict == "fault"]


def test_nothing_is_wrong(store: OrderStore) -> None:
    done(store, opening(1))
    found = diagnose(store)
    assert (found.flow, found.cause, found.subscription_id) == ("suspend_resume", None, 1)
    assert [step.number for step in found.steps] == list(range(1, 9))
    assert found.number == "138******01"
    (look,) = AccessLog(store).read(actor=BOSS, at=at(LATER))
    assert look.subjects == ("subscription:1",)


def test_paid_and_still_stopped_for_fraud(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Charge, "b", at(1), amount_fen=5800, due_at=at(2)),
        order(Suspend, "s", at(3), reason="arrears", direction="both"),
    )
    assert faults(diagnose(store, days=9)) == ["owes", "arrears"]
    done(store, order(Suspend, "f", at(10), reason="fraud", direction="both"))
    done(store, order(Pay, "p", at(11), amount_fen=5800))
    found = diagnose(store, days=12)
    assert faults(found) == ["authority"]
    assert cause(found) == "authority", "that it is suspended is what is seen, not why"
    text_ = {step.finding: step for step in found.steps}
    assert text_["authority"].found == "blocked for fraud: paying does not lift that"
    assert "缴费不能复机" in text_["authority"].found_zh
    # the payment was the last order of its kind, and it is there
    assert "PAY was completed" in text_["completed"].found


@pytest.mark.parametrize("days", [9, 60])
def test_stopped_for_arrears_that_nobody_owes(store: OrderStore, days: float) -> None:
    done(store, opening(1), order(Suspend, "s", at(3), reason="arrears", direction="both"))
    found = diagnose(store, days=days)
    assert cause(found) == "not_lifted", "a new line and an old one alike"
    assert found.cause is not None
    assert found.cause.next_zh == "办理欠费复机"


def test_the_resource_tables_do_not_agree(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        done(store, opening(1))
        for statement, finding in (
            ("UPDATE product SET status = 'suspended'", "status_differs"),
            ("UPDATE msisdn SET state = 'available'", "number_differs"),
            ("UPDATE sim_card SET state = 'lost'", "sim_differs"),
        ):
            with store.database.writing() as connection:
                connection.execute(text(statement))
            assert finding in faults(diagnose(store))
            with store.database.writing() as connection:
                connection.execute(text("UPDATE product SET status = 'active'"))
                connection.execute(text("UPDATE msisdn SET state = 'in_service'"))


def test_a_lost_sim_and_one_that_was_replaced(store: OrderStore) -> None:
    done(store, opening(1), order(Suspend, "l", at(1), reason="lost", direction="both"))
    assert faults(diagnose(store)) == ["lost"]
    new = {"imsi": imsi(5), "iccid": iccid(5), "reason": "replace"}
    done(store, order(SwapSim, "r", at(2), **new))
    assert diagnose(store).cause is None


def test_a_new_subscription_waits_for_its_money_and_its_provisioning(store: OrderStore) -> None:
    desk, command = OrderDesk(store), opening(1)
    desk.place(command, actor=CLERK, at=at(0))
    found = diagnose(store, days=0.001)
    assert found.flow == "late_activation"
    assert [step.finding for step in found.steps] == ["reserved", "waiting_payment"]
    assert "10.00 yuan" in found.steps[-1].found
    desk.pay("open-1", 1000, "till-1", CLERK, at(0.001))
    assert diagnose(store, days=0.002).steps[-1].finding in ("in_provisioning", "late")
    desk.provision("open-1", "held", actor=CLERK, at=at(0.002), reason="no port free")
    held = diagnose(store, days=0.003)
    assert cause(held) == "held"
    assert "no port free" in held.steps[-1].found
    desk.provision("open-1", "solved", actor=CLERK, at=at(0.004))
    desk.provision("open-1", "done", actor=CLERK, at=at(0.005))
    assert cause(diagnose(store, days=0.006)) == "provisioned"
    desk.complete("open-1", actor=CLERK, at=at(0.007))
    well = diagnose(store, days=1)
    assert (well.flow, well.cause) == ("late_activation", None)


def test_an_opening_that_died_waiting(store: OrderStore) -> None:
    view = OrderDesk(store).place(opening(1), actor=CLERK, at=at(0))
    assert view.reserved_until is not None
    desk = DiagnosisDesk(store)
    dead = desk.diagnose(msisdn(1), actor=HOTLINE, at=view.reserved_until)
    assert cause(dead) == "reservation_over"
    just_before = view.reserved_until - timedelta(seconds=1)
    assert faults(desk.diagnose(msisdn(1), actor=HOTLINE, at=just_before)) == ["waiting_payment"]


def test_numbers_nobody_has(store: OrderStore) -> None:
    done(store, opening(1), order(Terminate, "t", at(2)))
    assert faults(diagnose(store, days=9)) == ["ageing"]
    assert faults(diagnose(store, days=200)) == ["free"]
    assert faults(diagnose(store, 7)) == ["unknown"]


def test_a_ticket_is_opened_once_and_told_more(store: OrderStore) -> None:
    done(store, opening(1), order(Suspend, "l", at(1), reason="lost", direction="both"))
    first = diagnose(store, open_ticket=True)
    assert first.ticket_ref is not None
    again = diagnose(store, days=LATER + 1, open_ticket=True)
    assert again.ticket_ref == first.ticket_ref
    ticket = TicketDesk(store).show(first.ticket_ref, at=at(LATER + 2))
    assert (ticket.category, ticket.subscription_id) == ("suspend_resume", 1)
    assert "因挂失停机" in ticket.description
    assert msisdn(1)[2:] not in ticket.description
    other = diagnose(store, flow="late_activation", open_ticket=True)
    assert other.ticket_ref != first.ticket_ref


@pytest.mark.parametrize(
    ("code", "number", "more"),
    [
        ("number_invalid", "'; DROP TABLE msisdn; --", {}),
        ("invalid_value", "", {}),
        ("invalid_value", msisdn(1), {"flow": "x"}),
        ("business_not_permitted", msisdn(1), {"actor": Actor("partner", "hotline", "x")}),
    ],
)
def test_what_cannot_be_diagnosed(
    sqlite_store: OrderStore, code: str, number: str, more: Any
) -> None:
    with pytest.raises(Refused) as refused:
        DiagnosisDesk(sqlite_store).diagnose(number, **{"actor": HOTLINE, "at": at()} | more)
    assert refused.value.code == code


def test_full_width_digits_are_the_same_number(sqlite_store: OrderStore) -> None:
    done(sqlite_store, opening(1))
    wide = "".join(chr(ord(c) + 0xFEE0) for c in msisdn(1)[2:])
    found = DiagnosisDesk(sqlite_store).diagnose(wide, actor=HOTLINE, at=at(LATER))
    assert found.subscription_id == 1


def test_the_flows_are_whole() -> None:
    findings = {(row["check"], row["finding"]) for row in load.rows("diagnosis_finding")}
    flows = set(load.by("diagnosis_flow", "flow"))
    categories = set(load.by("ticket_category", "code"))
    for row in load.rows("diagnosis_step"):
        assert row["flow"] in flows
        assert row["check"] in CHECKS
        assert {(row["check"], code) for code in row["stop_on"].split()} <= findings
    for row in load.rows("diagnosis_flow"):
        assert row["ticket_category"] in categories
    for row in load.rows("diagnosis_finding"):
        assert row["verdict"] in ("ok", "note", "fault")
        assert bool(row["do_en"]) == bool(row["do_zh"])
        # every fault says what to do
        assert row["verdict"] != "fault" or row["do_en"]
