"""Who is on the joint list, and who is not."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import mingdan
from mingdan.calendar import known_at, naive_utc
from mingdan.classes.tables import LABELS
from mingdan.errors import MissingInput
from mingdan.lists.joint import build
from mingdan.lists.policy import publishable
from mingdan.lists.tables import TOLD
from mingdan.orders.commands import ChangeNumber, Protect, Terminate, TransferOwner
from tests.lists.operator import DAY, LONG_AGO, Operator, label, noon, person

SHIPPED = Path(mingdan.__file__).parent


def listed(operator: Operator, *labels: dict[str, Any], day: date = DAY) -> list[tuple[int, str]]:
    operator.know(day, labels)
    build(operator.night, day)
    return [(row["subscription_id"], row["reason_code"]) for row in operator.entries(day)]


def test_a_published_label_lists_the_numbers_it_names(operator: Operator) -> None:
    operator.open("甲2", "8613800000011", party="甲")
    operator.open("甲3", "8613800000012", party="甲")
    named = [operator.subscriptions["甲"], operator.subscriptions["甲2"]]
    assert sorted(listed(operator, label(operator.parties["甲"], named))) == [
        (named[0], "spam_sms"),
        (named[1], "spam_sms"),
    ]
    (row, other) = operator.entries()
    assert row["party_id"] == operator.parties["甲"]
    assert (row["category"], row["level"], row["confidence"], row["sources"]) == (
        "blacklist",
        "published",
        85,
        1,
    )
    assert row["valid_from"] == noon(DAY).replace(tzinfo=None)
    assert row["last_seen"] == naive_utc(datetime(2026, 11, 8, 16, tzinfo=UTC)), (
        "Monday 00:00 in Shanghai"
    )
    assert row["valid_until"] == naive_utc(datetime(2027, 1, 3, 16, tzinfo=UTC)), (
        "Monday before the sixtieth day"
    )
    assert re.fullmatch("[0-9a-f]{32}", row["entry_id"])
    assert row["entry_id"] != other["entry_id"]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "watch"},
        {"state": "fading"},
        {"effective": False, "suppressed_by": "redlist:spam"},
        {"class_code": "key_account"},
        {"reason": "arrears"},
        {"reason": "court_or_police"},
        {"reason": "partner_joint"},
        {"valid_to": noon(DAY).replace(tzinfo=None)},
    ],
    ids=str,
)
def test_what_does_not_leave(operator: Operator, changes: dict[str, Any]) -> None:
    """Only published, effective, unexpired labels of a reason the dictionary lets out."""
    assert listed(operator, operator.label("甲", **changes), operator.label("乙")) == [
        (operator.subscriptions["乙"], "spam_sms")
    ]


def test_a_label_that_names_no_number_lists_none(operator: Operator) -> None:
    assert listed(operator, label(operator.parties["甲"], [])) == []


def test_a_label_without_end_gets_its_reasons_term(operator: Operator) -> None:
    listed(operator, operator.label("甲", valid_to=None))
    (row,) = operator.entries()
    days = publishable(operator.night.settings, "blacklist")["spam_sms"]
    end = (noon(DAY) + timedelta(days)).replace(tzinfo=None)
    assert end - timedelta(7) < row["valid_until"] <= end


@pytest.mark.parametrize(
    ("confidence", "step"), [(0, 0), (1, 15), (29, 15), (30, 50), (69, 50), (70, 85), (100, 85)]
)
def test_confidence_is_given_in_the_steps_of_stix(
    operator: Operator, confidence: int, step: int
) -> None:
    listed(operator, operator.label("甲", confidence=confidence))
    assert operator.entries()[0]["confidence"] == step


def test_an_end_that_is_near_is_given_to_the_second(operator: Operator) -> None:
    near = (noon(DAY) + timedelta(14)).replace(tzinfo=None)
    listed(operator, operator.label("甲", valid_to=near))
    assert operator.entries()[0]["valid_until"] == near
    listed(operator, operator.label("甲", valid_to=near + timedelta(1)))
    assert operator.entries()[0]["valid_until"] == naive_utc(datetime(2026, 11, 22, 16, tzinfo=UTC))


def test_a_number_given_up_is_not_listed(operator: Operator) -> None:
    operator.order(Terminate(order_ref="t", at=noon(DAY), subscription_ref="甲"))
    assert listed(operator, operator.label("甲"), operator.label("乙")) == [
        (operator.subscriptions["乙"], "spam_sms")
    ]


def test_after_a_transfer_the_new_holder_is_not_listed(operator: Operator) -> None:
    """过户: neither under the old party's label nor under a label of the subscription."""
    operator.order(
        TransferOwner(order_ref="t", at=noon(DAY), subscription_ref="甲", party=person("新"))
    )
    subscription = operator.subscriptions["甲"]
    about_it = label(subscription, [], subject_type="subscription", reason="fraud")
    assert listed(operator, operator.label("甲"), about_it) == []


