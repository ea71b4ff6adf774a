"""Appeals at the desk: who takes them down, who decides, and what becomes of a restriction."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.calendar import known_at
from mingdan.orders.care.appeal_forms import NewAppeal
from mingdan.orders.care.appeals import AppealDesk
from mingdan.orders.care.class_file import appealable_labels
from mingdan.orders.care.ticket_forms import NewTicket
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.commands import Terminate, TransferOwner
from mingdan.orders.restrictions import Restriction
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.care.support import COUNTER, HOTLINE, LI, WANG, refused
from tests.orders.support import at, done, msisdn, opening, order, person, refusal

SPAM = "blacklist:spam_sms"
DAY = date(2026, 10, 2)
LISTED = Restriction(
    subject_type="party",
    subject_id=1,
    effect="no_new_subscription",
    class_code="blacklist",
    reason_code="spam_sms",
)


@pytest.fixture
def desk(store: OrderStore) -> AppealDesk:
    done(store, opening(1), opening(2))
    return AppealDesk(store, appealable_labels(None) | {"lines:bad": "subscription"})


def appeal(label: str = SPAM, **values: str | None) -> NewAppeal:
    plain: dict[str, str | None] = {"number": msisdn(1)[2:]}
    return NewAppeal(label=label, description="是家校通知，不是广告", channel="hotline",
                     **plain | values)  # type: ignore[arg-type]  # fmt: skip


def test_a_decision_is_never_dated_before_a_night_that_was_run(
    desk: AppealDesk, store: OrderStore
) -> None:
    """The night could not be derived again: it decided without it."""
    desk.open(appeal(), actor=HOTLINE, at=at(0, hours=3))
    desk.open(appeal("blacklist:fraud"), actor=HOTLINE, at=at(0, hours=3))
    store.restrict(DAY, [LISTED])
    back = known_at(DAY)
    early = refused(lambda: desk.decide("TT00000001", "misused", "x", actor=WANG, at=back))
    assert early == "appeal_night"
    assert store.restrictions(1) == [LISTED]
    dismissed = desk.decide("TT00000002", "confirmed", "x", actor=WANG, at=back)
    assert dismissed.outcome == "dismissed", "changes no label"
    upheld = desk.decide("TT00000001", "misused", "x", actor=WANG, at=back + timedelta(seconds=1))
    assert (upheld.outcome, store.restrictions(1)) == ("upheld", [])


def test_numbers_within_what_was_said_are_masked(desk: AppealDesk, store: OrderStore) -> None:
    said = f"{msisdn(1)} 与 {msisdn(2)[2:]} 都是我的"
    asked = NewAppeal(label=SPAM, description=said, channel="hotline", party_ref="P1")
    desk.open(asked, actor=HOTLINE, at=at(1))
    TicketDesk(store).note("TT00000001", said, actor=HOTLINE, at=at(1, hours=1))
    found = desk.decide("TT00000001", "misused", said, actor=WANG, at=at(2))
    shown = "138******01 与 138******02 都是我的"
    assert (found.ticket.description, found.ticket.resolution) == (shown, shown)
    assert {change.note for change in found.ticket.changes} == {None, shown}
    again = desk.decide("TT00000001", "misused", said, actor=WANG, at=at(2))
    assert again == found, "the same words are the same decision"
    assert found.subscription_id == 1, "by which the label can be looked up"


def test_an_appeal_from_the_call_to_the_answer(desk: AppealDesk, store: OrderStore) -> None:
    opened = desk.open(appeal(), actor=HOTLINE, at=at(1))
    ticket = opened.ticket
    assert (opened.label, opened.subject_type, opened.subject_id) == (SPAM, "party", 1)
    assert (ticket.ticket_ref, ticket.state, ticket.number) == (
        "TT00000001", "acknowledged", "138******01",
    )  # fmt: skip
    assert ticket.due_at == at(16), "answered within 15 days"
    TicketDesk(store).assign("TT00000001", "wang.wei", actor=HOTLINE, at=at(1, hours=1))
    upheld = desk.decide("TT00000001", "lawful_business", "已核实", actor=WANG, at=at(2))
    assert (upheld.outcome, upheld.checker, upheld.decided_at) == ("upheld", "wang.wei", at(2))
    assert upheld.holds_until == at(32)
    assert (upheld.ticket.state, upheld.ticket.resolution) == ("resolved", "已核实")
    assert [clock.verdict for clock in upheld.ticket.clocks] == ["kept"]
    assert desk.list(at=at(3), open_only=True) == ()
    assert TicketDesk(store).close("TT00000001", actor=HOTLINE, at=at(3)).state == "closed"
    assert desk.show("TT00000001", at=at(3)).outcome == "upheld"


@pytest.mark.parametrize("finding", [row["code"] for row in load.rows("appeal_finding")])
def test_the_finding_decides(desk: AppealDesk, store: OrderStore, finding: str) -> None:
    desk.open(appeal(), actor=HOTLINE, at=at(1))
    outcome = desk.decide("TT00000001", finding, "见复函", actor=WANG, at=at(2)).outcome
    assert outcome == load.by("appeal_finding", "code")[finding]["outcome"]
    assert store.appeals(at(2)).height == (outcome == "upheld")
    assert store.appeals(at(1)).height == 0, "as it was known then"


def test_the_person_appeals_whatever_became_of_the_number(
    desk: AppealDesk, store: OrderStore
) -> None:
    done(store, order(TransferOwner, "sold", at(1), party=person(7)),
         order(Terminate, "over", at(1), subscription_ref="S2"))  # fmt: skip
    assert desk.open(appeal(), actor=HOTLINE, at=at(2)).subject_id == 3, "who holds it now"
    assert desk.open(appeal(number=None, party_ref="P1"), actor=HOTLINE, at=at(2)).subject_id == 1
    assert desk.open(appeal(number=None, party_ref="P2"), actor=HOTLINE, at=at(2)).subject_id == 2
    gone = appeal(number=msisdn(2)[2:])
    assert refused(lambda: desk.open(gone, actor=HOTLINE, at=at(2))) == "no_such_subscription"


def test_a_label_of_a_subscription_is_appealed_against_by_its_number(desk: AppealDesk) -> None:
    opened = desk.open(appeal("lines:bad", number=msisdn(2)[2:]), actor=HOTLINE, at=at(1))
    assert (opened.subject_type, opened.subject_id) == ("subscription", 2)
    by_party = appeal("lines:bad", number=None, party_ref="P1")
    assert refused(lambda: desk.open(by_party, actor=HOTLINE, at=at(1))) == "appeal_whose"


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (appeal("blacklist:court_or_police"), "appeal_label"),
        (appeal("redlist:spam"), "appeal_label"),
        (appeal("blacklist:nonsense"), "appeal_label"),
        (appeal("ordinary"), "appeal_label"),
        (appeal("黑名单"), "invalid_value"),
        (appeal(number=None), "appeal_whose"),
        (appeal(party_ref="P1"), "appeal_whose"),
        (appeal(number=None, party_ref="nobody"), "unknown_party"),
        (appeal(number="13800999999"), "no_such_subscription"),
        (appeal(number="not one"), "invalid_value"),
        (NewAppeal(label=SPAM, description=" ", channel="hotline", number=msisdn(1)),
         "invalid_value"),
        (NewAppeal(label=SPAM, description="x", channel="pigeon", number=msisdn(1)),
         "invalid_value"),
        (NewAppeal(label=SPAM, description="x", channel="web", number=msisdn(1),
                   received_at=at(2)), "future_effect"),
    ],
)  # fmt: skip
def test_what_is_no_appeal(desk: AppealDesk, new: NewAppeal, code: str) -> None:
    assert refused(lambda: desk.open(new, actor=HOTLINE, at=at(1))) == code
    assert desk.list(at=at(9)) == ()


def test_one_at_a_time_and_again_with_something_new(desk: AppealDesk, store: OrderStore) -> None:
    desk.open(appeal(), actor=HOTLINE, at=at(1))
    by_ref = appeal(number=None, party_ref="P1")
    assert refused(lambda: desk.open(by_ref, actor=HOTLINE, at=at(1))) == "appeal_open"
    desk.open(appeal("blacklist:fraud"), actor=HOTLINE, at=at(1))
    desk.decide("TT00000001", "confirmed", "属实", actor=WANG, at=at(2))
    second = desk.open(by_ref, actor=HOTLINE, at=at(3)).ticket.ticket_ref
    assert desk.decide(second, "misused", "卡被盗用", actor=WANG, at=at(4)).outcome == "upheld"
    TicketDesk(store).move("TT00000002", "cancelled", actor=HOTLINE, at=at(4), note="客户撤回")
    assert desk.list(at=at(5), open_only=True) == ()
    taken_back = refused(lambda: desk.decide("TT00000002", "misused", "x", actor=WANG, at=at(5)))
    assert taken_back == "ticket_step"


def test_two_people_decide_and_once(desk: AppealDesk) -> None:
    desk.open(appeal(), actor=WANG, at=at(1))

    def decided(finding: str = "misused", answer: str = "x", who: object = WANG) -> str:
        return refused(
            lambda: desk.decide("TT00000001", finding, answer, actor=who, at=at(2))  # type: ignore[arg-type]
        )

    assert decided() == "same_person"
    for role in (LI, HOTLINE, COUNTER):
        assert decided(who=role) == "business_not_permitted"
    boss = type(WANG)("manager", "back_office", "chen.gang")
    assert decided("because", who=boss) == "invalid_value"
    assert decided(answer="", who=boss) == "invalid_value"
    first = desk.decide("TT00000001", "misused", "x", actor=boss, at=at(2))
    again = desk.decide("TT00000001", "misused", "x", actor=boss, at=at(3))
    assert again.decided_at == first.decided_at, "the same decision again changes nothing"
    assert decided("confirmed", who=boss) == "appeal_decided"


def test_the_term_of_a_fact(desk: AppealDesk) -> None:
    for serial in (1, 2):
        desk.open(appeal("blacklist:arrears", number=msisdn(serial)[2:]), actor=HOTLINE, at=at(1))

    def until(days: float, finding: str = "our_mistake") -> str:
        return refused(lambda: desk.decide("TT00000001", finding, "x", actor=WANG, at=at(2),
                                           holds_until=at(days)))  # fmt: skip

    assert until(2) == until(400) == until(9, "confirmed") == "invalid_value"
    chosen = desk.decide("TT00000001", "our_mistake", "账单更正中", actor=WANG, at=at(2),
                         holds_until=at(9))  # fmt: skip
    assert chosen.holds_until == at(9)
    assert desk.decide("TT00000002", "confirmed", "x", actor=WANG, at=at(2)).holds_until is None


def test_an_appeal_is_no_ordinary_ticket(desk: AppealDesk, store: OrderStore) -> None:
    tickets = TicketDesk(store)
    plain = NewTicket(category="label_appeal", description="x", channel="web", number=msisdn(1))
    assert refused(lambda: tickets.open(plain, actor=HOTLINE, at=at(1))) == "appeal_way"
    desk.open(appeal(), actor=HOTLINE, at=at(1))
    tickets.assign("TT00000001", "wang.wei", actor=HOTLINE, at=at(1))
    answer = refused(lambda: tickets.resolve("TT00000001", "好", actor=LI, at=at(1)))
    assert answer == "appeal_way"
    desk.decide("TT00000001", "confirmed", "属实", actor=WANG, at=at(2))
    again = refused(lambda: tickets.move("TT00000001", "inProgress", actor=LI, at=at(3)))
    assert again == "appeal_decided"
    fault = NewTicket(category="no_service", description="x", channel="web", number=msisdn(1))
    other = tickets.open(fault, actor=HOTLINE, at=at(3)).ticket_ref
    assert refused(lambda: desk.show(other, at=at(3))) == "appeal_unknown"
    assert refused(lambda: desk.decide(other, "misused", "x", actor=WANG, at=at(3))) == (
        "appeal_unknown"
    )


def test_a_request_sent_twice_is_one_appeal(desk: AppealDesk) -> None:
    def ask(**values: str | None) -> str:
        view = desk.open(appeal(request_ref="r-1", **values), actor=HOTLINE, at=at(1))
        assert view.ticket.repeated
        return view.ticket.ticket_ref

    desk.open(appeal(request_ref="r-1"), actor=HOTLINE, at=at(1))
    assert ask() == "TT00000001"
    other = appeal("blacklist:fraud", request_ref="r-1")
    assert refused(lambda: desk.open(other, actor=HOTLINE, at=at(1))) == "request_ref_reused"


def test_the_database_keeps_a_decision(desk: AppealDesk, store: OrderStore) -> None:
    desk.open(appeal(), actor=HOTLINE, at=at(1))
    for values in (
        "outcome = 'upheld', finding = 'x', checker = maker, decided_at = 1, holds_until = 2",
        "outcome = 'upheld'",
        "outcome = 'perhaps'",
    ):
        with pytest.raises(DatabaseError), store.database.writing() as connection:
            connection.execute(text(f"UPDATE appeal SET {values}"))  # noqa: S608
    desk.decide("TT00000001", "confirmed", "属实", actor=WANG, at=at(2))
    with pytest.raises(DatabaseError), store.database.writing() as connection:
        connection.execute(text("UPDATE appeal SET finding = 'misused', outcome = 'upheld'"))


def test_a_restriction_ends_with_the_decision_and_no_repeated_night_brings_it_back(
    desk: AppealDesk, store: OrderStore
) -> None:
    other = Restriction(**vars(LISTED) | {"reason_code": "fraud"})
    new = opening(9, when=at(3), party=person(1), order_ref="second")
    store.restrict(DAY, [LISTED, other])
    desk.open(appeal(), actor=HOTLINE, at=at(2))
    assert refusal(store, opening(8, when=at(2), party=person(1))) == "party_restricted"
    desk.decide("TT00000001", "lawful_business", "已核实", actor=WANG, at=at(2))
    assert store.restrictions(1) == [other], "what was not appealed against stands"
    assert store.restrict(DAY, [LISTED, other]) == 1
    assert store.restrictions(1) == [other]
    store.restrict(DAY + timedelta(days=1), [])
    done(store, new)
    later = DAY + timedelta(days=5)
    assert known_at(later) > at(2)
    store.restrict(later, [LISTED])
    assert store.restrictions(1) == [LISTED], "what a later night finds is new"
