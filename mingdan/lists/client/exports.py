"""The copy as a file for other systems: CSV, Parquet, or a STIX 2.1 bundle.

Here: entries in force, in each form. Not here: looking customers up (`match.py`)
and the release's own format (`mingdan/lists/format.py`), which alone is signed.

A STIX indicator names a token, not a number: `[x-mingdan-token:value = '...']`; of a list in
the clear it names the number as our own intake reads it, `[phone-number:value = '+86...']`.
Equal copies give equal files; an indicator has the same id in every export of a channel,
so that a later one takes the place of an earlier one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from mingdan.errors import InputRefused, WrongUsage
from mingdan.lists.client.copy import Copy, Position
from mingdan.lists.client.home import Home
from mingdan.lists.folder import replacing
from mingdan.lists.format import ATTRIBUTES, CLEAR, INSTANT_FORMAT, SEALED, Entry, instant

Entries = Iterator[tuple[str, Entry]]
COLUMNS = ("token", *ATTRIBUTES)
STIX_NAMESPACE = uuid.UUID("6f6c1f0e-6d0c-5f6e-9c3c-3f4f0a7b1d52")
_AT_ONCE = 50_000


def export(home: Home, path: Path, clock: datetime) -> int:
    """Write the entries in force at `clock` to `path`; its ending names the form.

    `.csv`, `.parquet`, or `.json` for STIX. Returns how many. Raises WrongUsage for
    another ending or Parquet without the extra, InputRefused without a copy, for a
    list whose entries are sealed (match customers instead), or if the disk refuses.
    """
    write = _FORMS.get(path.suffix)
    if write is None:
        raise WrongUsage(f"{path}: exports end in {', '.join(_FORMS)}")
    copy = Copy(home.copy)
    try:
        held = copy.position
        if held is None:
            raise InputRefused(f"{home.path} holds no list yet: mingdan partner sync")
        if held.token_alg == SEALED:
            raise InputRefused(
                "this list's entries are sealed to their numbers, there is nothing to read "
                "without a customer to ask about: mingdan partner match"
            )
        at = copy.see(held, clock).now(clock)
        counted = _Counted(
            (token, entry)
            for token, attributes in copy.rows()
            for entry in (Entry.of(attributes),)
            if entry.valid_from <= at < entry.valid_until
        )
        try:
            with replacing(path) as file:
                write(counted, held, file)
        except OSError as error:
            raise InputRefused(f"{path} cannot be written: {error.strerror}") from error
        return counted.count
    finally:
        copy.close()


class _Counted:
    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self.count = 0

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        for each in self._entries:
            self.count += 1
            yield each


def _csv(entries: _Counted, _held: Position, file: IO[bytes]) -> None:
    file.write((",".join(COLUMNS) + "\n").encode("ascii"))
    for token, entry in entries:
        told = (getattr(entry, name) for name in ATTRIBUTES)
        file.write((",".join([token, *(_text(value) for value in told)]) + "\n").encode("ascii"))


def _parquet(entries: _Counted, _held: Position, file: IO[bytes]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise WrongUsage("Parquet needs more packages: pip install 'mingdan[parquet]'") from None
    kinds: dict[str, Any] = {"confidence": pa.int32(), "sources": pa.int32()}
    for name in ("first_seen", "last_seen", "valid_from", "valid_until"):
        kinds[name] = pa.timestamp("us", "UTC")
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    rows = iter(entries)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while block := list(islice(rows, _AT_ONCE)):
            columns = [[token for token, _ in block]]
            columns += [[getattr(entry, name) for _, entry in block] for name in ATTRIBUTES]
            writer.write_table(pa.table(columns, schema=schema))


def _stix(entries: _Counted, held: Position, file: IO[bytes]) -> None:
    author = f"identity--{_id(held, 'publisher')}"
    created = instant(held.created)
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": author,
        "created": _stamp(created),
        "modified": _stamp(created),
        "name": f"mingdan channel {held.channel}",
        "identity_class": "organization",
    }
    head = {"type": "bundle", "id": f"bundle--{_id(held, str(held.seq))}"}
    file.write(json.dumps(head)[:-1].encode() + b', "objects": [\n' + json.dumps(identity).encode())
    for token, entry in entries:
        indicator = {
            "type": "indicator",
            "spec_version": "2.1",
            "id": f"indicator--{_id(held, token)}",
            "created_by_ref": author,
            "created": _stamp(min(entry.valid_from, created)),
            "modified": _stamp(created),
            "indicator_types": ["malicious-activity"],
            "pattern": _pattern(held, token),
            "pattern_type": "stix",
            "valid_from": _stamp(entry.valid_from),
            "valid_until": _stamp(entry.valid_until),
            "confidence": entry.confidence,
            "labels": [one for one in (entry.category, entry.reason_code) if one],
        }
        indicator = {name: value for name, value in indicator.items() if value not in (None, [])}
        file.write(b",\n" + json.dumps(indicator).encode())
    file.write(b"\n]}\n")


_FORMS: dict[str, Callable[[_Counted, Position, IO[bytes]], None]] = {
    ".csv": _csv,
    ".parquet": _parquet,
    ".json": _stix,
}


def _pattern(held: Position, token: str) -> str:
    if held.token_alg == CLEAR:
        return f"[phone-number:value = '+{token}']"
    return f"[x-mingdan-token:value = '{token}']"


def _id(held: Position, name: str) -> uuid.UUID:
    return uuid.uuid5(STIX_NAMESPACE, f"{held.channel}:{name}")


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:{INSTANT_FORMAT}}" if isinstance(value, datetime) else str(value)


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.000Z}"
