"""What the two sides give each other before the first release: card and hand-over.

Here: both documents, written and read. Not here: their keys (`keys.py`,
`seal.py`, `tokens.py`) and the channel itself.

The partner's **card** holds the public halves of its keys: releases are
encrypted to one, receipts are verified by the other. Our **hand-over**, sealed
to that card, holds the root to trust, the channel's name and the key of the
tokens. Neither comes through the channel.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from securesystemslib.signer import SSlibKey

from mingdan.errors import InputRefused
from mingdan.lists.format import (
    CLEAR,
    canonical,
    check,
    check_names,
    is_count,
    matches,
    parse_object,
)
from mingdan.lists.keys import public_of_hex
from mingdan.lists.refusals import ListRefused, Malformed
from mingdan.lists.seal import check_recipient
from mingdan.lists.unpack import text_of

CARD = "mingdan-partner-card/1"
HANDOVER = "mingdan-hand-over/1"


@dataclass(frozen=True)
class Card:
    """Public halves of a partner's keys."""

    age: str
    """Recipient releases are sealed to, `age1...`."""
    receipt: str
    """Ed25519 key that signs receipts and questions, 32 bytes in hex."""

    def text(self) -> str:
        return canonical({"fmt": CARD, **asdict(self)}) + "\n"

    @property
    def receipt_key(self) -> SSlibKey:
        return public_of_hex(self.receipt)

    @property
    def fingerprint(self) -> str:
        """To be compared by telephone before the card is accepted: 16 hex digits in fours."""
        digest = hashlib.sha256(self.text().encode("ascii")).hexdigest()[:16]
        return " ".join(digest[at : at + 4] for at in range(0, 16, 4))


def read_card(path: Path) -> Card:
    """The card in a file. Raises InputRefused, naming the file."""
    try:
        values = parse_object(text_of(path), "card")
        check(values.pop("fmt", None) == CARD, f"not {CARD}")
        check_names(values, ("age", "receipt"), "card")
        card = Card(**values)
        check_recipient(card.age)
        public_of_hex(card.receipt)
    except (ListRefused, ValueError, TypeError) as error:
        raise InputRefused(f"{path}: not a partner's card: {error}") from None
    return card


@dataclass(frozen=True)
class Handover:
    """What a partner needs to read its channel."""

    channel: str
    list: str
    root: dict[str, Any]
    """The signed root to begin trusting from."""
    token_alg: str
    epoch: int
    key: str
    """Of the tokens of that epoch, hex: secret for `hmac-sha256-128`, public for `voprf-...`,
    empty for `e164`."""

    def text(self) -> str:
        return canonical({"fmt": HANDOVER, **asdict(self)}) + "\n"

    @classmethod
    def parse(cls, data: bytes) -> Handover:
        """Raises Malformed unless every field fits."""
        try:
            values = parse_object(data.decode("ascii"), "hand-over")
        except UnicodeDecodeError:
            raise Malformed("hand-over: not ASCII") from None
        check(values.pop("fmt", None) == HANDOVER, f"hand-over: not {HANDOVER}")
        check_names(values, tuple(cls.__dataclass_fields__), "hand-over")
        found = cls(**values)
        check(matches(r"[a-z0-9]{8,32}", found.channel), "hand-over: channel")
        check(matches(r"[a-z][a-z_]{0,39}", found.list), "hand-over: list")
        check(matches(r"[a-z0-9-]{1,40}", found.token_alg), "hand-over: token_alg")
        check(is_count(found.epoch) and found.epoch > 0, "hand-over: epoch")
        key = "" if found.token_alg == CLEAR else r"[0-9a-f]{64}"
        check(matches(key, found.key), "hand-over: key")
        check(isinstance(found.root, dict), "hand-over: root")
        return found


def root_fingerprint(root: dict[str, Any]) -> str:
    """SHA-256 of a root's signed part, for two people to compare: equal roots, equal digits."""
    signed = json.dumps(root.get("signed"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(signed.encode()).hexdigest()
