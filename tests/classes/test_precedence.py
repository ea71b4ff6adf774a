"""Precedence: legal hard block > protection in its scope > published blacklist > watch.

Every combination of reason, state, protection and company is decided and held
against that sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from mingdan.rules.files import policy_text
from tests.classes.world import FIRST, USED, World, nights, report

REASONS = (
    "arrears", "malicious_arrears", "spam_sms", "fraud", "abnormal_calls", "real_name",
    "court_or_police", "partner_joint",
)  # fmt: skip
SCOPES: dict[str | None, set[str]] = {
    None: set(),
    "credit": {"arrears", "malicious_arrears"},
    "spam": {"spam_sms", "fraud", "abnormal_calls", "partner_joint"},
    "all": set(REASONS) - {"court_or_police"},
}
UNTIL = date(2027, 1, 1)


@pytest.fixture
def instant(make_world: Callable[..., World]) -> World:
    """An installation where labels follow assertions at once, so that states can be set."""
    text = policy_text("classes/dictionary.toml")[0]
    return make_world(
        classes__dictionary=text.replace('stability = "behaviour"', 'stability = "fact"')
    )


def in_force(reason: str, state: str, scope: str | None, others: dict[str, str]) -> bool:
    """The sentence at the top, for one label among the others of its party."""
    if reason == "court_or_police" and state == "published":
        return True
    if reason in SCOPES[scope]:
        return False
    stronger = any(
        other_state == "published" and other not in SCOPES[scope]
        for other, other_state in others.items()
    )
    return state == "published" or not stronger


def test_every_combination(instant: World) -> None:
    cases: dict[int, tuple[dict[str, str], str | None, bool]] = {}
    companies: list[dict[str, str]] = [
        {reason: state} for reason, state in product(REASONS, ("watch", "published"))
    ]
    companies += [
        {first: one, second: two}
        for (first, second) in product(REASONS, REASONS)
        if first < second
        for one, two in product(("watch", "published"), repeat=2)
    ]
    for key, (labels, scope, rich) in enumerate(product(companies, SCOPES, (False, True)), start=1):
        instant.person(key)
        cases[key] = (labels, scope, rich)
        if scope:
            instant.protect(key, scope, UNTIL)
    instant.decide(
        FIRST,
        {key: USED | {"spend_fen_30d": 99_000 if rich else 0} for key, (*_, rich) in cases.items()},
        [
            report(key, reason, source="partner", ref="p", level=state, score=90)
            for key, (labels, *_) in cases.items()
            for reason, state in labels.items()
        ],
    )
    found = instant.labels(FIRST)
    for key, (labels, scope, rich) in cases.items():
        for reason, state in labels.items():
            row = found[key, f"blacklist:{reason}"]
            others = {other: level for other, level in labels.items() if other != reason}
            expected = in_force(reason, state, scope, others)
            assert row["state"] == state
            assert row["effective"] is expected, (labels, scope, reason, row["suppressed_by"])
            assert (row["suppressed_by"] is None) is expected
            if reason in SCOPES[scope]:
                assert row["suppressed_by"] == f"redlist:{scope}"
        if scope:
            assert found[key, f"redlist:{scope}"]["effective"] is True
        assert ((key, "key_account:gold") in found) is rich
        if rich:
            assert found[key, "key_account:gold"]["effective"] is True


def test_a_protection_needs_a_second_person_and_an_unexpired_term(instant: World) -> None:
    for key, (until, checker) in enumerate(
        [(UNTIL, None), (FIRST - timedelta(days=1), "head"), (UNTIL, "head")], start=1
    ):
        instant.person(key)
        instant.protect(key, "all", until, checker=checker)
    instant.decide(
        FIRST,
        dict.fromkeys((1, 2, 3), USED),
        [report(key, "fraud", level="published") for key in (1, 2, 3)],
    )
    found = instant.labels(FIRST)
    assert [found[key, "blacklist:fraud"]["effective"] for key in (1, 2, 3)] == [True, True, False]


def test_a_protected_subscription_leaves_the_list_and_the_last_one_the_effect(
    instant: World,
) -> None:
    """A protected number stays in the house; the label stands while a number is left."""
    for subscription in (1, 2):
        instant.person(subscription, 100)
    instant.protect(1, "spam", UNTIL, subject_type="subscription")
    first, second = nights(2)
    about: dict[str, Any] = {"level": "published", "subscriptions": [1, 2]}
    instant.decide(first, {1: USED}, [report(100, "fraud", **about)])
    label = instant.labels(first)[100, "blacklist:fraud"]
    assert label["effective"] is True
    assert (label["evidence"]["subscriptions"], label["evidence"]["protected"]) == ([2], [1])
    instant.protect(2, "all", UNTIL, subject_type="subscription")
    instant.decide(second, {1: USED}, [report(100, "fraud", **about)])
    label = instant.labels(second)[100, "blacklist:fraud"]
    assert (label["effective"], label["evidence"]["subscriptions"]) == (False, [])
    assert instant.events(second) == [
        (2, "redlist:all", "assert", "published"),
        (100, "blacklist:fraud", "override", "published"),
    ]
