"""Rule files written by somebody who means harm, or by nobody in particular."""

from __future__ import annotations

from pathlib import Path

import pytest

from mingdan.errors import InputRefused
from mingdan.rules.files import policy_text
from mingdan.rules.ruleset import BadRules, canonical, ruleset
from mingdan.senders.rules import FILE, checked, load
from mingdan.settings import Settings

COLUMNS = {"subscription": {"recipients_1d": "number", "sender_kind": "text"}}
GOOD = {
    "id": "loud",
    "version": 1,
    "class": "blacklist",
    "reason": "spam_sms",
    "level": "watch",
    "score": 50,
    "meaning": "Sends a great deal.",
    "when": "recipients_1d > 1",
}


@pytest.mark.parametrize(
    "text",
    [
        "recipients_1d > 1; DROP TABLE features",
        "recipients_1d > 1 -- and everything after",
        "recipients_1d > 1 /* and */ or 1 = 1",
        "recipients_1d > (SELECT max(recipients_1d) FROM features)",
        "exists (select 1 from read_csv('/etc/passwd'))",
        "read_text('/etc/passwd') = 'x'",
        "getenv('HOME') = '/root'",
        "recipients_1d > 1 union all select 1",
        "sender_kind like '%'",
        "sender_kind = 'person' || version()",
        'sender_kind = "person"',
        "sender_kind = 'per\\' or 1=1 --'",
        "sender_kind = $secret",
        "recipients_1d::varchar = '1'",
        "cast(recipients_1d as varchar) = '1'",
        "recipients_1d[1] = 1",
        "features.recipients_1d > 1",
        "case when recipients_1d > 1 then true end",
        "(lambda x: x > 1)(recipients_1d)",
        "recipients_1d > 1e308 * 10",
        "recipients_1d > 0x10",
        "recipients_1d ＞ 1",
        "sender_kind = 'a\x00b'",
        "1 = 1",
        "true",
        "(" * 5_000,
        "not " * 5_000 + "true",
        "-" * 399 + "recipients_1d > 1",
        " and ".join(["recipients_1d > 1"] * 1_000),
        "recipients_1d > " + "9" * 3_000,
    ],
)
def test_text_that_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(BadRules) as refusal:
        ruleset({"rule": [GOOD | {"when": text}]}, COLUMNS, "rules.toml")  # type: ignore[arg-type]
    assert str(refusal.value).startswith("rules.toml: rule `loud`: ")
    assert len(str(refusal.value)) < 400


@pytest.mark.parametrize("field", ["id", "class", "reason"])
@pytest.mark.parametrize("text", ["a'b", 'a"b', "a;b", "a b", "", "A", "a" * 99, "名单"])
def test_names_that_reach_the_database_are_plain_words(field: str, text: str) -> None:
    with pytest.raises(BadRules):
        ruleset({"rule": [GOOD | {field: text}]}, COLUMNS, "rules.toml")  # type: ignore[arg-type]


def test_quotes_in_a_text_stay_a_text() -> None:
    when = "sender_kind = 'o''neill; drop table features'"
    rules = ruleset({"rule": [GOOD | {"when": when}]}, COLUMNS, "rules.toml")  # type: ignore[arg-type]
    assert rules.rules[0].when.sql == "(\"sender_kind\" = 'o''neill; drop table features')"


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe", b"rule = [[[", b"", b"[scope]\nwhen = 3\n", b"rule = 'x'\n", b"[[rule]]\n"],
)
def test_a_broken_file_is_one_clear_refusal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "policy" / FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(InputRefused) as refusal:
        load(Settings(data=tmp_path))
    assert str(path) in str(refusal.value)


def test_an_archived_document_is_checked_like_a_file() -> None:
    document = load().document
    document["rule"][0]["when"] = "sms_out_1d > (select 1)"
    with pytest.raises(BadRules, match="unknown column `select`"):
        checked(document)


def test_shipped_files_hold_no_surprise() -> None:
    """Every shipped condition, written out canonically, is the condition that is run."""
    assert policy_text(FILE)[0]
    for rule in load().rules:
        assert canonical(rule.document).isascii()
        assert rule.evidence == tuple(sorted(set(rule.evidence)))
