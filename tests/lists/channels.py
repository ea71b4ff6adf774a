"""Release channels made of rows alone: no lake, no orders."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.lists.compose import Content, compose
from mingdan.lists.folder import last_release, point_to, put_in_place, staging
from mingdan.lists.format import FORMAT, LATEST, MANIFEST, canonical
from mingdan.lists.manifest import Release, numbered
from mingdan.lists.reader import snapshot
from mingdan.lists.rows import STATE, changes

FIRST = date(2026, 11, 1)
LIVE = "2026-11-01T00:00:00Z,2026-11-09T00:00:00Z,2026-11-01T00:00:00Z,2027-01-01T00:00:00Z"


def token(number: int) -> str:
    """A token as any key could make it."""
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def attributes(reason: str = "spam_sms", confidence: int = 80) -> str:
    return f"blacklist,{reason},published,{confidence},{LIVE},1"


def frame(rows: Mapping[str, str]) -> pl.DataFrame:
    """Rows as the publisher holds them."""
    return pl.DataFrame(sorted(rows.items()), schema=STATE, orient="row")


def content(rows: Mapping[str, str], last: Release | None = None, **changed: Any) -> Content:
    """A release of these rows after `last`, a day later each."""
    before = {} if last is None else snapshot(last).rows
    seq = 1 if last is None else last.seq + 1
    after = frame(rows)
    made = Content(
        channel="demo0channel",
        list="joint",
        epoch=1,
        key_id="0123456789abcdef",
        token_alg="hmac-sha256-128",
        seq=seq,
        day=FIRST + timedelta(seq - 1),
        rows=after,
        changed=changes([frame(before)], after, lambda gone: dict.fromkeys(gone, "withdrawn")),
        previous=None if last is None else last.sha256,
        agreement={"purpose": "test"},
        inputs={"list_entries": "0" * 64},
    )
    return replace(made, **changed)


def publish(
    channel: Path, rows: Mapping[str, str], identity: Mapping[str, Any] | None = None
) -> Release:
    """Publish these rows as the channel's next release, of another `identity` if given."""
    last = last_release(channel)
    made = content(rows, last, **(identity or {}))
    with staging(channel.parent, channel.name) as folder:
        compose(folder, made)
        done = put_in_place(folder, channel, made.seq)
        point_to(channel, done)
    return done


def three_rounds(channel: Path) -> list[dict[str, str]]:
    """Three releases: a first list, a change of each kind, and a night without change."""
    states = [
        {token(1): attributes(), token(2): attributes("fraud"), token(3): attributes()},
        {
            token(1): attributes(confidence=90),
            token(2): attributes("fraud"),
            token(4): attributes(),
        },
    ]
    states.append(states[1])
    for rows in states:
        publish(channel, rows)
    return states


def body(release: Path, name: str) -> list[str]:
    """The lines of a release's file."""
    return gzip.decompress((release / name).read_bytes()).decode("ascii").splitlines()


def forge(channel: Path, seq: int, name: str, data: bytes) -> None:
    """Put other bytes in a file and have all digests announce them, as an insider could."""
    folder = numbered(channel, seq)
    (folder / name).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text())
    facts = manifest["files"][name]
    facts["bytes"] = len(data)
    facts["sha256"] = hashlib.sha256(data).hexdigest()
    try:
        plain = gzip.decompress(data)
        facts["plain_bytes"] = len(plain)
        facts["rows"] = max(0, plain.count(b"\n") - 1)
    except (OSError, EOFError):
        pass
    announce(channel, seq, manifest)


def announce(channel: Path, seq: int, manifest: dict[str, Any]) -> None:
    """Write this manifest and point to it."""
    folder = numbered(channel, seq)
    text = canonical(manifest) + "\n"
    (folder / MANIFEST).write_text(text)
    pointer = {
        "fmt": FORMAT,
        "manifest_sha256": hashlib.sha256(text.encode()).hexdigest(),
        **{name: manifest[name] for name in ("channel", "seq", "day", "state_sha256")},
    }
    (channel / LATEST).write_text(canonical(pointer) + "\n")


def edit(channel: Path, seq: int, name: str, old: str, new: str) -> None:
    """Replace text in a file of a release, consistently with its digests."""
    text = "\n".join([*body(numbered(channel, seq), name), ""])
    assert old in text
    forge(channel, seq, name, gzip.compress(text.replace(old, new, 1).encode(), mtime=0))


def copy(channel: Path, target: Path) -> Path:
    shutil.copytree(channel, target)
    return target
