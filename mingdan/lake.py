"""The lake: Delta tables of immutable Parquet files, a business day replaced at a time.

Here: where files lie, how a day (or some of its buckets) is replaced in one
transaction, reading as of a version, digests. Not here: what a table holds
(`tables.py`) and how rows are made (`engine.py`, the stages).

A file is named by the SHA-256 of its bytes, so a name is never reused for
other content, and writing a day again with the same rows changes nothing: the
file list is equal and no version is committed. Files are written into a
staging folder and renamed into place before the commit; a process killed in
between leaves files that no version lists (`vacuum` removes them).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable, Field, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, create_table_with_add_actions

from mingdan.errors import LakeError
from mingdan.tables import ColumnType, Table
from mingdan.tables import DataFile as DataFile

_DELTA_TYPE: dict[ColumnType, str] = {
    "BIGINT": "long",
    "INTEGER": "integer",
    "SMALLINT": "short",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "VARCHAR": "string",
    "TIMESTAMP": "timestamp_ntz",
    "DATE": "date",
    "BLOB": "binary",
}
_POLARS_TYPE: dict[ColumnType, pl.DataType] = {
    "BIGINT": pl.Int64(),
    "INTEGER": pl.Int32(),
    "SMALLINT": pl.Int16(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
    "VARCHAR": pl.String(),
    "TIMESTAMP": pl.Datetime("us"),
    "DATE": pl.Date(),
    "BLOB": pl.Binary(),
}
_MAGIC = b"PAR1"
BUCKETS = 64
SUBSCRIPTIONS_PER_BUCKET = 12_000
"""With buckets of about this size, two at a time, a step stays within some 600 MB."""


@dataclass(frozen=True)
class Partition:
    """What one day of a table holds in one version."""

    table: str
    day: date
    rows: int
    digest: str
    version: int


class _Held(NamedTuple):
    """A file the log of a table lists."""

    path: str
    rows: int
    bucket: int | None


class Lake:
    """All tables under one folder; safe for one writer and any number of readers."""

    def __init__(self, root: Path, *, buckets: int | None = None) -> None:
        """Open the lake at `root`, creating it with `buckets` if it is new.

        Raises LakeError if it exists with another number of buckets, or its
        `lake.json` cannot be read.
        """
        self.root = root
        self._open: dict[str, DeltaTable] = {}
        self._listed: dict[str, tuple[int, dict[date, list[_Held]]]] = {}
        if self._marker.exists():
            self.buckets = int(self._facts()["buckets"])
            if buckets is not None and buckets != self.buckets:
                raise LakeError(f"the lake at {root} has {self.buckets} buckets, not {buckets}")
            return
        self.buckets = buckets or BUCKETS
        root.mkdir(parents=True, exist_ok=True)
        _write_synced(self._marker, json.dumps({"buckets": self.buckets}).encode())

    @property
    def key_id(self) -> str | None:
        """Which key the pseudonyms in here were made with; None before `keep_key_id`."""
        found = self._facts().get("key_id")
        return None if found is None else str(found)

    def keep_key_id(self, key_id: str) -> None:
        """Remember for ever which key the pseudonyms are made with."""
        _write_synced(self._marker, json.dumps({**self._facts(), "key_id": key_id}).encode())

    def exists(self, table: Table) -> bool:
        return self._delta(table) is not None

    def version(self, table: Table) -> int:
        """The table's current version; -1 before its first day."""
        delta = self._delta(table)
        return -1 if delta is None else delta.version()

    def days(self, table: Table) -> list[date]:
        """The days the table holds, in order."""
        delta = self._delta(table)
        if delta is None:
            return []
        return sorted({date.fromisoformat(str(part["date"])) for part in delta.partitions()})

    def files(
        self,
        table: Table,
        days: Iterable[date],
        *,
        bucket: int | None = None,
        version: int | None = None,
    ) -> list[str]:
        """Absolute paths of the Parquet files of `days`, sorted by day and bucket."""
        delta = self._delta(table, version)
        wanted = sorted(set(days))
        if delta is None or not wanted:
            return []
        predicate: list[tuple[str, str, object]] = [
            ("date", "in", [day.isoformat() for day in wanted])
        ]
        if bucket is not None:
            predicate.append(("bucket", "=", str(bucket)))
        return sorted(map(unquote, delta.file_uris(file_pruning_predicate=predicate)))

    def partition(self, table: Table, day: date, *, version: int | None = None) -> Partition:
        """Rows and digest of a day. The digest is SHA-256 over the sorted file names,

        each of which is the digest of a file's bytes; an absent day has 0 rows.
        """
        held = self._actions(table, version).get(day, [])
        names = sorted(file.path for file in held)
        return Partition(
            table=table.name,
            day=day,
            rows=sum(file.rows for file in held),
            digest=hashlib.sha256("\n".join(names).encode()).hexdigest(),
            version=self.version(table) if version is None else version,
        )

    def rows_by_day(self, table: Table, first: date, last: date) -> dict[date, int]:
        """Rows of each held day from `first` to `last`, from the transaction log alone."""
        held = self._actions(table)
        wanted = sorted(day for day in held if first <= day <= last)
        return {day: sum(file.rows for file in held[day]) for day in wanted}

    def scan(
        self, table: Table, days: Iterable[date] | None = None, *, version: int | None = None
    ) -> pl.LazyFrame:
        """The rows of `days` (default: all) with `date` (and `bucket`) as columns.

        Raises LakeError, naming table and day, for a file that is gone or no Parquet.
        """
        chosen = self.days(table) if days is None else days
        files = self.files(table, chosen, version=version)
        partitions = {"date": pl.Date(), **({"bucket": pl.Int32()} if table.bucketed else {})}
        if not files:
            return pl.LazyFrame(schema={**self.schema(table), **partitions})
        for file in files:
            _check_parquet(table, Path(file))
        # a file may have more columns: a part of usage is a file of two tables
        return pl.scan_parquet(
            files,
            schema=self.schema(table),
            hive_partitioning=True,
            hive_schema=partitions,
            extra_columns="ignore",
            missing_columns="insert",  # of a day from before the table had the column
        )

    @staticmethod
    def schema(table: Table) -> dict[str, pl.DataType]:
        """The Polars schema of the table's own columns."""
        return {column.name: _POLARS_TYPE[column.type] for column in table.columns}

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A private folder on the lake's disk, removed at the end whatever happens."""
        folder = self.root / "_staging" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clear_staging(self) -> None:
        """Remove what killed processes left behind; only for who is the one writer."""
        shutil.rmtree(self.root / "_staging", ignore_errors=True)

    def write(self, table: Table, day: date, frame: pl.DataFrame) -> Partition:
        """Replace a day of an unbucketed table by `frame`, sorted and typed.

        Raises LakeError if a column is missing, of another type, or the key repeats.
        """
        try:
            rows = frame.select(table.names).cast(self.schema(table))  # type: ignore[arg-type]
        except pl.exceptions.PolarsError as error:
            raise LakeError(f"{table.name} of {day}: {error}") from error
        rows = rows.sort(table.sort, nulls_last=True)
        if rows.select(table.key).is_duplicated().any():
            raise LakeError(f"{table.name} of {day}: the key {table.key} repeats")
        with self.staging() as folder:
            path = folder / "rows.parquet"
            try:
                rows.write_parquet(path, compression="zstd", compression_level=3)
            except (OSError, pl.exceptions.PolarsError) as error:
                raise LakeError(f"cannot write {table.name} of {day}: {error}") from error
            return self.replace(table, day, [DataFile(path, rows.height)])

    def replace(
        self,
        table: Table,
        day: date,
        files: Sequence[DataFile],
        *,
        buckets: Iterable[int] | None = None,
    ) -> Partition:
        """Replace a day, or only `buckets` of it, by `files` in one transaction.

        The files are moved into the table. If the day already holds exactly
        these bytes nothing is committed. Raises LakeError if the disk refuses;
        the day is then as it was.
        """
        try:
            adds = [self._adopt(table, day, file) for file in files]
            self._commit(table, day, adds, None if buckets is None else sorted(set(buckets)))
        except OSError as error:
            raise LakeError(f"cannot write {table.name} of {day}: {error}") from error
        return self.partition(table, day)

    def prune(self, table: Table, before: date) -> int:
        """Drop all days before `before`; returns how many. `vacuum` frees the disk."""
        old = [day for day in self.days(table) if day < before]
        for day in old:
            self._commit(table, day, [], None)
        return len(old)

    def vacuum(self, table: Table, keep: timedelta) -> int:
        """Delete files no version of the last `keep` lists; returns how many."""
        delta = self._delta(table)
        if delta is None:
            return 0
        hours = int(keep.total_seconds() // 3600)
        removed = delta.vacuum(
            retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True
        )
        return len(removed)

    @property
    def _marker(self) -> Path:
        return self.root / "lake.json"

    def _facts(self) -> dict[str, Any]:
        try:
            facts = json.loads(self._marker.read_text("utf-8"))
            return {**facts, "buckets": int(facts["buckets"])}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise LakeError(
                f"{self._marker} cannot be read; restore it from the backup ({error})"
            ) from error

    def _folder(self, table: Table) -> Path:
        return self.root / table.name

    def _delta(self, table: Table, version: int | None = None) -> DeltaTable | None:
        try:
            return self._opened(table, version)
        except DeltaError as error:
            said = str(error).partition("\n")[0]
            raise LakeError(
                f"{table.name}: its log {self._folder(table) / '_delta_log'} cannot be read; "
                f"restore it from the backup ({said})"
            ) from error

    def _opened(self, table: Table, version: int | None) -> DeltaTable | None:
        folder = str(self._folder(table))
        if version is not None:
            return DeltaTable(folder, version=version)
        known = self._open.get(table.name)
        if known is not None:
            # an update lists the log, which costs milliseconds, dozens of times a step
            following = f"_delta_log/{known.version() + 1:020}.json"
            if (self._folder(table) / following).exists():
                known.update_incremental()
            return known
        try:
            known = DeltaTable(folder)
        except TableNotFoundError:
            return None
        self._open[table.name] = known
        return known

    def _actions(self, table: Table, version: int | None = None) -> dict[date, list[_Held]]:
        """The files of a version by day; those of the newest are remembered while it is that."""
        delta = self._delta(table, version)
        if delta is None:
            return {}
        known = self._listed.get(table.name)
        if known is not None and known[0] == delta.version():
            return known[1]
        frame = pl.DataFrame(delta.get_add_actions(flatten=True))
        found: dict[date, list[_Held]] = {}
        if frame.height:
            buckets = frame["partition.bucket"].to_list() if table.bucketed else [None] * len(frame)
            for path, rows, day, bucket in zip(
                frame["path"], frame["num_records"], frame["partition.date"], buckets, strict=True
            ):
                found.setdefault(day, []).append(_Held(path, rows, bucket))
        if version is None:
            self._listed[table.name] = (delta.version(), found)
        return found

    def _adopt(self, table: Table, day: date, file: DataFile) -> AddAction:
        values: dict[str, str | None] = {"date": day.isoformat()}
        if table.bucketed:
            values["bucket"] = str(file.bucket)
        folder = Path(*(f"{key}={value}" for key, value in values.items()))
        relative = folder / f"{sha256(file.path)}.parquet"
        target = self._folder(table) / relative
        size = file.path.stat().st_size
        # it is named by its bytes, unless it was damaged since
        if not target.exists() or sha256(target) != target.stem:
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(file.path)
            file.path.replace(target)
        stats = json.dumps({"numRecords": file.rows})
        return AddAction(relative.as_posix(), size, values, 0, True, stats)

    def _commit(
        self, table: Table, day: date, adds: list[AddAction], buckets: list[int] | None
    ) -> None:
        schema = _delta_schema(table)
        delta = self._delta(table)
        if delta is None:
            create_table_with_add_actions(
                str(self._folder(table)), schema, adds, "append", table.partition_by
            )
            return
        held = {
            file.path
            for file in self._actions(table).get(day, [])
            if buckets is None or file.bucket in buckets
        }
        if held == {add.path for add in adds}:
            return
        filters: list[tuple[str, str, object]] = [("date", "=", day.isoformat())]
        if buckets is not None:
            filters.append(("bucket", "in", [str(bucket) for bucket in buckets]))
        delta.create_write_transaction(
            list(adds),
            "overwrite",
            schema,
            partition_by=table.partition_by,
            partition_filters=filters,
        )


def _delta_schema(table: Table) -> Schema:
    fields = [
        Field(column.name, PrimitiveType(_DELTA_TYPE[column.type]), nullable=True)
        for column in table.columns
    ]
    fields.append(Field("date", PrimitiveType("date")))
    if table.bucketed:
        fields.append(Field("bucket", PrimitiveType("integer")))
    return Schema(fields)


def _check_parquet(table: Table, path: Path) -> None:
    """Whether a file begins and ends as one: its reader would name neither table nor day."""
    try:
        with path.open("rb", buffering=0) as file:
            whole = file.read(4) == _MAGIC
            file.seek(-4, os.SEEK_END)
            whole = whole and file.read(4) == _MAGIC
        problem = "is damaged"
    except OSError as error:
        whole, problem = False, f"cannot be read: {error.strerror}"
    if not whole:
        day = next(part[5:] for part in path.parts if part.startswith("date="))
        raise LakeError(f"{table.name} of {day}: {path} {problem}; restore it from the backup")


def sha256(path: Path) -> str:
    """Digest of a file's bytes in hex, which is its name in the lake."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _write_synced(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    partial.write_bytes(content)
    _sync(partial)
    partial.replace(path)
