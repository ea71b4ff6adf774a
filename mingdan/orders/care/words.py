"""Words people type in care: references, longer texts, numbers complained of.

Here: each in its one normal form, or Refused. Not here: what is on record.
"""

from __future__ import annotations

import re
import unicodedata

from mingdan.identifiers import digits, parse_msisdn
from mingdan.orders import checks
from mingdan.orders.refusals import Refused

BODY = 20_000
"""Characters of an article: some forty printed pages."""
NOTE = 2_000
"""Characters of a ticket's description, note or resolution."""
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_CLASS = re.compile(r"[a-z][a-z0-9_]{1,39}")
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_AREA = re.compile(r"0(?:10|2\d|[3-9]\d\d)", re.ASCII)


def code(field: str, value: object) -> str:
    """A reference of our own: up to 64 small ASCII letters, digits, `_` and `-`.

    Look-alikes of other alphabets and full-width letters are refused, not folded:
    two codes that look the same must be the same.
    """
    text = checks.words(field, value)
    if not _CODE.fullmatch(text):
        raise Refused(
            "invalid_value", field=field, problem="is not of small letters, digits, _ and -"
        )
    return text


def class_code(value: object) -> str:
    """A class's code in the grammar of the class dictionary. Raises Refused."""
    text = checks.words("class_code", value)
    if not _CLASS.fullmatch(text):
        raise Refused(
            "invalid_value", field="class_code", problem="is not 2 to 40 small letters, digits, _"
        )
    return text


def label(value: object) -> str:
    """A class's code, or `class:reason` of a class given by rules. Raises Refused."""
    text = checks.words("class_code", value)
    return ":".join(class_code(part) for part in text.split(":", 1))


def block(field: str, value: object, longest: int) -> str:
    """A text of several lines, 1 to `longest` characters, with plain line ends."""
    if not isinstance(value, str) or not value.strip():
        raise Refused("invalid_value", field=field, problem="is empty")
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > longest:
        raise Refused("invalid_value", field=field, problem=f"longer than {longest} characters")
    if _UNWRITABLE.search(text):
        raise Refused("invalid_value", field=field, problem="has control characters")
    return text


def optional(field: str, value: object, longest: int) -> str | None:
    """The same, or nothing at all."""
    return None if value is None else block(field, value, longest)


def number(field: str, value: object) -> str:
    """Any number a person can complain of or report faulty, as usage and reports write it.

    Mobile and fixed numbers of China begin with 86, service and short numbers
    stand as they are, foreign ones begin with their country code; full-width
    digits and separators are folded. The same as `reports` makes of it.
    """
    text = checks.words(field, value)
    try:
        return parse_msisdn(text)
    except ValueError:
        pass
    found = digits(text).removeprefix("+")
    if found.startswith("00"):
        found = found[2:]
    elif _AREA.match(found) and 10 <= len(found) <= 12:
        found = "86" + found[1:]
    if not (found.isascii() and found.isdigit() and 3 <= len(found) <= 18) or found[0] == "0":
        raise Refused("invalid_value", field=field, problem="is not a telephone number")
    return found


def two_people(maker: str, checker: str) -> None:
    """Refuse a second look by the same person, however the name is written."""
    if _person(maker) == _person(checker):
        raise Refused("same_person", maker=maker)


def _person(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
