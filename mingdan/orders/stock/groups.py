"""Number groups (号群): which numbers are offered under which name.

Here: bringing the shipped groups on record, adding an operator's own, and
sorting a number into its group. Not here: what a group costs (`offers`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from mingdan.orders import checks
from mingdan.orders.database import Database
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.model import NumberGroup
from mingdan.orders.stock.numbering import national
from mingdan.reference import load

HIGHEST_RANK = 10**6
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")


def sync(database: Database) -> None:
    """Add what `reference/number_group.csv` has and the database has not; never change a row."""
    shipped = load.rows("number_group")
    with database.reading() as connection:
        known = set(connection.execute(select(NumberGroup.code)).scalars())
    if all(row["code"] in known for row in shipped):
        return
    with database.writing() as connection:
        database.lock(connection, "resources", ["number_groups"])
        known = set(connection.execute(select(NumberGroup.code)).scalars())
        for row in shipped:
            if row["code"] not in known:
                values: dict[str, Any] = {**row, "pattern": row["pattern"] or None}
                values["rank"] = int(row["rank"])
                values["valid_from"] = date.fromisoformat(row["valid_from"])
                connection.execute(insert(NumberGroup).values(**values))


def add(
    journal: Journal,
    *,
    code: str,
    name: str,
    name_zh: str,
    category: str,
    pattern: str | None,
    rank: int,
    valid_from: date,
) -> None:
    """A group of the operator's own. Numbers imported from now on are sorted into it.

    Refuses group_exists, invalid_value (also for a pattern that is no regular expression).
    """
    if not _CODE.fullmatch(code):
        raise Refused("invalid_value", field="code", problem="is not an upper-case word")
    if type(rank) is not int or not 0 <= rank <= HIGHEST_RANK:
        raise Refused("invalid_value", field="rank", problem="is not a whole number from 0")
    if pattern is not None:
        _compiled(checks.words("pattern", pattern))
    known = journal.connection.execute(
        select(NumberGroup.code).where(NumberGroup.code == code)
    ).scalar_one_or_none()
    if known is not None:
        raise Refused("group_exists", group=code)
    journal.insert(
        NumberGroup,
        code=code,
        name=checks.words("name", name),
        name_zh=checks.words("name_zh", name_zh),
        category=checks.words("category", category),
        pattern=pattern,
        rank=rank,
        valid_from=valid_from,
    )


def known(connection: Connection) -> dict[str, str]:
    """Every group's code with its category."""
    rows = connection.execute(select(NumberGroup.code, NumberGroup.category))
    return {row.code: row.category for row in rows}


def sorter(connection: Connection, day: date) -> Callable[[str], str | None]:
    """What sorts a number into its group on a day; None if no group takes it."""
    g = NumberGroup
    rows = connection.execute(
        select(g.code, g.pattern).where(g.valid_from <= day).order_by(g.rank.desc(), g.code)
    ).all()
    patterns = [(code, _compiled(pattern or "")) for code, pattern in rows]

    def sort(number: str) -> str | None:
        digits = national(number)
        return next((code for code, pattern in patterns if pattern.search(digits)), None)

    return sort


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.ASCII)
    except re.error:
        raise Refused("invalid_value", field="pattern", problem="no regular expression") from None
