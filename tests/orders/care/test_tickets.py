"""Tickets: a legal life, whose number it was then, clocks, retries, bad input."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.orders.access.actor import Actor
from mingdan.orders.care.ticket_forms import NewTicket
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.commands import ChangeNumber, TransferOwner
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.care.support import HOTLINE, LI, complaint, fault, refused
from tests.orders.support import at, done, msisdn, opening, order, person

TMF621 = "acknowledged rejected pending held inProgress cancelled closed resolved"


@pytest.fixture
def desk(store: OrderStore) -> TicketDesk:
    done(store, opening(1), opening(2))
    return TicketDesk(store)


def test_ticket_states_are_those_of_tmf621() -> None:
    assert set(machine("ticket").next) == set(TMF621.split())
    assert machine("ticket").final == {"closed", "cancelled", "rejected"}
    for row in load.rows("ticket_state"):
        ended = row["state"] in machine("ticket").final or row["state"] == "resolved"
        assert (row["clock"] == "ended") == ended


def test_a_fault_from_the_call_to_the_end(desk: TicketDesk) -> None:
    view = desk.open(fault(), actor=HOTLINE, at=at(1))
    assert (view.ticket_ref, view.state, view.severity) == ("TT00000001", "acknowledged", "major")
    assert (view.subscription_id, view.party_id, view.same_holder) == (1, 1, "yes")
    assert view.due_at == at(3)
    ref = view.ticket_ref
    assert desk.assign(ref, "zhou.ke", actor=HOTLINE, at=at(1, hours=1)).state == "inProgress"
    waits = desk.move(ref, "pending", actor=LI, at=at(2), note="请客户提供机型")
    assert (waits.due_at, waits.overdue) == (None, False)
    assert desk.overdue(at=at(20)) == (), "the clock stands still"
    desk.move(ref, "inProgress", actor=LI, at=at(10))
    assert desk.show(ref, at=at(10)).due_at == at(11)
    late = desk.overdue(at=at(11, hours=1))
    assert [each.ticket_ref for each in late] == [ref]
    solved = desk.resolve(ref, "更换SIM卡后恢复", actor=LI, at=at(11, hours=2))
    assert [clock.verdict for clock in solved.clocks] == ["broken"]
    assert desk.overdue(at=at(12)) == ()
    closed = desk.close(ref, actor=HOTLINE, at=at(13))
    assert closed.resolution == "更换SIM卡后恢复"
    assert [(c.state, c.assigned_to) for c in closed.changes] == [
        ("acknowledged", None),
        ("inProgress", "zhou.ke"),
        ("pending", "zhou.ke"),
        ("inProgress", "zhou.ke"),
        ("resolved", "zhou.ke"),
        ("closed", "zhou.ke"),
    ]
    assert refused(lambda: desk.note("TT00000009", "?", actor=LI, at=at(14))) == "ticket_unknown"


def test_a_number_is_whose_it_was_then(store: OrderStore, desk: TicketDesk) -> None:
    done(
        store,
        order(TransferOwner, "sold", at(5), party=person(7)),
        order(ChangeNumber, "new", at(8), msisdn=msisdn(50)),
    )
    seen: Callable[[float], tuple[Any, ...]] = lambda days: tuple(  # noqa: E731
        getattr(desk.open(complaint(occurred_at=at(days)), actor=HOTLINE, at=at(10)), name)
        for name in ("subscription_id", "party_id", "same_holder")
    )
    assert seen(4) == (1, 1, "no")
    assert seen(6) == (1, 3, "no")
    assert seen(9) == (None, None, "no_data"), "nobody's: the number rests"
    new = desk.open(complaint(number=msisdn(50)), actor=HOTLINE, at=at(10))
    assert (new.subscription_id, new.party_id, new.same_holder) == (1, 3, "yes")


def test_a_ticket_about_an_order_is_about_its_subscription(desk: TicketDesk) -> None:
    asked = fault(category="late_activation", number=None, order_ref="open-2")
    view = desk.open(asked, actor=HOTLINE, at=at(1))
    assert (view.order_ref, view.subscription_id, view.party_id) == ("open-2", 2, 2)
    lost = replace(asked, order_ref="no-such")
    assert refused(lambda: desk.open(lost, actor=HOTLINE, at=at(1))) == "unknown_order"


def test_numbers_are_masked(desk: TicketDesk) -> None:
    view = desk.open(complaint(), actor=HOTLINE, at=at(1))
    assert (view.number, view.reporter_number) == ("138******01", "139******00")
    assert msisdn(1)[2:] not in repr(view)
    assert "13900139000" not in repr(desk.list(at=at(2)))


def test_the_same_request_opens_one_ticket(desk: TicketDesk) -> None:
    asked = complaint(request_ref="crm-77", occurred_at=at(0))
    first = desk.open(asked, actor=HOTLINE, at=at(1))
    again = desk.open(asked, actor=HOTLINE, at=at(2))
    assert (again.ticket_ref, again.repeated, first.repeated) == (first.ticket_ref, True, False)
    other = replace(asked, description="另一件事")
    assert refused(lambda: desk.open(other, actor=HOTLINE, at=at(2))) == "request_ref_reused"
    desk.move(first.ticket_ref, "cancelled", actor=LI, at=at(3), note="客户撤诉")
    back = desk.move(first.ticket_ref, "cancelled", actor=LI, at=at(4), note="客户撤诉")
    assert len(back.changes) == 2, "the same step again is no step"


def test_eight_senders_of_one_request_open_one_ticket(store: OrderStore, url: str) -> None:
    asked = complaint(request_ref="crm-78", number="13700000000")

    def send(_: int) -> str:
        with OrderStore.open(url) as own:
            return TicketDesk(own).open(asked, actor=HOTLINE, at=at(1)).ticket_ref

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, range(8))) == {"TT00000001"}


def test_two_people_cannot_both_take_the_last_step(store: OrderStore, url: str) -> None:
    ref = TicketDesk(store).open(fault(number=None), actor=HOTLINE, at=at(1)).ticket_ref

    def take(state: str) -> str:
        with OrderStore.open(url) as own:
            try:
                return TicketDesk(own).move(ref, state, actor=LI, at=at(2)).state
            except Refused as refusal:
                return refusal.code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(take, ["cancelled", "rejected"] * 4))
    won = [state for state in ("cancelled", "rejected") if state in answers]
    assert len(won) == 1
    assert set(answers) == {won[0], "ticket_step"}


def test_a_clock_that_lags_is_moved_up(desk: TicketDesk) -> None:
    ref = desk.open(fault(), actor=HOTLINE, at=at(1)).ticket_ref
    desk.assign(ref, "zhou.ke", actor=HOTLINE, at=at(2))
    view = desk.note(ref, "已联系", actor=HOTLINE, at=at(1.5))
    assert [change.at for change in view.changes] == [at(1), at(2), at(2)]


def test_lists_can_be_narrowed(desk: TicketDesk) -> None:
    refs = [
        desk.open(what, actor=HOTLINE, at=at(1)).ticket_ref
        for what in (complaint(), fault(), complaint(number=msisdn(2)))
    ]
    desk.assign(refs[1], "zhou.ke", actor=HOTLINE, at=at(1))
    desk.move(refs[2], "rejected", actor=LI, at=at(2))

    def listed(**options: Any) -> list[str]:
        return [view.ticket_ref for view in desk.list(at=at(3), **options)]

    assert listed() == refs[::-1]
    assert listed(limit=1) == refs[2:]
    assert listed(open_only=True) == [refs[1], refs[0]]
    assert listed(state="inProgress") == [refs[1]]
    assert listed(category="spam_sms") == [refs[2], refs[0]]
    assert listed(number="+86 138-0000-0002") == [refs[2]]
    assert listed(assigned_to="zhou.ke") == [refs[1]]
    assert listed(subscription_id=1) == [refs[1], refs[0]]
    assert listed(assigned_to="x' OR '1'='1") == []
    assert refused(lambda: listed(state="gone")) == "invalid_value"


def test_what_was_written_down_stays(desk: TicketDesk, store: OrderStore) -> None:
    desk.open(fault(), actor=HOTLINE, at=at(1))
    for statement in ("UPDATE ticket_change SET note = 'x'", "DELETE FROM ticket_change"):
        with pytest.raises(DatabaseError), store.database.writing() as connection:
            connection.execute(text(statement))


@pytest.mark.parametrize("role", ["partner", "nobody"])
def test_not_everybody_opens_tickets(desk: TicketDesk, role: str) -> None:
    stranger = Actor(role, "hotline", "x")
    called = lambda: desk.open(fault(), actor=stranger, at=at(1))  # noqa: E731
    assert refused(called) == "business_not_permitted"


NAIVE = datetime(2026, 10, 1)  # noqa: DTZ001
BAD: list[tuple[str, NewTicket]] = [
    ("invalid_value", complaint(category="gossip")),
    ("invalid_value", complaint(category="spam_sms' --")),
    ("invalid_value", complaint(channel="pigeon")),
    ("invalid_value", complaint(number=None)),
    ("invalid_value", complaint(number="12")),
    ("invalid_value", complaint(number="138000000010000000000")),
    ("invalid_value", complaint(number="1380000000a")),
    ("invalid_value", complaint(number="13800000001;DROP TABLE trouble_ticket")),
    ("invalid_value", complaint(number="٣٤٥٦٧")),
    ("invalid_value", complaint(number="")),
    ("invalid_value", complaint(reporter_number="１３８００００００" + "０１")),
    ("invalid_value", complaint(reporter_number="+86 138 0000 0001")),
    ("invalid_value", complaint(severity="catastrophic")),
    ("invalid_value", complaint(description="")),
    ("invalid_value", complaint(description="长" * 2_001)),
    ("invalid_value", complaint(description="a\x00b")),
    ("invalid_value", complaint(description=7)),
    ("invalid_value", complaint(request_ref="")),
    ("invalid_value", complaint(order_ref="x" * 201)),
    ("invalid_value", complaint(occurred_at=NAIVE)),
    ("invalid_value", complaint(received_at=NAIVE)),
    ("invalid_value", complaint(occurred_at=at(-50))),
    ("invalid_value", complaint(received_at=at(-50), occurred_at=at(-51))),
    ("future_effect", complaint(received_at=at(3))),
    ("future_effect", complaint(occurred_at=at(1.5))),
    ("future_effect", complaint(received_at=at(0), occurred_at=at(0.5))),
]


def test_bad_input_leaves_nothing(desk: TicketDesk, store: OrderStore) -> None:
    found = [refused(lambda what=what: desk.open(what, actor=HOTLINE, at=at(1))) for _, what in BAD]
    assert found == [code for code, _ in BAD]
    assert desk.list(at=at(2)) == ()
    ref = desk.open(fault(description="'; DROP TABLE trouble_ticket; --"), actor=HOTLINE, at=at(1))
    before = desk.show(ref.ticket_ref, at=at(9))
    for bad in ("TT1", "TT٠٠٠٠٠٠٠١", "1", "TT00000001'", "TT99999999999999999"):
        called = lambda bad=bad: desk.note(bad, "x", actor=LI, at=at(2))  # noqa: E731
        assert refused(called) == "ticket_unknown"
    for call in (
        lambda: desk.note(ref.ticket_ref, "", actor=LI, at=at(2)),
        lambda: desk.assign(ref.ticket_ref, "\n", actor=LI, at=at(2)),
        lambda: desk.move(ref.ticket_ref, "vanished", actor=LI, at=at(2)),
        lambda: desk.move(ref.ticket_ref, "resolved", actor=LI, at=at(2)),
        lambda: desk.resolve(ref.ticket_ref, "x" * 2_001, actor=LI, at=at(2)),
    ):
        assert refused(call) == "invalid_value"
    assert refused(lambda: desk.close(ref.ticket_ref, actor=LI, at=at(2))) == "ticket_step"
    assert desk.show(ref.ticket_ref, at=at(9)) == before


STEPS = st.lists(
    st.tuples(st.sampled_from(TMF621.split()), st.integers(0, 40)), min_size=1, max_size=12
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_only_legal_steps_are_taken_and_all_are_written_down(
    desk: TicketDesk, path: list[tuple[str, int]]
) -> None:
    """Against a model: a state, and the list of states it went through."""
    ref = desk.open(fault(), actor=HOTLINE, at=at(1)).ticket_ref
    state, seen = "acknowledged", ["acknowledged"]
    for number, (target, hours) in enumerate(path):
        when, said = at(1, hours=hours), f"步骤{number}"
        taken = partial(desk.move, ref, target, note=said)
        if target == "resolved":
            taken = partial(desk.resolve, ref, said)
        if target in machine("ticket").next[state]:
            assert taken(actor=LI, at=when).state == target
            state = target
            seen.append(target)
        else:
            assert refused(lambda: taken(actor=LI, at=when)) == "ticket_step"  # noqa: B023
    view = desk.show(ref, at=at(5))
    assert view.state == state
    assert [change.state for change in view.changes] == seen
    instants = [change.at for change in view.changes]
    assert instants == sorted(instants)
