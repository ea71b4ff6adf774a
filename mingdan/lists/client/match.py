"""Looking customers up in the copy: listed or not, and how fresh the answer is.

Here: numbers to answers. Not here: reading customers (`customers.py`) and
asking the publisher to evaluate them (`questions.py`).

An entry at or past `valid_until` is no entry, however old the copy is, and
time never runs back: the instant judged by is the latest ever seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from mingdan.errors import InputRefused
from mingdan.lists.client.copy import Copy, Position
from mingdan.lists.client.home import Home, Trust
from mingdan.lists.format import CLEAR, SEALED, Entry
from mingdan.lists.keys import read_signer
from mingdan.lists.oprf.sealing import open_attributes
from mingdan.lists.receipts import receipt_now, write_receipt
from mingdan.lists.tokens import KeyedTokeniser

Outcome = Literal["listed", "not_listed", "not_asked"]


@dataclass(frozen=True)
class Answer:
    """What the copy says of one number."""

    number: str
    outcome: Outcome
    """`not_asked`: nothing is known, its token was never evaluated (`match_only`)."""
    entry: Entry | None = None


@dataclass(frozen=True)
class Freshness:
    """How far the copy's word goes."""

    state: Literal["FRESH", "STALE"]
    until: datetime
    why: str = ""


class Matcher:
    """The copy opened for questions. Raises InputRefused without one or without its key."""

    def __init__(self, home: Home, clock: datetime) -> None:
        self._trust = home.trust
        self.copy = Copy(home.copy)
        held = self.copy.position
        if held is None:
            self.copy.close()
            raise InputRefused(f"{home.path} holds no list yet: mingdan partner sync")
        self.freshness = freshness(held, clock)
        self.position = self.copy.see(held, clock)
        self.at = self.position.now(clock)

    def close(self) -> None:
        self.copy.close()

    def answers(self, numbers: Sequence[str]) -> Iterator[Answer]:
        """One answer a number, in order. At most 30,000 at a time."""
        if self.position.token_alg == SEALED:
            yield from self._unsealed(numbers)
            return
        if self.position.token_alg == CLEAR:
            tokens = list(numbers)
        else:
            tokens = KeyedTokeniser(_key(self._trust, self.position)).tokens(numbers)
        held = self.copy.attributes(tokens)
        for number, token in zip(numbers, tokens, strict=True):
            yield self._answer(number, held.get(token))

    def _unsealed(self, numbers: Sequence[str]) -> Iterator[Answer]:
        asked = self.copy.answered(numbers, self.position.epoch)
        held = self.copy.attributes(token for token, _ in asked.values())
        for number in numbers:
            if number not in asked:
                yield Answer(number, "not_asked")
                continue
            token, opens = asked[number]
            sealed = held.get(token)
            told = None if sealed is None else open_attributes(opens, token, sealed)
            yield self._answer(number, told)

    def _answer(self, number: str, attributes: str | None) -> Answer:
        entry = None if attributes is None else Entry.of(attributes)
        if entry is None or not entry.valid_from <= self.at < entry.valid_until:
            return Answer(number, "not_listed")
        return Answer(number, "listed", entry)


def freshness(held: Position, clock: datetime) -> Freshness:
    """FRESH while signed and not two days after the night, on a clock that runs forward."""
    until = held.fresh_until()
    if held.set_back(clock):
        return Freshness("STALE", until, "the clock was set back")
    if held.now(clock) >= until:
        return Freshness("STALE", until, "not synced since")
    return Freshness("FRESH", until)


def status(home: Home, clock: datetime) -> dict[str, object]:
    """Everything a person asks of a copy: what it is, how fresh, what is missing."""
    trust = home.trust
    copy = Copy(home.copy)
    try:
        held = copy.position
        known = {"home": str(home.path), "url": trust.url, "channel": trust.channel}
        if held is None:
            return {**known, "freshness": "STALE", "why": "never synced", "seq": None}
        fresh = freshness(held, clock)
        return {
            **known,
            "freshness": fresh.state,
            "why": fresh.why,
            "fresh_until": fresh.until.isoformat(),
            **{
                name: value
                for name, value in asdict(held).items()
                if name in ("list", "seq", "day", "created", "epoch", "token_alg", "state_sha256")
            },
            "entries": held.state_count,
            "token_key": "held" if str(held.epoch) in trust.keys else "missing",
            "open_questions": copy.open_questions(),
        }
    finally:
        copy.close()


def receipt(home: Home, clock: datetime) -> str:
    """A signed receipt of what is held now. Raises InputRefused without a copy."""
    copy = Copy(home.copy)
    try:
        held = copy.position
    finally:
        copy.close()
    if held is None:
        raise InputRefused(f"{home.path} holds no list yet: mingdan partner sync")
    return write_receipt(receipt_now(held, clock), read_signer(home.receipt_key))


def _key(trust: Trust, held: Position) -> bytes:
    key = trust.keys.get(str(held.epoch))
    if key is None:
        raise InputRefused(
            f"the key of epoch {held.epoch} has not been handed over: ask the publisher for the "
            "hand-over of this epoch, then mingdan partner join FILE"
        )
    made = KeyedTokeniser(bytes.fromhex(key))
    if made.key_id != held.key_id:
        raise InputRefused(
            f"the key held for epoch {held.epoch} is not the one the list was made with "
            f"({made.key_id} instead of {held.key_id}): ask for the hand-over again"
        )
    return bytes.fromhex(key)
