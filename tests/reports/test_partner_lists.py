"""Partners' lists: taken within the agreement, never stopping the night."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from mingdan.night import Night
from mingdan.reports.intake import take
from mingdan.reports.tables import PARTNER_ENTRIES, REPORT_ASSERTIONS, REPORTS_QUARANTINE
from tests.reports.world import DAY, World, at, complaint, entry, own_partners


@pytest.fixture(autouse=True)
def _complaints_arrive(world: World) -> None:
    """Every day of these tests has its (uninteresting) complaints."""
    for shift in range(-3, 4):
        world.complaints(day=DAY + timedelta(shift))


def rows(night: Night, table: object = PARTNER_ENTRIES, day: date = DAY) -> list[dict[str, object]]:
    return night.lake.scan(table, [day]).collect().to_dicts()  # type: ignore[arg-type]


def reasons(night: Night, day: date = DAY) -> list[tuple[object, object]]:
    return [(row["line"], row["reason"]) for row in rows(night, REPORTS_QUARANTINE, day)]


def asserted(night: Night, day: date = DAY) -> list[tuple[object, ...]]:
    return [
        (row["subject_id"], row["reason_code"], row["source_ref"], row["level"], row["score"])
        for row in rows(night, REPORT_ASSERTIONS, day)
        if row["source"] == "partner"
    ]


def partners_file(world: World, **changes: str) -> None:
    """The demonstration's partners with some lines of `police_demo` changed."""
    shipped = Path("mingdan/reports/partners.toml").read_text(encoding="utf-8")
    head, police, bank = shipped.split("[[partner]]")
    lines = [
        f"{name} = {changes[name]}" if (name := line.split(" = ")[0]) in changes else line
        for line in police.splitlines()
    ]
    own_partners(world, "[[partner]]".join([head, "\n".join(lines) + "\n", bank]))


def test_an_entry_becomes_a_watch_assertion_about_the_party(night: Night, world: World) -> None:
    world.write()
    world.entries(entry("8613800000001"))
    facts = take(night, DAY).facts
    (row,) = rows(night)
    assert (row["subscription_id"], row["party_id"], row["same_holder"]) == (11, 1, "yes")
    assert asserted(night) == [(1, "fraud", "police_demo", "watch", 70)]
    (assertion,) = rows(night, REPORT_ASSERTIONS)
    assert assertion["evidence"] == (
        '{"entries":1,"legal_bases":["anti_fraud_law"],"partners":1,"subscriptions":[11]}'
    )
    assert assertion["valid_to"] == row["valid_until"]
    assert facts["entries_taken"] == 1


def test_a_court_order_from_the_police_carries_to_published(night: Night, world: World) -> None:
    world.write()
    world.entries(entry("8613800000001", basis="court_or_police"))
    take(night, DAY)
    assert asserted(night) == [(1, "court_or_police", "police_demo", "published", 100)]


def test_nobody_else_can_claim_a_court_order(night: Night, world: World) -> None:
    partners_file(world, kind='"bank"')
    world.write()
    world.entries(
        entry("8613800000001", basis="court_or_police"),
        entry("8613800000002", ref="E2", category="court_or_police", basis="court_or_police"),
    )
    take(night, DAY)
    assert asserted(night) == [(1, "fraud", "police_demo", "watch", 50)]
    assert reasons(night) == [(3, "basis_missing")]


def test_absence_is_not_withdrawal(night: Night, world: World) -> None:
    """The next day's list says nothing of the entry, the day after there is no list at all."""
    world.write(DAY)
    world.entries(entry("8613800000001"))
    take(night, DAY)
    for shift in (1, 2):
        world.write(DAY + timedelta(shift))
    world.entries(entry("8613800000002", ref="E2"), day=DAY + timedelta(1))
    for shift in (1, 2):
        take(night, DAY + timedelta(shift))
        assert [row[0] for row in asserted(night, DAY + timedelta(shift))] == [1, 2]


