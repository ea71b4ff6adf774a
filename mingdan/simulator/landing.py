"""Usage files as three sources deliver them: into a folder a source and delivery day.

Here: how a day is cut into files, what comes late or twice. Not here: how a
file looks (`formats.py`), what a record says (`records.py`) and what a broken
line looks like (`faults.py`).
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl

from mingdan.simulator import faults, formats
from mingdan.simulator.records import Legs
from mingdan.simulator.scene import Scene


class Landing:
    """Delivers the days of a world in order; files are written by worker threads."""

    def __init__(self, scene: Scene, folder: Path, pool: ThreadPoolExecutor) -> None:
        self.scene = scene
        self.folder = folder
        self.notes = faults.Notes()
        self.records = 0
        self._pool = pool
        self._running: list[Future[None]] = []
        self._waiting: dict[tuple[str, int], list[pl.DataFrame]] = defaultdict(list)
        self._files: dict[tuple[str, int], list[tuple[str, pl.DataFrame]]] = defaultdict(list)

    def deliver(self, index: int, legs: dict[str, Legs]) -> None:
        """Deliver a day: its records of each source, and what is due of earlier days."""
        self.wait()
        for source in formats.SOURCES:
            rng = self.scene.rng(f"landing {source}", index)
            frame = self._frame(rng, source, index, legs[source])
            if self.scene.world.faults:
                frame = self._delay(rng, source, index, frame)
            self._cut(rng, source, index, frame)
            self._write_day(rng, source, index)

    def wait(self) -> None:
        """Wait for files being written. Raises OSError if one could not be."""
        for future in self._running:
            future.result()
        self._running.clear()

    def _frame(self, rng: np.random.Generator, source: str, index: int, legs: Legs) -> pl.DataFrame:
        """The records in the source's columns, misattributions planted."""
        self.records += len(legs)
        start = self.scene.world.start(index)
        serial = int(self.scene.date(index).strftime("%Y%m%d")) * 10**8 + np.arange(len(legs))
        if not self.scene.world.faults:
            return formats.frame(source, serial, legs, start)
        legs, wrong, unknown = faults.misattribute(rng, self.scene.roster, legs)
        frame = formats.frame(source, serial, legs, start)
        ids = frame.to_series(0).cast(pl.String)
        self.notes.add(source, ids.gather(wrong).to_list(), "wrong_sim", index)
        self.notes.add(source, ids.gather(unknown).to_list(), "unknown_holder", index)
        return frame

    def _delay(
        self, rng: np.random.Generator, source: str, index: int, frame: pl.DataFrame
    ) -> pl.DataFrame:
        """Set late records aside for their day; let some come again."""
        days = self.scene.world.days
        draw = rng.random(frame.height)
        waits = [1, 1, 2, 3] if rng.random() < faults.STRAGGLING else [1]
        lag = np.where(draw < faults.LATE, rng.choice(waits, frame.height), 0)
        lag = np.where(draw > 1 - faults.TOO_LATE, rng.integers(9, 11, frame.height), lag)
        for wait in np.unique(lag[lag > 0]).tolist():
            late = frame.filter(pl.Series(lag == wait))
            if index + wait < days:
                self._waiting[source, index + wait].append(late)
            kind = "too_late" if wait > 3 else "late"
            if index + wait >= days:
                kind = "never_delivered"
            self.notes.add(source, late.to_series(0).cast(pl.String).to_list(), kind, index)
        again = rng.random(frame.height) < faults.REPEATED_LATER
        if index + 1 < days:
            self._waiting[source, index + 1].append(frame.filter(pl.Series(again & (lag == 0))))
        return frame.filter(pl.Series(lag == 0))

    def _cut(self, rng: np.random.Generator, source: str, index: int, frame: pl.DataFrame) -> None:
        """Cut a day into files by time; now and then the last one comes days late."""
        count = int(rng.integers(1, 4))
        due = [index] * count
        wait = int(rng.integers(1, 4))
        if (
            self.scene.world.faults
            and rng.random() < faults.LATE_FILE
            and index + wait < self.scene.world.days
        ):
            # the night needs at least one file of the day
            count = max(2, count)
            due = [index] * (count - 1) + [index + wait]
        edges = np.linspace(0, frame.height, count + 1).astype(int).tolist()
        stamp = self.scene.date(index).strftime("%Y%m%d")
        for place, delivered in enumerate(due):
            part = frame.slice(edges[place], edges[place + 1] - edges[place])
            name = formats.FILE_NAMES[source].format(stamp, place + 1)
            self._files[source, delivered].append((name, part))
            if delivered > index:
                ids = part.to_series(0).cast(pl.String).to_list()
                self.notes.add(source, ids, "late_file", index)

    def _write_day(self, rng: np.random.Generator, source: str, index: int) -> None:
        """Write everything due on a delivery day."""
        waiting = self._waiting.pop((source, index), [])
        parts = self._files.pop((source, index), [])
        folder = self._folder(source, index)
        twice = self.scene.world.faults and rng.random() < faults.TWICE
        for place, (name, part) in enumerate(parts):
            rows = pl.concat([part, *waiting]) if place == len(parts) - 1 else part
            content = self._content(rng, source, index, rows)
            again = None
            if twice and place == 0:
                stamp = self.scene.date(index).strftime("%Y%m%d")
                next_day = index + 1 < self.scene.world.days and rng.random() < 0.5
                other = self._folder(source, index + 1) if next_day else folder
                again = other / formats.FILE_NAMES[source].format(stamp, 90)
            task = self._pool.submit(_write, folder / name, again, source, content)
            self._running.append(task)

    def _folder(self, source: str, index: int) -> Path:
        folder = self.folder / "usage" / source / self.scene.date(index).isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _content(
        self, rng: np.random.Generator, source: str, index: int, rows: pl.DataFrame
    ) -> list[formats.Piece]:
        """Runs of good rows with broken lines between them."""
        if not self.scene.world.faults or rows.height < 20:
            return [rows]
        repeated = np.flatnonzero(rng.random(rows.height) < faults.REPEATED)
        bad = np.flatnonzero(rng.random(rows.height) < rng.uniform(*faults.BROKEN))
        ids = rows.to_series(0).cast(pl.String)
        lines = formats.text(rows[bad], source).splitlines()
        broken, done = faults.spoil(rng, source, lines)
        self.notes.add(source, ids.gather(bad).to_list(), done, index)
        good = rows.with_row_index("row").filter(~pl.col("row").is_in(bad.tolist())).drop("row")
        runs = np.linspace(0, good.height, 5).astype(int)
        groups = np.array_split(np.arange(len(broken)), 4)
        content: list[formats.Piece] = []
        for start, stop, group in zip(runs[:-1], runs[1:], groups, strict=True):
            content.append(good.slice(int(start), int(stop - start)))
            content.append([broken[place] for place in group])
        content.append(rows[np.setdiff1d(repeated, bad)])
        return content


def _write(path: Path, again: Path | None, source: str, pieces: list[formats.Piece]) -> None:
    """Write one file, and a second time under another name."""
    data = formats.content(source, pieces)
    path.write_bytes(data)
    if again is not None:
        again.write_bytes(data)
