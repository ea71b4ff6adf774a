"""What an upheld appeal (申诉) does to labels: it ends what was, and leaves open what comes."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest

from mingdan.calendar import day_bounds, naive_utc
from mingdan.classes.explain import explain
from mingdan.classes.tables import LABEL_EVENTS
from mingdan.engine import Engine
from tests.classes.world import BLAST, USED, World, nights, report

SPAM = "blacklist:spam_sms"
DAYS = nights(12)


def during(day: date, hour: int) -> datetime:
    return naive_utc(day_bounds(day)[0]) + timedelta(hours=hour)


@pytest.fixture
def listed(decided: World) -> World:
    """Party 1 has blasted for three nights and is on the list."""
    assert decided.labels(DAYS[2])[1, SPAM]["state"] == "published"
    return decided


def test_the_label_ends_the_night_it_is_known_and_the_event_says_why(listed: World) -> None:
    listed.uphold(1, SPAM, during(DAYS[3], 11))
    facts = listed.decide(DAYS[3], {1: BLAST}).facts
    assert (1, SPAM) not in listed.labels(DAYS[3])
    events = listed.night.lake.scan(LABEL_EVENTS, [DAYS[3]]).collect().to_dicts()
    (event,) = (each for each in events if each["subject_id"] == 1)
    assert (event["action"], event["reason_code"], event["level"]) == (
        "appeal_upheld", "spam_sms", None,
    )  # fmt: skip
    assert (event["source"], event["source_ref"]) == ("appeal", "TT00000001")
    assert (event["maker"], event["checker"]) == ("li.na", "wang.wei")
    assert event["valid_from"] == during(DAYS[3], 11)
    said = json.loads(event["evidence"])
    assert said["appeal"]["finding"] == "lawful_business"
    assert said["sources"], "what it rested on stays told"
    assert facts["appealed"] > 0
    found = explain(Engine(listed.night.lake, listed.settings), "1", DAYS[3])
    assert found.history[-1].action == "appeal_upheld"
    assert [(each.ticket, each.code) for each in found.appeals] == [("TT00000001", SPAM)]
    assert found.proof.outcome == "equal"


def test_a_decision_between_two_nights_known_only_to_the_second(listed: World) -> None:
    """Decided at 02:29, when the night of yesterday is not over yet: that night knows it."""
    listed.uphold(1, SPAM, during(DAYS[4], 2))
    listed.decide(DAYS[3], {1: BLAST})
    assert (1, SPAM, "appeal_upheld", None) in listed.events(DAYS[3])


def test_what_is_new_counts_and_what_was_before_does_not(listed: World) -> None:
    listed.uphold(1, SPAM, during(DAYS[3], 11))
    listed.decide(DAYS[3], {1: BLAST})
    # a rule over one day sees only days after the decision from now on
    for day in DAYS[4:7]:
        listed.decide(day, {1: BLAST})
    label = listed.labels(DAYS[6])[1, SPAM]
    assert (label["state"], label["hits"]) == ("published", 3)
    assert label["first_seen"] > during(DAYS[3], 11)
    assert listed.events(DAYS[4]) == [(1, SPAM, "assert", "watch")]


def test_the_day_of_the_decision_is_not_held_against_anybody(world: World) -> None:
    world.person(1)
    world.uphold(1, SPAM, during(DAYS[0], 11))
    world.decide(DAYS[0], {1: BLAST})
    assert world.labels(DAYS[0]) == {}
    world.decide(DAYS[1], {1: BLAST})
    assert world.labels(DAYS[1])[1, SPAM]["state"] == "watch"


def test_no_memory_of_the_label_is_left(listed: World) -> None:
    """Faded labels are remembered as confidence; a refuted one is not."""
    with_memory = listed.copy(listed.root.parent / "without an appeal")
    listed.uphold(1, SPAM, during(DAYS[3], 11))
    for each in (listed, with_memory):
        each.decide(DAYS[3], {1: USED})
        each.decide(DAYS[4], {1: BLAST})
    fresh, continued = (each.labels(DAYS[4])[1, SPAM] for each in (listed, with_memory))
    assert fresh["hits"] == 1
    assert fresh["confidence"] < continued["confidence"]


def test_other_labels_and_other_people_are_not_touched(world: World) -> None:
    world.person(1)
    world.person(2)
    for day in DAYS[:3]:
        reports = [report(1, "fraud", day=day), report(2, "fraud", day=day)]
        world.decide(day, {1: BLAST, 2: BLAST}, reports)
    world.uphold(1, SPAM, during(DAYS[3], 11))
    world.decide(DAYS[3], {1: BLAST, 2: BLAST}, [report(1, "fraud", day=DAYS[2])])
    left = world.labels(DAYS[3])
    assert (1, SPAM) not in left
    assert {(1, "blacklist:fraud"), (2, SPAM), (2, "blacklist:fraud")} <= set(left)


def test_a_report_from_before_is_refuted_for_ever_a_later_one_is_heard(world: World) -> None:
    world.person(1)
    old = report(1, source="partner", ref="bank", level="published", score=90, day=DAYS[0])
    world.decide(DAYS[0], {}, [old])
    assert world.labels(DAYS[0])[1, SPAM]["state"] == "watch"
    world.uphold(1, SPAM, during(DAYS[1], 11), days=1)
    for day in DAYS[1:4]:
        world.decide(day, {}, [old])
        assert world.labels(day) == {}, "the partner still says it, and it still does not count"
    again = report(1, source="partner", ref="bank", level="published", score=90, day=DAYS[4])
    world.decide(DAYS[4], {}, [again])
    assert world.labels(DAYS[4])[1, SPAM]["hits"] == 1


def test_a_fact_is_left_out_for_the_appeals_term(world: World) -> None:
    """The bill was wrong: until it is mended, it does not blacklist him every night anew."""
    owes = "blacklist:arrears"
    world.person(1, payment_kind="postpaid", arrears_fen=20_000, arrears_days=40)
    world.decide(DAYS[0], {1: USED})
    assert world.labels(DAYS[0])[1, owes]["state"] == "watch"
    world.uphold(1, owes, during(DAYS[1], 11), days=3)
    for day in DAYS[1:4]:
        world.decide(day, {1: USED})
        assert world.labels(day) == {}
    world.decide(DAYS[4], {1: USED})
    assert world.labels(DAYS[4])[1, owes]["state"] == "watch"


def test_a_legal_order_is_not_ended_by_an_appeal_to_us(world: World) -> None:
    ordered = "blacklist:court_or_police"
    world.person(1)
    told = report(1, "court_or_police", source="partner", ref="police", level="published",
                  score=100, day=DAYS[0])  # fmt: skip
    world.decide(DAYS[0], {}, [told])
    world.uphold(1, ordered, during(DAYS[1], 11))
    world.decide(DAYS[1], {}, [told])
    assert world.labels(DAYS[1])[1, ordered]["state"] == "published"


def test_a_past_night_run_again_knows_nothing_of_a_later_appeal(listed: World) -> None:
    before = listed.labels(DAYS[2])
    listed.uphold(1, SPAM, during(DAYS[3], 11))
    listed.decide(DAYS[3], {1: BLAST})
    found = explain(Engine(listed.night.lake, listed.settings), "1", DAYS[2])
    assert found.proof.outcome == "equal"
    assert listed.labels(DAYS[2]) == before


def test_who_is_linked_to_an_appellant_is_not_watched_for_it(world: World) -> None:
    world.person(1, document_id=7)
    world.person(2, document_id=7)
    fraud = report(1, "fraud", source="partner", ref="bank", level="published", score=95)
    for day in DAYS[:3]:
        world.decide(day, {}, [fraud])
    assert world.labels(DAYS[2])[1, "blacklist:fraud"]["state"] == "published"
    world.decide(DAYS[3], {}, [fraud])
    assert (2, "blacklist:fraud") in world.labels(DAYS[3])
    world.uphold(1, "blacklist:fraud", during(DAYS[4], 11))
    linked = world.labels(DAYS[3])[2, "blacklist:fraud"]
    world.decide(DAYS[4], {}, [fraud])
    after = world.labels(DAYS[4]).get((2, "blacklist:fraud"))
    assert after is None or after["hits"] == linked["hits"]


def test_who_was_taken_for_a_listed_person_is_not_linked_again_at_once(world: World) -> None:
    world.person(1, document_id=7)
    world.person(2, document_id=7)
    fraud = report(1, "fraud", source="partner", ref="bank", level="published", score=95)
    for day in DAYS[:4]:
        world.decide(day, {}, [fraud])
    assert world.labels(DAYS[3])[2, "blacklist:fraud"]["state"] == "watch"
    world.uphold(2, "blacklist:fraud", during(DAYS[4], 11), days=2)
    for day in DAYS[4:6]:
        world.decide(day, {}, [fraud])
        assert (2, "blacklist:fraud") not in world.labels(day)
        assert (1, "blacklist:fraud") in world.labels(day)
    world.decide(DAYS[6], {}, [fraud])
    assert (2, "blacklist:fraud") in world.labels(DAYS[6]), "nobody mended the record"


def test_the_number_was_sold_and_both_have_a_name(world: World) -> None:
    """过户 between two blasts: the seller's appeal is the seller's, the buyer stays listed."""
    world.person(1)
    for day in DAYS[:3]:
        world.decide(day, {1: BLAST})
    world.transfer(1, 2, DAYS[3])
    world.decide(DAYS[3], {1: USED})
    for day in DAYS[4:7]:
        world.decide(day, {1: BLAST})
    assert {(1, SPAM), (2, SPAM)} <= set(world.labels(DAYS[6]))
    world.uphold(1, SPAM, during(DAYS[7], 11))
    world.decide(DAYS[7], {1: BLAST})
    assert set(world.labels(DAYS[7])) == {(2, SPAM)}
    assert world.events(DAYS[7]) == [(1, SPAM, "appeal_upheld", None)]


def test_of_two_decisions_the_newest_counts(world: World) -> None:
    """Upheld, listed anew, upheld again: what lies between does not count either."""
    world.person(1)
    world.uphold(1, SPAM, during(DAYS[0], 11))
    for day in DAYS[:3]:
        world.decide(day, {1: BLAST})
    world.uphold(1, SPAM, during(DAYS[3], 11))
    world.decide(DAYS[3], {1: BLAST})
    assert world.events(DAYS[3]) == [(1, SPAM, "appeal_upheld", None)]
    world.decide(DAYS[4], {1: BLAST})
    assert world.labels(DAYS[4])[1, SPAM]["hits"] == 1


def test_a_protection_beside_it_changes_nothing(world: World) -> None:
    world.person(1)
    world.protect(1, "spam", DAYS[10])
    for day in DAYS[:2]:
        world.decide(day, {1: BLAST})
    world.uphold(1, SPAM, during(DAYS[2], 11))
    world.decide(DAYS[2], {1: BLAST})
    assert set(world.labels(DAYS[2])) == {(1, "redlist:spam")}
    assert world.events(DAYS[2]) == [(1, SPAM, "appeal_upheld", None)]
