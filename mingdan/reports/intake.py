"""The intake of a day's reports: complaints, tickets and partners' lists.

Here: the nightly step of stage `reports`, from landed files and the order
store's tickets to the lake. Not here: reading (`complaints.py`, `tickets.py`,
`partner_lists.py`), binding (`binding.py`) and what reports are worth
(`assertions.py`). Nothing is written before everything has been read and judged.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from mingdan.night import Night, Report
from mingdan.orders.tables import SUBSCRIPTION_HOLDINGS
from mingdan.reports.assertions import assertions, live_entries
from mingdan.reports.binding import Holder, bind, number_pseudonym, protected, require_snapshot
from mingdan.reports.complaints import complaints_of
from mingdan.reports.delivered import Delivered, Record
from mingdan.reports.echoes import mark_echoes
from mingdan.reports.partner_lists import (
    lists_of,
    stop_if_churning,
    stop_if_poisoned,
    stop_if_sweeping,
)
from mingdan.reports.partners import load_partners
from mingdan.reports.policy import Policy, policy
from mingdan.reports.tables import (
    COMPLAINTS,
    COMPLAINTS_WITHDRAWN,
    PARTNER_ENTRIES,
    REPORT_ASSERTIONS,
    REPORTS_QUARANTINE,
)
from mingdan.reports.tickets import tickets_of, withdrawn_by
from mingdan.tables import Table


def take(night: Night, day: date) -> Report:
    """Take in the reports delivered on `day` and renew what all live reports assert.

    Raises MissingInput if a required file or the order snapshot is absent,
    InputRefused if the complaints cannot be trusted; the lake is then as it was.
    """
    require_snapshot(night, day)
    rules = policy(night.settings)
    partners = load_partners(night.settings)
    # a ticket recorded before the night may still be on its way into the database
    night.orders.settle()
    withdrawn = withdrawn_by(night, day)
    before = _taken_before(night, day, rules)
    complaints = complaints_of(night.settings, day, rules, before, withdrawn)
    tickets = tickets_of(night, day, rules, complaints)
    lists = lists_of(night.settings, day, rules, partners)
    for code, delivered in lists:
        stop_if_churning(delivered, live_entries(night, day, code), rules)
    told = [complaints, tickets]
    rows = [
        *(row for each in told for row in each.good),
        *(row for _, delivered in lists for row in delivered.good),
    ]
    lake = night.lake
    with night.engine.connect() as connection:
        for row, holder in zip(rows, bind(connection, night, day, rows), strict=True):
            row.record["holder"] = holder
        _stop_poisoned(night, day, lists)
        _stop_sweeping(night, day, lists, rules)
        mark_echoes(night, day, lists, partners, rules.partners.legal)
        files = [*told, *(delivered for _, delivered in lists)]
        gone: list[dict[str, object]] = [{"complaint_id": ref} for ref in withdrawn]
        written = (
            lake.write(COMPLAINTS, day, _complaint_rows(night, told)),
            lake.write(COMPLAINTS_WITHDRAWN, day, _frame(COMPLAINTS_WITHDRAWN, gone, night)),
            lake.write(PARTNER_ENTRIES, day, _entry_rows(night, lists)),
            lake.write(REPORTS_QUARANTINE, day, _quarantine(night, files)),
        )
        asserted = lake.write(
            REPORT_ASSERTIONS, day, assertions(connection, night, day, rules, partners)
        )
    return Report((*written, asserted), _facts(told, lists, asserted.rows))


def _taken_before(night: Night, day: date, rules: Policy) -> set[str]:
    """Complaint ids of the days a complaint counts for: each counts once."""
    first = day - timedelta(days=rules.complaints.window_days)
    held = night.lake.rows_by_day(COMPLAINTS, first, day - timedelta(days=1))
    ids = night.lake.scan(COMPLAINTS, [d for d, rows in held.items() if rows])
    return set(ids.select("complaint_id").collect()["complaint_id"])


def _stop_poisoned(night: Night, day: date, lists: list[tuple[str, Delivered]]) -> None:
    shielded = protected(night, day) if lists else set()
    for _, delivered in lists:
        stop_if_poisoned(
            delivered,
            [row.line for row in delivered.good if row.record["holder"].subjects() & shielded],
        )


def _stop_sweeping(
    night: Night, day: date, lists: list[tuple[str, Delivered]], rules: Policy
) -> None:
    if not lists:
        return
    held = night.lake.scan(SUBSCRIPTION_HOLDINGS, [day]).filter(pl.col("valid_to").is_null())
    customers = int(held.select(pl.col("party_id").n_unique()).collect().item())
    for _, delivered in lists:
        stop_if_sweeping(delivered, customers, rules)


def _complaint_rows(night: Night, told: list[Delivered]) -> pl.DataFrame:
    rows = [
        row.record
        | _bound(night, row.record)
        | {"reporter_number": number_pseudonym(night.pepper, row.record["reporter"])}
        for delivered in told
        for row in delivered.good
    ]
    return _frame(COMPLAINTS, rows, night)


def _entry_rows(night: Night, lists: list[tuple[str, Delivered]]) -> pl.DataFrame:
    rows = [
        row.record | _bound(night, row.record) | {"partner": code}
        for code, delivered in lists
        for row in delivered.good
    ]
    return _frame(PARTNER_ENTRIES, rows, night)


def _bound(night: Night, record: Record) -> dict[str, object]:
    holder: Holder = record["holder"]
    return {
        "reported_number": number_pseudonym(night.pepper, record["number"]),
        "subscription_id": holder.subscription_id,
        "party_id": holder.party_id,
        "same_holder": holder.same_holder,
    }


def _quarantine(night: Night, files: list[Delivered]) -> pl.DataFrame:
    rows: list[dict[str, object]] = [
        {
            "source": delivered.source,
            "file": delivered.file,
            "line": bad.line,
            "reason": bad.reason,
            "field": bad.field,
            "raw": bad.raw,
        }
        for delivered in files
        for bad in delivered.bad
    ]
    return _frame(REPORTS_QUARANTINE, rows, night)


def _frame(table: Table, rows: list[dict[str, object]], night: Night) -> pl.DataFrame:
    named = [{name: row[name] for name in table.names} for row in rows]
    return pl.DataFrame(named, schema=night.lake.schema(table))


def _facts(
    told: list[Delivered], lists: list[tuple[str, Delivered]], asserted: int
) -> dict[str, int | float | str]:
    delivered = [entry for _, entry in lists]
    facts: dict[str, int | float | str] = {
        "complaints_received": sum(each.received for each in told),
        "complaints_taken": sum(len(each.good) for each in told),
        "complaints_quarantined": sum(each.quarantined for each in told),
        "complaint_tickets": len(told[-1].good),
        "entries_received": sum(entry.received for entry in delivered),
        "entries_taken": sum(len(entry.good) for entry in delivered),
        "entries_quarantined": sum(entry.quarantined for entry in delivered),
        "entries_echoed": sum(row.record["echo"] for entry in delivered for row in entry.good),
        "assertions": asserted,
    }
    stopped = [f"{code}: {entry.stopped}" for code, entry in lists if entry.stopped]
    if stopped:
        facts["lists_stopped"] = ", ".join(stopped)
    return facts
