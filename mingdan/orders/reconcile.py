"""Reconciliation: does the order store agree with itself, and what would repair it?

Here: all checks in one consistent snapshot, for people (`reconcile`) and as the
night's step (`reconcile_night`). Not here: the checks (`reconciling`), their
wording (`reference/reconciliation.csv`) and repairing, which a person decides.

Order store against resources, blocks and provisioning, accounts and ledger,
features and offers. On a sound store the list is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from sqlalchemy import Connection, func, select

from mingdan.calendar import known_at
from mingdan.lake import Lake
from mingdan.night import Night, Report
from mingdan.orders import model as m
from mingdan.orders import tables
from mingdan.orders.reconciling import orders, resources, subscriptions
from mingdan.orders.reconciling.found import Found
from mingdan.orders.store import OrderStore
from mingdan.reference import load

CHECKS = (*resources.CHECKS, *subscriptions.CHECKS, *orders.CHECKS)


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """Two records that do not agree, and what would repair it, in both languages.

    `severity`: fault, or note for what heals or may be meant. `subject_key` may be
    a number: mask it before people see it.
    """

    code: str
    area: str
    severity: str
    subject_kind: str
    subject_key: str
    subscription_id: int | None
    what: str
    what_zh: str
    expected: str
    found: str
    repair: str
    repair_zh: str


def reconcile(store: OrderStore, at: datetime) -> list[Mismatch]:
    """Every mismatch as the store stands, by area and code; `at` decides what is past."""
    with store.database.reading() as connection:
        return mismatches(connection, at)


def reconcile_night(night: Night, day: date) -> Report:
    """Compare the order store with itself as it stands now, and list what does not agree.

    Unlike the snapshot this is no view of the past: the tables compared have
    none. Run again, a night's list is that of the later run; the same store
    gives the same bytes.
    """
    night.orders.settle()
    with night.orders.database.reading() as connection:
        found = mismatches(connection, max(known_at(day), _latest(connection) or known_at(day)))
    schema = Lake.schema(tables.RECONCILIATION)
    frame = pl.DataFrame([_row(each) for each in found], schema=schema, orient="row")
    frame = frame.unique(tables.RECONCILIATION.key, keep="first", maintain_order=True)
    partition = night.lake.write(tables.RECONCILIATION, day, frame)
    faults = sum(each.severity == "fault" for each in found)
    return Report((partition,), {"mismatches": len(found), "faults": faults})


def mismatches(connection: Connection, at: datetime) -> list[Mismatch]:
    """Every mismatch that a transaction sees; see `reconcile`."""
    found = [_worded(each) for check in CHECKS for each in check(connection, at)]
    return sorted(
        found, key=lambda each: (each.area, each.code, each.subject_key, each.expected, each.found)
    )


def _worded(found: Found) -> Mismatch:
    row = load.by("reconciliation", "code")[found.code]
    repair, repair_zh = found.advice or (row["repair_en"], row["repair_zh"])
    return Mismatch(
        code=found.code,
        area=row["area"],
        severity=row["severity"],
        subject_kind=found.subject_kind,
        subject_key=found.subject_key,
        subscription_id=found.subscription_id,
        what=row["en"],
        what_zh=row["zh"],
        expected=found.expected,
        found=found.found,
        repair=repair,
        repair_zh=repair_zh,
    )


def _latest(connection: Connection) -> datetime | None:
    """The last thing the store learnt: history may be made up for after it."""
    return connection.execute(select(func.max(m.OrderEvent.recorded_at))).scalar()


def _row(each: Mismatch) -> tuple[object, ...]:
    return tuple(getattr(each, name) for name in tables.RECONCILIATION.names)
