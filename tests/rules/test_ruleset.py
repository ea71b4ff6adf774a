"""A rule file: its checks, its hash, its archive."""

from __future__ import annotations

from typing import Any

import pytest

from mingdan.errors import LakeError
from mingdan.lake import Lake
from mingdan.rules.archive import keep, recall
from mingdan.rules.ruleset import BadRules, Ruleset, read_toml, ruleset

COLUMNS = {"subscription": {"out_1d": "number", "share_30d": "number", "kind": "text"}}
RULE = """
[[rule]]
id = "loud"
version = 1
class = "blacklist"
reason = "spam_sms"
level = "watch"
score = 50
meaning = "Sends a great deal."
when = "out_1d >= 100"
"""
OTHER = RULE.replace("loud", "louder").replace("100", "200")


def read(text: str) -> Ruleset:
    return ruleset(read_toml(text, "rules.toml"), COLUMNS, "rules.toml")  # type: ignore[arg-type]


def test_blanks_comments_and_order_do_not_change_the_hash() -> None:
    tidy = read(RULE + OTHER)
    messy = read("# why\n" + OTHER + RULE.replace('"out_1d >= 100"', '"""\nOUT_1D>=100 """'))
    assert tidy.hash == messy.hash
    assert [rule.ref for rule in tidy.rules] == ["loud@1", "louder@1"]


@pytest.mark.parametrize(
    ("was", "now"),
    [("100", "101"), ("50", "51"), ("watch", "published"), (">= 100", "> 100"), ("= 1", "= 2")],
)
def test_any_threshold_changes_the_hash(was: str, now: str) -> None:
    assert read(RULE).hash != read(RULE.replace(was, now, 1)).hash


def test_a_document_is_the_same_rules_again() -> None:
    rules = read(RULE + OTHER + '[scope]\nwhen = "kind = \'person\'"\nmeaning = "Only persons."\n')
    again = ruleset(rules.document, COLUMNS, "archive")  # type: ignore[arg-type]
    assert again.hash == rules.hash
    assert again.scope == rules.scope


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (RULE + RULE, "rule `loud` stands there twice"),
        (RULE.replace("score = 50", "score = 0"), "rule `loud` score: Input should be greater"),
        (RULE.replace("score = 50", "score = 101"), "rule `loud` score: Input should be less"),
        (RULE.replace("score = 50", 'score = "50"'), "rule `loud` score: Input should be a valid"),
        (RULE.replace("version = 1", "version = 0"), "rule `loud` version"),
        (RULE.replace('"watch"', '"block"'), "rule `loud` level"),
        (RULE.replace('"loud"', '"Loud; --"'), "id: String should match"),
        (RULE.replace("spam_sms", "spam'sms"), "rule `loud` reason"),
        (RULE.replace("out_1d >=", "out_2d >="), "rule `loud`: unknown column `out_2d`"),
        (RULE.replace("out_1d >= 100", "1 = 1"), "reads no column"),
        (RULE + 'evidence = ["nothing"]\n', "rule `loud`: evidence: unknown column `nothing`"),
        (RULE + "weight = 3\n", "rule `loud` weight: unknown key"),
        (RULE + 'subject = "party"\n', "rules about a party do not belong"),
        (RULE + 'about = "out_1d > 1"\n', "only a rule about a party"),
        ("rule = 3", "rule: Input should be a valid list"),
        ("[[rule]\n", "rules.toml: "),
        ("", "rule: is missing"),
    ],
)
def test_a_fault_names_file_rule_and_place(text: str, complaint: str) -> None:
    with pytest.raises(BadRules) as refusal:
        read(text)
    assert str(refusal.value).startswith("rules.toml: ")
    assert complaint in str(refusal.value)


def test_window_and_origin_follow_from_the_columns() -> None:
    columns: dict[str, Any] = {"subscription": {"complainants_30d": "number", "out_1d": "number"}}

    def one(when: str) -> tuple[int, str]:
        text = RULE.replace("out_1d >= 100", when)
        rule = ruleset(read_toml(text, ""), columns, "").rules[0]
        return rule.window, rule.origin

    assert one("out_1d > 5") == (1, "rule")
    assert one("out_1d > 5 and complainants_30d > 1") == (30, "complaint")


def test_evidence_always_holds_what_the_condition_reads() -> None:
    rule = read(RULE + 'evidence = ["share_30d"]\n').rules[0]
    assert rule.evidence == ("out_1d", "share_30d")


def test_archive_keeps_what_its_name_says(lake: Lake) -> None:
    rules = read(RULE)
    name = keep(lake, rules.document)
    assert name == rules.hash == keep(lake, rules.document)
    assert recall(lake, name) == rules.document
    with pytest.raises(LakeError, match="not in the archive"):
        recall(lake, "0" * 64)


def test_a_changed_archive_is_noticed(lake: Lake) -> None:
    name = keep(lake, read(RULE).document)
    path = lake.root / "_artifacts" / "rules" / name / "rules.json"
    path.write_bytes(path.read_bytes().replace(b"100", b"999"))
    with pytest.raises(LakeError, match="not what their name says"):
        recall(lake, name)
