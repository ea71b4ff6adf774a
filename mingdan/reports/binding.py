"""Whose number was it: reported numbers bound to who held them at that instant.

Here: the binding of a day's reports through the order snapshot of that night,
and their keyed pseudonyms. Not here: the guiding of usage (`guiding`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from mingdan.calendar import known_at, naive_utc
from mingdan.engine import define_view, statement
from mingdan.errors import MissingInput
from mingdan.identifiers import pseudonym
from mingdan.night import Night
from mingdan.orders.tables import NUMBER_HOLDINGS, PROTECTIONS, SUBSCRIPTION_HOLDINGS
from mingdan.reports.delivered import Good

_REPORTED: dict[str, pl.DataType] = {
    "row_id": pl.Int64(),
    "number": pl.Int64(),
    "held_at": pl.Datetime("us"),
}


@dataclass(frozen=True)
class Holder:
    """Who held a number then, who holds it now, and whether that is the same party."""

    subscription_id: int | None
    party_id: int | None
    subscription_now: int | None
    party_now: int | None
    same_holder: str

    def subjects(self) -> set[tuple[str, int | None]]:
        """Everyone the number leads to, as (subject type, id)."""
        return {
            ("subscription", self.subscription_id),
            ("subscription", self.subscription_now),
            ("party", self.party_id),
            ("party", self.party_now),
        }


def require_snapshot(night: Night, day: date) -> None:
    """Raise MissingInput unless the order snapshot of `day` is in the lake."""
    for table in (NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS, PROTECTIONS):
        if day not in night.lake.days(table):
            raise MissingInput(
                f"{table.name} of {day} is not in the lake; run that day's order snapshot first"
            )


def bind(
    connection: duckdb.DuckDBPyConnection, night: Night, day: date, rows: Sequence[Good]
) -> list[Holder]:
    """The holder of each row's `number` at its `held_at`, in the order of `rows`."""
    if not rows:
        return []
    reported = pl.DataFrame(
        {
            "row_id": list(range(len(rows))),
            "number": [_key(row.record["number"]) for row in rows],
            "held_at": [row.record["held_at"] for row in rows],
        },
        schema=_REPORTED,
    )
    for table in (NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS):
        define_view(connection, table.name, table, night.lake.files(table, [day]))
    connection.register("reported", reported)
    found = connection.sql(
        statement("reports/bind_numbers"), params={"known_at": naive_utc(known_at(day))}
    ).pl()
    return [
        Holder(**{name: row[name] for name in Holder.__dataclass_fields__})
        for row in found.iter_rows(named=True)
    ]


def protected(night: Night, day: date) -> set[tuple[str, int | None]]:
    """Subjects under an approved protection (红名单) of any scope at the night of `day`."""
    now = naive_utc(known_at(day))
    rows = night.lake.scan(PROTECTIONS, [day]).filter(
        pl.col("checker").is_not_null(),
        pl.col("valid_from") <= now,
        pl.col("valid_to").is_null() | (pl.col("valid_to") > now),
    )
    return set(rows.select("subject_type", "subject_id").collect().iter_rows())


def number_pseudonym(pepper: bytes, number: str | None) -> int | None:
    """The lake's pseudonym of a number; None if there is none."""
    return None if number is None else pseudonym(pepper, "number", number)


def _key(number: str | None) -> int | None:
    return None if number is None else int(number)
