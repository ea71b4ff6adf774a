"""What a batch leaves behind, table by table: rows to insert, rows to change.

Here: the columns of each, whose order the log's payloads rely on. Not here:
writing them (`flush.py`) and the log (`payload.py`).

Superseding goes before inserting, so that the databases' own guards against
overlapping rows never see a state in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from mingdan.orders import model as m
from mingdan.orders.batch import Batch
from mingdan.orders.bulk import COPY_FROM_ROWS, ticked
from mingdan.orders.copying import binary
from mingdan.orders.money.facts import booked
from mingdan.orders.timelines import Timelines

VERSION = 2
"""Of the columns below and of the form (`payload.py`): a payload says which it has."""
_TIMES = "order_id valid_from valid_to recorded_at superseded_at"
NEW = {
    "party": "party_id party_ref party_type name document_type document_number contact recorded_at",
    "billing_account": "account_id opened_at",
    "subscription": "subscription_id subscription_ref account_id activated_at recorded_at "
    "terminated_at termination_recorded_at changed_at",
    "product": "product_id subscription_id offering_code status start_date termination_date",
    "msisdn": "number state until subscription_id changed_at",
    "sim_card": "iccid imsi state until subscription_id changed_at",
    "product_order": "order_id order_ref order_type state channel subscription_id party_id "
    "order_date completion_date recorded_at request_digest",
    "product_order_item": "item_id order_id item_no action state product_id characteristic",
    "number_holding": f"holding_id key_kind key subscription_id {_TIMES}",
    "subscription_holding": f"holding_id subscription_id party_id {_TIMES}",
    "subscription_block": f"block_id subscription_id reason direction {_TIMES}",
    "customer_bill": "bill_id account_id order_id amount_fen billed_at due_at recorded_at",
    "payment": "payment_id account_id order_id amount_fen paid_at recorded_at",
    "refund": "refund_id account_id order_id payment_order_id amount_fen refunded_at recorded_at",
    "account_membership": "membership_id subscription_id account_id order_id valid_from "
    "recorded_at",
    "account_entry": "transaction_ref leg_no ledger key amount_fen",
    "money_transaction": "transaction_ref kind order_id effective_at recorded_at",
    "party_protection": "protection_id party_id order_id scope valid_from valid_to maker checker "
    "recorded_at",
}
"""Columns of new rows, in the order in which tables are written."""
CHANGED = {
    "subscription": "subscription_id terminated_at termination_recorded_at changed_at",
    "product": "product_id status termination_date",
    "msisdn": "number state until subscription_id changed_at",
    "sim_card": "iccid state until subscription_id changed_at",
    "product_order": "order_id state subscription_id party_id completion_date",
    "number_holding": "holding_id superseded_at",
    "subscription_holding": "holding_id superseded_at",
    "subscription_block": "block_id superseded_at",
}
"""Columns of changed rows; the first is the key."""
LOG = {
    "order_event": "event_type order_type order_id state subscription_id party_id effective_at "
    "recorded_at payload",
}
"""Columns of the log's own rows, which are in no payload."""
Row = tuple[Any, ...]


@dataclass(slots=True)
class Sheet:
    """Rows of one table: `plain` of plain openings (`plain_rows.py`), then all others."""

    name: str
    rows: list[Any]
    new: bool = True
    plain: list[Any] | None = None
    ready: bytes | None = None
    """Its rows as `copying.binary` makes them, if that was done ahead."""
    _flat: list[Any] | None = None

    def __len__(self) -> int:
        plain = len(self.plain) // len(self.columns) if self.plain else 0
        return plain + len(self.rows)

    @property
    def flat(self) -> list[Any]:
        """The rows' values one after the other, instants as microseconds since 1970."""
        if self._flat is None:
            rows = ticked(self.table, self.columns, self.rows) if self.rows else []
            self._flat = self.plain + rows if self.plain else rows
        return self._flat

    @property
    def columns(self) -> list[str]:
        return (NEW | LOG if self.new else CHANGED)[self.name].split()

    @property
    def copied(self) -> bool:
        """Whether PostgreSQL takes it by COPY."""
        return self.new and (bool(self.plain) or len(self.rows) >= COPY_FROM_ROWS)

    def lay_out(self) -> None:
        """Make it `ready`, if it is to be copied."""
        if self.copied:
            self.ready = binary(self.table, self.columns, self.flat)

    @property
    def table(self) -> Table:
        return m.Base.metadata.tables[self.name]


