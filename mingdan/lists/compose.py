"""The files of one release: snapshot, changes and manifest, written into a folder.

Here: what a release says, from rows that are made already. Not here: where the
rows come from (`release.py`) and how the folder gets into place (`folder.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.calendar import known_at
from mingdan.lists.folder import write_text
from mingdan.lists.format import (
    DELTA,
    FORMAT,
    INSTANT_FORMAT,
    MANIFEST,
    SNAPSHOT,
    Header,
    canonical,
    state_sha256,
)
from mingdan.lists.packing import write_body
from mingdan.lists.rows import CHANGES, STATE, lines


@dataclass(frozen=True)
class Content:
    """A release: whose it is, the list after it, and the changes since the one before."""

    channel: str
    list: str
    epoch: int
    key_id: str
    token_alg: str
    seq: int
    day: date
    rows: pl.DataFrame
    """Token and attributes, ascending by token."""
    changed: pl.DataFrame
    """Operation, token and what is told of it, ascending by token."""
    previous: str | None
    """Digest of the manifest before; None for the first release."""
    agreement: Mapping[str, Any]
    inputs: Mapping[str, Any]


def compose(folder: Path, content: Content) -> None:
    """Write the three files of a release; equal content gives equal bytes.

    `created` is the instant the night decided on, not the clock's.
    """
    identity: dict[str, Any] = {
        "channel": content.channel,
        "list": content.list,
        "epoch": content.epoch,
        "key_id": content.key_id,
        "token_alg": content.token_alg,
        "seq": content.seq,
        "state_count": len(content.rows),
        "state_sha256": state_sha256(lines(content.rows, *STATE)),
        "created": known_at(content.day).strftime(INSTANT_FORMAT),
        "day": content.day.isoformat(),
    }
    rows, changed = content.rows, content.changed
    whole = Header(fmt=FORMAT, kind="snapshot", base=None, count=len(rows), **identity)
    delta = Header(fmt=FORMAT, kind="delta", base=content.seq - 1, count=len(changed), **identity)
    files = {
        SNAPSHOT: write_body(folder / SNAPSHOT, whole, lines(rows, pl.lit("ADD"), *STATE)),
        DELTA: write_body(folder / DELTA, delta, lines(changed, *CHANGES)),
    }
    manifest = {
        "fmt": FORMAT,
        **identity,
        "previous": content.previous,
        "files": {name: asdict(facts) for name, facts in files.items()},
        "ops": _counted(changed["op"]),
        "retractions": _counted(changed.filter(pl.col("op") == "DEL")["told"]),
        "agreement": dict(content.agreement),
        "inputs": dict(content.inputs),
    }
    write_text(folder / MANIFEST, canonical(manifest) + "\n")


def _counted(values: pl.Series) -> dict[str, int]:
    return dict(values.value_counts().iter_rows())
