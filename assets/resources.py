"""The installation as a Dagster resource.

Here: opening the lake and order store for one run and being their only writer
meanwhile. Not here: settings (`mingdan.settings`) and any work.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    _held: ExitStack = PrivateAttr()
    _locked: bool = PrivateAttr(default=False)

    @property
    def night(self) -> Night:
        """The installation, locked by the run's first step until the run's end.

        Raises dagster's Failure, which is not retried, if another run holds it:
        in a step, so that the UI shows the message and not a resource's stack.
        """
        if not self._locked:
            try:
                self._held.enter_context(self._night.lock())
            except Busy as busy:
                raise dg.Failure(str(busy), allow_retries=False) from busy
            self._locked = True
        return self._night

    def settings(self) -> Settings:
        settings = Settings(lock_wait_seconds=self.lock_wait_seconds)
        return settings.model_copy(update={"data": Path(self.data)}) if self.data else settings

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Installation"]:
        del context
        with ExitStack() as held:
            self._night, self._held, self._locked = Night(self.settings()), held, False
            yield self
