"""Tokens and their keys."""

from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from mingdan.errors import InputRefused
from mingdan.lists.tokens import KeyedTokeniser, key_path, keyed_tokeniser

KEY = bytes(range(32))
NUMBER = "8613800000001"


def test_a_token_is_hmac_sha256_of_the_number() -> None:
    expected = hmac.new(KEY, NUMBER.encode(), hashlib.sha256).hexdigest()[:32]
    assert KeyedTokeniser(KEY).tokens([NUMBER, "86138", NUMBER])[::2] == [expected, expected]


def test_another_key_gives_other_tokens_and_another_id() -> None:
    one, other = KeyedTokeniser(KEY), KeyedTokeniser(KEY[::-1])
    assert one.tokens([NUMBER]) != other.tokens([NUMBER])
    assert one.key_id != other.key_id
    assert KEY.hex() not in one.key_id


@pytest.mark.parametrize(
    "number", ["", "+8613800000001", "０8613800000001", "8613800000001\n", "+"]
)
def test_only_a_number_gets_a_token(number: str) -> None:
    """Two spellings of one number would be two tokens, one of which nobody finds."""
    with pytest.raises(ValueError, match=r"E\.164") as refusal:
        KeyedTokeniser(KEY).tokens([number])
    assert "138" not in str(refusal.value), "the number is not repeated in messages"


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_key_has_32_bytes(key: bytes) -> None:
    with pytest.raises(InputRefused, match="32 bytes"):
        KeyedTokeniser(key)


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = keyed_tokeniser(tmp_path, "bank", 1)
    assert keyed_tokeniser(tmp_path, "bank", 1, expected=first.key_id).key_id == first.key_id
    assert stat.S_IMODE(key_path(tmp_path, "bank", 1).stat().st_mode) == 0o600
    assert keyed_tokeniser(tmp_path, "bank", 2).key_id != first.key_id
    assert keyed_tokeniser(tmp_path, "other", 1).key_id != first.key_id


def test_a_lost_key_is_not_silently_made_anew(tmp_path: Path) -> None:
    published = keyed_tokeniser(tmp_path, "bank", 1).key_id
    key_path(tmp_path, "bank", 1).unlink()
    with pytest.raises(InputRefused, match="restore it from the backup"):
        keyed_tokeniser(tmp_path, "bank", 1, expected=published)
    assert not key_path(tmp_path, "bank", 1).exists()


def test_another_key_in_its_place_is_noticed(tmp_path: Path) -> None:
    published = keyed_tokeniser(tmp_path, "bank", 1).key_id
    key_path(tmp_path, "bank", 1).write_text(KEY.hex())
    with pytest.raises(InputRefused, match=f"instead of {published}"):
        keyed_tokeniser(tmp_path, "bank", 1, expected=published)


@pytest.mark.parametrize("content", ["", "not hex", "abcd"])
def test_half_a_key_is_no_key(tmp_path: Path, content: str) -> None:
    """A crash while the key is made must not leave everyone with an empty key."""
    key_path(tmp_path, "bank", 1).write_text(content)
    with pytest.raises(InputRefused, match="32"):
        keyed_tokeniser(tmp_path, "bank", 1)
