"""The partner's side: read a channel's releases and believe nothing unchecked.

Here: rows, snapshots and changes applied to a state. Not here: the grammar
(`format.py`), manifests (`manifest.py`) and making releases (`release.py`).
Standard library only: this is what the light install of a partner runs.

Everything is checked against `latest.json`: it names the manifest's digest,
the manifest names its files' and the previous manifest's. Digests find damage,
not a forger: who stands behind a release is the channel's matter (`envelope/`,
`client/`), whose files are read by the same functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mingdan.errors import InputRefused
from mingdan.lists.format import (
    DELTA,
    MANIFEST,
    SEALED,
    SNAPSHOT,
    Entry,
    Header,
    Rows,
    check,
    row_patterns,
    state_sha256,
    state_text,
)
from mingdan.lists.manifest import SHARED, Release, newest, numbered, release
from mingdan.lists.refusals import Damaged, Gap, Malformed, Missing, Rollback, WrongChannel
from mingdan.lists.unpack import lines_of

MAX_ROWS = 5_000_000
_IDENTITY = ("channel", "list", "epoch", "key_id", "token_alg", "seq", "day", "created")


@dataclass(frozen=True)
class State:
    """A list as held after a release; instants are UTC."""

    channel: str
    list: str
    epoch: int
    key_id: str
    token_alg: str
    seq: int
    day: str
    created: str
    rows: Rows = field(repr=False)

    def find(self, token: str, at: datetime | None = None) -> Entry | None:
        """The entry of a token in force at `at` (aware; default: now).

        An entry past its `valid_until` is no entry, however old this copy is. Raises
        InputRefused for a sealed list, whose attributes only an answer opens.
        """
        if self.token_alg == SEALED:
            raise InputRefused("a sealed list is read with the answers to one's questions")
        attributes = self.rows.get(token)
        if attributes is None:
            return None
        entry = Entry.of(attributes)
        return entry if entry.valid_until > (at or datetime.now(UTC)) else None


def digest_of(rows: Rows) -> str:
    """The state digest of rows in any order."""
    return state_sha256(state_text(sorted(rows.items())))


def snapshot(of: Release) -> State:
    """The whole list of a release, proved by its state digest."""
    header, rows = rows_of(of, SNAPSHOT)
    held = {token: value for _, token, value in rows}
    return _proved(of, header, held)


def apply(state: State | None, of: Release) -> State:
    """The state after a release's changes; `state` itself is not touched.

    `None` is the empty list before the first release. Raises Gap unless the
    changes continue from `state`, WrongChannel if they are not for it, Damaged
    if they do not lead to the state announced.
    """
    header, rows = rows_of(of, DELTA)
    if state is not None and (state.channel, state.list) != (header.channel, header.list):
        raise WrongChannel(f"{of.folder}: for channel {header.channel}, not {state.channel}")
    seq = 0 if state is None else state.seq
    if header.base != seq:
        raise Gap(f"{of.folder}: continues from release {header.base}, held is {seq}")
    held = {} if state is None else dict(state.rows)
    ops: Counter[str] = Counter()
    retractions: Counter[str] = Counter()
    for op, token, value in rows:
        ops[op] += 1
        if (token in held) == (op == "ADD"):
            raise Damaged(
                f"{of.folder}: {op} of a token that is{'' if op == 'ADD' else ' not'} held"
            )
        if op == "DEL":
            retractions[value] += 1
            del held[token]
        else:
            held[token] = value
    check(of.manifest["ops"] == ops, f"{of.folder}: other operations than announced")
    check(of.manifest["retractions"] == retractions, f"{of.folder}: other retractions")
    return _proved(of, header, held)


def sync(channel: Path, state: State | None = None) -> State:
    """The newest state: by changes if `state` can be continued, else by the snapshot.

    Raises Rollback if the channel is behind `state`, Damaged if it says another
    thing under the same number; `state` then stays what to hold on to.
    """
    last = newest(channel)
    if state is None:
        return snapshot(last)
    if last.manifest["channel"] != state.channel or last.manifest["list"] != state.list:
        raise WrongChannel(f"{channel}: for {last.manifest['channel']}, not {state.channel}")
    if last.seq < state.seq:
        raise Rollback(f"{channel}: offers release {last.seq}, held is {state.seq}")
    if last.seq == state.seq:
        if last.manifest["state_sha256"] != digest_of(state.rows):
            raise Damaged(f"{channel}: another list under the same number {state.seq}")
        return state
    try:
        for step in reversed(list(_back_to(channel, last, state.seq + 1))):
            state = apply(state, step)
    except (Gap, Missing, Damaged):
        return snapshot(last)
    return state


def verify(folder: Path, *, every: bool = False) -> State:
    """Check a channel's newest release (`every`: all that are there) and return its state.

    Its snapshot must be what its changes make of the release before, if that is
    still there. A single release folder is checked by itself. Raises ListRefused.
    """
    if (folder / MANIFEST).exists():
        only = release(folder)
        for _ in rows_of(only, DELTA)[1]:
            pass
        return snapshot(only)
    last = newest(folder)
    state = check_continues(folder, last)
    if every:
        step = last
        while step.seq > _oldest(folder):
            step = _previous(folder, step)
            check_continues(folder, step)
    return state


def check_continues(channel: Path, of: Release) -> State:
    """A release's snapshot; its changes must lead from the one before to the same state."""
    state = snapshot(of)
    try:
        before = None if of.seq == 1 else snapshot(_previous(channel, of))
    except Missing:
        return state
    apply(before, of)
    return state


