"""What the desks of access share: the gate before, the journal behind, one transaction.

Here: `Room`, and the checks of texts its desks take. Not here: what a desk does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_BUSINESS = re.compile(r"[A-Z][A-Z_]{0,39}|\*")


class Room:
    """A desk over an open store: whoever acts is asked at the gate first."""

    def __init__(self, store: OrderStore) -> None:
        self._database = store.database
        self._policy = store.policy

    @contextmanager
    def _at_work(self, actor: Actor, business: str, at: datetime, *keys: str) -> Iterator[Journal]:
        """One transaction of a permitted actor that alone holds `keys`."""
        instant = checks.instant("at", at)
        with self._database.writing() as connection:
            if keys:
                self._database.lock(connection, "resources", keys)
            allow(connection, actor=actor, business=business, at=instant)
            yield Journal(connection, instant, str(actor))

    @contextmanager
    def _looking(self, actor: Actor, business: str, at: datetime) -> Iterator[Connection]:
        """One snapshot for a permitted actor."""
        with self._database.reading() as connection:
            allow(connection, actor=actor, business=business, at=checks.instant("at", at))
            yield connection


def code(field: str, value: object) -> str:
    """A short name of letters, digits, `_`, `.` and `-`: also part of a file name or URL."""
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        problem = "is not 1 to 40 of A-Z a-z 0-9 _ . -, beginning with a letter or digit"
        raise Refused("invalid_value", field=field, problem=problem)
    return value


def business(value: object) -> str:
    """A business such as OPEN, or `*` for all."""
    if not isinstance(value, str) or not _BUSINESS.fullmatch(value):
        raise Refused("invalid_value", field="business", problem="is not like CHANGE_NUMBER or *")
    return value


def other_person(maker: str, actor: Actor) -> str:
    """The checker's name, who is not the maker. Raises Refused: same_person."""
    name = checks.words("name", actor.name)
    if name.strip().casefold() == maker.strip().casefold():
        raise Refused("same_person", maker=maker)
    return name


def period(first: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Two instants in order. Raises Refused: invalid_value."""
    start, stop = checks.instant("valid_from", first), checks.instant("valid_to", end)
    if stop <= start:
        raise Refused("invalid_value", field="valid_to", problem="is not after valid_from")
    return start, stop
