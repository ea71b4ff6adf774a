"""Process flows and the report of kept and broken limits, off real orders and tickets."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from mingdan.calendar import business_day
from mingdan.orders.access.actor import Actor
from mingdan.orders.care.flows import FlowDesk
from mingdan.orders.care.limit_report import LimitLine, limit_report, totals
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.care.visits import VisitDesk
from mingdan.orders.commands import Suspend
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.model import OrderEvent, ProductOrder
from mingdan.orders.store import OrderStore
from tests.orders.care.support import COUNTER, HOTLINE, LI, complaint, fault, refused
from tests.orders.support import at, done, opening, order

DAY = business_day(at())


def order_with(store: OrderStore, ref: str, kind: str, *steps: tuple[str, float]) -> None:
    """An order whose states were recorded so many seconds after 09:00, as the log has it."""
    first = steps[0]
    with store.database.writing() as connection:
        key = connection.execute(
            ProductOrder.__table__.insert().values(
                order_ref=ref, order_type=kind, state=steps[-1][0], channel="counter",
                order_date=after(first[1]), recorded_at=after(first[1]), request_digest="x",
            )
        ).inserted_primary_key[0]  # fmt: skip
        for state, seconds in steps:
            created = state == "acknowledged"
            connection.execute(
                OrderEvent.__table__.insert().values(
                    event_type=f"ProductOrder{'Create' if created else 'StateChange'}Event",
                    order_type=kind, order_id=key, state=state,
                    effective_at=after(seconds), recorded_at=after(seconds),
                )
            )  # fmt: skip


def after(seconds: float) -> datetime:
    return at() + timedelta(seconds=seconds)


def lines(store: OrderStore, days: int = 0, **options: object) -> dict[tuple[str, ...], LimitLine]:
    when = options.get("at", at(90))
    found = limit_report(store, DAY + timedelta(days=days), at=when)  # type: ignore[arg-type]
    return {(line.business, line.interface, line.limit.code): line for line in found}


def counts(store: OrderStore, days: int = 0) -> dict[str, tuple[int, int]]:
    return totals(limit_report(store, DAY + timedelta(days=days), at=at(90)))


def test_an_order_s_flow_and_its_tasks(store: OrderStore) -> None:
    hour = 3600
    order_with(
        store, "swap-9", "SIM_REPLACE",
        ("acknowledged", 0), ("inProgress", 240), ("held", hour), ("inProgress", 2 * hour),
        ("completed", 3 * hour),
    )  # fmt: skip
    desk = FlowDesk(store)
    begun = desk.of_order("swap-9", at=after(60))
    assert (begun.state, begun.flow_id) == ("active", "order:swap-9")
    assert [(task.name, task.state) for task in begun.tasks] == [
        ("acceptance", "active"),
        ("provisioning", "new"),
    ]
    held = desk.of_order("swap-9", at=after(hour + 1))
    assert (held.state, held.tasks[-1].state) == ("hold", "hold")
    over = desk.of_order("swap-9", at=at(1))
    assert over.state == "completed"
    assert [(t.name, t.state, t.started_at, t.ended_at) for t in over.tasks] == [
        ("acceptance", "completed", after(0), after(240)),
        ("provisioning", "completed", after(240), after(3 * hour)),
    ]
    assert {c.limit.code: (c.verdict, c.spent.total_seconds()) for c in over.clocks} == {
        "counter_sim": ("kept", 240),
        "change_effect": ("kept", 3 * hour),
    }
    assert refused(lambda: desk.of_order("swap-9", at=at(-1))) == "unknown_order"
    assert refused(lambda: desk.of_order("x' OR 1=1", at=at(1))) == "unknown_order"


def test_a_cancelled_order_s_flow(store: OrderStore) -> None:
    order_with(
        store, "o", "OPEN", ("acknowledged", 0), ("inProgress", 10),
        ("assessingCancellation", 20), ("pendingCancellation", 30), ("cancelled", 40),
    )  # fmt: skip
    found = FlowDesk(store).of_order("o", at=at(1))
    assert (found.state, [(t.name, t.state) for t in found.tasks]) == (
        "cancelled",
        [
            ("acceptance", "completed"),
            ("provisioning", "completed"),
            ("cancellation", "cancelled"),
        ],
    )


def test_every_order_of_the_store_has_a_flow(store: OrderStore) -> None:
    done(store, opening(1), order(Suspend, "stop", at(1), reason="lost"))
    found = FlowDesk(store).of_order("stop", at=at(2))
    assert (found.state, found.business, found.interface) == ("completed", "SUSPEND", "counter")
    assert {clock.verdict for clock in found.clocks} == {"kept"}
    assert counts(store)["counter_single"] == (1, 0)
    assert counts(store, 1)["counter_suspend"] == (1, 0)


def test_an_order_through_all_its_steps(store: OrderStore) -> None:
    """停机 with 施工: what the order desk records is what the clocks read."""
    done(store, opening(1))
    desk, flows = OrderDesk(store), FlowDesk(store)
    asked = order(Suspend, "stop", at(1), reason="customer_request", channel="counter")
    placed = desk.place(asked, actor=COUNTER, at=at(1))
    if placed.due_fen:
        desk.pay("stop", placed.due_fen, "till-1", COUNTER, at(1))
    desk.provision("stop", "held", actor=LI, at=at(1, hours=1), reason="网元无响应")
    assert flows.of_order("stop", at=at(1, hours=2)).state == "hold"
    desk.provision("stop", "solved", actor=LI, at=at(1, hours=3))
    desk.provision("stop", "information_needed", actor=LI, at=at(1, hours=4), reason="待客户确认")
    desk.provision("stop", "information_received", actor=LI, at=at(1, hours=10))
    desk.provision("stop", "done", actor=LI, at=at(1, hours=10))
    desk.complete("stop", actor=LI, at=at(1, hours=11))
    found = flows.of_order("stop", at=at(9))
    assert found.state == "completed"
    assert {clock.limit.code: (clock.verdict, clock.spent) for clock in found.clocks} == {
        "counter_suspend": ("kept", timedelta()),
        "change_effect": ("kept", timedelta(hours=5)),
    }
    assert lines(store, 1)["SUSPEND", "counter", "change_effect"].average_kept is False


def test_limits_by_business_interface_and_day(store: OrderStore) -> None:
    day = 86_400
    for number, (kind, took) in enumerate(
        [("SUSPEND", 100), ("SUSPEND", 200), ("SUSPEND", 180), ("SIM_REPLACE", 280)]
    ):
        order_with(
            store,
            f"o{number}",
            kind,
            ("acknowledged", 0),
            ("inProgress", took),
            ("completed", took),
        )
    # accepted today, in effect the day after tomorrow: broken tomorrow at 09:00
    order_with(store, "slow", "SUSPEND", ("acknowledged", 0), ("inProgress", 1),
               ("completed", 2 * day))  # fmt: skip
    found = lines(store)
    suspend = found["SUSPEND", "counter", "counter_suspend"]
    assert (suspend.kept, suspend.broken, suspend.done) == (3, 1, 4)
    assert (suspend.mean_s, suspend.worst_s) == (120.25, 200.0)
    assert found["SIM_REPLACE", "counter", "counter_sim"].kept == 1
    effect = found["SUSPEND", "counter", "change_effect"]
    assert (effect.kept, effect.average_kept) == (3, True)
    late = lines(store, 1)["SUSPEND", "counter", "change_effect"]
    assert (late.kept, late.broken, late.done, late.mean_s) == (0, 1, 0, None)
    last = lines(store, 2)["SUSPEND", "counter", "change_effect"]
    assert (last.kept, last.broken, last.done, last.worst_s) == (0, 0, 1, 2.0 * day)
    assert last.average_kept is False
    assert lines(store, 3) == {}


def test_tickets_and_visits_are_in_the_report(store: OrderStore) -> None:
    tickets, visits = TicketDesk(store), VisitDesk(store)
    refs = [
        tickets.open(what, actor=HOTLINE, at=at()).ticket_ref
        for what in (fault(), fault(), complaint())
    ]
    for ref in refs:
        tickets.assign(ref, "zhou.ke", actor=HOTLINE, at=at())
    tickets.resolve(refs[0], "已修复", actor=LI, at=after(3600))
    for name, channel, wait in (
        ("A1", "counter", 599), ("A2", "counter", 601),
        ("C1", "hotline", 10), ("C2", "hotline", 20),
    ):  # fmt: skip
        who = COUNTER if channel == "counter" else HOTLINE
        visits.arrive(name, channel, actor=who, at=at())
        visits.serve(name, actor=who, at=after(wait))
    visits.arrive("A3", "counter", actor=COUNTER, at=after(100))
    today = lines(store)
    fixed = today["no_service", "hotline", "fault_repair"]
    assert (fixed.kept, fixed.broken, fixed.mean_s, fixed.average_kept) == (1, 0, 3600.0, True)
    wait = today["visit", "counter", "counter_wait"]
    assert (wait.kept, wait.broken, wait.done) == (1, 2, 2), "one still waits"
    answer = today["visit", "hotline", "hotline_answer"]
    assert (answer.kept, answer.broken) == (1, 1)
    early = lines(store, at=after(599))["visit", "counter", "counter_wait"]
    assert (early.kept, early.broken) == (1, 0), "as far as the day had gone"
    assert counts(store, 2) == {"fault_repair": (0, 1)}
    assert counts(store, 15) == {"complaint_answer": (0, 1)}
    assert FlowDesk(store).of_ticket(refs[0], at=at(1)).tasks[-1].name == "confirmation"
    assert FlowDesk(store).of_visit("A3", at=at(1)).state == "active"
    assert refused(lambda: FlowDesk(store).of_ticket("TT00000099", at=at(1))) == "ticket_unknown"
    assert refused(lambda: FlowDesk(store).of_visit("Z", at=at(1))) == "visit_unknown"


def test_a_day_that_is_over_does_not_change(store: OrderStore) -> None:
    tickets = TicketDesk(store)
    ref = tickets.open(fault(), actor=HOTLINE, at=at()).ticket_ref
    before = [counts(store, days) for days in range(3)]
    assert before == [{}, {}, {"fault_repair": (0, 1)}]
    tickets.assign(ref, "zhou.ke", actor=HOTLINE, at=at(4))
    tickets.resolve(ref, "已修复", actor=LI, at=at(5))
    tickets.move(ref, "inProgress", actor=LI, at=at(6))
    assert [counts(store, days) for days in range(3)] == before
    assert counts(store, 5) == {"fault_repair": (0, 0)}, "the work was done that day"


def test_a_visit_s_steps(store: OrderStore) -> None:
    desk = VisitDesk(store)
    first = desk.arrive("A017", "counter", actor=COUNTER, at=at())
    assert desk.arrive("A017", "counter", actor=COUNTER, at=at(1)) == first
    assert refused(lambda: desk.end("A017", actor=COUNTER, at=at(1))) == "visit_step"
    served = desk.serve("A017", actor=COUNTER, at=at(-1))
    assert served.served_at == at(), "a clock that lags is moved up"
    assert refused(lambda: desk.leave("A017", actor=COUNTER, at=at(1))) == "visit_step"
    assert refused(lambda: desk.arrive("A017", "counter", actor=COUNTER, at=at(1))) == "visit_step"
    ended = desk.end("A017", actor=COUNTER, at=after(9))
    assert (ended.state, ended.served_by) == ("ended", "sun.li")
    assert desk.end("A017", actor=COUNTER, at=at(3)) == ended
    assert refused(lambda: desk.serve("B1", actor=COUNTER, at=at())) == "visit_unknown"
    assert refused(lambda: desk.arrive("B1", "moon", actor=COUNTER, at=at())) == "invalid_value"
    partner = Actor("partner", "counter", "x")
    assert refused(lambda: desk.arrive("B1", "counter", actor=partner, at=at())) == (
        "business_not_permitted"
    )


@pytest.mark.parametrize("name", ["x" * 201, "", "a\nb", None])
def test_a_visit_s_name_is_words(sqlite_store: OrderStore, name: str) -> None:
    desk = VisitDesk(sqlite_store)
    assert refused(lambda: desk.arrive(name, "counter", actor=COUNTER, at=at())) == "invalid_value"
    with sqlite_store.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM service_visit")).scalar() == 0
