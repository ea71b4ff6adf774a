"""Names of customers: what may stand in one, so that nobody passes for another.

Here: refusing characters that look like others, are invisible or do not belong
together. Not here: whose name it is (`customers.py`, `businesses/opening.py`).
Which scripts a name may be in is data (`reference/name_script.csv`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn

from mingdan.orders import checks
from mingdan.orders.refusals import Refused
from mingdan.reference import load

_BETWEEN = {"individual": " ·-'.", "organization": " ·-'.,&()（）、，/+"}
"""Marks between the words of a name."""
_DOTS = "•・‧∙⋅・．。"
"""What looks like the dot of names (·, U+00B7) and is not."""
_ACROSS = frozenset({"han", "latin", "digit"})
"""Scripts that may stand together in an organization's name."""
PLAIN = re.compile("[〇一-龥]+(?:·[〇一-龥]+)*|[A-Za-z]+(?:[ .'-][A-Za-z]+)*")
"""Nearly every name of a person or organization: bulk orders have no time for the long way."""


def acceptable(name: object, *, party_type: str, longest: int) -> str:
    """The name, if it may be put on record.

    One script for a person (Han or Latin or ...), Han, Latin and digits together
    for an organization, each character in its one normal form. Raises Refused:
    invalid_value, name_unacceptable.
    """
    text = checks.words("name", name)
    if len(text) > longest:
        _refuse(f"it is longer than {longest} characters")
    if PLAIN.fullmatch(text):
        return text
    if text != text.strip() or "  " in text:
        _refuse("it has blanks before, after or two in a row")
    between = _BETWEEN[party_type]
    scripts = set()
    for character in text:
        if character in between:
            continue
        scripts.add(_script(character, party_type))
    if text[0] in between.replace("(", "").replace("（", "") or not scripts - {"digit"}:
        _refuse("it has no letter where one belongs")
    together = _ACROSS if party_type == "organization" else frozenset[str]()
    if len(scripts) > 1 and not scripts <= together:
        _refuse(f"it mixes {', '.join(sorted(scripts))}, whose letters look alike")
    if unicodedata.normalize("NFC", text) != text:
        _refuse("it has accents apart from their letters")
    return text


def _script(character: str, party_type: str) -> str:
    """The script of one character; it is refused if it looks like another or has none."""
    shown = f"U+{ord(character):04X}"
    if character in _DOTS:
        _refuse(f"the dot {shown} is to be written ·")
    if unicodedata.normalize("NFKC", character) != character:
        _refuse(f"{shown} looks like {unicodedata.normalize('NFKC', character)!r}; use that")
    category, called = unicodedata.category(character), unicodedata.name(character, "")
    if category in ("Cf", "Cc", "Zl", "Zp", "Cn", "Co", "Cs"):
        _refuse(f"{shown} cannot be seen or has no meaning of its own")
    for row in load.rows("name_script"):
        if called.startswith(row["unicode_name"]) and row[party_type] == "yes":
            if row["script"] == "latin" and not _plain_latin(character):
                break
            return row["script"]
    return _refuse(f"{shown} ({called.lower() or category}) does not belong into a name")


def _plain_latin(character: str) -> bool:
    """Letters of languages; further on are phonetic ones such as ɑ and ᴀ, which look alike."""
    return ord(character) < 0x0250 or 0x1E00 <= ord(character) < 0x1F00


def _refuse(problem: str) -> NoReturn:
    raise Refused("name_unacceptable", problem=problem)
