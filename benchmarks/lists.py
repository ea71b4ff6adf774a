"""Lists at size: tokens, release, delivery, sync, changes, lookups, oblivious evaluation, renewal.

Here: CPU seconds, bytes and peak memory of each side, beside what a partner would
be given today (a whole CSV with its SHA-256, every night). Not here: correctness
(`tests/lists`, `tests/abuse`). Each side runs in a process of its own, so that its
peak is its own.

    python -m benchmarks.lists [--entries N] [--changes N] [--only WHAT]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.lists.client.copy import Copy
from mingdan.lists.client.match import Matcher
from mingdan.lists.compose import compose
from mingdan.lists.envelope.deliver import deliver, keep_fresh
from mingdan.lists.folder import last_release, point_to, put_in_place, staging
from mingdan.lists.oprf import engine, group
from mingdan.lists.packing import own_rows
from mingdan.lists.rows import changes
from mingdan.lists.tokens import KeyedTokeniser
from tests.lists.channels import content
from tests.lists.pairs import POLICY, Pair, live, now

SEED = 7
BATCH = 20_000


def number(at: int) -> str:
    """Spread over the numbering space, all different."""
    return f"861{3_000_000_000 + at * 6_151 % 7_000_000_000:010d}"


class Sums:
    """Names, values and the aim beside each, printed as they come."""

    def __init__(self) -> None:
        self._start = 0.0

    def __enter__(self) -> Sums:
        self._start = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self._start


def told(name: str, value: float, unit: str, aim: str = "") -> None:
    print(f"  {name:<52} {value:>12,.2f} {unit:<8} {aim}", flush=True)


def peak() -> float:
    """Peak resident memory of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def attributes(count: int) -> list[str]:
    """What the entries say: as varied as a real list's, and no more."""
    dice = random.Random(SEED)
    kinds = [live(reason, days=day) for reason in ("fraud", "spam_sms") for day in range(7, 91, 7)]
    return [dice.choice(kinds) for _ in range(count)]


