"""Numbers at the edges: what is accepted, what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingdan.identifiers import (
    load_key,
    mask_document,
    mask_name,
    mask_number,
    mask_typed,
    mask_within,
    parse_imsi,
    parse_msisdn,
)


@pytest.mark.parametrize(
    "written",
    ["13800138000", "+8613800138000", "008613800138000", "8613800138000", "138-0013 8000",
     "１３８００１３８０００"],
)  # fmt: skip
def test_ways_of_writing_one_number(written: str) -> None:
    assert parse_msisdn(written) == "8613800138000"


@pytest.mark.parametrize("written", ["", "12800138000", "1380013800", "138001380001", "abc", "110"])
def test_what_is_not_a_mobile_number_is_refused_and_masked(written: str) -> None:
    with pytest.raises(ValueError, match="not a mobile number") as refusal:
        parse_msisdn(written)
    assert len(written) < 8 or written not in str(refusal.value)


def test_a_machine_number_has_thirteen_digits() -> None:
    assert parse_msisdn("1440012345678") == "861440012345678"


def test_an_imsi_has_fifteen_digits() -> None:
    assert parse_imsi("460001234567890") == "460001234567890"
    with pytest.raises(ValueError, match="not an IMSI"):
        parse_imsi("46000123456789")


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_a_mask_never_shows_more_than_five_digits(number: str) -> None:
    for written in (number, "86" + number, "+86" + number):
        shown = mask_number(written)
        assert sum(character.isdigit() for character in shown) <= 5
        assert shown.startswith(number[:3])


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("S-9", "S-9"),
        ("cli_123456", "cli_123456"),
        ("", ""),
        ("+86 138 0013 8000", "138******00"),
        ("11010119900301102X", "110*************2X"),
        ("王小明", "***"),
        ("Wang Xiaoming 13800138000", "*" * 25),
        ("wang@example.com", "*" * 16),
        ("S9\n", "***"),
    ],
)
def test_what_was_typed_is_repeated_only_if_it_is_a_plain_word(typed: str, shown: str) -> None:
    assert mask_typed(typed) == shown


def test_names_and_documents_are_masked() -> None:
    assert mask_name("张小明") == "张**"
    assert mask_document("110101199003077777") == "*" * 16 + "77"
    assert mask_number("10086") == "*****"


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "pepper"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("号码13800138000，不是我", "号码138******00，不是我"),
        ("请打 138 0013 8000 或 010-62770334", "请打 138******00 或 010******34"),
        ("138.0013.8000", "138******00"),
        ("138\u200b0013\u200b8000", "138******00"),
        ("１３８００１３８０００", "138******00"),
        ("身份证11010119900301102X", "身份证110*************2X"),
        ("幺三八零零幺三八零零零", "*" * 11),
        ("2026-11-01 08:30 见工单TT00000012", "2026-11-01 08:30 见工单TT00000012"),
        ("欠费 300 元, 10086 已答复 3 次", "欠费 300 元, 10086 已答复 3 次"),
        ("2026-11-0113800138000", "202**************00"),
        ("", ""),
    ],
)
def test_numbers_within_a_text_are_masked(text: str, shown: str) -> None:
    assert mask_within(text) == shown


@given(
    st.text(max_size=20),
    st.from_regex(r"1[3-9][0-9]{9}|[0-9]{17}[0-9X]", fullmatch=True),
    st.text(max_size=20),
    st.sampled_from(["", " ", "-", ".", "\u200b", "（"]),
)
def test_no_number_survives_in_a_text(before: str, number: str, after: str, gap: str) -> None:
    written = gap.join((number[:3], number[3:7], number[7:]))
    masked = mask_within(f"{before}{written}{after}")
    assert number[3:-2] not in "".join(char for char in masked if char.isalnum())
