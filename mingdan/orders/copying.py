"""Rows as PostgreSQL's binary COPY takes them, made column by column.

Here: that form. Not here: which rows (`flush.py`) and the driver (`bulk.py`).

A value is its length (4 octets, -1 for none) and its octets; a row begins with
the number of its columns. Arrow lays columns of such values side by side, many
times quicker than the driver dumps values one by one, and the server need not
parse instants from text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import JSON, BigInteger, Dialect, String, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from mingdan.orders.column_types import Instant, microseconds

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_NONE = b"\xff\xff\xff\xff"
_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_AD_2000 = microseconds(datetime(2000, 1, 1, tzinfo=UTC))
"""PostgreSQL counts microseconds from here."""


def has_form(table: Table, columns: Sequence[str]) -> bool:
    """Whether `binary` knows the types of these columns."""
    return _kinds(table, tuple(columns)) is not None


def binary(table: Table, columns: Sequence[str], flat: list[Any]) -> bytes:
    """Rows of `columns`, one value after the other, as one COPY.

    Instants are microseconds since 1970, documents JSON text. Raises TypeError
    for columns without a form here (`has_form`).
    """
    kinds, width = _kinds(table, tuple(columns)), len(columns)
    if kinds is None:
        raise TypeError(f"{table.name}: a column has no binary form")
    parts = [pa.scalar(np.array([width], ">i2").tobytes())]
    parts += [_KINDS[kind](flat[i::width]) for i, kind in enumerate(kinds)]
    rows = pc.binary_join_element_wise(*parts, b"")
    _, ends, octets = rows.buffers()
    end = int(np.frombuffer(ends, np.int32, len(rows) + 1)[-1])
    return b"".join((_HEAD, memoryview(octets)[:end], _TAIL))


def _integers(values: Sequence[int | None], less: int = 0) -> Any:
    given = pa.array(values, pa.int64())
    field = np.empty(len(values), [("length", ">i4"), ("value", ">i8")])
    field["length"] = 8
    field["value"] = given.fill_null(0).to_numpy() - less
    return _field(given, pa.binary(12), field)


def _instants(values: Sequence[int | None]) -> Any:
    return _integers(values, _AD_2000)


def _texts(values: Sequence[str | None], version: bytes = b"") -> Any:
    given = pa.array(values, pa.string())
    length = pc.binary_length(given).fill_null(0).to_numpy() + len(version)
    before = _field(given, pa.binary(4), length.astype(">i4"))
    # What is empty has no octets after its length.
    after = pc.fill_null(given, "").cast(pa.binary())
    if not version:
        return pc.binary_join_element_wise(before, after, b"")
    first = pc.if_else(given.is_valid(), version, b"")
    return pc.binary_join_element_wise(before, first, after, b"")


def _documents(values: Sequence[str | None]) -> Any:
    """JSONB is sent as text behind the version of its form."""
    return _texts(values, b"\x01")


def _field(given: Any, kind: Any, made: Any) -> Any:
    """The octets of `made`, and none for what `given` does not have."""
    octets = pa.FixedSizeBinaryArray.from_buffers(kind, len(given), [None, pa.py_buffer(made)])
    field = octets.cast(pa.binary())
    return pc.if_else(given.is_valid(), field, _NONE) if given.null_count else field


_KINDS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "integer": _integers,
    "instant": _instants,
    "text": _texts,
    "document": _documents,
}


@cache
def _kinds(table: Table, columns: tuple[str, ...]) -> tuple[str, ...] | None:
    kinds = tuple(_kind(table.c[name].type) for name in columns)
    return None if "" in kinds else kinds


def _kind(declared: Any) -> str:
    if isinstance(declared, Instant):
        return "instant"
    kind = declared.dialect_impl(_DIALECT)
    for name, types in (("document", JSONB), ("text", String | JSON), ("integer", BigInteger)):
        if isinstance(kind, types):
            return name
    return ""