def test_a_label_of_a_subscription_lists_its_number(operator: Operator) -> None:
    subscription = operator.subscriptions["甲"]
    assert listed(operator, label(subscription, [], subject_type="subscription")) == [
        (subscription, "spam_sms")
    ]


def test_a_change_of_number_keeps_the_entry(operator: Operator) -> None:
    """改号: the same entry, whatever its number is now."""
    listed(operator, operator.label("甲"))
    before = operator.entries()
    operator.order(
        ChangeNumber(
            order_ref="c",
            at=noon(DAY + timedelta(1)),
            subscription_ref="甲",
            msisdn="8613800000099",
        )
    )
    listed(operator, operator.label("甲"), day=DAY + timedelta(1))
    assert operator.entries(DAY + timedelta(1)) == before


def test_a_new_spell_is_a_new_entry(operator: Operator) -> None:
    listed(operator, operator.label("甲"))
    (before,) = operator.entries()
    listed(operator, operator.label("甲", first_seen=noon(DAY).replace(tzinfo=None)))
    (after,) = operator.entries()
    assert before["entry_id"] != after["entry_id"]


@pytest.mark.parametrize("scope", ["credit", "spam", "all"])
def test_protection_is_asked_again_whatever_labels_say(operator: Operator, scope: Any) -> None:
    """A label that classes let through by mistake still does not leave."""
    operator.order(
        Protect(
            order_ref="p",
            at=LONG_AGO,
            party_ref="甲",
            scope=scope,
            until=noon(DAY + timedelta(30)),
            maker="clerk",
            checker="chief",
        )
    )
    assert listed(operator, operator.label("甲"), operator.label("乙")) == [
        (operator.subscriptions["乙"], "spam_sms")
    ]


def test_an_ended_protection_protects_no_more(operator: Operator) -> None:
    operator.order(
        Protect(
            order_ref="p",
            at=LONG_AGO,
            party_ref="甲",
            scope="all",
            until=noon(DAY),
            maker="clerk",
            checker="chief",
        )
    )
    assert len(listed(operator, operator.label("甲"))) == 1


def test_numbers_the_label_withholds_are_not_taken_from_its_sources(operator: Operator) -> None:
    """The source named two numbers; one is protected and stands apart in the evidence."""
    second = operator.open("甲2", "8613800000011", party="甲")
    first = operator.subscriptions["甲"]
    told = [{"source": "rule", "ref": "burst@1", "subscriptions": [first, second]}]
    row = label(operator.parties["甲"], [first], sources=told, protected=[second])
    assert listed(operator, row) == [(first, "spam_sms")]


def test_a_number_withheld_and_named_at_once_is_withheld(operator: Operator) -> None:
    first = operator.subscriptions["甲"]
    assert listed(operator, label(operator.parties["甲"], [first], protected=[first])) == []