def test_only_the_source_takes_its_entry_back(night: Night, world: World) -> None:
    """Withdrawing another partner's entry id changes nothing of that partner's entry."""
    next_day = DAY + timedelta(1)
    world.write(DAY)
    world.write(next_day)
    shipped = Path("mingdan/reports/partners.toml").read_text(encoding="utf-8")
    own_partners(world, shipped.replace("asserts = []", 'asserts = ["fraud"]'))
    world.entries(entry("8613800000001"))
    take(night, DAY)
    world.entries("E1,withdraw,,,,,", day=next_day, partner="bank_demo")
    take(night, next_day)
    assert [row[:3] for row in asserted(night, next_day)] == [(1, "fraud", "police_demo")]
    world.entries("E1,withdraw,,,,,", day=next_day, partner="police_demo")
    take(night, next_day)
    assert asserted(night, next_day) == []


def test_a_withdrawal_may_repeat_the_whole_entry(night: Night, world: World) -> None:
    """What it repeats is not vouched for once more."""
    next_day = DAY + timedelta(1)
    world.write(DAY)
    world.write(next_day)
    world.entries(entry("8613800000001"))
    take(night, DAY)
    world.entries(entry("8613800000001", action="withdraw"), day=next_day)
    take(night, next_day)
    assert asserted(night, next_day) == []


def test_an_entry_ends_with_its_term(night: Night, world: World) -> None:
    """Valid until noon of the 11th: in force in the night of the 10th, not of the 11th."""
    last = DAY + timedelta(1)
    world.write(DAY)
    world.write(last)
    world.entries(entry("8613800000001", until=last))
    take(night, DAY)
    take(night, last)
    assert len(asserted(night, DAY)) == 1
    assert asserted(night, last) == []


def test_a_number_that_changed_hands_no_longer_counts(night: Night, world: World) -> None:
    """Party 3 gave the number back on the 12th, party 4 has it since the 13th."""
    world.number("8613800000009", 13, date(2026, 1, 1))
    world.party(3, 13, date(2026, 1, 1))
    world.write(DAY)
    world.entries(entry("8613800000009"))
    take(night, DAY)
    assert [row[0] for row in asserted(night)] == [3]

    later = DAY + timedelta(3)
    ended = World(night)
    ended.person("8613800000001", 11, 1)
    ended.number("8613800000009", 13, date(2026, 1, 1), DAY + timedelta(2))
    ended.party(3, 13, date(2026, 1, 1), DAY + timedelta(2))
    ended.number("8613800000009", 14, later)
    ended.party(4, 14, later)
    ended.write(later)
    take(night, later)
    assert asserted(night, later) == []


def test_only_the_number_named_is_evidence(night: Night, world: World) -> None:
    """改号 and second cards: other numbers of the party are not what the partner saw."""
    world.person("8613800000003", 13, 1)
    world.number("8613800000008", 14, date(2026, 1, 1), DAY - timedelta(1))
    world.number("8613800000009", 14, DAY - timedelta(1))
    world.party(3, 14, date(2026, 1, 1))
    world.write()
    world.entries(entry("8613800000001"), entry("8613800000008", ref="E2"))
    take(night, DAY)
    (assertion,) = rows(night, REPORT_ASSERTIONS)
    assert assertion["subject_id"] == 1
    assert '"entries":1' in str(assertion["evidence"])
    assert '"subscriptions":[11]' in str(assertion["evidence"])


