"""What a number, card or handset is by its digits: the numbering plan at the counter.

Here: kind, operator and check digits from the reference tables. Not here:
whether it is in stock or free (`pool.py`, `reservations.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache

from stdnum import luhn

from mingdan.identifiers import mask_number, parse_msisdn
from mingdan.orders import checks
from mingdan.orders.refusals import Refused
from mingdan.reference import load

MOBILE_KINDS = frozenset({"mobile", "mvno", "data_card", "satellite", "emergency"})
_PLAIN_DIGITS = re.compile(r"[0-9]+")
_CARD = re.compile(r"[0-9A-F]{8,20}")
_SERVICE = re.compile(r"[1-9][0-9]{2,17}")


@dataclass(frozen=True)
class Issued:
    """What the numbering plan says of a number: its kind in stock and who issues it."""

    kind: str
    operator: str


def national(number: str) -> str:
    """The digits people dial: without 86 before a mobile or M2M number."""
    return number[2:] if len(number) in (13, 15) and number.startswith("86") else number


def spoken(text: str) -> str:
    """A number as typed by a person, in the form the store knows it by.

    Refuses (`invalid_value`) what is no number of any kind.
    """
    value = checks.words("number", text)
    try:
        return parse_msisdn(value)
    except ValueError:
        if _SERVICE.fullmatch(value):
            return value
    raise Refused("invalid_value", field="number", problem="is not a telephone number")


def card(text: str) -> str:
    """An ICCID, card number or IMEI as typed by a person: plain digits or hex, upper case."""
    value = checks.words("card", text).upper()
    if not _CARD.fullmatch(value):
        raise Refused("invalid_value", field="card", problem="is not 8 to 20 digits")
    return value


def issued(digits: str) -> Issued | None:
    """Kind and issuing operator of a national number; None if nobody issues it."""
    plan = _plan()
    for length in range(min(5, len(digits)), 1, -1):
        for shortest, longest, kind, operator in plan.get(digits[:length], ()):
            if shortest <= len(digits) <= longest:
                return Issued(_kind(kind, digits), operator)
    return None


@cache
def _plan() -> dict[str, list[tuple[int, int, str, str]]]:
    plan: dict[str, list[tuple[int, int, str, str]]] = {}
    for row in load.rows("number_prefix"):
        lengths = int(row["min_length"]), int(row["max_length"])
        entry = (*lengths, row["kind"], row["issuing_operator"])
        plan.setdefault(row["prefix"], []).append(entry)
    return plan


def _kind(plan_kind: str, digits: str) -> str:
    if plan_kind in MOBILE_KINDS:
        return "mobile"
    if plan_kind == "iot":
        return "iot"
    return "sms_port" if digits.startswith("106") else "access_number"


def own_operator(day: date) -> str:
    """The operator this store belongs to on a day (`reference/own_operator.csv`)."""
    rows = sorted(load.rows("own_operator"), key=lambda row: row["valid_from"])
    chosen = [row for row in rows if row["valid_from"] <= day.isoformat()] or rows[:1]
    return chosen[-1]["operator"]


def other_operator(number: str, day: date) -> str | None:
    """The operator who issues a number as the store knows it, if that is not this one.

    Of numbers that no one operator issues (10690..., 95..., 400...) it says nothing.
    """
    digits = national(number)
    plan = issued(digits)
    operator = plan.operator if plan is not None else ""
    if plan is not None and plan.kind == "sms_port":
        ports = load.rows("sms_port")
        operator = next((r["operator"] for r in ports if digits.startswith(r["prefix"])), "")
    return operator if operator and operator != own_operator(day) else None


def card_issuer(iccid: str) -> str | None:
    """Who issued a card, by its first six digits; None if the table does not know."""
    row = load.by("iccid_issuer", "prefix").get(iccid[:6])
    return row["operator"] if row else None


def network(imsi: str) -> str | None:
    """The operator of an IMSI's network (MCC 460, two-digit MNC); None if nobody's."""
    return _networks().get(imsi[:5])


@cache
def _networks() -> dict[str, str]:
    return {row["mcc"] + row["mnc"]: row["operator"] for row in load.rows("mnc")}


def plain(field: str, text: str) -> str:
    """Digits exactly as written: neither full-width, nor with separators, nor a sign."""
    if not _PLAIN_DIGITS.fullmatch(text):
        raise Refused("field_not_ascii", field=field)
    return text


def with_check_digit(field: str, text: str, length: range) -> str:
    """Plain digits of a length whose last is their Luhn check digit."""
    digits = plain(field, text)
    if len(digits) not in length:
        wanted = " or ".join(str(each) for each in length)
        raise Refused("field_not_accepted", field=field, problem=f"has not {wanted} digits")
    if not luhn.is_valid(digits):
        raise Refused("check_digit_wrong", field=field, value=mask_number(digits))
    return digits
