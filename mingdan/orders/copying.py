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
_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_AD_2000 = microseconds(datetime(2000, 1, 1, tzinfo=UTC))
"""PostgreSQL counts microseconds from here."""


def _octets(data: bytes, lengths: Any) -> Any:
    """An Arrow array of pieces of `data`."""
    ends = np.zeros(len(lengths) + 1, np.int32)
    np.cumsum(lengths, out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(lengths), buffers)


def _one(octets: bytes) -> Any:
    return _octets(octets, [len(octets)])[0]


_NOTHING, _NONE, _JSONB = _one(b""), _one(b"\xff\xff\xff\xff"), _one(b"\x01")
"""Between values; for what is empty; the version of a document's form."""


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
    parts = [_one(np.array([width], ">i2").tobytes())]
    parts += [_KINDS[kind](flat[i::width]) for i, kind in enumerate(kinds)]
    rows = pc.binary_join_element_wise(*parts, _NOTHING)
    _, ends, octets = rows.buffers()
    end = int(np.frombuffer(ends, np.int32, len(rows) + 1)[-1])
    return b"".join((_HEAD, memoryview(octets)[:end], _TAIL))


def _integers(values: list[int | None], less: int = 0) -> Any:
    full, there = _filled(values, 0)
    field = np.empty(len(values), [("length", ">i4"), ("value", ">i8")])
    field["length"] = 8
    field["value"] = np.array(full, np.int64) - less
    return _where(there, _fixed(field))


def _instants(values: list[int | None]) -> Any:
    return _integers(values, _AD_2000)


def _texts(values: list[str | None], *before: Any) -> Any:
    full, there = _filled(values, "")
    text = "".join(full)
    # Of most columns every letter is one octet.
    octets = full if text.isascii() else [value.encode() for value in full]
    lengths = np.fromiter(map(len, octets), np.int32, len(octets))
    given = _octets(text.encode(), lengths)
    length = _fixed((lengths + len(before)).astype(">i4"))
    return _where(there, pc.binary_join_element_wise(length, *before, given, _NOTHING))


def _documents(values: list[str | None]) -> Any:
    """JSONB is sent as text behind the version of its form, of one octet."""
    return _texts(values, _JSONB)


def _filled(values: list[Any], empty: Any) -> tuple[list[Any], Any]:
    """The values with `empty` for none, and which there are (None: all)."""
    if None not in values:
        return values, None
    there = np.fromiter((value is not None for value in values), bool, len(values))
    return [empty if value is None else value for value in values], there


def _fixed(made: Any) -> Any:
    """The octets of each element."""
    kind, buffers = pa.binary(made.itemsize), [None, pa.py_buffer(made)]
    return pa.FixedSizeBinaryArray.from_buffers(kind, len(made), buffers).cast(pa.binary())


def _where(there: Any, field: Any) -> Any:
    """The field, and for what is not there none."""
    if there is None:
        return field
    bits = pa.py_buffer(np.packbits(there, bitorder="little"))
    return pc.if_else(pa.Array.from_buffers(pa.bool_(), len(there), [None, bits]), field, _NONE)


_KINDS: dict[str, Callable[[list[Any]], Any]] = {
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
    for name, types in (
        ("document", JSONB),
        ("text", String | JSON),
        ("integer", BigInteger),
    ):
        if isinstance(kind, types):
            return name
    return ""