def test_the_party_keeps_its_number_on_another_subscription(night: Night, world: World) -> None:
    """The evidence names the subscription that carries the number now."""
    world.number("8613800000009", 13, date(2026, 1, 1), DAY - timedelta(1))
    world.party(3, 13, date(2026, 1, 1), DAY - timedelta(1))
    world.number("8613800000009", 15, DAY - timedelta(1))
    world.party(3, 15, DAY - timedelta(1))
    world.write()
    world.entries(entry("8613800000009", observed=DAY - timedelta(5)))
    take(night, DAY)
    (row,) = rows(night)
    assert (row["subscription_id"], row["same_holder"]) == (13, "yes")
    (assertion,) = rows(night, REPORT_ASSERTIONS)
    assert '"subscriptions":[15]' in str(assertion["evidence"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": '"suspended"'}, "partner_suspended"),
        ({"status": '"ended"'}, "partner_ended"),
        ({"valid_until": "2026-11-09"}, "agreement_expired"),
        ({"valid_from": "2026-11-11"}, "agreement_not_yet_valid"),
        ({"asserts": "[]"}, "not_agreed"),
    ],
)
def test_without_an_agreement_in_force_nothing_is_taken(
    night: Night, world: World, changes: dict[str, str], reason: str
) -> None:
    partners_file(world, **changes)
    world.write()
    world.entries(entry("8613800000001"))
    facts = take(night, DAY).facts
    assert facts["lists_stopped"] == f"police_demo: {reason}"
    assert rows(night) == asserted(night) == []
    assert len(reasons(night)) == 1


def test_the_last_day_of_the_agreement_counts(night: Night, world: World) -> None:
    partners_file(world, valid_until="2026-11-10")
    world.write()
    world.entries(entry("8613800000001"))
    assert take(night, DAY).facts["entries_taken"] == 1


def test_an_unknown_partner_is_not_listened_to(night: Night, world: World) -> None:
    world.write()
    world.entries(entry("8613800000001"), partner="nobody")
    take(night, DAY)
    assert rows(night) == []
    assert reasons(night) == [(2, "unknown_partner")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (entry("8613800000001", category="arrears"), "category_not_agreed"),
        (entry("8613800000001", category="nonsense"), "unknown_category"),
        (entry("8613800000001", action="delete"), "unknown_action"),
        (entry("075588889999"), "bad_number"),
        (entry(""), "bad_number"),
        (entry("8613800000001", basis=""), "bad_legal_basis"),
        (entry("8613800000001", basis="=HYPERLINK(1)"), "bad_legal_basis"),
        (entry("8613800000001", until=DAY - timedelta(4)), "ends_before_it_begins"),
        (entry("8613800000001", until=date(2040, 1, 1)), "term_too_long"),
        (
            entry("8613800000001", observed=DAY + timedelta(2)),
            "future_time",
        ),
        (entry("8613800000001", ref="@x"), "bad_id"),
    ],
)
def test_lines_outside_the_grammar(night: Night, world: World, line: str, reason: str) -> None:
    world.write()
    world.entries(entry("8613800000002", ref="fine"), line)
    take(night, DAY)
    assert reasons(night) == [(3, reason)]
    assert [row["entry_id"] for row in rows(night)] == ["fine"]


@pytest.mark.parametrize(
    "number",
    [
        "110",
        "96110",
        "10086",
        "95588",
        "12321",
        "10690001234",
        "075596110",
        "+8610086",
        "０1096110",
    ],
)
def test_a_service_number_stops_the_whole_list(night: Night, world: World, number: str) -> None:
    world.write()
    world.entries(entry("8613800000001"), entry(number, ref="E2"), entry("8613800000002", ref="E3"))
    facts = take(night, DAY).facts
    assert rows(night) == asserted(night) == []
    assert reasons(night) == [(2, "file_stopped"), (3, "service_number"), (4, "file_stopped")]
    assert facts["entries_quarantined"] == 3
    assert facts["lists_stopped"] == "police_demo: service_number"


@pytest.mark.parametrize("subject", [("party", 2), ("subscription", 12)])
def test_a_protected_number_stops_the_whole_list(
    night: Night, world: World, subject: tuple[str, int]
) -> None:
    world.protect(*subject)
    world.write()
    world.entries(entry("8613800000001"), entry("8613800000002", ref="E2"))
    take(night, DAY)
    assert rows(night) == []
    assert reasons(night) == [(2, "file_stopped"), (3, "protected_number")]


