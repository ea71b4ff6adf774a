"""What a telephone number is: its form, kind and issuing operator.

Here: the numbering plan as data (`number_prefix.csv`, `mnc.csv`) and the one
reading of a number as it stands in a usage file. Not here: strict parsing of a
subscriber's own number and masks (`mingdan.identifiers`), who holds a number
(`orders`, `guiding`), who carries it today: since 携号转网 (number portability,
2019-12-01) a prefix names the operator that issued the number, no more.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from mingdan.identifiers import digits

OtherKind = Literal["mobile", "fixed", "service", "short", "international", "opaque"]
"""What the other end of an event is; `opaque`: not all digits, or a hashed number."""

LONGEST = 18
"""Digits that fit a 64-bit integer; a longer number is kept as a negative digest."""

_MOBILE = frozenset({"mobile", "mvno", "iot", "data_card", "satellite", "emergency"})


@dataclass(frozen=True)
class Prefix:
    """One row of the numbering plan; lengths count the national number's digits."""

    prefix: str
    issuing_operator: str
    kind: str
    min_length: int
    max_length: int

    @property
    def other_kind(self) -> OtherKind:
        if self.kind in _MOBILE:
            return "mobile"
        return "short" if self.kind == "short" else "service"


def digest_id(text: str) -> int:
    """A 60-bit id of a text: the first 15 hex digits of its SHA-256.

    `sql/macros.sql` holds the same formula.
    """
    return int(hashlib.sha256(text.encode()).hexdigest()[:15], 16)


def identify(text: str) -> tuple[int, OtherKind]:
    """A number as it stands in a usage file, as the lake's integer and its kind.

    Chinese mobile and fixed numbers get the country code 86 whatever form they
    were written in (`+86`, `0086`, trunk 0, nothing); service ports (106...),
    short codes and 400/800 numbers stay as they are; international numbers lose
    `+` or `00`. What is not all digits or longer than 18 becomes a negative digest.
    Full-width digits are folded and separators dropped.
    """
    value = digits(text)
    bare = value.removeprefix("+")
    if not (bare.isascii() and bare.isdigit()):
        return -digest_id(value), "opaque"
    abroad = bare != value or bare.startswith("00")
    bare = bare.removeprefix("00") or bare
    if abroad and not bare.startswith("86"):
        return _integer(bare), "international"
    chinese = bare.startswith("86") and (abroad or len(bare) > 11)
    national = bare[2:] if chinese else bare
    trunk = national.startswith("0") and len(national) > 8
    if trunk:
        national = national[1:]
    if _is_mobile(national):
        return int("86" + national), "mobile"
    # Beijing's area code is 10: with 86 or a trunk 0 before it, 10 digits from 10
    # are a fixed line there, not a 106 port.
    if (trunk and 9 <= len(national) <= 11) or (
        chinese and (len(national) == 10 or (9 <= len(national) <= 11 and national[0] != "1"))
    ):
        return int("86" + national), "fixed"
    row = _row(national)
    if row is not None:
        return _integer(national), row.other_kind
    if len(national) in (7, 8) and "2" <= national[0] <= "8":
        return int(national), "fixed"
    if len(national) <= 8:
        return int(national or "0"), "short"
    return _integer(bare), "international"


def issuing_operator(number: int) -> str | None:
    """Who issued a Chinese mobile number (with 86): longest prefix; None if nobody did."""
    row = _row(str(number).removeprefix("86"))
    return row.issuing_operator or None if row is not None else None


def home_operator(imsi: int) -> str | None:
    """The network an IMSI belongs to (MCC 460, two-digit MNC); None if unknown."""
    text = f"{imsi:015d}"
    return _networks().get((text[:3], text[3:5]))


def _is_mobile(national: str) -> bool:
    # Allocated or not: a spoofed caller uses ranges nobody has issued.
    if len(national) == 11:
        return national[0] == "1" and "3" <= national[1] <= "9"
    row = _row(national) if len(national) == 13 else None
    return row is not None and row.kind == "iot"


def _integer(number: str) -> int:
    return int(number) if len(number) <= LONGEST else -digest_id(number)


def _row(national: str) -> Prefix | None:
    plan = _plan()
    for length in range(min(5, len(national)), 1, -1):
        for row in plan.get(national[:length], ()):
            if row.min_length <= len(national) <= row.max_length:
                return row
    return None


@cache
def _plan() -> dict[str, tuple[Prefix, ...]]:
    plan: dict[str, tuple[Prefix, ...]] = {}
    for row in _rows("number_prefix.csv"):
        prefix = Prefix(
            row["prefix"],
            row["issuing_operator"],
            row["kind"],
            int(row["min_length"]),
            int(row["max_length"]),
        )
        plan[prefix.prefix] = (*plan.get(prefix.prefix, ()), prefix)
    return plan


@cache
def _networks() -> dict[tuple[str, str], str]:
    return {(row["mcc"], row["mnc"]): row["operator"] for row in _rows("mnc.csv")}


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("mingdan.reference") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
