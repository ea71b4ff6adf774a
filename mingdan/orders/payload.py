"""The log's payload: on the last event of a writing, every row that was written.

Here: making it, and packing a long one. Not here: rebuilding tables from it
(`replay.py`).

A payload is JSON: `v`, the version of its form and of the columns (`sheets.py`);
`after`, the last entry of the journal's log that came before it, which tells in
which order the two logs are to be replayed; `new` and `changed`, by table the
values of its rows one after the other, with instants as microseconds since 1970
and `null` for what is empty. Orders that were written together share one: what
they did is done or not done together. (In version 1 each had its own, with a
list for each row.)

A load's payload is packed (zlib, in base 64), to a twelfth: writing it whole took
PostgreSQL as long as four of its rows. Its version then is that of the packing.
"""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Any

import msgspec
from isal import isal_zlib

from mingdan.orders.sheets import VERSION, Sheet

_ENCODER = msgspec.json.Encoder()
PACKED_FROM = 50_000
"""Octets; nearly all that was not loaded in bulk is shorter and can be read as it is."""
PACKED = 3
"""What says `v` of a packed payload; what is packed has its own."""


def payload_of(written: Iterable[Sheet], after: int) -> str | None:
    """What was written, for the last event of it; None if it was nothing."""
    new: dict[str, list[Any]] = {}
    changed: dict[str, list[Any]] = {}
    for sheet in written:
        (new if sheet.new else changed)[sheet.name] = sheet.flat
    if not new and not changed:
        return None
    content = {"v": VERSION, "after": after, "new": new}
    if changed:
        content["changed"] = changed
    text = _ENCODER.encode(content)
    if len(text) > PACKED_FROM:
        text = _ENCODER.encode(
            {"v": PACKED, "packed": b64encode(isal_zlib.compress(text, 1)).decode()}
        )
    return text.decode()


def unpacked(payload: dict[str, Any]) -> dict[str, Any]:
    """A payload as it was before it was packed, if it was."""
    if payload["v"] != PACKED:
        return payload
    found: dict[str, Any] = json.loads(zlib.decompress(b64decode(payload["packed"])))
    return found
