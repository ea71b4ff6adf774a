"""The stock desk: what people and systems ask of the stock of one open store.

Here: one call a request, each one transaction of somebody who may do it. Not
here: how it is done (the other modules of this room) and handsets' sale
(`handsets.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from mingdan.calendar import business_day
from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import (
    files,
    groups,
    imports,
    numbering,
    pool,
    records,
    reservations,
    segments,
    states,
)
from mingdan.orders.stock.imports import ImportReport
from mingdan.orders.stock.model import ResourceReservation
from mingdan.orders.stock.pool import FreeNumber, Wanted
from mingdan.orders.store import OrderStore

RESERVE, STOCK, INQUIRY = "RESERVE", "STOCK", "INQUIRY"
"""The businesses the gate is asked about."""


class StockDesk:
    """Numbers, SIMs, cards and handsets as resources.

    Every call is one transaction at `at` (aware; the caller's clock) by `actor`.
    A refusal raises `Refused` and changes nothing; all raise Busy if another
    writer holds the store, and Refused with the gate's codes (unknown_interface,
    interface_closed, business_not_permitted, out_of_hours).
    """

    def __init__(self, store: OrderStore) -> None:
        self._database = store.database
        self._policy = store.policy
        groups.sync(store.database)

    def reserve(
        self,
        *,
        actor: Actor,
        at: datetime,
        number: str | None = None,
        iccid: str | None = None,
        imei: str | None = None,
        minutes: int | None = None,
        reserved_for: str | None = None,
    ) -> dict[str, Any]:
        """Hold a number, a SIM and a handset, any of them or all; all or none.

        `minutes`: by default the policy's `reservation_minutes`, at most its
        `reservation_longest_minutes`. Returns the reservation, masked. Refuses
        what `reservations.reserve` refuses, and reservation_too_long.
        """
        at = checks.instant("at", at)
        until = self._until(at, minutes)
        stored = None if number is None else numbering.spoken(number)
        with self._writing(actor, RESERVE, at) as journal:
            key = reservations.reserve(
                journal,
                at=at,
                until=until,
                number=stored,
                iccid=None if iccid is None else numbering.card(iccid),
                imei=None if imei is None else numbering.card(imei),
                order_id=None,
                reserved_for=str(actor) if reserved_for is None else reserved_for,
                only_from_stock=bool(self._policy.at("only_from_stock", at)),
            )
            return records.reservation(journal.connection, key, at)

    def release(
        self,
        *,
        actor: Actor,
        at: datetime,
        reservation_id: int | None = None,
        number: str | None = None,
        reason: str = "given back",
    ) -> dict[str, Any]:
        """Give a reservation back, named by its id or its number.

        An order's own reservation is given back by cancelling the order: it is
        refused here (reservation_of_order). Refuses unknown_reservation.
        """
        at = checks.instant("at", at)
        with self._writing(actor, RESERVE, at) as journal:
            key = reservation_id
            if key is None:
                key = self._held(journal.connection, number)
            found = records.reservation(journal.connection, key, at)
            if found["order_id"] is not None and found["state"] == "inProgress":
                raise Refused("reservation_of_order", reservation=key)
            reservations.release(journal, key, at=at, reason=reason)
            return records.reservation(journal.connection, key, at)

    def sweep(self, *, actor: Actor, at: datetime) -> int:
        """Note the reservations whose time has run out; returns how many.

        They were dead before, an order's own as well; this only tidies up.
        """
        at = checks.instant("at", at)
        with self._writing(actor, STOCK, at) as journal:
            return reservations.sweep(journal, at=at)

    def find(self, wanted: Wanted, *, actor: Actor, at: datetime) -> list[FreeNumber]:
        """Free numbers as wanted. They are not held: what is found may be gone a moment later.

        Refuses unknown_group, invalid_value.
        """
        at = checks.instant("at", at)
        with self._reading(actor, RESERVE, at) as connection:
            return pool.find(connection, wanted, at)

    def take_file(
        self,
        kind: str,
        content: bytes,
        name: str,
        *,
        actor: Actor,
        at: datetime,
        partial: bool = False,
        operator: str | None = None,
        ported_in: bool = False,
        encoding: str = "utf-8",
    ) -> ImportReport:
        """Take a file into stock (`files.LAYOUTS`), wholly or with `partial` its good lines.

        `operator`: whose resources they are, by default ours. `ported_in`: numbers
        of other operators' prefixes are taken. Lines that are refused are in the
        report; the whole file is refused with import_unreadable, invalid_value.
        """
        at = checks.instant("at", at)
        checks.one_of("kind", kind, frozenset(files.LAYOUTS))
        checks.words("file", name)
        day = business_day(at)
        owner = operator or numbering.own_operator(day)
        with self._reading(actor, STOCK, at) as connection:
            sort, known = groups.sorter(connection, day), groups.known(connection)
        context = imports.file_context(at, owner, sort, known, ported_in=ported_in)
        sheet = imports.checked(kind, content, name, context, encoding=encoding)
        digest = imports.digest(content, kind, owner, ported_in, encoding)
        with self._writing(actor, STOCK, at) as journal:
            return imports.take(
                journal, sheet, context, name=name, file_digest=digest, partial=partial
            )

    def set_state(
        self, kind: str, name: str, state: str, *, actor: Actor, at: datetime
    ) -> dict[str, Any]:
        """Withdraw a number, SIM, card or handset, or give it back (封存, 停用, 作废).

        `kind`: number, sim, prepaid_card, card (either of them) or handset. Only states an operator
        sets by hand (`states.BY_HAND`). Returns what `show` returns. Refuses
        state_step, and what `show` refuses.
        """
        at = checks.instant("at", at)
        key = self._key(kind, name)
        with self._writing(actor, STOCK, at) as journal:
            kind = records.kind_of(journal.connection, kind, key)
            states.set_by_hand(journal, kind, key, state, at=at)
            return records.show(journal.connection, kind, key, at)

    def move_segment(self, prefix: str, state: str, *, actor: Actor, at: datetime) -> int:
        """See `segments.move`; returns the numbers blocked or given back."""
        at = checks.instant("at", at)
        with self._writing(actor, STOCK, at) as journal:
            return segments.move(journal, prefix, state, at=at)

    def add_group(
        self,
        *,
        actor: Actor,
        at: datetime,
        code: str,
        name: str,
        name_zh: str,
        category: str,
        pattern: str | None,
        rank: int,
        valid_from: date,
    ) -> None:
        """See `groups.add`."""
        at = checks.instant("at", at)
        with self._writing(actor, STOCK, at) as journal:
            groups.add(
                journal, code=code, name=name, name_zh=name_zh, category=category,
                pattern=pattern, rank=rank, valid_from=valid_from,
            )  # fmt: skip

    def show(self, kind: str, name: str, *, actor: Actor, at: datetime) -> dict[str, Any]:
        """One number, SIM, card or handset as it stands at `at`, masked.

        `kind`: number, sim, prepaid_card, card (either of them) or handset.
        Refuses number_not_in_stock, sim_not_in_stock, card_not_in_stock,
        handset_not_in_stock.
        """
        at = checks.instant("at", at)
        key = self._key(kind, name)
        with self._reading(actor, INQUIRY, at) as connection:
            kind = records.kind_of(connection, kind, key)
            return records.show(connection, kind, key, at)

    def history(self, kind: str, name: str, *, actor: Actor, at: datetime) -> list[dict[str, Any]]:
        """Every change of one number, SIM, card or handset, oldest first, masked.

        Refuses what `show` refuses.
        """
        at = checks.instant("at", at)
        key = self._key(kind, name)
        with self._reading(actor, INQUIRY, at) as connection:
            kind = records.kind_of(connection, kind, key)
            records.show(connection, kind, key, at)
            return records.history(connection, kind, key)

    def overview(self, *, actor: Actor, at: datetime) -> list[dict[str, Any]]:
        """How many of each resource are in each state, by the clock."""
        at = checks.instant("at", at)
        with self._reading(actor, INQUIRY, at) as connection:
            return records.overview(connection, at)

    def _key(self, kind: str, name: str) -> str:
        checks.one_of("kind", kind, frozenset((*records.KINDS, records.CARD)))
        return numbering.spoken(name) if kind == "number" else numbering.card(name)

    def _until(self, at: datetime, minutes: int | None) -> datetime:
        chosen = self._policy.at("reservation_minutes", at) if minutes is None else minutes
        if type(chosen) is not int or not 1 <= chosen <= 10**9:
            raise Refused("invalid_value", field="minutes", problem="is not from 1")
        longest = timedelta(minutes=self._policy.at("reservation_longest_minutes", at))
        until, latest = at + timedelta(minutes=chosen), at + longest
        if until > latest:
            raise Refused("reservation_too_long", latest=latest, until=until)
        return until

    @staticmethod
    def _held(connection: Connection, number: str | None) -> int:
        if number is None:
            raise Refused("invalid_value", field="number", problem="nothing is named")
        stored = numbering.spoken(number)
        r = ResourceReservation
        key = connection.execute(
            select(r.reservation_id).where(r.number == stored, r.state == "inProgress")
        ).scalar_one_or_none()
        if key is None:
            raise Refused("unknown_reservation", reservation=mask_number(stored))
        return key

    @contextmanager
    def _writing(self, actor: Actor, business: str, at: datetime) -> Iterator[Journal]:
        with self._database.writing() as connection:
            allow(connection, actor=actor, business=business, at=at)
            yield Journal(connection, at, str(actor))

    @contextmanager
    def _reading(self, actor: Actor, business: str, at: datetime) -> Iterator[Connection]:
        with self._database.reading() as connection:
            allow(connection, actor=actor, business=business, at=at)
            yield connection
