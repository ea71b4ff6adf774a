"""Fields of report files: identifiers, times and numbers, each with one strict grammar.

Here: one value at a time. Not here: whole lines (`complaints.py`,
`partner_lists.py`). A value outside its grammar raises Flaw, so a formula, a
half-open quote or a look-alike digit never travels further.
"""

from __future__ import annotations

import re
from datetime import datetime

from mingdan.calendar import naive_utc
from mingdan.identifiers import digits, parse_msisdn
from mingdan.reports.delivered import Flaw
from mingdan.reports.policy import ServiceNumbers

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_AREA = re.compile(r"0(?:10|2\d|[3-9]\d\d)", re.ASCII)


def code(text: str, column: str, reason: str = "bad_id") -> str:
    """An identifier or code: up to 64 letters, digits and `._:/-`, no formula can start it."""
    if not _CODE.fullmatch(text):
        raise Flaw(reason, column)
    return text


def one_of(text: str, allowed: tuple[str, ...], column: str, reason: str) -> str:
    """One of a closed set of codes."""
    if text not in allowed:
        raise Flaw(reason, column)
    return text


def instant(text: str, column: str) -> datetime:
    """An ISO 8601 instant with its offset, as naive UTC."""
    try:
        if not _INSTANT.fullmatch(text):
            raise ValueError(text)
        return naive_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Flaw("bad_time", column) from None


def mobile(text: str, column: str) -> str:
    """A mobile number of China as E.164 without `+`."""
    try:
        return parse_msisdn(text)
    except ValueError:
        raise Flaw("bad_number", column) from None


def any_number(text: str, column: str) -> str:
    """Any number a person can complain of, in the form usage carries it.

    Mobile and fixed numbers of China begin with 86, service and short numbers
    stand as they are, foreign ones begin with their country code.
    """
    try:
        return parse_msisdn(text)
    except ValueError:
        pass
    number = digits(text).removeprefix("+")
    if number.startswith("00"):
        number = number[2:]
    elif _AREA.match(number) and 10 <= len(number) <= 12:
        number = "86" + number[1:]
    if not (number.isascii() and number.isdigit() and 3 <= len(number) <= 18) or number[0] == "0":
        raise Flaw("bad_number", column)
    return number


def is_service_number(text: str, services: ServiceNumbers) -> bool:
    """Whether this is a hotline, short code or port, also behind 86, an area code or both."""
    number = digits(text).removeprefix("+").removeprefix("00")
    forms = {number, number.removeprefix("86")}
    forms |= {_AREA.sub("", form, count=1) for form in tuple(forms)}
    forms |= {_AREA.sub("", "0" + form, count=1) for form in tuple(forms)}
    return any(services.pattern.fullmatch(form) for form in forms)
