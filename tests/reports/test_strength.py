"""What complaints are worth: distinct people, of one subscription, in a window."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from mingdan.night import Night
from mingdan.reports.intake import take
from mingdan.reports.policy import policy
from mingdan.reports.tables import REPORT_ASSERTIONS
from tests.reports.world import DAY, World, at, complaint


def asserted(night: Night, day: date = DAY) -> list[dict[str, object]]:
    return night.lake.scan(REPORT_ASSERTIONS, [day]).collect().to_dicts()


def reporter(number: int) -> str:
    return str(8613900000000 + number)


@pytest.mark.parametrize(("people", "score"), [(1, 20), (2, 40), (3, 65), (4, 65), (5, 80)])
def test_more_people_say_more_and_never_carry_past_watch(
    night: Night, world: World, people: int, score: int
) -> None:
    world.write()
    world.complaints(*(complaint("13800000001", reporter(i), ref=f"C{i}") for i in range(people)))
    take(night, DAY)
    (row,) = asserted(night)
    assert (row["subject_type"], row["subject_id"]) == ("party", 1)
    assert (row["class_code"], row["reason_code"]) == ("blacklist", "spam_sms")
    assert (row["source"], row["source_ref"], row["level"]) == ("complaint", "12321", "watch")
    assert row["score"] == score
    assert row["evidence"] == json.dumps(
        {
            "complainants_30d": people,
            "complainants_7d": people,
            "complaints_30d": people,
            "complained_of": [11],
            "subscriptions": [11] if people > 1 else [],
        },
        sort_keys=True,
        separators=(",", ":"),
    )


def test_the_same_person_is_one_complainant(night: Night, world: World) -> None:
    world.write()
    world.complaints(*(complaint("13800000001", reporter(1), ref=f"C{i}") for i in range(5)))
    take(night, DAY)
    assert [row["score"] for row in asserted(night)] == [20]


def test_the_cards_of_one_party_are_one_complainant(night: Night, world: World) -> None:
    for card in range(3):
        world.person(reporter(card), 20 + card, 5)
    world.write()
    world.complaints(*(complaint("13800000001", reporter(i), ref=f"C{i}") for i in range(3)))
    take(night, DAY)
    assert [row["score"] for row in asserted(night)] == [20]


def test_a_party_does_not_complain_of_itself(night: Night, world: World) -> None:
    world.person(reporter(1), 21, 1)
    world.write()
    world.complaints(complaint("13800000001", reporter(1)))
    take(night, DAY)
    assert asserted(night) == []


def test_withheld_numbers_are_one_complainant(night: Night, world: World) -> None:
    world.write()
    world.complaints(*(complaint("13800000001", "", ref=f"C{i}") for i in range(4)))
    take(night, DAY)
    assert [row["score"] for row in asserted(night)] == [20]


def test_complaints_about_different_numbers_of_a_party_do_not_add_up(
    night: Night, world: World
) -> None:
    """A company with many cards is not worse for having many; the worst card is named."""
    world.person("8613800000003", 13, 1)
    world.write()
    world.complaints(
        complaint("13800000001", reporter(1), ref="A"),
        complaint("13800000001", reporter(2), ref="B"),
        complaint("13800000003", reporter(3), ref="C"),
    )
    take(night, DAY)
    (row,) = asserted(night)
    assert row["score"] == 40
    assert json.loads(str(row["evidence"]))["subscriptions"] == [11]


def test_categories_are_counted_apart_and_other_says_nothing(night: Night, world: World) -> None:
    world.write()
    world.complaints(
        complaint("13800000001", reporter(1), ref="A", category="nuisance_call", channel="10086"),
        complaint("13800000001", reporter(2), ref="B", category="fraud"),
        complaint("13800000001", reporter(3), ref="C", category="other"),
    )
    take(night, DAY)
    assert [(r["reason_code"], r["source_ref"], r["score"]) for r in asserted(night)] == [
        ("abnormal_calls", "10086", 20),
        ("fraud", "12321", 20),
    ]


@pytest.mark.parametrize("kind", ["service_port", "m2m", "call_centre"])
def test_ports_devices_and_call_centres_assert_nothing(
    night: Night, world: World, kind: str
) -> None:
    world.person("10690001234", 13, 3)
    world.kinds[13] = kind
    world.write()
    world.complaints(complaint("10690001234"))
    assert take(night, DAY).facts["complaints_taken"] == 1
    assert asserted(night) == []


def test_the_window_closes(night: Night, world: World) -> None:
    """Three people on the 10th: strong for 7 days, weaker for 30, then nothing."""
    later = [DAY + timedelta(shift) for shift in (6, 7, 29, 30)]
    for day in (DAY, *later):
        world.write(day)
        world.complaints(day=day)
    world.complaints(*(complaint("13800000001", reporter(i), ref=f"C{i}") for i in range(3)))
    take(night, DAY)
    scores = []
    for day in later:
        take(night, day)
        scores.append([row["score"] for row in asserted(night, day)])
    assert scores == [[65], [35], [35], []]


def test_who_complains_against_the_previous_holder_does_not_hurt_the_next(
    night: Night, world: World
) -> None:
    world.number("8613800000009", 13, date(2026, 1, 1), DAY - timedelta(3))
    world.party(3, 13, date(2026, 1, 1), DAY - timedelta(3))
    world.number("8613800000009", 14, DAY - timedelta(2))
    world.party(4, 14, DAY - timedelta(2))
    world.write()
    world.complaints(complaint("13800000009", occurred=DAY - timedelta(5)))
    take(night, DAY)
    assert [row["subject_id"] for row in asserted(night)] == [3]


def test_scores_never_fall_as_people_are_added() -> None:
    rules = policy().complaints
    scores = [[rules.score(recent=r, window=w) for r in range(w + 1)] for w in range(9)]
    assert all(row == sorted(row) for row in scores)
    assert all(scores[w][r] <= scores[w + 1][r] for w in range(8) for r in range(w + 1))
    assert scores[0][0] == 0


def test_what_an_upheld_appeal_refuted_does_not_count(night: Night, world: World) -> None:
    """Three complained before the decision, one after it: that one is heard, as one."""
    world.complaints(
        *(complaint("13800000001", reporter(i), ref=f"C{i}") for i in range(3)),
        complaint("13800000001", reporter(9), ref="C9", category="fraud"),
    )
    world.uphold(1, "spam_sms", at(DAY, 20))
    world.write()
    take(night, DAY)
    assert [(row["reason_code"], row["score"]) for row in asserted(night)] == [("fraud", 20)]
    after = DAY + timedelta(days=1)
    world.write(after)
    world.complaints(complaint("13800000001", reporter(4), ref="C4", day=after), day=after)
    take(night, after)
    said = {row["reason_code"]: row["score"] for row in asserted(night, after)}
    assert said == {"fraud": 20, "spam_sms": 20}
