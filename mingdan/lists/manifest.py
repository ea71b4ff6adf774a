"""A release's manifest and the pointer to the newest one.

Here: `latest.json` and `manifest.json`, read and checked. Not here: the files
a manifest announces (`reader.py`) and writing them (`release.py`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mingdan.lists.format import (
    DELTA,
    FORMAT,
    LATEST,
    MANIFEST,
    SNAPSHOT,
    check,
    check_names,
    is_count,
    matches,
    parse_object,
)
from mingdan.lists.refusals import Damaged
from mingdan.lists.unpack import FileFacts, text_of

SHARED = (
    *("channel", "list", "epoch", "key_id", "token_alg", "seq", "day", "created"),
    *("state_count", "state_sha256"),
)
"""What the manifest and the headers of its files must say alike."""

_NAMES = ("fmt", "previous", "files", "ops", "retractions", "agreement", "inputs", *SHARED)
_FILE_NAMES = tuple(FileFacts.__dataclass_fields__)
_POINTER_NAMES = ("fmt", "channel", "seq", "day", "manifest_sha256", "state_sha256")


@dataclass(frozen=True)
class Pointer:
    """`latest.json`: the release to take now."""

    channel: str
    seq: int
    day: str
    manifest_sha256: str
    state_sha256: str


@dataclass(frozen=True)
class Release:
    """One release folder whose manifest has been checked."""

    folder: Path
    manifest: dict[str, Any]
    sha256: str

    @property
    def seq(self) -> int:
        return int(self.manifest["seq"])

    def file(self, name: str) -> FileFacts:
        return FileFacts(**self.manifest["files"][name])


def pointer(channel: Path) -> Pointer:
    """What `latest.json` of a channel's folder says. Raises Missing or Malformed."""
    values = parse_object(text_of(channel / LATEST), LATEST)
    check_names(values, _POINTER_NAMES, LATEST)
    check(values.pop("fmt") == FORMAT, f"{LATEST}: not {FORMAT}")
    found = Pointer(**values)
    check(is_count(found.seq) and found.seq > 0, f"{LATEST}: seq")
    check(matches(r"[a-z0-9]{8,32}", found.channel), f"{LATEST}: channel")
    for digest in (found.manifest_sha256, found.state_sha256):
        check(matches(r"[0-9a-f]{64}", digest), f"{LATEST}: digest")
    return found


def release(folder: Path, expected_sha256: str | None = None) -> Release:
    """A release folder by its manifest, which must have this digest if one is given."""
    text = text_of(folder / MANIFEST)
    digest = hashlib.sha256(text.encode("ascii")).hexdigest()
    if expected_sha256 is not None and digest != expected_sha256:
        raise Damaged(f"{folder / MANIFEST}: not the manifest announced")
    values = parse_object(text, MANIFEST)
    check_names(values, _NAMES, MANIFEST)
    check(values["fmt"] == FORMAT, f"{MANIFEST}: not {FORMAT}")
    check(is_count(values["seq"]) and values["seq"] > 0, f"{MANIFEST}: seq")
    previous = values["previous"]
    check((previous is None) == (values["seq"] == 1), f"{MANIFEST}: previous")
    check(previous is None or matches(r"[0-9a-f]{64}", previous), f"{MANIFEST}: previous")
    check(isinstance(values["files"], dict), f"{MANIFEST}: files")
    check_names(values["files"], (SNAPSHOT, DELTA), f"{MANIFEST}: files")
    for name, facts in values["files"].items():
        check(isinstance(facts, dict), f"{MANIFEST}: {name}")
        check_names(facts, _FILE_NAMES, f"{MANIFEST}: {name}")
        check(matches(r"[0-9a-f]{64}", facts["sha256"]), f"{MANIFEST}: {name}")
        check(all(is_count(facts[key]) for key in _FILE_NAMES[1:]), f"{MANIFEST}: {name}")
    return Release(folder, values, digest)


def newest(channel: Path) -> Release:
    """The release `latest.json` points to."""
    found = pointer(channel)
    got = release(numbered(channel, found.seq), found.manifest_sha256)
    for name in ("channel", "seq", "day", "state_sha256"):
        check(got.manifest[name] == getattr(found, name), f"{LATEST} and {MANIFEST}: {name}")
    return got


def numbered(channel: Path, seq: int) -> Path:
    """The folder of a release."""
    return channel / f"{seq:06d}"
