"""A partner's own customers, read from CSV or Parquet.

Here: files to numbers, a batch at a time, every bad row kept with its reason.
Not here: whether they are listed (`match.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mingdan.errors import InputRefused, WrongUsage
from mingdan.identifiers import parse_msisdn

BATCH = 20_000
MAX_FIELD = 4_096


@dataclass
class Batch:
    """Some customers: numbers (E.164 without `+`), and rows that are none."""

    numbers: list[str] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    """Line or row number from 1 (CSV: the header is line 1), and why."""


def customers(path: Path, column: str, encoding: str = "utf-8-sig") -> Iterator[Batch]:
    """The customers of a file whose name ends in `.csv` or `.parquet`.

    Raises InputRefused (unreadable, no such column, another encoding) and
    WrongUsage (another kind of file, Parquet without the extra).
    """
    if path.suffix == ".parquet":
        rows: Iterable[tuple[int, object]] = _parquet(path, column)
    elif path.suffix == ".csv":
        rows = _csv(path, column, encoding)
    else:
        raise WrongUsage(f"{path}: customers come as .csv or .parquet")
    batch = Batch()
    for line, text in rows:
        try:
            batch.numbers.append(parse_msisdn(str(text)))
        except ValueError as error:
            batch.bad.append((line, "empty" if text in (None, "") else str(error)))
        if len(batch.numbers) + len(batch.bad) >= BATCH:
            yield batch
            batch = Batch()
    yield batch


def _csv(path: Path, column: str, encoding: str) -> Iterator[tuple[int, str]]:
    try:
        before = csv.field_size_limit(MAX_FIELD)
        with path.open(encoding=encoding, newline="") as file:
            lines = csv.reader(file, strict=True)
            names = next(lines, [])
            place = _place(path, names, column)
            for row in lines:
                yield lines.line_num, row[place] if len(row) > place else ""
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}") from None
    except LookupError:
        raise WrongUsage(f"unknown encoding {encoding!r}") from None
    except UnicodeError:
        raise InputRefused(f"{path}: not {encoding}; give its --encoding") from None
    except csv.Error as error:
        raise InputRefused(f"{path}: {error}") from None
    finally:
        csv.field_size_limit(before)


def _parquet(path: Path, column: str) -> Iterator[tuple[int, object]]:
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError:
        raise WrongUsage("Parquet needs more packages: pip install 'mingdan[parquet]'") from None
    row = 0
    try:
        with parquet.ParquetFile(path) as file:
            _place(path, file.schema_arrow.names, column)
            for batch in file.iter_batches(BATCH, columns=[column]):
                for value in batch.column(0).to_pylist():
                    row += 1
                    yield row, value
    except (OSError, ArrowException) as error:
        raise InputRefused(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _place(path: Path, names: list[str], column: str) -> int:
    if names.count(column) != 1:
        raise InputRefused(f"{path}: no column {column!r}; give its --column")
    return names.index(column)
