"""Openings (开户) as columns.

Here: the columns and taking some of them. Not here: which openings of a load may be
taken so (`plain.py`) and what becomes of them (`plain_rows.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from mingdan.orders.batch import Work
from mingdan.orders.naming import Named


@dataclass(slots=True)
class Openings:
    """Plain openings as columns of equal length, in the order of their part."""

    places: list[int]
    """Where in the part each stands."""
    works: list[Work]
    subscriptions: list[str]
    products: list[str]
    numbers: list[str]
    """As they are known everywhere, with 86."""
    imsis: list[str]
    iccids: list[str]
    parties: list[str]
    party_types: list[str]
    names: list[str]
    document_types: list[str]
    document_numbers: list[str]
    contacts: list[str | None]

    def __len__(self) -> int:
        return len(self.places)

    def only(self, chosen: Sequence[bool]) -> Openings:
        """Those chosen."""
        if all(chosen):
            return self
        columns = (getattr(self, name) for name in self.__slots__)
        return Openings(*(list(compress(column, chosen)) for column in columns))

    def between(self, start: int, end: int) -> Openings:
        """Some that follow each other."""
        return Openings(*(getattr(self, name)[start:end] for name in self.__slots__))

    @property
    def documents(self) -> list[tuple[str, str]]:
        return list(zip(self.document_types, self.document_numbers, strict=True))

    @property
    def orders(self) -> list[str]:
        return [work.order_ref for work in self.works]

    def named(self) -> Named:
        """What they name, for locks and for what must not touch them."""
        return Named(
            orders=set(self.orders),
            subscriptions=set(self.subscriptions),
            parties=set(self.parties),
            documents=set(self.documents),
            numbers=set(self.numbers),
            imsis=set(self.imsis),
            iccids=set(self.iccids),
        )
