"""Refusals: why a request is not carried out, in words its sender can act on.

Here: the exception a check raises and its wording (`reference/refusal.csv`, in
English and Chinese). Not here: the checks. Values that identify a person are
masked before they get here.
"""

from __future__ import annotations

from datetime import datetime

from mingdan.calendar import BUSINESS_ZONE
from mingdan.identifiers import mask_typed
from mingdan.orders.commands import Refusal
from mingdan.orders.refusal_words import zh
from mingdan.reference import load

_IDENTIFIER = 11
"""Digits from which a reference may be somebody's number, handed in by mistake."""


class Refused(Exception):
    """One request refused by `code`; raised before anything was changed."""

    def __init__(self, code: str, **values: object) -> None:
        wording = load.by("refusal", "code")[code]
        shown = {name: _shown(value) for name, value in values.items()}
        self.code = code
        self.reason = wording["en"].format(**shown)
        self.reason_zh = wording["zh"].format(
            **{name: zh(code, name, value) for name, value in shown.items()}
        )
        super().__init__(f"{code}: {self.reason}")

    @classmethod
    def again(cls, refusal: Refusal) -> Refused:
        """The same refusal raised, from the answer of a batch."""
        found = cls.__new__(cls)
        found.code, found.reason, found.reason_zh = refusal.code, refusal.reason, refusal.reason_zh
        found.args = (f"{refusal.code}: {refusal.reason}",)
        return found

    def of(self, order_ref: str) -> Refusal:
        """The answer to the request `order_ref`."""
        return Refusal(order_ref, self.reason, code=self.code, reason_zh=self.reason_zh)


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(BUSINESS_ZONE).isoformat(timespec="seconds")
    if isinstance(value, str) and sum(char.isdigit() for char in value) >= _IDENTIFIER:
        return mask_typed(value)
    return value
