"""`mingdan ingest`: land a day's usage files and build the usage they touch.

Here: arguments, the skip marker, and the table of files. Not here: what landing
does (`mingdan.usage`). The nightly job does the same in two of its assets. No
number of a subscriber is ever printed.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from mingdan.calendar import last_business_day
from mingdan.cli.runs import parse_day
from mingdan.errors import InputRefused, WrongUsage
from mingdan.lake import Lake
from mingdan.night import Night, Report
from mingdan.settings import Settings
from mingdan.usage.days import build
from mingdan.usage.delivery import file_named
from mingdan.usage.intake import land, problem_of
from mingdan.usage.source import Source
from mingdan.usage.specs import load_source
from mingdan.usage.tables import USAGE_FILES, USAGE_QUARANTINE

_COUNTS = {
    "rows_received": "received",
    "rows_landed": "landed",
    "rows_quarantined": "set aside",
    "rows_duplicate": "twice",
    "rows_late": "late",
}


def command(
    day: Annotated[
        str | None,
        typer.Argument(help="Delivery day (2026-11-01); none: the last business day."),
    ] = None,
    *,
    source: Annotated[
        str | None, typer.Option(help="Read only this source's files; the others stay as landed.")
    ] = None,
    skip: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Go on without this file, tonight and whenever the day is redone."
        ),
    ] = None,
    check_spec: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="Only check a source spec and say what it reads."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for a script.")] = False,
) -> None:
    """Land the usage files delivered on a day and build the usage they touch.

    DAY is the delivery day (2026-11-01); without it: the last business day.

    Examples:

        mingdan ingest 2026-11-01

        mingdan ingest 2026-11-01 --skip usage/smsc/2026-11-01/sms_20261101_02.csv.gz

        mingdan ingest --check-spec sources/my_smsc.toml
    """
    if check_spec is not None:
        _print_spec(load_source(check_spec), as_json=as_json)
        return
    settings = Settings()
    wanted = parse_day(day) if day is not None else last_business_day()
    if not (settings.landing / "usage").is_dir():
        raise InputRefused(f"there is no folder {settings.landing / 'usage'}: set MINGDAN_DATA")
    night = Night(settings)
    with night.lock():
        for name in skip or []:
            _skip(night, wanted, name)
        landed = land(night, wanted, only=source)
        built = build(night, wanted)
    if as_json:
        _print_json(night.lake, wanted, landed, built)
    else:
        _print_tables(night.lake, wanted, built)


def _skip(night: Night, day: date, name: str) -> None:
    """Leave a marker beside the file that says why it is passed over."""
    file = file_named(night.settings, day, name)
    reason = problem_of(file, night, day) or "set aside though it could be read"
    partial = file.marker.with_name(f".{file.marker.name}")
    try:
        # never through a link or into a pipe somebody put there
        partial.unlink(missing_ok=True)
        with partial.open("x", encoding="utf-8") as marker:
            marker.write(reason + "\n")
        partial.replace(file.marker)
    except OSError as error:
        raise WrongUsage(f"cannot write {file.marker}: {error.strerror}") from error


def _files(lake: Lake, day: date) -> pl.DataFrame:
    return lake.scan(USAGE_FILES, [day]).drop("date").sort("file").collect()


def _reasons(lake: Lake, day: date) -> pl.DataFrame:
    rows = lake.scan(USAGE_QUARANTINE, [day]).group_by("source", "reason", "field")
    return rows.agg(lines=pl.len()).sort("source", "reason", "field").collect()


def _print_json(lake: Lake, day: date, landed: Report, built: Report) -> None:
    content = {
        "day": day.isoformat(),
        "facts": landed.facts | built.facts,
        "event_days": [partition.day.isoformat() for partition in built.partitions],
        "files": _files(lake, day).to_dicts(),
        "quarantine": _reasons(lake, day).to_dicts(),
    }
    print(json.dumps(content, ensure_ascii=False, indent=1))


def _print_tables(lake: Lake, day: date, built: Report) -> None:
    files = RichTable(title=f"Usage files delivered on {day}")
    files.add_column("file", overflow="fold")
    files.add_column("status")
    for title in _COUNTS.values():
        files.add_column(title, justify="right")
    files.add_column("problem", overflow="fold")
    for row in _files(lake, day).iter_rows(named=True):
        counts = [f"{row[name]:,}" for name in _COUNTS]
        name, problem = escape(row["file"].removeprefix("usage/")), escape(row["problem"] or "")
        files.add_row(name, row["status"], *counts, problem)
    console = Console()
    console.print(files)
    reasons = _reasons(lake, day)
    if reasons.height:
        aside = RichTable(title="Lines set aside (table usage_quarantine holds their bytes)")
        for title in ("source", "reason", "column", "lines"):
            aside.add_column(title, justify="right" if title == "lines" else "left")
        for name, reason, column, lines in reasons.iter_rows():
            aside.add_row(name, reason, escape(column or ""), f"{lines:,}")
        console.print(aside)
    event_days = ", ".join(partition.day.isoformat() for partition in built.partitions)
    console.print(
        f"{built.facts['records']:,} records on {built.facts['event_days']} event days "
        f"({event_days}); {built.facts['duplicates_across_deliveries']:,} delivered before.",
        highlight=False,
    )


def _print_spec(source: Source, *, as_json: bool) -> None:
    if as_json:
        print(source.model_dump_json(indent=1))
        return
    read = sorted(source.used, key=source.file.names.index)
    unread = [name for name in source.file.names if name not in source.used]
    header = "with" if source.file.header else "without"
    print(f"{source.name}: {source.title}. The spec is well formed.")
    if source.file.format == "parquet":
        print(f"files {source.file.pattern}, Parquet")
    else:
        print(
            f"files {source.file.pattern}, {source.file.encoding}, {source.file.compression}, "
            f"{header} header"
        )
    print(f"reads {', '.join(read)}")
    if unread:
        print(f"passes over {', '.join(unread)}")