def _oldest(channel: Path) -> int:
    """Number of the oldest release still there: only the oldest may be pruned."""
    return min(int(path.parent.name) for path in channel.glob(f"[0-9]*/{MANIFEST}"))


def _previous(channel: Path, of: Release) -> Release:
    return release(numbered(channel, of.seq - 1), str(of.manifest["previous"]))


def _back_to(channel: Path, last: Release, first: int) -> Iterator[Release]:
    """From `last` back to number `first`, each proved by its successor's manifest."""
    step = last
    yield step
    while step.seq > first:
        step = _previous(channel, step)
        yield step


def _proved(of: Release, header: Header, rows: dict[str, str]) -> State:
    if len(rows) != header.state_count or digest_of(rows) != header.state_sha256:
        raise Damaged(f"{of.folder}: the rows do not make the state announced")
    return State(
        **{name: getattr(header, name) for name in _IDENTITY},
        rows=rows,
    )


def rows_of(of: Release, name: str) -> tuple[Header, Iterator[tuple[str, str, str]]]:
    """Header and rows (op, token, attributes or reason) of a file of a release.

    Rows are checked one by one as they are read, not for what they come to.
    Raises Missing, Damaged or Malformed.
    """
    facts = of.file(name)
    lines = lines_of(of.folder / name, facts)
    first = next(lines, None)
    if first is None:
        raise Malformed(f"{of.folder / name}: no header")
    header = Header.parse(first)
    check(f"{header.kind}.csv.gz" == name, f"{of.folder / name}: is a {header.kind}")
    check(header.count == facts.rows <= MAX_ROWS, f"{of.folder / name}: rows announced")
    for shared in SHARED:
        check(
            getattr(header, shared) == of.manifest[shared],
            f"{of.folder / name}: {shared} differs from the manifest",
        )
    return header, _rows(header, lines, str(of.folder / name))


def _rows(header: Header, lines: Iterator[str], where: str) -> Iterator[tuple[str, str, str]]:
    patterns = row_patterns(header.token_alg)
    if header.kind == "snapshot":
        patterns = {"ADD": patterns["ADD"]}
    before = ""
    count = 0
    for line in lines:
        op = line[:3]
        found = patterns[op].fullmatch(line) if op in patterns else None
        if found is None:
            raise Malformed(f"{where}: row {count + 1} is outside the grammar")
        token, value = found.groups()
        if token <= before:
            raise Malformed(f"{where}: row {count + 1} is not in ascending order")
        before = token
        count += 1
        yield op, token, value
    if count != header.count:
        raise Malformed(f"{where}: {count} rows, announced {header.count}")
