"""Bringing the copy up to date: verify, decrypt, apply, in one transaction.

Here: the order of a sync. Not here: signatures (`fetch.py`) and rows (`copy.py`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mingdan.lists.client.copy import Copy, Position
from mingdan.lists.client.fetch import Channel
from mingdan.lists.client.home import Home
from mingdan.lists.client.questions import Taken, take_answers
from mingdan.lists.format import DELTA, LATEST, MANIFEST, SNAPSHOT, Header
from mingdan.lists.manifest import Release, newest, numbered, pointer, release
from mingdan.lists.refusals import Damaged, Gap, Missing, Rollback, WrongChannel


@dataclass(frozen=True)
class Synced:
    """What a sync did."""

    position: Position
    before: int
    """Release held before; 0: none."""
    by: str
    """`nothing`, `changes` or `snapshot`."""
    answers: list[Taken]
    """Questions whose answers came with it."""


def sync(home: Home, clock: datetime) -> Synced:
    """Take the newest release. Whatever is refused, the copy stays as it was.

    Raises ListRefused: OutOfReach, Untrusted (signatures or expiry), Rollback,
    NotForUs, WrongChannel, Damaged, Malformed, Missing.
    """
    trust = home.trust
    channel = Channel(home, trust)
    copy = Copy(home.copy)
    try:
        until = channel.refresh()
        held = copy.position
        if held is not None and until <= held.now(clock):
            raise Rollback(
                f"{trust.url}: its timestamp ran out at {until:%Y-%m-%dT%H:%MZ}, and it has been "
                "later than that here: the clock was set back"
            )
        with tempfile.TemporaryDirectory(dir=home.path) as folder:
            visit = _Visit(channel, Path(folder))
            last = visit.last()
            _check_ours(last, trust.channel, trust.list)
            with copy.transaction():
                header, by = _take(copy, held, visit, last)
                position = held if header is None else Position.of(header)
                assert position is not None  # noqa: S101 - only a held one needs nothing
                seen = clock if held is None else held.now(clock)
                position = replace(position, signed_until=until.isoformat(), clock=seen.isoformat())
                copy.put_position(position)
        return Synced(position, held.seq if held else 0, by, take_answers(home, channel, copy))
    finally:
        copy.close()


class _Visit:
    """Files of one visit, in a folder laid out as a channel of the plain format."""

    def __init__(self, channel: Channel, folder: Path) -> None:
        self._channel = channel
        self.folder = folder

    def last(self) -> Release:
        """The release `latest.json` points to."""
        (self.folder / LATEST).write_bytes(self._channel.get(LATEST))
        self._fetch(pointer(self.folder).seq, MANIFEST)
        return newest(self.folder)

    def body(self, of: Release, name: str) -> Release:
        self._fetch(of.seq, name)
        return of

    def back_to(self, last: Release, first: int) -> Iterator[Release]:
        """From `last` back to number `first`, each proved by its successor's manifest."""
        step = last
        yield step
        while step.seq > first:
            self._fetch(step.seq - 1, MANIFEST)
            step = release(numbered(self.folder, step.seq - 1), str(step.manifest["previous"]))
            yield step

    def _fetch(self, seq: int, name: str) -> None:
        path = numbered(self.folder, seq) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self._channel.get(f"{seq:06d}.{name}"))


def _check_ours(last: Release, channel: str, name: str) -> None:
    told = (last.manifest["channel"], last.manifest["list"])
    if told != (channel, name):
        raise WrongChannel(f"a release of list {told[1]} for channel {told[0]}, not {channel}")


def _take(
    copy: Copy, held: Position | None, visit: _Visit, last: Release
) -> tuple[Header | None, str]:
    """Header of what is held now (None: as before), and how it came."""
    if held is not None:
        if last.seq < held.seq:
            raise Rollback(f"offers release {last.seq}, held is {held.seq}")
        if last.seq == held.seq:
            if last.manifest["state_sha256"] != held.state_sha256:
                raise Damaged(f"another list under the same number {held.seq}")
            return None, "nothing"
        copy.connection.execute("SAVEPOINT changes")
        try:
            return _by_changes(copy, held, visit, last), "changes"
        except (Gap, Missing, Damaged):
            copy.connection.execute("ROLLBACK TO changes")
    header = copy.replace_by(visit.body(last, SNAPSHOT))
    copy.prove(header)
    return header, "snapshot"


def _by_changes(copy: Copy, held: Position, visit: _Visit, last: Release) -> Header:
    header = None
    for step in reversed(list(visit.back_to(last, held.seq + 1))):
        header = copy.change_by(visit.body(step, DELTA), held)
        held = Position.of(header)
    assert header is not None  # noqa: S101 - last.seq > held.seq
    copy.prove(header)
    return header
