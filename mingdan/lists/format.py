"""mingdan list format 1: header, rows, state digest. `docs/list-format.md` is its text.

Here: what both sides share, publisher and partner, with nothing but the
standard library. Not here: files and folders (`folder.py`, `reader.py`).

The state of a list is a mapping of token to attributes, both text. A row is an
operation on it; the state digest proves that a copy is complete.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from functools import cache
from itertools import islice
from typing import Any, Literal, cast

from mingdan.lists.refusals import Malformed

FORMAT = "mingdan-list/1"
LATEST = "latest.json"
MANIFEST = "manifest.json"
SNAPSHOT = "snapshot.csv.gz"
DELTA = "delta.csv.gz"

KEYED = "hmac-sha256-128"
SEALED = "voprf-ristretto255-sha512"
CLEAR = "e164"
TOKENS = {KEYED: "[0-9a-f]{32}", SEALED: "[0-9a-f]{40}", CLEAR: "[1-9][0-9]{4,14}"}
"""Token algorithms of the format and the pattern of their tokens; of `e164` the number itself."""
NO_KEY = "0" * 16
"""`key_id` where there is no key."""

SEALED_PLAIN = 160
"""Bytes attributes are padded to before they are sealed: their length tells nothing."""
_SEALED_ATTRIBUTES = r"[A-Za-z0-9_-]{251}"
"""Nonce (12), the padded attributes and the tag (16), base64url without padding."""

RETRACTIONS = (
    "appeal_upheld",
    "number_reassigned",
    "expired",
    "source_withdrew",
    "rekeyed",
    "withdrawn",
)
"""Why an entry was taken back. That somebody is protected (红名单) is never among them."""

_CODE = r"[a-z][a-z_]{0,39}"
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_WHOLE_INSTANT = re.compile(_INSTANT, re.ASCII)
_CONFIDENCE = r"(?:100|[1-9]?[0-9])"
_ATTRIBUTES = (
    rf"(?:{_CODE})?,(?:{_CODE})?,(?:published)?,{_CONFIDENCE}?,"
    rf"(?:{_INSTANT})?,(?:{_INSTANT})?,{_INSTANT},{_INSTANT},(?:[1-9][0-9]{{0,3}})?"
)
"""What a partner may not know is empty."""
LINES = 8_192
"""Rows handled at a time: as many as are quick, few enough to be small."""
INSTANT_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

Rows = Mapping[str, str]
"""Token -> attributes."""


@dataclass(frozen=True)
class Entry:
    """The attributes of one number on the list; instants are UTC. None: not agreed on."""

    category: str | None
    reason_code: str | None
    level: str | None
    confidence: int | None
    first_seen: datetime | None
    last_seen: datetime | None
    valid_from: datetime
    valid_until: datetime
    sources: int | None

    @classmethod
    def of(cls, attributes: str) -> Entry:
        """The entry written as these attributes, which have passed the grammar."""
        category, reason, level, confidence, *instants, sources = attributes.split(",")
        first, last, start, end = instants
        return cls(
            category or None,
            reason or None,
            level or None,
            int(confidence) if confidence else None,
            instant(first) if first else None,
            instant(last) if last else None,
            instant(start),
            instant(end),
            int(sources) if sources else None,
        )


ATTRIBUTES = tuple(field.name for field in fields(Entry))
"""Names of the attributes in the order they are written in."""


@dataclass(frozen=True)
class Header:
    """First line of a file: what it is, and the state after it."""

    fmt: str
    channel: str
    list: str
    epoch: int
    key_id: str
    token_alg: str
    kind: Literal["snapshot", "delta"]
    base: int | None
    seq: int
    count: int
    state_count: int
    state_sha256: str
    created: str
    day: str

    def line(self) -> str:
        return canonical(asdict(self))

    @classmethod
    def parse(cls, line: str) -> Header:
        """The header on a first line. Raises Malformed unless every field fits."""
        values = parse_object(line, "header")
        check_names(values, tuple(field.name for field in fields(cls)), "header")
        header = cls(**values)
        header._check()
        if header.line() != line:
            raise Malformed("header: not in canonical form")
        return header

    def _check(self) -> None:
        check(self.fmt == FORMAT, f"header: format {self.fmt!r}, not {FORMAT}")
        check(self.kind in ("snapshot", "delta"), "header: kind")
        check(
            isinstance(self.token_alg, str) and self.token_alg in TOKENS,
            f"header: unknown token_alg {self.token_alg!r}",
        )
        for name in ("epoch", "seq"):
            check(is_count(getattr(self, name)) and getattr(self, name) > 0, f"header: {name}")
        for name in ("count", "state_count"):
            check(is_count(getattr(self, name)), f"header: {name}")
        base = None if self.kind == "snapshot" else self.seq - 1
        check(self.base == base and not isinstance(self.base, bool), "header: base")
        for name, pattern in (
            ("channel", r"[a-z0-9]{8,32}"),
            ("list", _CODE),
            ("key_id", r"[0-9a-f]{16}"),
            ("state_sha256", r"[0-9a-f]{64}"),
            ("created", _INSTANT),
            ("day", r"\d{4}-\d\d-\d\d"),
        ):
            check(matches(pattern, getattr(self, name)), f"header: {name}")
        instant(self.created)
        try:
            date.fromisoformat(self.day)
        except ValueError:
            raise Malformed("header: day") from None


def row_patterns(token_alg: str) -> dict[str, re.Pattern[str]]:
    """Per operation the one shape its row may have; group 1 is the token."""
    token = f"({TOKENS[token_alg]})"
    attributes = _SEALED_ATTRIBUTES if token_alg == SEALED else _ATTRIBUTES
    return {
        "ADD": re.compile(rf"ADD,{token},({attributes})", re.ASCII),
        "MOD": re.compile(rf"MOD,{token},({attributes})", re.ASCII),
        "DEL": re.compile(rf"DEL,{token},({'|'.join(RETRACTIONS)})", re.ASCII),
    }


@cache
def attributes_pattern() -> re.Pattern[str]:
    """The one shape attributes may have, before they are sealed or where they are not."""
    return re.compile(_ATTRIBUTES, re.ASCII)


def state_sha256(blocks: Iterable[bytes]) -> str:
    """SHA-256 of the state as text: equal for equal lists, whoever computes it.

    The text, given in blocks, is `token,attributes` and a newline per entry, ascending by
    token: `state_text` makes it.
    """
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
    return digest.hexdigest()


def state_text(entries: Iterable[tuple[str, str]]) -> Iterator[bytes]:
    """The text of a state, in blocks. `entries`: token and attributes, ascending by token."""
    rest = iter(entries)
    while some := list(islice(rest, LINES)):
        yield "".join([f"{token},{told}\n" for token, told in some]).encode("ascii")


def canonical(values: Mapping[str, Any]) -> str:
    """JSON with sorted names, no spaces, ASCII only: one text for one value."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def instant(text: str) -> datetime:
    """A UTC instant as the format writes it. Raises Malformed."""
    try:
        if not _WHOLE_INSTANT.fullmatch(text):
            raise ValueError
        return datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise Malformed(f"not an instant: {text!r}") from None


def parse_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object that names nothing twice. Raises Malformed."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        check(len({name for name, _ in pairs}) == len(pairs), f"{what}: a name is repeated")
        return dict(pairs)

    try:
        values = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Malformed(f"{what}: not JSON") from None
    check(isinstance(values, dict), f"{what}: not an object")
    return cast(dict[str, Any], values)


def check_names(values: Mapping[str, Any], names: tuple[str, ...], what: str) -> None:
    """Raise Malformed unless `values` has exactly these names."""
    odd = sorted(set(values) ^ set(names))
    check(not odd, f"{what}: missing or unknown: {', '.join(odd)}")


def check(holds: bool, otherwise: str) -> None:
    """Raise Malformed with `otherwise` unless it holds."""
    if not holds:
        raise Malformed(otherwise)


def is_count(value: object) -> bool:
    """A whole number from 0 on (JSON's true is not one)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def matches(pattern: str, value: object) -> bool:
    """Whether `value` is text of exactly this ASCII pattern."""
    return isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None
