"""Checks of single values: what can be said of a request without the database.

Here: texts, instants, amounts, documents (证件) and numbers, each returned in
its one normal form. Not here: checks against what is on record (`businesses`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
from stdnum import numdb
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from mingdan.identifiers import digits, mask_document, mask_number, parse_imsi, parse_msisdn
from mingdan.orders.commands import PartyData
from mingdan.orders.refusals import Refused
from mingdan.reference import load

LONGEST = 200
"""Characters of a name or reference."""
MOST_FEN = 10**12
"""Ten billion yuan: above it, an amount is a mistake."""
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_ICCID = re.compile(r"[0-9]{5}[0-9A-F]{14,15}")
_SHORT_NUMBER = re.compile(r"[1-9][0-9]{4,17}")
_YEARS = re.compile(r"\[\d*-(\d*)\]")
_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def instant(field: str, value: object) -> datetime:
    """An aware instant between 1980 and 2200, in UTC."""
    if not isinstance(value, datetime):
        raise Refused("invalid_value", field=field, problem="not an instant")
    if value.tzinfo is None:
        raise Refused("invalid_value", field=field, problem="has no time zone")
    if not _EARLIEST <= value < _LATEST:
        raise Refused("invalid_value", field=field, problem="not between 1980 and 2200")
    return value.astimezone(UTC)


def words(field: str, value: object) -> str:
    """A text of 1 to 200 characters that every database and file can hold."""
    if isinstance(value, str) and len(value) <= LONGEST and value.isprintable() and value.strip():
        # What is printable is none of the below: the way of nearly every text.
        return value
    if not isinstance(value, str) or not value.strip():
        raise Refused("invalid_value", field=field, problem="is empty")
    if len(value) > LONGEST:
        raise Refused("invalid_value", field=field, problem=f"longer than {LONGEST} characters")
    if _UNWRITABLE.search(value):
        raise Refused("invalid_value", field=field, problem="has control characters")
    return value


def one_of(field: str, value: object, allowed: frozenset[str]) -> str:
    """A word out of `allowed`."""
    if not isinstance(value, str) or value not in allowed:
        known = ", ".join(sorted(allowed))
        raise Refused("invalid_value", field=field, problem=f"is none of {known}")
    return value


def amount(field: str, value: object) -> int:
    """A positive whole number of fen."""
    if type(value) is not int or not 0 < value <= MOST_FEN:
        raise Refused("invalid_value", field=field, problem="is not a positive amount in fen")
    return value


def document(party: PartyData, *, verify: bool) -> str:
    """The document's number in its normal form, verified if its type can be.

    Upper case, full-width folded, no separators; a 15-digit resident ID becomes
    the 18-digit one, so that both forms count as one document.
    """
    if isinstance(party.document_number, str):
        number = _document(party.document_type, party.party_type, party.document_number)
        if verify:
            _verified(party.document_type, number)
        return number
    raise Refused("invalid_value", field="document_number", problem="is empty")


def shows(text: object, document_type: str, party_type: str, number: str) -> bool:
    """Whether `text`, as typed, is the number of a document on record."""
    typed = words("holder_document", text)
    return _document(document_type, party_type, typed) == number


@lru_cache(maxsize=16384)
def _document(document_type: str, party_type: str, text: str) -> str:
    # Asked for twice of every order: when it is named and when it is checked.
    kind = load.by("document_type", "code").get(document_type)
    if kind is None:
        words("document_type", document_type)
        raise Refused("unknown_document_type", document_type=document_type)
    if kind["party_type"] != party_type:
        raise Refused("document_party_type", document_type=document_type, party_type=party_type)
    number = digits(words("document_number", text)).upper()
    if kind["check"] == "ric" and len(number) == 15 and number.isascii() and number.isdigit():
        number = number[:6] + "19" + number[6:]
        number += ric.calc_check_digit(number + "0")
    return words("document_number", number)


def _verified(document_type: str, number: str) -> None:
    check = load.by("document_type", "code")[document_type]["check"]
    if not check:
        return
    try:
        _VERIFY[check](number)
    except (ValidationError, ValueError) as error:
        raise Refused(
            "document_invalid",
            document=mask_document(number),
            document_type=document_type,
            problem=str(error),
        ) from None


def _resident_id(number: str) -> None:
    if len(number) != 18 or not number.isascii() or not number[:17].isdigit():
        raise ValueError("it has 18 digits, the last may be X")
    if ric.calc_check_digit(number) != number[-1]:
        raise ValueError("its checksum is wrong")
    _birth(number[6:14])
    _place(number[:10])


@lru_cache(maxsize=65536)
def _birth(day: str) -> None:
    ric.get_birth_date(f"{0:06}{day}{0:04}")


@lru_cache(maxsize=65536)
def _place(area_and_year: str) -> None:
    # A card bears the code its area had when the number was given out, often years after
    # the birth: the code may be younger than its holder, but not withdrawn before it.
    found = {
        k: v for _, part in numdb.get("cn/loc").info(area_and_year[:6]) for k, v in part.items()
    }
    for county in found.get("county", "").split(","):
        years = _YEARS.match(county)
        if county and (years is None or (years[1] or "9999") >= area_and_year[6:]):
            return
    raise ValueError("no place has its first six digits")


_VERIFY = {"ric": _resident_id, "uscc": uscc.validate}
_WEIGHTS = np.array([2 ** (17 - place) % 11 for place in range(17)])
"""ISO 7064, MOD 11-2; X is a check digit of 10."""
_DIGIT_0, _CHECK_X = ord("0"), ord("X") - ord("0")


def resident_ids(numbers: Sequence[str]) -> list[bool]:
    """Which are resident IDs in order, for many at once: those `document` verifies.

    Each has 17 digits and one more or X.
    """
    octets = np.frombuffer("".join(numbers).encode("ascii"), np.uint8).reshape(-1, 18)
    values = octets.astype(np.int64) - _DIGIT_0
    checks = np.where(values[:, 17] == _CHECK_X, 10, values[:, 17])
    right = (values[:, :17] @ _WEIGHTS + checks) % 11 == 1
    days = {day: _holds(_birth, day) for day in {number[6:14] for number in numbers}}
    places = {place: _holds(_place, place) for place in {number[:10] for number in numbers}}
    return [
        bool(sound) and days[number[6:14]] and places[number[:10]]
        for sound, number in zip(right, numbers, strict=True)
    ]


def _holds(check: Callable[[str], None], text: str) -> bool:
    try:
        check(text)
    except (ValidationError, ValueError):
        return False
    return True


def number_forms(text: object) -> set[str]:
    """Every number that `number` may make of `text`, whatever the product. Raises Refused."""
    value = words("msisdn", text)
    found = {plain} if _SHORT_NUMBER.fullmatch(plain := digits(value)) else set()
    with suppress(ValueError):
        found.add(parse_msisdn(value))
    return found


def number(text: object, product_code: str, sender_kind: str) -> str:
    """An MSISDN fit for the product, as the digits it is known by everywhere.

    Mobile and M2M numbers carry 86; service ports and call centres' short
    numbers are as they are dialled.
    """
    value = words("msisdn", text)
    if sender_kind != "service_port":
        try:
            return parse_msisdn(value)
        except ValueError:
            pass
    if sender_kind in ("service_port", "call_centre") and _SHORT_NUMBER.fullmatch(digits(value)):
        return digits(value)
    raise Refused("number_invalid", number=mask_number(value), product_code=product_code)


def sim(imsi_text: object, iccid_text: object) -> tuple[str, str]:
    """IMSI and ICCID of one card. An ICCID's inner layout is not stable: shape only."""
    try:
        imsi = parse_imsi(words("imsi", imsi_text))
    except ValueError:
        raise Refused("invalid_value", field="imsi", problem="is not 15 digits") from None
    iccid = digits(words("iccid", iccid_text)).upper()
    if not _ICCID.fullmatch(iccid):
        raise Refused("invalid_value", field="iccid", problem="is not 19 or 20 digits")
    return imsi, iccid
