"""`mingdan order replay`: rebuild the order store from its logs, and compare.

Here: arguments and the answer. Not here: how it is done (`mingdan.orders.replay`).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson
from mingdan.errors import InputRefused
from mingdan.orders.comparison import differences
from mingdan.orders.database import Database
from mingdan.orders.replay import replay as replayed
from mingdan.settings import Settings


def replay(
    *,
    into: Annotated[
        str | None,
        typer.Option(help="Keep the result in this empty database (a URL) [default: drop it]."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild every table from the logs and compare it with the store.

    Ends with 1 if a table differs: then it was changed behind the store's back.
    Hold orders back meanwhile, or those that come in between are differences.

    Example:

        mingdan order replay --into postgresql://user@host/rebuilt
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Database(Settings().database)
        target = Database(into or f"sqlite:///{Path(folder) / 'rebuilt.db'}")
        try:
            done = replayed(source, target)
            found = differences(source, target)
        finally:
            source.close()
            target.close()
    rows = sum(done.rows.values())
    if as_json:
        answer = {
            "events": done.events,
            "rows": done.rows,
            "differences": [
                {"table": each.table, "store": each.here, "rebuilt": each.there} for each in found
            ],
        }
        print(json.dumps(answer, ensure_ascii=False, indent=1))
    elif not found:
        print(f"{done.events} log entries rebuild all {rows} rows.")
    if found:
        tables = ", ".join(f"{each.table} ({each.here}, rebuilt {each.there})" for each in found)
        raise InputRefused(f"the log does not give these tables' rows: {tables}")
