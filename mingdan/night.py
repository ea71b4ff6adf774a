"""A night: the stages in their order, over one installation.

Here: what a night works on (`Night`) and the list of its steps. Not here: what
a step does (the stages) and when it runs (`pipelines`). Dagster's assets call
the same steps one by one; `run_night` calls them in a row for history,
benchmarks and tests.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from mingdan.engine import Engine
from mingdan.errors import Busy
from mingdan.lake import Lake, Partition
from mingdan.orders.store import OrderStore
from mingdan.pepper import pepper
from mingdan.settings import Settings, make_private


@dataclass(frozen=True)
class Report:
    """What a step did: the partitions it replaced and the counts worth showing."""

    partitions: tuple[Partition, ...]
    facts: dict[str, int | float | str] = field(default_factory=dict)


class Night:
    """One installation opened for work: settings, lake, engine and order store."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        make_private(settings.data)
        self.lake = Lake(settings.lake, buckets=settings.buckets)
        self.engine = Engine(self.lake, settings)

    @cached_property
    def orders(self) -> OrderStore:
        return OrderStore.open(self.settings.database)

    @cached_property
    def pepper(self) -> bytes:
        """Key of the lake's pseudonyms. Raises InputRefused if it is not the lake's own."""
        return pepper(self.settings, self.lake)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer of this installation, or raise Busy after the wait.

        An advisory lock of the operating system: a killed process gives it back.
        """
        path = self.settings.data / "writer.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + self.settings.lock_wait_seconds
        with path.open("a+", encoding="utf-8") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= until:
                        raise Busy(
                            f"another run is writing to {self.settings.data}; waited "
                            f"{self.settings.lock_wait_seconds:g} s. Start again when it is done."
                        ) from None
                    time.sleep(0.2)
            self.lake.clear_staging()
            yield


Step = Callable[[Night, date], Report]
