"""Why an entry is taken back from a partner.

Here: what happened to a number since the last release, in the format's words.
Not here: that it is taken back (`rows.py`).

A protection (红名单) set since then is told as `withdrawn`: who is protected
leaves the house no more than who is.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.calendar import known_at, naive_utc
from mingdan.classes.tables import LABEL_EVENTS
from mingdan.engine import define_view, statement, used
from mingdan.lists.format import RETRACTIONS
from mingdan.lists.manifest import Release
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.lists.tokens import Tokeniser
from mingdan.night import Night
from mingdan.orders.tables import NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS

_VERSIONS_BACK = 50
"""How many versions of the list are searched for the one a release was made of."""


def reasons(
    night: Night,
    day: date,
    last: Release,
    tokeniser: Tokeniser,
    gone: list[str],
    class_code: str,
) -> dict[str, str]:
    """The retraction reason of each token of `gone` since the release `last`.

    `tokeniser` made that release's tokens. What cannot be told is `withdrawn`.
    """
    told = dict.fromkeys(gone, "withdrawn")
    for row in _what_became(night, day, last, class_code):
        (token,) = tokeniser.tokens([str(row["number_then"])])
        if token in told:
            reason = _reason(row)
            if RETRACTIONS.index(reason) < RETRACTIONS.index(told[token]):
                told[token] = reason
    return told


def _reason(row: dict[str, Any]) -> str:
    if row["action"] == "appeal_upheld":
        return "appeal_upheld"
    if row["number_gone"] or row["holder_gone"]:
        return "number_reassigned"
    if row["ended"] or row["action"] == "expire":
        return "expired"
    if row["action"] == "revoke" and row["source"] == "partner":
        return "source_withdrew"
    return "withdrawn"


def _what_became(night: Night, day: date, last: Release, class_code: str) -> list[dict[str, Any]]:
    then = date.fromisoformat(last.manifest["day"])
    since = [
        held
        for held in night.lake.days(LABEL_EVENTS)
        if min(then + timedelta(days=1), day) <= held <= day
    ]
    views = (
        ("listed_then", LIST_ENTRIES, _as_released(night, then, last)),
        ("numbers_then", NUMBER_HOLDINGS, night.lake.files(NUMBER_HOLDINGS, [then])),
        ("number_holdings", NUMBER_HOLDINGS, night.lake.files(NUMBER_HOLDINGS, [day])),
        (
            "subscription_holdings",
            SUBSCRIPTION_HOLDINGS,
            night.lake.files(SUBSCRIPTION_HOLDINGS, [day]),
        ),
        ("label_events", LABEL_EVENTS, night.lake.files(LABEL_EVENTS, since)),
    )
    parameters = {
        "class_code": class_code,
        "known_at": naive_utc(known_at(day)),
        "then_known_at": naive_utc(known_at(then)),
    }
    text = statement("lists/what_became")
    with night.engine.connect() as connection:
        for name, table, files in views:
            define_view(connection, name, table, files)
        found: pl.DataFrame = connection.sql(text, params=used(text, parameters)).pl()
    return found.to_dicts()


def _as_released(night: Night, day: date, last: Release) -> list[str]:
    """Files of the list the release was made of: the day may have been run again since."""
    lake = night.lake
    digest = last.manifest["inputs"]["list_entries"]
    newest = lake.version(LIST_ENTRIES)
    for version in range(newest, max(-1, newest - _VERSIONS_BACK), -1):
        if lake.partition(LIST_ENTRIES, day, version=version).digest == digest:
            files = lake.files(LIST_ENTRIES, [day], version=version)
            if all(Path(file).exists() for file in files):
                return files
    return lake.files(LIST_ENTRIES, [day])
