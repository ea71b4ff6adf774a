"""Taking a stock file at the command line: what `number`, `sim` and `handset import` share.

Here: its options, reading the file, the report by line, and the file of refused
lines. Not here: the checks (`mingdan.orders.stock`). Nothing is printed in full
that stood in the file; only the file of refused lines repeats them.
"""

from __future__ import annotations

import csv
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mingdan.cli.counter import store_at
from mingdan.cli.staff import actor, answering, moment, print_json, print_table
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.imports import ImportReport

File = Annotated[Path, typer.Argument(help="A CSV file; - reads standard input.")]
Partial = Annotated[
    bool, typer.Option("--partial", help="Take the good lines and set the others aside.")
]
Quarantine = Annotated[
    Path | None,
    typer.Option(help="Write the refused lines here, as they stood, to be put right."),
]
Encoding = Annotated[str, typer.Option(help="utf-8 or gb18030.")]
Operator = Annotated[
    str | None, typer.Option(help="Whose they are [default: reference/own_operator.csv].")
]
_SHOWN = 50


def take(
    kind: str,
    file: Path,
    *,
    who: str,
    role: str,
    interface: str | None,
    at: str | None,
    partial: bool,
    quarantine: Path | None,
    encoding: str,
    operator: str | None,
    as_json: bool,
    ported_in: bool = False,
) -> None:
    """Take one file and report; exit code 1 if it, or a line of it, was refused."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise WrongUsage(f"cannot read {file}: {error.strerror}") from error
    with answering(as_json), store_at(None) as store:
        report = StockDesk(store).take_file(
            kind,
            content,
            file.name,
            actor=actor(who, role, interface),
            at=moment(at),
            partial=partial,
            operator=operator,
            ported_in=ported_in,
            encoding=encoding,
        )
    if quarantine is not None and report.refused:
        _set_aside(quarantine, report)
    if as_json:
        print_json(_plain(report))
    else:
        _print(report)
    if not as_json and not report.accepted:
        whole = Refused("import_refused", refused=len(report.refused), lines=report.lines)
        raise InputRefused(f"{whole.reason} ({whole.code}; {whole.reason_zh})")
    if report.refused or not report.accepted:
        raise typer.Exit(1)


def _plain(report: ImportReport) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "import_id": report.import_id,
        "lines": report.lines,
        "taken": report.taken,
        "repeated": report.repeated,
        "refused": [
            {"line": r.line, "code": r.code, "reason": r.reason, "reason_zh": r.reason_zh}
            for r in report.refused
        ],
    }


def _print(report: ImportReport) -> None:
    if report.refused:
        rows = [(r.line, r.code, r.reason) for r in report.refused[:_SHOWN]]
        print_table("Refused lines", ("line", "code", "why"), rows)
        if len(report.refused) > _SHOWN:
            print(f"and {len(report.refused) - _SHOWN:,} more (--json or --quarantine shows all)")
    if report.accepted:
        before = " before; nothing was taken again" if report.repeated else ""
        print(
            f"import {report.import_id}: {report.taken:,} of {report.lines:,} lines taken{before}"
        )


def _set_aside(path: Path, report: ImportReport) -> None:
    # The lines stand there in full: for the owner's eyes only.
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise WrongUsage(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(number, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("line", "code", "reason", "content"))
        writer.writerows((r.line, r.code, r.reason, r.content) for r in report.refused)
