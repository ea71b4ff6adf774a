"""The life of a label, held against a second telling of the rules and against what must hold.

`Life` below is written from docs/classes.md, not from the statement: a few
hundred lives of two weeks each must come out the same from both.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest

from mingdan.classes.dictionary import Stability
from mingdan.classes.policy import load
from mingdan.rules.files import policy_text
from tests.classes.world import FIRST, USED, World, nights, report

DAYS = 12
SUBJECTS = 300


@dataclass(frozen=True)
class Seen:
    """What one night asserts of one subject."""

    scores: tuple[int, ...]
    far: tuple[bool, ...]
    active: bool


@dataclass
class Life:
    """A label of a smoothed reason, told a second time."""

    ways: Stability
    term_days: int
    state: str | None = None
    confidence: int = 0
    hits: int = 0
    since: date | None = None
    ends: date | None = None
    published_hits: list[int] = field(default_factory=list)

    def night(self, day: date, seen: Seen) -> None:
        ways = self.ways
        observed = bool(seen.scores)
        if not observed and self.state is None:
            return
        if not observed and self.ends is not None and self.ends <= day:
            self.__init__(ways, self.term_days)  # type: ignore[misc]
            return
        left = 1
        for score in sorted(seen.scores, reverse=True)[:3]:
            left *= 100 - score
        missing = 3 - min(3, len(seen.scores))
        strength = 100 - left * 100**missing // 10_000
        idle = not observed and not seen.active
        if not idle:
            mixed = self.confidence * (100 - ways.smoothing) + strength * ways.smoothing
            self.confidence = (mixed + 50) // 100
        self.hits += observed
        far = [score for score, is_far in zip(seen.scores, seen.far, strict=True) if is_far]
        agreeing = sum(score >= ways.corroborates for score in seen.scores)
        publishes = observed and (
            (
                (bool(far) or agreeing >= 2)
                and self.confidence >= ways.publish_enter
                and self.hits >= ways.publish_hits
            )
            or (
                ((max(far) if far else 0) >= ways.very_strong or agreeing >= 2)
                and self.confidence >= ways.short_enter
                and self.hits >= ways.short_hits
            )
        )
        held = (day - self.since).days if self.since else 0
        may_publish = bool(far) or agreeing >= 2
        stays = (
            self.state == "published"
            and (may_publish or (self.ends is not None and self.ends > day))
            and (idle or self.confidence >= ways.publish_leave or held < ways.hold_days)
        )
        watched = (observed and strength >= ways.watch_enter) or (
            self.state in ("watch", "published") and (idle or self.confidence >= ways.watch_leave)
        )
        state = None
        if publishes or stays:
            state = "published"
        elif watched:
            state = "watch"
        elif self.confidence > ways.forget:
            state = "fading"
        if state is None:
            self.__init__(ways, self.term_days)  # type: ignore[misc]
            return
        if state != self.state:
            self.since = day
        if state == "published" and self.state != "published":
            self.published_hits.append(self.hits)
        renewed = observed and (may_publish or not (state == self.state == "published"))
        self.state = state
        if renewed:
            term = self.term_days if state == "published" else ways.watch_days
            self.ends = day + timedelta(days=term)


def draw(rng: random.Random, mood: float) -> Seen:
    """A night of a subject that is asserted with probability `mood`."""
    if rng.random() > mood:
        return Seen((), (), rng.random() < 0.6)
    count = rng.choice((1, 1, 1, 2, 3, 4))
    scores = tuple(rng.choice((5, 15, 20, 35, 45, 60, 75, 90, 95, 100)) for _ in range(count))
    return Seen(scores, tuple(rng.random() < 0.5 for _ in scores), rng.random() < 0.6)


def policy_with(**changed: int) -> str:
    """The shipped dictionary with other numbers for smoothed labels."""
    text = policy_text("classes/dictionary.toml")[0]
    for name, value in changed.items():
        lines = [
            f"{name} = {value}" if line.startswith(f"{name} = ") else line
            for line in text.splitlines()
        ]
        text = "\n".join(lines) + "\n"
    return text


@pytest.fixture
def lives(make_world: Any) -> tuple[World, dict[int, list[Seen]], dict[int, Life]]:
    """Two weeks of 300 subjects; short holds and terms, so that two weeks see them end."""
    world = make_world(
        classes__dictionary=policy_with(hold_days=4, watch_days=3, term_days=6, publish_hits=3)
    )
    policy = load(world.settings)
    found = policy.find("blacklist", "spam_sms")
    assert found is not None
    ways = policy.dictionary.stability["behaviour"]
    rng = random.Random(11)
    moods = {key: rng.choice((0.15, 0.4, 0.7, 0.95)) for key in range(1, SUBJECTS + 1)}
    plans = {key: [draw(rng, mood) for _ in range(DAYS)] for key, mood in moods.items()}
    told = {key: Life(ways, found[1].term_days) for key in plans}
    for key in plans:
        world.person(key)
    return world, plans, told


def test_labels_live_as_documented(
    lives: tuple[World, dict[int, list[Seen]], dict[int, Life]],
) -> None:
    world, plans, told = lives
    states: set[str | None] = set()
    for at, day in enumerate(nights(DAYS)):
        reports = [
            report(key, source="partner", ref=f"p{number}", score=score, day=day,
                   level="published" if far else "watch")
            for key, plan in plans.items()
            for number, (score, far) in enumerate(zip(plan[at].scores, plan[at].far, strict=True))
        ]  # fmt: skip
        features = {key: USED for key, plan in plans.items() if plan[at].active}
        world.decide(day, features, reports)
        labels = {
            key[0]: row for key, row in world.labels(day).items() if key[1] == "blacklist:spam_sms"
        }
        for key, life in told.items():
            life.night(day, plans[key][at])
            row = labels.get(key)
            assert (row and row["state"]) == life.state, (key, day, plans[key][: at + 1])
            states.add(life.state)
            if row is not None:
                assert (row["confidence"], row["hits"]) == (life.confidence, life.hits)
    assert states == {None, "watch", "published", "fading"}
    ways = told[1].ways
    entered = [hits for life in told.values() for hits in life.published_hits]
    assert entered
    assert min(entered) >= ways.short_hits


def test_never_published_before_the_least_nights(make_world: Any) -> None:
    """Even where confidence jumps at once, the nights have to be there."""
    world = make_world(classes__dictionary=policy_with(smoothing=90))
    world.person(1)
    world.person(2)
    strongest = [
        report(1, source="partner", ref=ref, score=100, level="published") for ref in "abc"
    ]
    one = report(2, source="partner", ref="a", score=90, level="published")
    states = []
    for day in nights(3):
        world.decide(day, {1: USED, 2: USED}, [*strongest, one])
        labels = world.labels(day)
        states.append(tuple(labels[key, "blacklist:spam_sms"]["state"] for key in (1, 2)))
    assert states == [("watch", "watch"), ("published", "watch"), ("published", "published")]


def test_a_source_that_carries_only_to_watch_never_publishes_alone(world: World) -> None:
    world.person(1)
    for day in nights(5):
        world.decide(day, {1: USED}, [report(1, score=100, day=day)])
        assert world.labels(day)[1, "blacklist:spam_sms"]["state"] == "watch"


def test_a_weak_word_is_only_remembered(world: World) -> None:
    """One complaint scores 10-20: it puts nobody under watch, but it is not lost."""
    world.person(1)
    world.decide(FIRST, {1: USED}, [report(1, score=20)])
    label = world.labels(FIRST)[1, "blacklist:spam_sms"]
    assert (label["state"], label["effective"]) == ("fading", False)
    assert world.events(FIRST) == []


def test_a_complaint_is_one_hit_and_renews_no_publication(world: World) -> None:
    """It is remembered for weeks; that makes it neither more nor fresher."""
    world.person(1)
    blast = report(1, source="partner", ref="a", score=95, level="published")
    told = report(1, score=20, day=FIRST)
    for day in nights(2):
        world.decide(day, {1: USED}, [blast, told])
    published = world.labels(day)[1, "blacklist:spam_sms"]
    assert (published["state"], published["hits"]) == ("published", 2)
    for day in nights(7)[2:]:
        world.decide(day, {1: USED}, [told])
        label = world.labels(day)[1, "blacklist:spam_sms"]
        assert (label["state"], label["hits"]) == ("published", 2)
        assert label["valid_to"] == published["valid_to"]
        grounds = label["evidence"]["grounds"]
        assert "a" in {source["ref"] for source in grounds}, "what published it is kept"


def test_weekly_complaints_do_not_publish_for_ever(make_world: Any) -> None:
    world = make_world(classes__dictionary=policy_with(term_days=6))
    world.person(1)
    blast = report(1, source="partner", ref="a", score=95, level="published")
    for day in nights(2):
        world.decide(day, {1: USED}, [blast])
    for day in nights(12)[2:]:
        world.decide(day, {1: USED}, [report(1, score=20, day=day)])
    assert world.labels(day)[1, "blacklist:spam_sms"]["state"] != "published"


def test_a_link_is_no_second_source(world: World) -> None:
    """Linked by its document to a listed person and complained of once: still only watch."""
    world.person(1, 100, document_id=5)
    world.person(2, 200, document_id=5)
    listed = report(100, source="partner", ref="a", score=95, level="published")
    for day in nights(5):
        world.decide(day, {1: USED, 2: USED}, [listed, report(200, score=20, day=day)])
    labels = world.labels(day)
    assert labels[100, "blacklist:spam_sms"]["state"] == "published"
    assert labels[200, "blacklist:spam_sms"]["state"] == "watch"
    assert labels[200, "blacklist:spam_sms"]["source_ref"] == "12321,linked_identity@1"
