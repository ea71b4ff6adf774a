"""A day's complaints for the label pipeline, in the form its reports intake reads.

Here: which complaints a day's file holds, and the file, for other systems. Not
here: what the night takes straight from the store (`complaint_facts.py`),
reading the file (`mingdan.reports`, which this room may not import; a test holds
the two together) and what complaints are worth there.

What a day's file holds is fixed when it is first given out, and each complaint
stands in exactly one file: exporting the day again writes the same bytes. A
complaint recorded late for a day that was given out goes into the next file.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from mingdan.calendar import BUSINESS_ZONE, business_day, day_bounds
from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.care.cases import ticket_ref
from mingdan.orders.care.model import ComplaintDelivery, ComplaintExport, TroubleTicket
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load

HEADER = (
    "complaint_id",
    "channel",
    "category",
    "received_at",
    "occurred_at",
    "reported_number",
    "reporter_number",
)
TAKEN_BACK = ("rejected", "cancelled")
"""A complaint in one of these states when its day is given out is left out."""


@dataclass(frozen=True)
class Exported:
    """What was given out for a day."""

    day: date
    path: Path
    complaints: int
    digest: str
    repeated: bool
    """Whether the day had been given out before; its file is the same again."""


def complaints_file(landing: Path, day: date) -> Path:
    """Where the intake looks for the complaints delivered on `day`."""
    return landing / "reports" / "complaints" / day.isoformat() / "complaints.csv"


def export_complaints(
    store: OrderStore, landing: Path, day: date, *, actor: Actor, at: datetime
) -> Exported:
    """Give out the complaints recorded on `day` (Asia/Shanghai), whole or not at all.

    Also those recorded for a day already given out after it was. Raises Refused
    (complaint_day_open before the day is over; complaint_file_foreign if another
    file lies there, which is left as it is), OSError as the disk does.
    """
    at = checks.instant("at", at)
    if at < day_bounds(day)[1]:
        raise Refused("complaint_day_open", day=day)
    path = complaints_file(landing, day)
    store.settle()
    with store.database.writing() as connection:
        store.database.lock(connection, "customers", ["complaint_export"])
        allow(connection, actor=actor, business="TICKET_EXPORT", at=at)
        x = ComplaintExport
        given = connection.execute(select(x.digest).where(x.day == day)).scalar()
        rows = _delivered(connection, day) if given else _waiting(connection, day)
        content = _content(rows)
        digest = hashlib.sha256(content).hexdigest()
        # before anything is fixed: a file of somebody else's must not be lost
        if path.exists() and path.read_bytes() != content:
            raise Refused("complaint_file_foreign", day=day)
        if not given:
            journal = Journal(connection, at, str(actor))
            journal.insert(x, day=day, complaints=len(rows), digest=digest, recorded_at=at)
            delivered = [(row.ticket_id, day.isoformat()) for row in rows]
            journal.insert_many(ComplaintDelivery, ("ticket_id", "day"), delivered)
    # After the commit: a crash in between is mended by exporting the day again.
    _write(path, content, day)
    return Exported(day, path, len(rows), digest, repeated=given is not None)


def _waiting(connection: Connection, day: date) -> list[Row[Any]]:
    t, d, x = TroubleTicket, ComplaintDelivery, ComplaintExport
    first, end = day_bounds(day)
    rows = connection.execute(
        select(*t.__table__.columns)
        .outerjoin(d, d.ticket_id == t.ticket_id)
        .where(
            d.ticket_id.is_(None),
            t.report_category.is_not(None),
            t.recorded_at < end,
            t.state.not_in(TAKEN_BACK),
        )
        .order_by(t.ticket_id)
    ).all()
    given_out = set(connection.execute(select(x.day)).scalars())
    return [
        row
        for row in rows
        if row.recorded_at >= first or business_day(row.recorded_at) in given_out
    ]


def _delivered(connection: Connection, day: date) -> list[Row[Any]]:
    t, d = TroubleTicket, ComplaintDelivery
    return list(
        connection.execute(
            select(*t.__table__.columns)
            .join(d, d.ticket_id == t.ticket_id)
            .where(d.day == day)
            .order_by(t.ticket_id)
        )
    )


def _content(rows: list[Row[Any]]) -> bytes:
    """The file: codes, instants and digits only, so no field needs quotes."""
    lines = [HEADER, *(line_of(row) for row in rows)]
    return ("\n".join(",".join(line) for line in lines) + "\n").encode("ascii")


def line_of(row: Row[Any]) -> tuple[str, ...]:
    """A complaint's ticket as a line of `HEADER`."""
    return (
        ticket_ref(row.ticket_id),
        load.by("care_channel", "code")[row.channel]["report_channel"],
        row.report_category,
        _instant(row.received_at),
        _instant(row.occurred_at),
        row.number,
        row.reporter_number or "",
    )


def _instant(value: datetime) -> str:
    return value.astimezone(BUSINESS_ZONE).isoformat()


def _write(path: Path, content: bytes, day: date) -> None:
    """Put the file there at once and whole; never over another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(partial)
    finally:
        partial.unlink(missing_ok=True)
    if path.read_bytes() != content:
        raise Refused("complaint_file_foreign", day=day)