class TestOrigin:
    """What rests on partners' word alone is not ours to pass on."""

    @staticmethod
    def told(operator: Operator, ref: str, *kinds: str) -> list[dict[str, Any]]:
        refs = {"partner": "police_demo", "rule": "burst@1", "complaint": "12321"}
        number = operator.subscriptions[ref]
        return [{"source": k, "ref": refs[k], "subscriptions": [number]} for k in kinds]

    def test_a_partners_word_alone(self, operator: Operator) -> None:
        row = operator.label("甲", sources=self.told(operator, "甲", "partner"))
        assert listed(operator, row) == []

    def test_our_own_finding_beside_it(self, operator: Operator) -> None:
        row = operator.label("甲", sources=self.told(operator, "甲", "partner", "rule"))
        assert len(listed(operator, row)) == 1

    def test_a_number_only_the_partner_names(self, operator: Operator) -> None:
        """The rule is about one number, the partner about another of the same party."""
        operator.open("甲2", "8613800000011", party="甲")
        told = self.told(operator, "甲", "rule") + self.told(operator, "甲2", "partner")
        numbers = [operator.subscriptions["甲"], operator.subscriptions["甲2"]]
        row = label(operator.parties["甲"], numbers, sources=told)
        assert listed(operator, row) == [(numbers[0], "spam_sms")]

    def test_a_number_named_on_an_earlier_night_only(self, operator: Operator) -> None:
        """A farm changes cards: the label still names those of the nights before."""
        operator.open("甲2", "8613800000011", party="甲")
        numbers = [operator.subscriptions["甲"], operator.subscriptions["甲2"]]
        told = self.told(operator, "甲", "rule")
        assert len(listed(operator, label(operator.parties["甲"], numbers, sources=told))) == 2

    def test_an_agreement_that_allows_it(self, operator: Operator) -> None:
        path = operator.night.settings.data / "policy" / "reports" / "partners.toml"
        path.parent.mkdir(parents=True)
        shipped = (SHIPPED / "reports" / "partners.toml").read_text(encoding="utf-8")
        path.write_text(
            shipped.replace("may_be_reexported = false", "may_be_reexported = true", 1),
            encoding="utf-8",
        )
        row = operator.label("甲", sources=self.told(operator, "甲", "partner"))
        assert len(listed(operator, row)) == 1

    def test_a_partner_who_confirms_does_not_delist(self, operator: Operator) -> None:
        """Found by us, then only the partner repeats it: the entry stays as it was."""
        listed(operator, operator.label("甲"))
        row = operator.label("甲", sources=self.told(operator, "甲", "partner"))
        assert len(listed(operator, row, day=DAY + timedelta(1))) == 1

    def test_evidence_without_sources_is_nobodys_finding(self, operator: Operator) -> None:
        assert listed(operator, operator.label("甲", sources=[])) == []


def test_a_missing_table_stops_the_list(operator: Operator) -> None:
    with pytest.raises(MissingInput, match=f"{LABELS.name} of 2026-11-10"):
        build(operator.night, DAY)


def test_the_same_day_again_gives_the_same_bytes(operator: Operator) -> None:
    operator.know(DAY, [operator.label("甲"), operator.label("乙")])
    first = build(operator.night, DAY)
    assert build(operator.night, DAY) == first


def told(operator: Operator, day: date) -> list[tuple[Any, ...]]:
    rows = operator.night.lake.scan(TOLD, [day]).collect()
    return rows.select("partner", "party_id", "reason_code", "since").rows()


def test_what_a_partner_may_know_is_written_down_with_its_first_night(operator: Operator) -> None:
    """The bank is told of spam, not of what its agreement does not name; a break starts anew."""
    own = {ref: operator.parties[ref] for ref in ("甲", "乙")}
    days = [DAY + timedelta(shift) for shift in range(4)]
    first, second, _, fourth = (naive_utc(known_at(day)) for day in days)
    listed(operator, operator.label("甲"))
    listed(operator, operator.label("甲"), operator.label("乙"), day=days[1])
    listed(operator, operator.label("乙"), day=days[2])
    listed(operator, operator.label("甲"), operator.label("乙"), day=days[3])
    assert told(operator, DAY) == [("bank_demo", own["甲"], "spam_sms", first)]
    assert sorted(told(operator, days[3])) == sorted(
        [
            ("bank_demo", own["甲"], "spam_sms", fourth),
            ("bank_demo", own["乙"], "spam_sms", second),
        ]
    )