def publisher(folder: Path, entries: int, changed: int) -> None:
    """Tokenise, release, deliver; then a release of changes."""
    pair = Pair(folder)
    maker = KeyedTokeniser(bytes.fromhex(pair.handover().key))
    with Sums() as took:
        tokens = maker.tokens(number(at) for at in range(entries))
    told("tokenise (keyed)", took.cpu, "CPU s", "<= 3")
    rows = pl.DataFrame({"token": tokens, "attributes": attributes(entries)}).sort("token")
    identity = {"channel": pair.channel, "key_id": maker.key_id}
    release(pair, rows, identity, "snapshot", "<= 4")
    dice = random.Random(SEED)
    gone = dice.sample(tokens, changed // 2)
    fresh = maker.tokens(number(at) for at in range(entries, entries + changed - len(gone)))
    added = pl.DataFrame({"token": fresh}).with_columns(attributes=pl.lit(live("fraud", days=60)))
    after = pl.concat([rows.filter(~pl.col("token").is_in(gone)), added]).sort("token")
    del tokens, rows  # a night holds its own list only
    (folder / "first").touch()
    wait_for(folder / "synced")
    release(pair, after, identity, "changes", "<= 3")
    (folder / "second").touch()
    told("publisher's peak", peak(), "MB", "<= 700")


def release(pair: Pair, rows: pl.DataFrame, identity: dict[str, Any], what: str, aim: str) -> None:
    with Sums() as took:
        last = last_release(pair.releases)
        before = () if last is None else own_rows(last)
        made = replace(
            content({}, None, **identity),
            rows=rows,
            seq=1 if last is None else last.seq + 1,
            changed=changes(before, rows, lambda gone: dict.fromkeys(gone, "withdrawn")),
            previous=None if last is None else last.sha256,
        )
        with staging(pair.releases.parent, "bank_demo") as folder:
            compose(folder, made)
            done = put_in_place(folder, pair.releases, made.seq)
            point_to(pair.releases, done)
        composed = time.process_time()
        deliver(pair.place, POLICY, pair.releases, done, now())
        sealed = time.process_time() - composed
    told(f"release of the {what}, delivered", took.cpu, "CPU s", aim)
    told("  of it signed, encrypted, put in place", sealed, "CPU s")
    name = "delta" if what == "changes" else "snapshot"
    size = pair.find(f"{made.seq:06d}.{name}").stat().st_size
    told(
        f"  {name}, as fetched",
        size / (1e3 if what == "changes" else 1e6),
        "kB" if what == "changes" else "MB",
        "<= 300" if what == "changes" else "<= 25",
    )


def partner(folder: Path, entries: int) -> None:
    """Sync, sync the changes, look up."""
    wait_for(folder / "first")
    from mingdan.lists.client.home import Home
    from mingdan.lists.client.sync import sync

    home = Home(folder / "bank")
    with Sums() as took:
        sync(home, now())
    told("sync of the snapshot", took.cpu, "CPU s", "<= 8")
    (folder / "synced").touch()
    wait_for(folder / "second")
    with Sums() as took:
        assert sync(home, now()).by == "changes"
    told("sync of the changes", took.cpu, "CPU s", "<= 2")
    with Sums() as took:
        copy = Copy(home.copy)
        dice = random.Random(SEED)
        tokens = [
            token for (token,) in copy.connection.execute("SELECT token FROM entries LIMIT 100000")
        ]
        dice.shuffle(tokens)
    with Sums() as took:
        for token in tokens:
            copy.attributes([token])
    told("lookups one by one", len(tokens) / took.cpu, "/CPU s", ">= 30,000")
    copy.close()
    matcher = Matcher(home, now())
    with Sums() as took:
        listed = 0
        for start in range(0, entries, BATCH):
            numbers = [number(at) for at in range(start * 2, start * 2 + 2 * BATCH, 2)]
            listed += sum(one.outcome == "listed" for one in matcher.answers(numbers))
    matcher.close()
    told(f"match of {entries:,} customers ({listed:,} listed)", took.cpu, "CPU s")
    told("partner's peak", peak(), "MB", "<= 700")


def wait_for(flag: Path) -> None:
    """Until the other side has come so far; fails rather than waiting for ever."""
    until = time.monotonic() + 300
    while not flag.exists():
        assert time.monotonic() < until, f"{flag.name} never came"
        time.sleep(0.05)


def today(folder: Path, entries: int) -> None:
    """What a partner is given without all this: the whole list in the clear, and a digest."""
    rows = attributes(entries)
    with Sums() as took:
        path = folder / "blacklist.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerows((number(at), *told.split(",")) for at, told in enumerate(rows))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    told("whole CSV with SHA-256, written", took.cpu, "CPU s", "every night")
    told("  its size", path.stat().st_size / 1e6, "MB", "every night")
    with Sums() as took:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
        with path.open(newline="") as file:
            held = {row[0]: row[1:] for row in csv.reader(file)}
    assert len(held) == entries
    told("  read and verified by the partner", took.cpu, "CPU s", "every night")


def oblivious(count: int = 20_000) -> None:
    """Each step of `match_only`, a core."""
    seed = os.urandom(32)
    numbers = [number(at) for at in range(count)]
    secret = os.urandom(32)
    with Sums() as took:
        blinds = [group.blind_of(secret, one.encode()) for one in numbers]
        elements = [group.blind(one.encode(), by) for one, by in zip(numbers, blinds, strict=True)]
    told("oblivious: blind (partner)", count / took.cpu, "/CPU s")
    parts = [elements[at : at + engine.BATCH] for at in range(0, count, engine.BATCH)]
    with Sums() as took:
        made = [engine._blinded(seed, part) for part in parts]
    told("oblivious: evaluate, a proof a batch (publisher)", count / took.cpu, "/CPU s", ">= 8,000")
    public = engine.public_key(seed)
    with Sums() as took:
        for part, answer in zip(parts, made, strict=True):
            cut = [answer[at : at + 32] for at in range(64, len(answer), 32)]
            group.check_proof(public, part, cut, answer[:64])
            for one, by, got in zip(numbers, blinds, cut, strict=False):
                group.finalize(one.encode(), by, got)
    told("oblivious: verify and finalize (partner)", count / took.cpu, "/CPU s")
    with Sums() as took:
        engine._known(seed, numbers)
    told("oblivious: our own list's tokens (publisher)", count / took.cpu, "/CPU s")


def busy(folder: Path, releases: int = 200) -> None:
    """Releases one after another while two partners sync all the time."""
    pair = Pair(folder)
    rows = {number(at): live() for at in range(100)}
    pair.release(rows)
    homes = [pair.home]
    from mingdan.lists.client.home import Home

    second = Home(folder / "second")
    (second.path / "keys").mkdir(parents=True)
    for path in (pair.home.path / "keys").iterdir():
        (second.path / "keys" / path.name).write_bytes(path.read_bytes())
    pair.join(second)
    homes.append(second)
    done, failed = [0, 0], [0, 0]
    over = threading.Event()

    def syncing(at: int) -> None:
        from mingdan.lists.client.sync import sync

        while not over.is_set():
            try:
                sync(homes[at], now())
            except Exception as error:
                failed[at] += 1
                print(error, file=sys.stderr)
            done[at] += 1

    threads = [threading.Thread(target=syncing, args=(at,)) for at in range(2)]
    for thread in threads:
        thread.start()
    for at in range(releases):
        pair.release({**rows, number(1_000 + at): live()})
    over.set()
    for thread in threads:
        thread.join()
    told(f"syncs while {releases} releases were published", sum(done), "")
    told("  of them failed", sum(failed), "", "0")


def renewal(folder: Path, partners: int = 50) -> None:
    """The timestamps of many partners signed anew."""
    pairs = []
    for at in range(partners):
        one = Pair(folder / str(at), channel=f"channel{at:05d}")
        one.release({number(at): live()})
        pairs.append(one)
    start = time.perf_counter()
    for one in pairs:
        keep_fresh(one.place, POLICY, now() + timedelta(hours=1))
    told(f"timestamps of {partners} partners signed anew", time.perf_counter() - start, "s", "<= 2")


def alone(work: Callable[..., None], *arguments: object) -> None:
    """Run in a fresh process, so that its peak is its own."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0, work.__name__


def both(folder: Path, entries: int, changed: int) -> None:
    spawn = get_context("spawn")
    sides = [
        spawn.Process(target=publisher, args=(folder, entries, changed)),
        spawn.Process(target=partner, args=(folder, entries)),
    ]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    assert all(side.exitcode == 0 for side in sides)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--only", choices=["size", "oblivious", "busy", "renewal"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        if asked.only in (None, "size"):
            print(f"{asked.entries:,} entries, {asked.changes:,} changes")
            both(folder / "pair", asked.entries, asked.changes)
            alone(today, folder, asked.entries)
        if asked.only in (None, "oblivious"):
            alone(oblivious)
        if asked.only in (None, "busy"):
            alone(busy, folder / "busy")
        if asked.only in (None, "renewal"):
            alone(renewal, folder / "renewal")


if __name__ == "__main__":
    main()
