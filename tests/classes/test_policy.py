"""Policy files: what is refused, and that an operator's own data is enough for a new class."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from mingdan.classes.policy import (
    DICTIONARY,
    PRECEDENCE,
    RULES,
    Policy,
    checked,
    from_document,
    load,
)
from mingdan.rules.files import policy_text
from mingdan.rules.ruleset import BadRules, digest, read_toml
from mingdan.senders import rules as sender_rules
from tests.classes.world import FIRST, USED, World

SHIPPED = {name: policy_text(name)[0] for name in (DICTIONARY, RULES, PRECEDENCE)}


def read(name: str, was: str, now: str) -> Policy:
    """The shipped policy with one text of one file changed."""
    assert was in SHIPPED[name]
    texts = SHIPPED | {name: SHIPPED[name].replace(was, now, 1)}
    contents = {file: read_toml(text, file) for file, text in texts.items()}
    linked = contents[RULES].pop("linked_identity", None)
    return checked(contents[DICTIONARY], contents[RULES], contents[PRECEDENCE], linked, {})


@pytest.mark.parametrize(
    ("name", "was", "now", "complaint"),
    [
        (DICTIONARY, 'code = "silver"', 'code = "gold"', "reason 'gold' stands there twice"),
        (DICTIONARY, 'code = "redlist"', 'code = "blacklist"', "'blacklist' stands there twice"),
        (DICTIONARY, "default = true", "default = false", "`ordinary`: a class needs"),
        (DICTIONARY, 'stability = "fact"', 'stability = "tides"', "no stability 'tides'"),
        (DICTIONARY, "term_days = 90", "term_days = 0", "`spam_sms` term_days"),
        (DICTIONARY, "term_days = 90", "terms = 90", "`spam_sms` term_days: is missing"),
        (DICTIONARY, "publish_leave = 20", "publish_leave = 60", "publish_leave must lie below"),
        (DICTIONARY, "watch_leave = 8", "watch_leave = 1", "forget must lie below watch_leave"),
        (DICTIONARY, "short_hits = 2", "short_hits = 9", "short_hits must not lie above"),
        (DICTIONARY, "smoothing = 30", "smoothing = 0", "smoothing"),
        (DICTIONARY, "hold_days = 30", "", "missing: hold_days"),
        (DICTIONARY, 'mode = "fact"', 'mode = "fact"\nsmoothing = 3', "takes no thresholds"),
        (RULES, 'reason = "silver"', 'reason = "tin"', "the dictionary has no `key_account:tin`"),
        (RULES, 'class = "key_account"', 'class = "redlist"', "has no `redlist:silver`"),
        (RULES, "spend_fen_30d >= 30000", "spend >= 30000", "rule `key_account_silver`: unknown"),
        (RULES, "suspended_police", "suspended_by_whom", "unknown column `suspended_by_whom`"),
        (RULES, '"blacklist:fraud"', '"blacklist:court_or_police"', "cannot be linked"),
        (RULES, "[linked_identity]", "[linked]", "unknown key"),
        (PRECEDENCE, '"blacklist:fraud"', '"blacklist:court_or_police"', "a legal block"),
        (PRECEDENCE, '"redlist:credit"', '"redlist:everything"', "no `redlist:everything`"),
        (PRECEDENCE, '"redlist:credit"', '"blacklist:fraud"', "must not be below one"),
        (PRECEDENCE, '["blacklist"]', '["blocklist"]', "no class `blocklist`"),
    ],
)  # fmt: skip
def test_a_fault_names_file_and_entry(name: str, was: str, now: str, complaint: str) -> None:
    with pytest.raises(BadRules) as refusal:
        read(name, was, now)
    assert name in str(refusal.value)
    assert complaint in str(refusal.value)


def test_a_rule_cannot_give_what_needs_two_people() -> None:
    with pytest.raises(BadRules, match="needs a second person, not a rule"):
        read(
            RULES, 'class = "key_account"\nreason = "silver"', 'class = "redlist"\nreason = "spam"'
        )


def test_a_document_is_the_same_policy_again() -> None:
    policy = load()
    document = policy.decision(["a"])
    again = from_document(document)
    assert again.decision(["a"]) == document
    assert digest(again.decision(["b"])) != digest(document)


def test_any_number_changes_the_hash() -> None:
    before = digest(load().document)
    for name, was, now in (
        (DICTIONARY, "publish_enter = 45", "publish_enter = 46"),
        (RULES, "stay = \"spend_fen_30d >= 24000\"", "stay = \"spend_fen_30d >= 24001\""),
        (PRECEDENCE, '["blacklist"]', "[]"),
    ):  # fmt: skip
        assert digest(read(name, was, now).document) != before


def test_shipped_sender_rules_assert_only_what_is_defined() -> None:
    load().admit(sender_rules.load(), sender_rules.FILE)


OWN_CLASS = """
[[class]]
code = "heavy_night_user"
name_zh = "夜间重度用户"
name_en = "heavy night user"
subject = "subscription"
meaning = "Of interest to the network, not to the blacklist."

