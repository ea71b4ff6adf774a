"""Complaints (投诉) and fault reports (障碍申告) as TMF621 trouble tickets.

Here: opening, assigning, moving, answering and listing them. Not here: their
clocks (`clocks.py`) and what the label pipeline gets of them (`complaints.py`).
States and steps are data: `reference/ticket_state.csv`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, true

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.care import ticket_rows, words
from mingdan.orders.care.desk import Desk
from mingdan.orders.care.model import TroubleTicket
from mingdan.orders.care.ticket_forms import APPEAL, NewTicket, TicketView, checked
from mingdan.orders.care.ticket_steps import (
    append,
    asked_before,
    begin,
    change,
    no_step,
    of_order,
    row_of,
    ticket_key,
)
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.reference import load


class TicketDesk(Desk):
    """The tickets of an open order store.

    Every step is retried safely: the same step again, with the same words, changes
    nothing. An instant before the ticket's last change is moved up to that one.
    """

    def open(self, request: NewTicket, *, actor: Actor, at: datetime) -> TicketView:
        """Take a complaint or fault report down: `acknowledged`, its clocks start.

        Raises Refused (invalid_value, future_effect, unknown_order,
        request_ref_reused; appeal_way: an appeal says more, see `appeals.py`).
        """
        at = checks.instant("at", at)
        row = checked(request, self._policy, actor, at)
        if row["ticket_type"] == APPEAL:
            raise Refused("appeal_way")
        keys = [] if row["request_ref"] is None else [f"trouble_ticket:{row['request_ref']}"]
        with self._writing(actor, "TICKET", at, *keys) as connection:
            known = asked_before(connection, row)
            if known is not None:
                return ticket_rows.view(connection, known, at, repeated=True)
            held = ticket_rows.holder(connection, row["number"], row["occurred_at"])
            row |= {"subscription_id": held[0], "party_id": held[1]}
            if row["order_ref"] is not None:
                row |= of_order(connection, row)
            key = begin(Journal(connection, at, str(actor)), row)
            return ticket_rows.view(connection, key, at)

    def assign(
        self, ticket_ref: str, to: str, *, actor: Actor, at: datetime, note: str | None = None
    ) -> TicketView:
        """Give it to somebody; a ticket nobody worked on is then `inProgress`.

        Raises Refused (ticket_unknown, ticket_step if it is over).
        """
        who = checks.words("assigned_to", to)
        said = words.optional("note", note, words.NOTE)
        with self._step(ticket_ref, actor, at) as (journal, row):
            state = "inProgress" if row.state == "acknowledged" else row.state
            if row.state in ("resolved", *machine("ticket").final):
                raise no_step(row, "inProgress")
            change(journal, row, state, said, assigned_to=who)
            return ticket_rows.view(journal.connection, row.ticket_id, journal.at)

    def move(
        self, ticket_ref: str, state: str, *, actor: Actor, at: datetime, note: str | None = None
    ) -> TicketView:
        """Another state; `pending` stops its clocks, out of `resolved` starts new ones.

        Raises Refused (ticket_unknown, ticket_step, invalid_value; appeal_decided:
        an appeal is not opened again).
        """
        target = checks.one_of("state", state, frozenset(machine("ticket").next))
        said = words.optional("note", note, words.NOTE)
        if target == "resolved":
            raise Refused("invalid_value", field="state", problem="resolved takes an answer")
        with self._step(ticket_ref, actor, at) as (journal, row):
            if row.ticket_type == APPEAL and row.state == "resolved" and target == "inProgress":
                raise Refused("appeal_decided", ticket_ref=ticket_ref)
            change(journal, row, target, said)
            return ticket_rows.view(journal.connection, row.ticket_id, journal.at)

    def resolve(
        self, ticket_ref: str, resolution: str, *, actor: Actor, at: datetime
    ) -> TicketView:
        """Answer or repair it: `resolved` with what was done.

        Raises Refused (ticket_unknown, ticket_step, invalid_value, appeal_way).
        """
        answer = words.block("resolution", resolution, words.NOTE)
        with self._step(ticket_ref, actor, at) as (journal, row):
            if row.ticket_type == APPEAL:
                raise Refused("appeal_way")
            change(journal, row, "resolved", answer, resolution=answer)
            return ticket_rows.view(journal.connection, row.ticket_id, journal.at)

    def close(
        self, ticket_ref: str, *, actor: Actor, at: datetime, note: str | None = None
    ) -> TicketView:
        """The customer agrees: `closed`. Raises Refused (ticket_unknown, ticket_step)."""
        return self.move(ticket_ref, "closed", actor=actor, at=at, note=note)

    def note(self, ticket_ref: str, text: str, *, actor: Actor, at: datetime) -> TicketView:
        """Write something down; the state stays. Raises Refused (ticket_unknown)."""
        said = words.block("note", text, words.NOTE)
        with self._step(ticket_ref, actor, at) as (journal, row):
            append(journal, row, row.state, row.assigned_to, said)
            return ticket_rows.view(journal.connection, row.ticket_id, journal.at)

    def show(self, ticket_ref: str, *, at: datetime) -> TicketView:
        """One ticket as it stands, its clocks as of `at`. Raises Refused (ticket_unknown)."""
        key, at = ticket_key(ticket_ref), checks.instant("at", at)
        with self._database.reading() as connection:
            row_of(connection, key)
            return ticket_rows.view(connection, key, at)

    def list(
        self,
        *,
        at: datetime,
        state: str | None = None,
        category: str | None = None,
        number: str | None = None,
        subscription_id: int | None = None,
        assigned_to: str | None = None,
        open_only: bool = False,
        limit: int = 100,
    ) -> tuple[TicketView, ...]:
        """The newest tickets all given words hold for. Raises Refused (invalid_value)."""
        t, machine_ = TroubleTicket, machine("ticket")
        chosen: ColumnElement[bool] = true()
        if state is not None:
            known = frozenset(machine_.next)
            chosen = and_(chosen, t.state == checks.one_of("state", state, known))
        if open_only:
            chosen = and_(chosen, t.state.in_(sorted(set(machine_.next) - machine_.final)))
        if number is not None:
            chosen = and_(chosen, t.number == words.number("number", number))
        for column, value in (
            (t.category, category),
            (t.subscription_id, subscription_id),
            (t.assigned_to, assigned_to),
        ):
            if value is not None:
                chosen = and_(chosen, column == value)
        at = checks.instant("at", at)
        with self._database.reading() as connection:
            return ticket_rows.views(connection, chosen, at, limit)

    def overdue(self, *, at: datetime, limit: int = 1_000) -> tuple[TicketView, ...]:
        """Tickets that are not answered though a limit has passed, the longest overdue first."""
        t, at = TroubleTicket, checks.instant("at", at)
        working = [row["state"] for row in load.rows("ticket_state") if row["clock"] != "ended"]
        with self._database.reading() as connection:
            found = ticket_rows.views(connection, t.state.in_(working), at, None)
        late = [view for view in found if view.overdue]
        return tuple(sorted(late, key=lambda view: (view.due_at or at, view.ticket_ref))[:limit])

    @contextmanager
    def _step(
        self, ticket_ref: str, actor: Actor, at: datetime
    ) -> Iterator[tuple[Journal, Row[Any]]]:
        """The ticket, locked, and a journal that never goes back before its last change."""
        key, at = ticket_key(ticket_ref), checks.instant("at", at)
        with self._writing(actor, "TICKET", at) as connection:
            row = row_of(connection, key, lock=True)
            yield Journal(connection, max(at, row.changed_at), str(actor)), row
