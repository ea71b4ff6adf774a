"""Release folders: written beside, moved into place whole, pointed to last.

Here: files on disk and their order. Not here: what they say (`release.py`).

A numbered folder appears complete and is never changed or numbered again. The
rename of `latest.json` is what publishes it; a process killed before that
leaves a complete folder nobody is pointed to, which the next run takes up.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mingdan.errors import LakeError
from mingdan.lists.format import FORMAT, LATEST, canonical
from mingdan.lists.manifest import Release, newest, numbered, release
from mingdan.lists.reader import check_continues
from mingdan.lists.refusals import Damaged, Missing


@contextmanager
def publishing_to(partner: str) -> Iterator[None]:
    """Raise LakeError if the disk refuses; what is published is then as it was."""
    try:
        yield
    except OSError as error:
        raise LakeError(
            f"cannot publish to {partner}: {error}; its last release stays the latest"
        ) from error


@contextmanager
def staging(releases: Path, partner: str) -> Iterator[Path]:
    """An empty private folder on the releases' disk, removed at the end."""
    folder = releases / ".staging" / partner
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text and bring it to the disk."""
    path.write_text(text, encoding="ascii")
    sync(path)


def put_in_place(staged: Path, channel: Path, seq: int) -> Release:
    """Move a complete staged folder to its number. It is not pointed to yet."""
    channel.mkdir(parents=True, exist_ok=True)
    target = numbered(channel, seq)
    sync(staged)
    staged.rename(target)
    sync(channel)
    return release(target)


def point_to(channel: Path, of: Release) -> None:
    """Make a release the latest, in one rename."""
    pointer = {
        "fmt": FORMAT,
        "manifest_sha256": of.sha256,
        **{name: of.manifest[name] for name in ("channel", "seq", "day", "state_sha256")},
    }
    partial = channel.parent / ".staging" / f"{channel.name}.{LATEST}"
    partial.parent.mkdir(parents=True, exist_ok=True)
    write_text(partial, canonical(pointer) + "\n")
    partial.replace(channel / LATEST)
    sync(channel)


def last_release(channel: Path) -> Release | None:
    """The latest release, after taking up complete ones that nothing points to yet.

    None if there is none. Raises Damaged if what lies there does not continue
    the latest release, Missing if `latest.json` is gone and cannot be made again.
    """
    last = newest(channel) if (channel / LATEST).exists() else None
    if last is None and not numbered(channel, 1).exists() and any(channel.glob("[0-9]*")):
        raise Missing(f"{channel / LATEST} is gone; restore it from the backup")
    while (following := numbered(channel, (last.seq if last else 0) + 1)).exists():
        step = release(following)
        continues = step.manifest["previous"] == (last.sha256 if last else None)
        if not continues or numbered(channel, step.seq) != following:
            raise Damaged(f"{following} does not continue the release before it")
        check_continues(channel, step)
        point_to(channel, step)
        last = step
    return last


def replace_synced(path: Path, content: str | bytes) -> None:
    """Put a file (text: ASCII) in place at once; it is on the disk when this returns."""
    with replacing(path) as file:
        file.write(content.encode("ascii") if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that appears at `path` whole, or not at all; on the disk when the block ends."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        sync(partial)
        partial.replace(path)
        sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file, or a folder's names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
