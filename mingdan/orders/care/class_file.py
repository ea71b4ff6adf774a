"""The class dictionary as a whole file, with the classes added by hand in it.

Here: the text of a whole `dictionary.toml`, what of it speaks of the classes added
by hand, and the codes that are taken. Not here: the stage (`mingdan.classes`, which
this room may not import; a test reads the file with it), which takes those classes
from the store itself.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable
from typing import Any

from mingdan.errors import InputRefused
from mingdan.orders.care.class_entries import Entry
from mingdan.orders.care.member_facts import KnownClass
from mingdan.rules.files import policy_text
from mingdan.settings import Settings

DICTIONARY = "classes/dictionary.toml"
MARK = "# ---- classes added by hand: written by `mingdan care class export`, do not edit ----"
TERM_DAYS = 365
"""The stage asks every reason for a term; it only ends a membership that nobody confirms."""


def base_text(settings: Settings | None) -> str:
    """The dictionary in force without the classes added by hand.

    The installation's own file, else the shipped one. Raises InputRefused.
    """
    text, _ = policy_text(DICTIONARY, settings)
    return text.partition(MARK)[0].rstrip("\n") + "\n"


def shipped_codes(settings: Settings | None) -> frozenset[str]:
    """Codes of classes that are given by rules, reports or protections."""
    return frozenset(entry["code"] for entry in _parsed(settings).get("class", []))


def labels_by_hand(settings: Settings | None) -> frozenset[str]:
    """Labels (`class:reason`) of the dictionary that people may give as well as rules.

    Facts that stay in the house: what is inferred night by night would outlive the
    decision, what is published needs evidence of numbers, and what needs approval
    is a protection, which has an order of its own.
    """
    found = _parsed(settings)
    modes = {name: life.get("mode") for name, life in found.get("stability", {}).items()}
    return frozenset(
        f"{entry['code']}:{reason['code']}"
        for entry in found.get("class", [])
        if not entry.get("needs_approval", False) and entry.get("subject") == "party"
        for reason in entry.get("reason", [])
        if modes.get(reason.get("stability")) == "fact" and not reason.get("publishable", False)
    )


def appealable_labels(settings: Settings | None) -> dict[str, str]:
    """Labels (`class:reason`) an appeal may be against, each with what it is about.

    All that rules and reports give. Not what was ordered by law, which is appealed
    against where it was ordered; and not what two people gave, who can end it.
    """
    return {
        f"{entry['code']}:{reason['code']}": entry["subject"]
        for entry in _parsed(settings).get("class", [])
        if not entry.get("needs_approval", False)
        for reason in entry.get("reason", [])
        if not reason.get("legal", False)
    }


def _parsed(settings: Settings | None) -> dict[str, Any]:
    try:
        return tomllib.loads(base_text(settings))
    except tomllib.TOMLDecodeError as error:
        raise InputRefused(f"{DICTIONARY}: {error}") from error


def dictionary_text(base: str, entries: Iterable[Entry]) -> str:
    """`base` with `entries`; equal entries give equal bytes."""
    return "\n".join((base.rstrip("\n"), "", MARK)) + "\n" + entries_text(entries)


def entries_text(entries: Iterable[Entry | KnownClass]) -> str:
    """Classes added by hand as entries of the dictionary, by code; each has no effects."""
    parts: list[str] = []
    for entry in sorted(entries, key=lambda each: each.class_code):
        parts += [
            "",
            "[[class]]",
            f"code = {_text(entry.class_code)}",
            f"name_zh = {_text(entry.name_zh)}",
            f"name_en = {_text(entry.name_en)}",
            'subject = "party"',
            "needs_approval = true",
            f"meaning = {_text(entry.meaning)}",
            "",
            "[[class.reason]]",
            'code = "manual"',
            'name_zh = "人工"',
            'name_en = "by hand"',
            'stability = "fact"',
            f"term_days = {TERM_DAYS}",
        ]
    return "".join(f"{part}\n" for part in parts)


def _text(value: str) -> str:
    # a basic string of TOML is one of JSON but for DEL, which no text here has
    return json.dumps(value, ensure_ascii=False)