def sheets(batch: Batch) -> Iterator[Sheet]:
    """Everything `batch` changed, in the order it is to be written; new rows have their keys."""
    rows, known = batch.rows, batch.on_record
    changed = [s for s in known.subscriptions.values() if s.stored and s.changed]
    fresh = [s for s in known.subscriptions.values() if not s.stored]
    ends = [
        (s.subscription_id, s.terminated_at, s.termination_recorded_at, s.changed_at)
        for s in changed
    ]
    yield Sheet("subscription", ends, new=False)
    products = [(s.product_id, s.status, s.terminated_at) for s in changed]
    yield Sheet("product", products, new=False)
    yield Sheet("party", rows.parties)
    yield Sheet("billing_account", rows.accounts)
    yield Sheet(
        "subscription",
        [
            (
                s.subscription_id,
                s.ref,
                s.account_id,
                s.activated_at,
                s.recorded_at,
                s.terminated_at,
                s.termination_recorded_at,
                s.changed_at,
            )
            for s in fresh
        ],
    )
    yield Sheet(
        "product",
        [
            (
                s.product_id,
                s.subscription_id,
                s.product_code,
                s.status,
                s.activated_at,
                s.terminated_at,
            )
            for s in fresh
        ],
    )
    yield from _resources(batch)
    yield Sheet("product_order", rows.orders)
    staged = [(row[0], row[3], row[5], row[6], row[8]) for row in rows.staged]
    yield Sheet("product_order", staged, new=False)
    yield _keyed(batch, "product_order_item", rows.items)
    yield from _spans(batch, "number_holding", known.number_holdings)
    yield from _spans(batch, "subscription_holding", known.owners)
    yield from _spans(batch, "subscription_block", known.blocks)
    yield _keyed(batch, "customer_bill", rows.bills + rows.till.bills)
    yield _keyed(batch, "payment", rows.payments + rows.till.payments)
    yield _keyed(batch, "refund", rows.refunds)
    yield _keyed(batch, "account_membership", rows.memberships)
    entries, transactions = booked(rows.bills, rows.payments, rows.refunds)
    yield Sheet("account_entry", entries + rows.till.entries)
    yield Sheet("money_transaction", transactions + rows.till.transactions)
    yield _keyed(batch, "party_protection", rows.protections)


def _keyed(batch: Batch, name: str, rows: list[Row]) -> Sheet:
    """New rows given their keys."""
    new_id = batch.new_id
    return Sheet(name, [(new_id(name), *row) for row in rows])


def _resources(batch: Batch) -> Iterator[Sheet]:
    for name, resources in (
        ("msisdn", batch.on_record.numbers.values()),
        ("sim_card", batch.on_record.sims.values()),
    ):
        changed = [r for r in resources if r.changed and r.stored]
        fresh = [r for r in resources if r.changed and not r.stored]
        imsis = name == "sim_card"
        yield Sheet(
            name,
            [
                (r.name, r.imsi, r.state, r.until, r.subscription_id, r.changed_at)
                if imsis
                else (r.name, r.state, r.until, r.subscription_id, r.changed_at)
                for r in fresh
            ],
        )
        yield Sheet(
            name,
            [(r.name, r.state, r.until, r.subscription_id, r.changed_at) for r in changed],
            new=False,
        )


def _spans(batch: Batch, name: str, timelines: Timelines) -> Iterator[Sheet]:
    ended: list[Row] = [(span.row_id, span.superseded_at) for span in timelines.ended]
    yield Sheet(name, ended, new=False)
    new_id = batch.new_id
    begun = [
        span
        for span in timelines.begun
        # Begun and superseded at one instant: nobody ever believed it.
        if span.superseded_at is None or span.superseded_at > span.recorded_at
    ]
    yield Sheet(
        name,
        [
            (
                new_id(name),
                *s.what,
                s.order_id,
                s.valid_from,
                s.valid_to,
                s.recorded_at,
                s.superseded_at,
            )
            for s in begun
        ],
    )
