"""Who may see what of a customer: the mask policy, by role and field.

Here: `reference/mask_policy.csv` and the fields it speaks of. Not here: reading
the values (`subjects.py`) and who may ask at all (`access`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from mingdan.calendar import business_day
from mingdan.identifiers import digits, mask_document, mask_name, mask_number
from mingdan.reference import load

FULL, MASKED, HIDDEN = "full", "masked", "hidden"


def shown_to(role: str, field: str, at: datetime) -> str:
    """How a role sees a field on the business day of `at`: full, masked or hidden.

    The last row for role and field by then; without one, hidden.
    """
    day, found = business_day(at), HIDDEN
    first = date.min
    for row in load.rows("mask_policy"):
        begins = date.fromisoformat(row["valid_from"])
        if (row["role"], row["field"]) == (role, field) and first <= begins <= day:
            found, first = row["shown"], begins
    return found


def _contact(value: str) -> str:
    plain = digits(value).removeprefix("+")
    return mask_number(value) if plain.isdigit() else mask_name(value)


MASKS: dict[str, Callable[[str], str]] = {
    "number": mask_number,
    "imsi": mask_number,
    "iccid": mask_number,
    "name": mask_name,
    "document": mask_document,
    "contact": _contact,
    "bill_address": mask_name,
}
"""How a field is masked; one that is not here is shown in full or not at all."""


def masked(field: str, value: Any) -> Any:
    """A value for the eyes of who may see it masked; what has no mask is hidden."""
    if value is None or field not in MASKS:
        return None
    return MASKS[field](str(value))