[[class.reason]]
code = "data"
name_zh = "流量"
name_en = "data"
stability = "fact"
term_days = 10

"""
OWN_RULE = """
[[rule]]
id = "heavy_night_user"
version = 1
class = "heavy_night_user"
reason = "data"
level = "published"
score = 80
meaning = "Uses a great deal of data at night."
when = "night_share_30d >= 0.5 and data_bytes_30d > 50000000000 and status = 'active'"

"""


def test_an_operator_adds_a_class_by_data_alone(make_world: Callable[..., World]) -> None:
    first_class = SHIPPED[DICTIONARY].index("[[class]]")
    first_rule = SHIPPED[RULES].index("[[rule]]")
    world = make_world(
        classes__dictionary=SHIPPED[DICTIONARY][:first_class]
        + OWN_CLASS
        + SHIPPED[DICTIONARY][first_class:],
        classes__rules=SHIPPED[RULES][:first_rule] + OWN_RULE + SHIPPED[RULES][first_rule:],
    )
    world.person(1, 100)
    world.person(2, 100)
    night_owl = USED | {"night_share_30d": 0.8, "data_bytes_30d": 60_000_000_000}
    world.decide(FIRST, {1: night_owl, 2: USED})
    labels = world.labels(FIRST)
    assert list(labels) == [(1, "heavy_night_user:data")]
    assert labels[1, "heavy_night_user:data"]["subject_type"] == "subscription"
    assert labels[1, "heavy_night_user:data"]["effective"] is True
    values = labels[1, "heavy_night_user:data"]["evidence"]["sources"][0]["values"]
    assert values == {"data_bytes_30d": 60_000_000_000, "night_share_30d": 0.8, "status": "active"}


def test_labels_of_a_class_taken_out_of_the_dictionary_are_revoked(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.person(1)
    world.decide(FIRST, {1: USED | {"spend_fen_30d": 80_000}})
    assert (1, "key_account:gold") in world.labels(FIRST)
    first_key = SHIPPED[DICTIONARY].index('[[class]]\ncode = "key_account"')
    first_black = SHIPPED[DICTIONARY].index('[[class]]\ncode = "blacklist"')
    first_arrears = SHIPPED[RULES].index("# A bill a month past")
    for name, text in (
        ("dictionary", SHIPPED[DICTIONARY][:first_key] + SHIPPED[DICTIONARY][first_black:]),
        ("rules", SHIPPED[RULES][first_arrears:]),
    ):
        path = world.root / "policy" / "classes" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    second = FIRST + timedelta(days=1)
    world.decide(second, {1: USED | {"spend_fen_30d": 80_000}})
    assert world.labels(second) == {}
    assert world.events(second) == [(1, "key_account:gold", "revoke", None)]
