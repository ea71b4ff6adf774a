"""One command against what is on record: its checks and effects, not yet written.

Here: running the business function over a working set. At acceptance the result
is thrown away, at completion it is written (`flush`). Not here: what becomes of
the order (`acceptance.py`, `completion.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Connection

from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.registry import BUSINESSES
from mingdan.orders.commands import AnyCommand
from mingdan.orders.filling import Answers
from mingdan.orders.flush import flush
from mingdan.orders.intake import digest
from mingdan.orders.journal import Journal
from mingdan.orders.keys import Keys
from mingdan.orders.naming import named
from mingdan.orders.offers import party_changes
from mingdan.orders.stock import reservations
from mingdan.orders.store import OrderStore
from mingdan.orders.working_set import Document, Party, Subscription, WorkingSet, imsi_text


@dataclass(frozen=True, slots=True)
class Staged:
    """The order on record that a command completes, and the state it is in."""

    order_id: int
    state: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A command whose checks have passed, with its effects in memory."""

    batch: Batch
    work: Work
    command: AnyCommand
    order_type: str
    subscription: Subscription | None
    party: Party | None
    """Who it is for; of a sale over the counter, nobody."""
    takes: Document | None
    """The document under whose cap it takes one more place."""

    @property
    def takers(self) -> list[int]:
        """Every party that was on record with the document in `takes`."""
        found = self.batch.on_record.parties_of.get(self.takes, ()) if self.takes else ()
        new = {row[0] for row in self.batch.rows.parties}
        return [party.party_id for party in found if party.party_id not in new]

    @property
    def product_code(self) -> str | None:
        """The product it is about; a business of a party alone has none."""
        return self.subscription.product_code if self.subscription else None

    @property
    def number(self) -> str | None:
        """The subscription's number after it, or its last one."""
        if self.subscription is None:
            return None
        spans = self.batch.on_record.number_holdings.of(
            1, self.subscription.subscription_id, "msisdn"
        )
        last = max(spans, key=lambda span: span.valid_from, default=None)
        return None if last is None else str(last.what[1])

    @property
    def takes_into_service(self) -> tuple[str | None, str | None, str | None]:
        """The number, ICCID and IMSI that it brings into service, if it does."""
        known, number, iccid, imsi = self.batch.on_record, None, None, None
        for span in known.number_holdings.begun:
            if span.valid_from != self.work.at or span.superseded_at is not None:
                continue
            if span.what[0] == "msisdn":
                number = str(span.what[1])
            else:
                imsi = imsi_text(span.what[1])
                iccid = known.sim_by_imsi[imsi].name
        return number, iccid, imsi

    @property
    def takes_out_of_stock(self) -> str | None:
        """The IMEI of the handset that it hands out, if it does."""
        return next((held.imei for held in self.batch.on_record.devices.begun), None)

    def write(self, journal: Journal) -> None:
        """Make its effects real in the journal's transaction."""
        flush(journal.connection, self.batch)
        for edit in self.batch.edits:
            party_changes.carry_out(journal, edit)


def attempt(
    store: OrderStore,
    connection: Connection,
    command: AnyCommand,
    at: datetime,
    *,
    staged: Staged | None = None,
    real: bool = False,
    takes_back: frozenset[str] = frozenset(),
    subscriptions: Sequence[Any] | None = None,
    answers: Answers | None = None,
) -> Attempt:
    """Run the checks and effects of `command` at `at`; raises Refused, writes nothing.

    The customers it names are locked already, numbers and SIMs are locked here.
    `staged`: of an order on record, with what is reserved for it. `real`: with
    keys that may be written. `takes_back`: what it may take although it rests.
    `subscriptions` and `answers`: as of `WorkingSet`.
    """
    database = store.database
    on_record = WorkingSet(connection, named([command]), subscriptions, answers=answers)
    work = Work(
        checks.words("order_ref", command.order_ref),
        0,
        digest(command),
        checks.words("channel", command.channel),
        at,
        at,
    )
    work.takes_back = takes_back
    new_id: Callable[[str], int] = _imagined()
    if real:
        new_id = Keys(connection, 1, postgresql=database.is_postgresql).next
    if staged is not None:
        work.order_id, work.staged_in = staged.order_id, staged.state
        work.reserved_numbers, work.reserved_sims, work.reserved_handsets = reservations.held_for(
            connection, staged.order_id, at
        )
    elif real:
        work.order_id = new_id("product_order")
    batch = Batch(on_record, store.policy, store.offerings, new_id)
    before = dict(on_record.in_service)
    BUSINESSES[type(command)](batch, work, command)
    row = (batch.rows.staged if staged else batch.rows.orders)[-1]
    ref = getattr(command, "subscription_ref", None)
    return Attempt(
        batch=batch,
        work=work,
        command=command,
        order_type=row[2],
        subscription=on_record.subscriptions.get(ref) if ref is not None else None,
        party=None if row[6] is None else on_record.party_by_id[row[6]],
        takes=next(
            (each for each, held in on_record.in_service.items() if held > before.get(each, 0)),
            None,
        ),
    )


def _imagined() -> Callable[[str], int]:
    keys = count(-1, -1)
    return lambda _table: next(keys)
