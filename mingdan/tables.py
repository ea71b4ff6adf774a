"""What a lake table is: one specification, from which everything else follows.

Here: the types a column may have, the `Table` record, and a file of its rows. The
tables themselves stand in `mingdan/<stage>/tables.py`; Parquet types, Delta schema,
Dagster column schema, masks, docs and checks are derived from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

ColumnType = Literal[
    "BIGINT", "INTEGER", "SMALLINT", "DOUBLE", "BOOLEAN", "VARCHAR", "TIMESTAMP", "DATE", "BLOB"
]
"""Only what DuckDB, Polars, Parquet, Delta and Spark all mean the same by.

Delta has no unsigned integers; TIMESTAMP is naive UTC in microseconds.
"""

Personal = Literal["no", "msisdn", "imsi", "imei", "text"]
"""Which mask a column's values get wherever a person may see them."""


@dataclass(frozen=True)
class Column:
    """A column: name, type, meaning with unit, and whether it identifies a person.

    `values`: all that a text may be, in alphabetical order. They are sorted and written as
    numbers, at a fraction of the cost of text, and any other value is refused.
    """

    name: str
    type: ColumnType
    meaning: str
    personal: Personal = "no"
    nullable: bool = True
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if list(self.values) != sorted(set(self.values)):
            raise ValueError(f"column {self.name}: values must ascend without repeats")

    @property
    def sql_type(self) -> str:
        """What DuckDB makes of it on the way to a file: an ENUM where the values are known."""
        if not self.values:
            return self.type
        return f"ENUM({', '.join(repr(value) for value in self.values)})"


@dataclass(frozen=True)
class Table:
    """A lake table, partitioned by business day and, if `bucketed`, by bucket.

    `sort` is the total order rows are written in: equal inputs give equal bytes.
    `key` is unique within a day.
    """

    name: str
    stage: str
    grain: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    sort: tuple[str, ...]
    bucketed: bool = False
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(column.name for column in self.columns)
        if len(set(names)) != len(names):
            raise ValueError(f"table {self.name}: a column is named twice")
        for name in (*self.key, *self.sort):
            if name not in names:
                raise ValueError(f"table {self.name}: no column {name!r} for key or sort")
        if {"date", "bucket"} & set(names):
            raise ValueError(f"table {self.name}: date and bucket are partitions, not columns")
        object.__setattr__(self, "names", names)

    @property
    def partition_by(self) -> list[str]:
        return ["date", "bucket"] if self.bucketed else ["date"]


@dataclass(frozen=True)
class DataFile:
    """A Parquet file written for one bucket (None: table without buckets)."""

    path: Path
    rows: int
    bucket: int | None = None
