"""The forms a partner's list may arrive in: CSV, Parquet, or a STIX 2.1 bundle.

Here: which file a form is in, and its entries as fields by name, capped before
they are parsed. Not here: what the fields mean (`partner_lists.py`), lines of CSV
(`delivered.py`) and STIX objects (`stix.py`).

Whatever the form, an entry has the columns of `entries.csv`, and its bytes go to
quarantine when it cannot be taken: a line of CSV as delivered, a row of Parquet or
an object of STIX as one line of JSON.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mingdan.landed import open_plain
from mingdan.reports import stix
from mingdan.reports.delivered import (
    CONTROL,
    Bad,
    Delivered,
    Flaw,
    Good,
    Record,
    Unreadable,
    read,
)
from mingdan.reports.partners import Intake
from mingdan.reports.policy import Caps, Policy

FILES = {"csv": "entries.csv", "parquet": "entries.parquet", "stix": "entries.json"}
"""The file of each form, in the folder of the partner and day."""
HEADER = (
    "entry_id",
    "action",
    "category",
    "number",
    "legal_basis",
    "observed_at",
    "valid_until",
)
Entry = tuple[bytes, dict[str, str] | Flaw]
"""An entry's bytes, and its fields or what is wrong with them."""
_ROWS_AT_ONCE = 1_000


def read_entries(
    path: Path,
    delivered: Delivered,
    intake: Intake,
    policy: Policy,
    parse: Callable[[dict[str, str]], Record],
) -> None:
    """Read `path` into `delivered`, each entry through `parse`.

    `parse` raises Flaw for an entry to be set aside. Raises Unreadable for a file
    that is too large, of another shape or not of its form; NotPlain for a link or
    pipe, OSError as the disk does.
    """
    caps = policy.caps
    with open_plain(path) as stream:
        content = stream.read(caps.max_bytes + 1) if intake.form != "csv" else b""
        if len(content) > caps.max_bytes or stream.seek(0, io.SEEK_END) > caps.max_bytes:
            raise Unreadable("file_too_large")
    if intake.form == "csv":
        read(path, delivered, HEADER, caps, parse, encoding=intake.encoding)
        return
    if not content:
        raise Unreadable("empty_file")
    if intake.form == "parquet":
        delivered.received, entries = _rows(content, caps)
    else:
        delivered.received, entries = stix.entries(content, caps, policy.reasons)
    for place, (raw, found) in enumerate(entries, start=1):
        try:
            if len(raw) > caps.max_line_bytes:
                raise Flaw("line_too_long")
            if isinstance(found, Flaw):
                raise found
            delivered.good.append(Good(place, parse(found), raw))
        except Flaw as flaw:
            head = raw[: caps.max_line_bytes]
            delivered.bad.append(Bad(place, flaw.reason, flaw.column, head))


def _rows(content: bytes, caps: Caps) -> tuple[int, Iterator[Entry]]:
    """The number of rows of a Parquet file, and each; columns are taken by name."""
    try:
        described = pq.ParquetFile(io.BytesIO(content))
        known, schema = described.metadata, described.schema_arrow
        groups = [known.row_group(i) for i in range(known.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        raise Unreadable("not_parquet", head=content[: caps.max_line_bytes]) from error
    if known.num_rows > caps.max_rows:
        raise Unreadable("too_many_rows", known.num_rows)
    if sum(group.total_byte_size for group in groups) > caps.max_bytes:
        raise Unreadable("file_too_large", known.num_rows)
    if sorted(schema.names) != sorted(HEADER) or not all(_readable(f.type) for f in schema):
        raise Unreadable("bad_header", known.num_rows, str(schema.names).encode())
    try:
        # As dictionaries: a value repeated a million times must not be unpacked as often.
        file = pq.ParquetFile(io.BytesIO(content), read_dictionary=list(HEADER))
        return known.num_rows, iter(_entries_of(file, caps))
    except (pa.ArrowException, OSError) as error:
        raise Unreadable("not_parquet", known.num_rows) from error


def _readable(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    text = pa.types.is_string(value) or pa.types.is_large_string(value)
    return bool(text or pa.types.is_timestamp(value))


def _entries_of(file: pq.ParquetFile, caps: Caps) -> list[Entry]:
    found: list[Entry] = []
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=list(HEADER)):
        for column in batch.columns:
            if pa.types.is_dictionary(column.type) and len(column.dictionary):
                longest = pc.max(pc.binary_length(column.dictionary)).as_py() or 0
                if longest > caps.max_line_bytes:
                    raise Unreadable("value_too_long", file.metadata.num_rows)
        found += [_entry(row) for row in batch.to_pylist()]
    return found


def _entry(row: dict[str, Any]) -> Entry:
    values = {name: _text(value) for name, value in row.items()}
    raw = json.dumps(values, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    if any(CONTROL.search(value) for value in values.values()):
        return raw, Flaw("control_character")
    return raw, values


def _text(value: str | datetime | None) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else value
