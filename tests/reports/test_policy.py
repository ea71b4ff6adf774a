"""Policy and partners as data: what the shipped files say and what a file may say."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from mingdan.classes.dictionary import Dictionary
from mingdan.errors import InputRefused
from mingdan.lists.policy import list_policy, publishable
from mingdan.reports.partners import load_partners, partner_named
from mingdan.reports.policy import policy
from mingdan.rules.files import policy_text
from mingdan.rules.ruleset import read_toml
from mingdan.settings import Settings


def own(settings: Settings, name: str, old: str, new: str) -> None:
    """The operator's own copy of a shipped file with one change."""
    text, _ = policy_text(name)
    assert old in text
    path = settings.data / "policy" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_every_reason_a_report_may_name_is_in_the_dictionary() -> None:
    text, place = policy_text("classes/dictionary.toml")
    known = Dictionary.model_validate(read_toml(text, place)).reasons()
    assert [reason for reason in policy().reasons if f"blacklist:{reason}" not in known] == []


def test_the_shipped_partners_are_told_publishable_reasons_only(settings: Settings) -> None:
    out = publishable(settings, "blacklist")
    for partner in load_partners().values():
        assert set(partner.agreement.receives) <= set(out)
        assert set(partner.agreement.asserts) <= set(policy().reasons)
    assert set(list_policy(settings).weight) >= set(out)


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2029, 1, 1)])
def test_an_agreement_has_two_ends(day: date) -> None:
    bank = partner_named("bank_demo")
    assert bank.hindrance(day) is not None
    assert bank.hindrance(bank.agreement.valid_from) is None
    assert bank.hindrance(bank.agreement.valid_until) is None


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('code = "bank_demo"', 'code = "../bank"', "code"),
        ('code = "bank_demo"', 'code = "police_demo"', "a partner is named twice"),
        ('kind = "bank"', 'kind = "casino"', "kind"),
        ('status = "active"', 'status = "actve"', "status"),
        ('disclosure = "keyed"', 'disclosure = "all"', "disclosure"),
        ("token_epoch = 1", "token_epoch = 0", "token_epoch"),
        ("token_epoch = 1", "tokens = 1", "tokens"),
        ('channel = "c7f3a91d5b20"', 'channel = "bank demo"', "channel"),
        ('interface_number = "JK-0001"', 'channel = "c7f3a91d5b20"', "interface_number"),
        ("[[partner]]", "[partner]", "twice"),
    ],
)
def test_a_partners_file_that_is_wrong(settings: Settings, old: str, new: str, what: str) -> None:
    own(settings, "reports/partners.toml", old, new)
    with pytest.raises(InputRefused, match=rf"(?s)partners\.toml.*{what}"):
        load_partners(settings)


def test_two_partners_cannot_share_a_channel(settings: Settings) -> None:
    own(
        settings,
        "reports/partners.toml",
        'interface_number = "JK-0001"',
        'interface_number = "JK-0001"\nchannel = "c7f3a91d5b20"',
    )
    with pytest.raises(InputRefused, match="a channel is named twice"):
        load_partners(settings)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('spam_sms = "spam_sms"', 'spam_sms = "spam"', "reasons not in"),
        ("score = 80", "score = 180", "score"),
        ("max_rows = 200_000", "max_rows = 0", "max_rows"),
        ("version = 2", "version = 2\nmore = 3", "more"),
    ],
)
def test_a_policy_that_is_wrong(settings: Settings, old: str, new: str, what: str) -> None:
    own(settings, "reports/policy.toml", old, new)
    with pytest.raises(InputRefused, match=rf"(?s)policy\.toml.*{what}"):
        policy(settings)


def test_an_operators_own_policy_counts(settings: Settings) -> None:
    own(settings, "reports/policy.toml", "max_rows = 200_000", "max_rows = 7")
    assert policy(settings).caps.max_rows == 7
    assert policy().caps.max_rows == 200_000
    own(settings, "lists/policy.toml", 'list = "joint"', 'list = "local"')
    assert list_policy(settings).list == "local"


@pytest.mark.parametrize("name", ["lists/policy.toml", "classes/dictionary.toml"])
def test_half_a_file_is_refused(settings: Settings, name: str) -> None:
    path: Path = settings.data / "policy" / name
    path.parent.mkdir(parents=True)
    path.write_text("list = ", encoding="utf-8")
    with pytest.raises(InputRefused, match=name):
        publishable(settings, list_policy(settings).class_code)
