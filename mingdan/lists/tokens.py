"""Tokens: what stands for a number in a partner's list.

Here: making tokens, with nothing but the standard library (a partner makes
them too, to look up its own customers). Not here: which numbers are listed.

A keyed token protects against an outsider who gets the file. It does not
protect against the partner, who has the key and can try all 7 thousand million
mobile numbers in minutes: that takes an oblivious evaluation under a quota.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from mingdan.errors import InputRefused
from mingdan.identifiers import load_key
from mingdan.lists.format import CLEAR, KEYED, NO_KEY, SEALED
from mingdan.lists.oprf.engine import evaluate_known, public_key
from mingdan.lists.oprf.sealing import oblivious_key_id, seal_attributes, split

_E164 = re.compile(r"[1-9]\d{4,17}", re.ASCII)
_KEY_BYTES = 32
_KEYED_DIGITS = 32

DISCLOSED = {KEYED: "keyed", SEALED: "match_only", CLEAR: "clear"}
"""Disclosure by the token algorithm it is carried out with."""


class Tokeniser(Protocol):
    """Turns numbers into one partner's tokens; other tokens for every other partner."""

    @property
    def token_alg(self) -> str:
        """Name of the algorithm in the header."""

    @property
    def key_id(self) -> str:
        """Fingerprint of the key, 16 hex digits: tells keys apart, reveals nothing of them."""

    def tokens(self, msisdns: Iterable[str]) -> list[str]:
        """The token of each number (E.164 without `+`), in the order given."""

    def written(self, tokens: Iterable[str], attributes: Iterable[str]) -> Iterable[str]:
        """Attributes as they stand in rows beside tokens made before."""


class KeyedTokeniser:
    """HMAC-SHA-256 under a key of one partner, list and epoch: its first half, lowercase hex.

    128 bits: no two of all mobile numbers meet, and a million tokens take 16 MB instead of 32.
    """

    token_alg = KEYED

    def __init__(self, key: bytes) -> None:
        """Raises InputRefused unless the key has 32 bytes."""
        if len(key) != _KEY_BYTES:
            raise InputRefused(f"a token key has {_KEY_BYTES} bytes, this one {len(key)}")
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)
        self.key_id = hashlib.sha256(b"mingdan token key " + key).hexdigest()[:16]

    def tokens(self, msisdns: Iterable[str]) -> list[str]:
        """The token of each number. Raises ValueError for one that is not E.164."""
        made = []
        for msisdn in msisdns:
            if not _E164.fullmatch(msisdn):
                raise ValueError("a number to be listed is not E.164 digits")
            # A copy of the prepared key saves two of the four hash blocks.
            one = self._keyed.copy()
            one.update(msisdn.encode("ascii"))
            made.append(one.hexdigest()[:_KEYED_DIGITS])
        return made

    def written(self, tokens: Iterable[str], attributes: Iterable[str]) -> Iterable[str]:
        """Attributes stand as they are: who has the key may read the whole list."""
        del tokens
        return attributes


class ObliviousTokeniser:
    """VOPRF outputs (RFC 9497): nobody makes a token without an evaluation by us.

    The first 20 bytes of an output are the token, the next 32 the key its
    attributes are sealed with: a row tells nothing but to who asked for its number.
    """

    token_alg = SEALED

    def __init__(self, seed: bytes) -> None:
        """Raises InputRefused unless the seed has 32 bytes."""
        if len(seed) != _KEY_BYTES:
            raise InputRefused(f"a token key has {_KEY_BYTES} bytes, this one {len(seed)}")
        self._seed = seed
        self._opens: dict[str, bytes] = {}
        self.public_key = public_key(seed)
        self.key_id = oblivious_key_id(self.public_key)

    def tokens(self, msisdns: Iterable[str]) -> list[str]:
        """The token of each number. Raises ValueError for one that is not E.164."""
        numbers = list(msisdns)
        if not all(_E164.fullmatch(one) for one in numbers):
            raise ValueError("a number to be listed is not E.164 digits")
        made = [split(output) for output in evaluate_known(self._seed, numbers)]
        self._opens.update(made)
        return [token for token, _ in made]

    def written(self, tokens: Iterable[str], attributes: Iterable[str]) -> Iterable[str]:
        """Attributes sealed with the key that came with the token."""
        return [
            seal_attributes(self._opens[token], token, told)
            for token, told in zip(tokens, attributes, strict=True)
        ]


class NoTokeniser:
    """Numbers as they are, for whom the law and two approvers allow to read them."""

    token_alg = CLEAR
    key_id = NO_KEY

    def tokens(self, msisdns: Iterable[str]) -> list[str]:
        """The numbers themselves. Raises ValueError for one that is not E.164."""
        numbers = list(msisdns)
        if not all(_E164.fullmatch(one) for one in numbers):
            raise ValueError("a number to be listed is not E.164 digits")
        return numbers

    def written(self, tokens: Iterable[str], attributes: Iterable[str]) -> Iterable[str]:
        """Attributes stand as they are."""
        del tokens
        return attributes


def key_path(secrets: Path, partner: str, epoch: int) -> Path:
    """Where the token key of a partner and epoch lies."""
    return secrets / f"{partner}-{epoch}.key"


def tokeniser(
    secrets: Path,
    partner: str,
    epoch: int,
    disclosure: str,
    *,
    expected: str | None = None,
) -> KeyedTokeniser | ObliviousTokeniser | NoTokeniser:
    """The tokeniser of a partner and epoch; `expected` is the key id already published.

    The key is made on first use, never when tokens of that epoch are out: a new
    one would silently make every entry another. In the clear there is no key. Raises
    InputRefused.
    """
    if disclosure == "clear":
        return NoTokeniser()
    kinds: dict[str, type[KeyedTokeniser] | type[ObliviousTokeniser]] = {
        "keyed": KeyedTokeniser,
        "match_only": ObliviousTokeniser,
    }
    path = key_path(secrets, partner, epoch)
    if expected is not None and not path.exists():
        raise InputRefused(
            f"{path} is gone but epoch {epoch} has been published with it; restore it from the "
            "backup, or raise `token_epoch` in the agreement to begin a new epoch"
        )
    try:
        made = kinds[disclosure](load_key(path))
    except ValueError:
        raise InputRefused(f"{path}: not a key of {_KEY_BYTES} bytes in hex") from None
    if expected is not None and made.key_id != expected:
        raise InputRefused(
            f"{path} is not the key epoch {epoch} was published with "
            f"({made.key_id} instead of {expected}); another disclosure needs another epoch too"
        )
    return made


def keyed_tokeniser(
    secrets: Path, partner: str, epoch: int, *, expected: str | None = None
) -> KeyedTokeniser:
    """The tokeniser of a partner who is told the whole list. Raises InputRefused."""
    made = tokeniser(secrets, partner, epoch, "keyed", expected=expected)
    assert isinstance(made, KeyedTokeniser)  # noqa: S101 - by its disclosure
    return made


def handed_over(secrets: Path, partner: str, epoch: int, disclosure: str) -> tuple[str, str]:
    """Token algorithm and key (hex) a partner is given for an epoch, by its disclosure.

    Who may only match is given the public half, who reads the numbers none. Raises
    InputRefused.
    """
    made = tokeniser(secrets, partner, epoch, disclosure)
    if isinstance(made, NoTokeniser):
        return made.token_alg, ""
    if isinstance(made, ObliviousTokeniser):
        return made.token_alg, made.public_key.hex()
    return made.token_alg, key_path(secrets, partner, epoch).read_text("ascii").strip()
