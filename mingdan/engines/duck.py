"""DuckDB: a statement's inputs as views, its rows as a file.

Here: opening a database, what a statement sees, and how rows become Parquet, alike
for every engine: so the bytes are alike too. Not here: which statements run when
and where (`local`, `spark`).

A statement is a single SELECT that names its inputs by their table name, takes
named parameters (`$name`) and ends in a total ORDER BY, so equal inputs give
equal bytes.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from functools import cache
from importlib.resources import files as resource_files
from pathlib import Path

import duckdb
import polars as pl

from mingdan.engines.jobs import Parameters, Source, Task, named
from mingdan.errors import LakeError
from mingdan.tables import DataFile, Table


@cache
def statement(name: str) -> str:
    """The text of `sql/<name>.sql`, e.g. `statement("features/daily_pairs")`."""
    return (resource_files("sql") / f"{name}.sql").read_text(encoding="utf-8")


def database(threads: int, memory_limit: str, spill: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory with the shared macros; above `memory_limit` it writes to `spill`.

    `spill` is made only when something spills.
    """
    opened = duckdb.connect(
        config={
            "threads": threads,
            "memory_limit": memory_limit,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,
        }
    )
    opened.execute("SET enable_progress_bar = false")
    opened.execute(statement("macros"))
    return opened


def run(cursor: duckdb.DuckDBPyConnection, task: Task, folder: Path) -> list[tuple[str, DataFile]]:
    """The stored results and outputs of a task, by name, as new files in `folder`.

    Names are never used twice, so that a task started twice does not write over itself.
    """
    for source in task.sources:
        open_source(cursor, source)
    for name, text, values in task.kept:
        keep(cursor, "TEMP TABLE", name, text, values)
    made = []
    for name, text, values in task.stored:
        path = folder / f"{name}-{uuid.uuid4().hex}.parquet"
        made.append((name, DataFile(path, store(cursor, text, path, values))))
        open_source(cursor, Source(name, None, (str(path),)))
    for table, text, values in task.outputs:
        path = folder / f"{table.name}-{task.bucket}-{uuid.uuid4().hex}.parquet"
        rows = write_parquet(cursor, text, table, path, values)
        made.append((table.name, DataFile(path, rows, task.bucket)))
    return made


def let_go(cursor: duckdb.DuckDBPyConnection, kept: list[str], to_come: Sequence[str]) -> None:
    """Drop the kept results no statement to come names: their memory is for what follows."""
    for name in [name for name in kept if not named(name, to_come)]:
        cursor.execute(f"DROP TABLE {name}")
        kept.remove(name)


def keep(
    cursor: duckdb.DuckDBPyConnection, what: str, name: str, text: str, values: Parameters
) -> None:
    """Keep a statement's rows in the database as `what` (TABLE, TEMP TABLE)."""
    cursor.execute(
        f"CREATE OR REPLACE {what} {name} AS {_bare(text)}", used(text, values)
    ).fetchall()


def store(cursor: duckdb.DuckDBPyConnection, text: str, path: Path, values: Parameters) -> int:
    """Write a statement's rows for other tasks to read; returns how many.

    Rows that have a bucket lie together by it, in small row groups, so that a bucket reads
    little else. Raises LakeError for a type that Parquet would change (128-bit integers
    become doubles).
    """
    given = used(text, values)
    described = describe(cursor, text, values)
    wide = [name for name, kind in described.items() if "HUGEINT" in kind]
    if wide:
        raise LakeError(f"{', '.join(wide)} of {path.name} is HUGEINT: cast it in its statement")
    clustered = " ORDER BY bucket" if "bucket" in described else ""
    result = cursor.execute(
        f"COPY (SELECT * FROM ({_bare(text)}){clustered}) TO {_quoted(path)} "  # noqa: S608
        "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 16384, "
        "WRITE_BLOOM_FILTER false)",
        given,
    ).fetchone()
    return int(result[0]) if result else 0


def describe(cursor: duckdb.DuckDBPyConnection, text: str, values: Parameters) -> dict[str, str]:
    """The columns of a statement's rows and their types; nothing is run."""
    rows = cursor.execute(f"DESCRIBE {_bare(text)}", used(text, values)).fetchall()
    return {name: kind for name, kind, *_ in rows}