def test_who_holds_the_number_now_is_protected_too(night: Night, world: World) -> None:
    world.number("8613800000009", 13, date(2026, 1, 1), DAY - timedelta(2))
    world.party(3, 13, date(2026, 1, 1), DAY - timedelta(2))
    world.number("8613800000009", 14, DAY - timedelta(1))
    world.party(4, 14, DAY - timedelta(1))
    world.protect("party", 4)
    world.write()
    world.entries(entry("8613800000009", observed=DAY - timedelta(5)))
    take(night, DAY)
    assert reasons(night) == [(2, "protected_number")]


def test_a_protection_nobody_approved_has_no_effect(night: Night, world: World) -> None:
    world.protect("party", 1, checker=None)
    world.write()
    world.entries(entry("8613800000001"))
    assert take(night, DAY).facts["entries_taken"] == 1


def test_one_partners_stopped_list_does_not_stop_the_night(night: Night, world: World) -> None:
    world.write()
    world.complaints(complaint("13800000002"))
    world.entries(entry("110"))
    assert take(night, DAY).facts["complaints_taken"] == 1


def test_a_list_that_turns_over_too_much_is_stopped(night: Night, world: World) -> None:
    """200 entries vouched for; the next list withdraws 101 of them."""
    world.write(DAY)
    next_day = DAY + timedelta(1)
    world.write(next_day)
    world.entries(*(entry(str(8613700000000 + i), ref=f"E{i}") for i in range(200)))
    assert take(night, DAY).facts["entries_taken"] == 200, "the first list has no measure"
    withdrawn = [f"E{i},withdraw,,,,," for i in range(101)]
    world.entries(*withdrawn, day=next_day)
    facts = take(night, next_day).facts
    assert facts["lists_stopped"] == "police_demo: too_much_change"
    assert facts["entries_quarantined"] == 101
    world.entries(*withdrawn[:99], day=next_day)
    assert take(night, next_day).facts["entries_taken"] == 99


def test_repeating_what_was_said_is_no_change(night: Night, world: World) -> None:
    world.write(DAY)
    next_day = DAY + timedelta(1)
    world.write(next_day)
    again = [entry(str(8613700000000 + i), ref=f"E{i}") for i in range(200)]
    world.entries(*again)
    take(night, DAY)
    world.entries(*again, day=next_day)
    assert take(night, next_day).facts["entries_taken"] == 200


@pytest.mark.parametrize(("named", "taken"), [(60, 60), (61, 0)])
def test_a_first_list_that_names_too_many_customers_is_stopped(
    night: Night, world: World, named: int, taken: int
) -> None:
    """1 % of 6,000 customers: no partner knows so many of ours by name in one night."""
    for serial in range(6_000):
        world.person(str(8613700000000 + serial), 1_000 + serial, 1_000 + serial)
    world.write()
    world.entries(*(entry(str(8613700000000 + i), ref=f"E{i}") for i in range(named)))
    facts = take(night, DAY).facts
    assert facts["entries_taken"] == taken
    assert facts.get("lists_stopped") == (None if taken else "police_demo: too_many_customers")


def test_an_entry_refuted_by_an_appeal_is_not_listened_to_again(night: Night, world: World) -> None:
    """Observed three days ago, appealed against yesterday; a court's order stays."""
    world.uphold(1, "fraud", at(DAY - timedelta(days=1)))
    world.uphold(2, "fraud", at(DAY - timedelta(days=4)))
    world.write()
    world.entries(
        entry("8613800000001"),
        entry("8613800000001", ref="E2", basis="court_or_police"),
        entry("8613800000002", ref="E3"),
    )
    take(night, DAY)
    assert sorted(asserted(night)) == [
        (1, "court_or_police", "police_demo", "published", 100),
        (2, "fraud", "police_demo", "watch", 70),
    ]
    assert len(rows(night)) == 3, "what the partner says is kept all the same"
