"""The Chinese words for codes and problems that a refusal names.

Here: what stands in the place of `lost`, `china_unicom` or `is empty` in a Chinese
sentence. Not here: the sentences (`reference/refusal.csv`). What has no word of its
own stays as it is: a reference, a number, a code that is to be typed.
"""

from __future__ import annotations

import re
from functools import cache

from mingdan.reference import load

_TABLES = {
    "reason": ("suspend_reason", "reason"),
    "direction": ("suspend_direction", "direction"),
    "document_type": ("document_type", "code"),
    "business": ("order_type", "code"),
    "order_type": ("order_type", "code"),
    "feature": ("feature", "code"),
    "needed": ("feature", "code"),
    "other": ("feature", "code"),
}
"""Placeholder -> the table whose `name_zh` is the word for its code."""
_MACHINES = {
    "number_unavailable": "msisdn_state",
    "sim_unavailable": "sim_state",
    "segment_closed": "segment_state",
    "card_unavailable": "prepaid_card_state",
    "handset_unavailable": "handset_state",
    "voucher_state": "voucher_state",
    "reservation_ended": "reservation_state",
    "change_not_staged": "order_state",
    "order_not_completed": "order_state",
    "order_state": "order_state",
    "already_decided": "approval_state",
    "kb_no_version": "kb_state",
    "ticket_step": "ticket_state",
    "visit_step": "visit_state",
}
"""Refusal -> the table of the states it speaks of."""
_STATES = frozenset({"state", "status", "target"})


def zh(code: str, placeholder: str, shown: object) -> object:
    """What stands for `shown` at a placeholder of the Chinese words of refusal `code`."""
    if not isinstance(shown, str):
        return shown
    if placeholder in _STATES or code == "state_step":
        own = _names(_MACHINES[code], "state") if code in _MACHINES else {}
        # Some only the clock or another order knows of: `expired`, `reserved`.
        return own.get(shown) or _words("state").get(shown, shown)
    if placeholder in _TABLES:
        return _names(*_TABLES[placeholder]).get(shown, shown)
    if placeholder == "problem":
        return problem(shown) or shown
    return _words(placeholder).get(shown, shown)


def problem(text: str) -> str | None:
    """The Chinese of what is wrong with a value, None if there is none."""
    exact = _words("problem").get(text)
    if exact is not None:
        return exact
    for pattern, words in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            return words.format(*found.groups())
    return None


@cache
def _names(table: str, column: str) -> dict[str, str]:
    return {row[column]: row["name_zh"] for row in load.rows(table)}


@cache
def _words(placeholder: str) -> dict[str, str]:
    rows = load.rows("refusal_word")
    return {row["en"]: row["zh"] for row in rows if row["of"] == placeholder}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Problems with values in them, the longest first: it says the most."""
    texts = sorted((en for en in _words("problem") if "{}" in en), key=len, reverse=True)
    return [
        (re.compile("(.+?)".join(map(re.escape, en.split("{}"))), re.DOTALL), _words("problem")[en])
        for en in texts
    ]
