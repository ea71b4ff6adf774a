"""The feature store (特征库) as an analyst asks it: features as of a day, nobody named.

Here: a private DuckDB connection with `features`, one row a day and
subscription under a keyed pseudonym, and `catalogue`, one row a feature column.
Not here: how a feature is computed (`sql/features/`); nothing is written back.

    from mingdan.features import store
    with store.connect(Night(Settings())) as db:
        db.sql("SELECT quantile_cont(text_entropy_30d, 0.9) FROM features").show()
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, timedelta

import duckdb
import polars as pl

from mingdan.calendar import days as days_between
from mingdan.engine import define_view, statement
from mingdan.errors import InputRefused, MissingInput
from mingdan.features.catalogue import metadata
from mingdan.features.tables import FEATURES
from mingdan.night import Night


def connect(
    night: Night,
    as_of: date | None = None,
    *,
    nights: int = 1,
    columns: Sequence[str] | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection that holds `features` and `catalogue`; close it or use `with`.

    `features` holds the `nights` business days (Asia/Shanghai) that end with
    `as_of` (none: the last in the lake): `date`, `subject` (60-bit pseudonym of
    the subscription, the same on every day), `holder` (of the party) and the
    feature `columns` (none: all). It is a copy: at many subscriptions name the
    columns you need. Days not in the lake are absent. Raises MissingInput if
    `as_of` is not in the lake, InputRefused for an unknown column or no night.
    """
    if nights < 1:
        raise InputRefused(f"nights must be at least 1, not {nights}")
    described = metadata()
    unknown = sorted(set(columns or ()) - described.keys())
    if unknown:
        raise InputRefused(f"no such feature column: {', '.join(unknown)} (see docs/features.md)")
    held = night.lake.days(FEATURES)
    last = as_of or max(held, default=None)
    if last is None or last not in held:
        raise MissingInput(f"no features of {last or 'any day'}: run step features first")
    chosen = list(days_between(last - timedelta(days=nights - 1), last))
    named = ", ".join(f'"{name}"' for name in (columns or described))
    database = duckdb.connect(
        config={
            "threads": night.settings.threads,
            "memory_limit": night.settings.memory_limit,
            "temp_directory": str(night.lake.root / "_staging" / f"spill-{uuid.uuid4().hex}"),
        }
    )
    database.execute("SET enable_progress_bar = false")
    database.execute(statement("macros"))
    define_view(database, "stored", FEATURES, night.lake.files(FEATURES, chosen))
    # a copy, not a view: a view would carry the key of the pseudonyms in its text
    database.execute(
        "CREATE TABLE features AS SELECT date, "  # noqa: S608
        "pseudonym($pepper, 'subscription', subscription_id) AS subject, "
        f"pseudonym($pepper, 'party', party_id) AS holder, {named} FROM stored",
        {"pepper": night.pepper.hex()},
    ).fetchall()
    database.execute("DROP VIEW stored")
    meanings = pl.DataFrame([{"column": name, **about} for name, about in described.items()])
    database.register("meanings", meanings.to_arrow())
    database.execute("CREATE TABLE catalogue AS FROM meanings").fetchall()
    database.unregister("meanings")
    return database