def used(text: str, parameters: Parameters) -> dict[str, object]:
    """The parameters a statement names: DuckDB refuses any it does not use."""
    named = set(re.findall(r"\$([a-z_]+)", text))
    return {name: value for name, value in parameters.items() if name in named}


def open_source(connection: duckdb.DuckDBPyConnection, source: Source) -> None:
    """Make a source readable under its name."""
    if source.table is not None:
        define_view(connection, source.name, source.table, source.files, source.rows)
        return
    text = f"SELECT * FROM read_parquet([{_listing(source.files)}])"  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {source.name} AS {text}")


def define_view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    table: Table,
    files: Sequence[str],
    rows: tuple[int, int] | None = None,
) -> None:
    """Make the Parquet `files` of a lake table readable under `name` (none: empty).

    `rows`: only these of each file, counted from 0, the last excluded; others are not read.
    """
    columns = ", ".join(
        [f'"{column.name}"::{column.type} AS "{column.name}"' for column in table.columns]
        + ["date::DATE AS date"]
        + (["bucket::INTEGER AS bucket"] if table.bucketed else [])
    )
    if files:
        missing = _columns_added_since(table, files[0])
        options = "hive_partitioning = true, hive_types_autocast = false"
        options += f", union_by_name = {bool(missing)}"
        cut = ""
        if rows is not None:
            options += ", file_row_number = true"
            cut = f" WHERE file_row_number >= {rows[0]} AND file_row_number < {rows[1]}"
        source = f"read_parquet([{_listing(files)}], {options}){cut}"
        if missing:
            source = f"(SELECT * FROM {source} UNION ALL BY NAME SELECT {missing} WHERE false)"  # noqa: S608
    else:
        empty = ", ".join(f'NULL::{column.type} AS "{column.name}"' for column in table.columns)
        source = f"(SELECT {empty}, NULL::DATE AS date, NULL::INTEGER AS bucket LIMIT 0)"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {columns} FROM {source}")  # noqa: S608


def _columns_added_since(table: Table, oldest: str) -> str:
    """The columns, as nulls, that an unbucketed table's files of earlier days do not have yet."""
    if table.bucketed:
        return ""
    try:
        held = pl.read_parquet_schema(oldest)
    except (OSError, pl.exceptions.PolarsError):
        return ""  # whoever reads the file says what is wrong with it
    return ", ".join(
        f'NULL::{column.type} AS "{column.name}"'
        for column in table.columns
        if column.name not in held
    )


def write_parquet(
    connection: duckdb.DuckDBPyConnection,
    select: str,
    table: Table,
    path: Path,
    parameters: Parameters | None = None,
) -> int:
    """Write a SELECT's rows as one Parquet file of `table`'s columns; returns how many.

    The columns are taken by name and cast to the table's types; rows are in the
    table's sort order, so equal rows give equal bytes.
    """
    columns = ", ".join(
        f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in table.columns
    )
    # Whether DuckDB writes a column as required depends on the statistics of its plan, so
    # equal rows could have unequal bytes; a row that never comes makes all columns optional.
    nothing = ", ".join(f"NULL::{column.sql_type}" for column in table.columns)
    order = ", ".join(f'"{name}" NULLS LAST' for name in table.sort)
    result = connection.execute(
        f"COPY (SELECT * FROM (SELECT {columns} FROM ({_bare(select)}) "  # noqa: S608
        f"UNION ALL SELECT {nothing} WHERE random() > 1) ORDER BY {order}) TO {_quoted(path)} "
        # large dictionaries and bloom filters cost a quarter of the time and save no space
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880, "
        "DICTIONARY_SIZE_LIMIT 2000, WRITE_BLOOM_FILTER false)",
        used(select, parameters or {}),
    ).fetchone()
    return int(result[0]) if result else 0


def _bare(text: str) -> str:
    return text.strip().rstrip(";")


def _quoted(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _listing(files: Sequence[str]) -> str:
    return ", ".join(_quoted(file) for file in files)
