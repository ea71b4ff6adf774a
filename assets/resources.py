"""The installation as a Dagster resource.

Here: opening the lake and order store for one run and being their only writer
meanwhile. Not here: settings (`mingdan.settings`) and any work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from mingdan.errors import Busy
from mingdan.night import Night
from mingdan.settings import Settings


class Installation(dg.ConfigurableResource):  # type: ignore[type-arg]
    """One operator's data folder; the run that holds it is its only writer.

    The lock is the operating system's: a second run of the same or another day
    waits `lock_wait_seconds` and is then refused; a killed run gives it back.
    """

    data: str = ""
    """Folder of the installation; empty: `MINGDAN_DATA`, else `data`."""
    lock_wait_seconds: float = 300.0

    _night: Night = PrivateAttr()

    @property
    def night(self) -> Night:
        return self._night

    def settings(self) -> Settings:
        settings = Settings(lock_wait_seconds=self.lock_wait_seconds)
        return settings.model_copy(update={"data": Path(self.data)}) if self.data else settings

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Installation"]:
        del context
        self._night = Night(self.settings())
        try:
            with self._night.lock():
                yield self
        except Busy as busy:
            raise dg.Failure(str(busy), allow_retries=False) from busy
