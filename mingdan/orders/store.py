"""The order store: the one door to parties, numbers, orders and holdings.

Here: opening it, carrying out commands in bulk, and what others may ask. Not
here: the businesses (`businesses`), the tables (`model.py`) and reading for the
lake (`reading.py`). No caller touches tables.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self, TypeVar

import polars as pl
from sqlalchemy import Connection

from mingdan.errors import Contended, Unreachable
from mingdan.orders import catalogue, lookups, reading, standing
from mingdan.orders import restrictions as written_back
from mingdan.orders.commands import AnyCommand, Applied, Refusal
from mingdan.orders.database import LOCK_WAIT_SECONDS, Database
from mingdan.orders.intake import Entry, apply_batch, read_frames
from mingdan.orders.outbox import Outbox, Position, read_outbox
from mingdan.orders.policy import Policy
from mingdan.orders.restrictions import Restriction
from mingdan.orders.working_set import Offering

Done = TypeVar("Done")
RETRY_SECONDS = 0.5
"""How long to leave a database alone that went away; one that undid us is asked at once."""
BATCH = 10_000
"""Commands of one transaction: several parts (`intake.py`), yet done in a second or two."""


class OrderStore:
    """An open order store. Safe for several processes; one thread each."""

    def __init__(self, database: Database, policy: Policy) -> None:
        self._database = database
        self._policy = policy
        self._offerings = catalogue.sync(database)

    @classmethod
    def open(cls, url: str, *, policy: Policy | None = None) -> Self:
        """Open the store at a SQLAlchemy URL, creating or migrating it if need be.

        `sqlite:///data/orders.db` or `postgresql://user@host/name`. `policy`:
        default the one shipped. Raises WrongUsage for another kind of database,
        InputRefused if it cannot be opened or a newer Mingdan wrote it.
        """
        database = Database(url)
        try:
            database.migrate()
            return cls(database, policy or Policy.shipped())
        except BaseException:
            database.close()
            raise

    @property
    def database(self) -> Database:
        """For the rooms of this package (`money`, `stock`, ...); no caller touches tables."""
        return self._database

    @property
    def policy(self) -> Policy:
        """The policy this store was opened with."""
        return self._policy

    @property
    def offerings(self) -> dict[str, Offering]:
        """What can be ordered, by code; for the rooms of this package."""
        return self._offerings

    def close(self) -> None:
        """Give back the connections; the store may not be used any more."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def apply(
        self,
        commands: Iterable[AnyCommand],
        *,
        progress: Callable[[int], None] | None = None,
    ) -> Applied:
        """Carry out `commands`, each wholly or not at all; refusals do not stop the rest.

        In the order in which the store learns of them (`recorded_at`, by default
        `at`; equal instants keep their order), so that what was known at an
        earlier instant never depends on what was handed in together. Idempotent
        by `order_ref`. One transaction for every 10,000; `progress` is told the
        number done after each. Raises Busy if another writer holds the store,
        Unreachable if the database stays away for 30 s.
        """
        refused: list[Refusal] = []
        with _without_collector():
            accepted = sorted(read_frames(commands, refused), key=lambda each: each[0].recorded_at)
        total = Applied(completed=0, repeated=0, refused=refused)
        done = len(refused)
        for start in range(0, len(accepted), BATCH):
            part = accepted[start : start + BATCH]
            with _without_collector():
                outcome = self._apply(part)
            total = total.plus(outcome)
            done += len(part)
            if progress is not None:
                progress(done)
        return total

    def _apply(self, part: list[Entry]) -> Applied:
        """One batch. Idempotent by `order_ref`: what was done before a connection
        broke is `repeated` the second time.
        """
        return self._insisting(
            lambda connection: apply_batch(
                self._database, connection, self._policy, self._offerings, part, first=True
            )
        )

    def _insisting(self, work: Callable[[Connection], Done]) -> Done:
        """One transaction; again if the database went away or undid it, for as long as
        a lock is waited for. Only for work that may be done twice.
        """
        until = monotonic() + LOCK_WAIT_SECONDS
        while True:
            try:
                with self._database.writing() as connection:
                    return work(connection)
            except (Contended, Unreachable) as error:
                if monotonic() > until:
                    raise
                sleep(RETRY_SECONDS if isinstance(error, Unreachable) else 0)

    def settle(self) -> None:
        """Wait until every order now being written is on record. Raises Busy after 30 s.

        What was recorded by an instant that has passed is complete after this.
        """
        self._database.settle()

    def has_event(self, seq: int, order_id: int) -> bool:
        """Whether the log holds this event of this order."""
        with self._database.reading() as connection:
            return reading.has_event(connection, seq, order_id)

    def order_events(self, after: datetime, until: datetime) -> pl.DataFrame:
        """Events recorded in `(after, until]`, as the lake's `order_events`."""
        with self._database.reading() as connection:
            return reading.order_events(connection, after, until)

    def number_holdings(self, known_at: datetime, *, since: datetime | None = None) -> pl.DataFrame:
        """Who held which MSISDN and IMSI when, as known at an instant.

        `since`: only intervals that reach beyond it.
        """
        with self._database.reading() as connection:
            return reading.number_holdings(connection, known_at, since)

    def subscription_holdings(
        self, known_at: datetime, *, since: datetime | None = None
    ) -> pl.DataFrame:
        """Which party held which subscription when, as known at an instant."""
        with self._database.reading() as connection:
            return reading.subscription_holdings(connection, known_at, since)

    def subscriptions(
        self,
        known_at: datetime,
        day: date,
        *,
        pepper: bytes,
        since: datetime | None = None,
    ) -> pl.DataFrame:
        """Every subscription that existed by the end of `day`, as it then stood.

        `since`: without those terminated before. `pepper` keys the documents'
        pseudonyms.
        """
        with self._database.reading() as connection:
            return standing.subscriptions(connection, known_at, day, pepper, since)

    def protections(self, known_at: datetime) -> pl.DataFrame:
        """Every protection (红名单) known at an instant, ended or not."""
        with self._database.reading() as connection:
            return reading.protections(connection, known_at)

    def appeals(self, known_at: datetime) -> pl.DataFrame:
        """Every appeal (申诉) against a label that was upheld by an instant."""
        with self._database.reading() as connection:
            return reading.appeals(connection, known_at)

    def current_numbers(self, subscription_ids: Iterable[int], at: datetime) -> dict[int, str]:
        """The MSISDN of each subscription at `at`, as then known; without one, absent.

        Raw numbers, for releases only.
        """
        with self._database.reading() as connection:
            return reading.current_numbers(connection, set(subscription_ids), at)

    def subscription_key(self, name: str) -> int:
        """The subscription a person means: its number (now), its reference or its key.

        Raises InputRefused if there is none.
        """
        with self._database.reading() as connection:
            return lookups.subscription_key(connection, name)

    def subscription_keys(self, name: str) -> list[int]:
        """Every subscription that ever held a number, the newest first; else as `subscription_key`.

        Raises InputRefused if there is none.
        """
        with self._database.reading() as connection:
            return lookups.subscription_keys(connection, name)

    def numbers_ever(self, subscription_id: int) -> list[int]:
        """Every number it ever held or was believed to hold, the oldest first."""
        with self._database.reading() as connection:
            return lookups.numbers_ever(connection, subscription_id)

    def subscription_ref(self, name: str) -> str:
        """The ordering system's reference of the subscription a person means.

        Raises InputRefused if there is none.
        """
        with self._database.reading() as connection:
            return lookups.subscription_ref(connection, name)

    def show(self, subscription_id: int, now: datetime) -> dict[str, Any]:
        """All that is on record of a subscription, masked for people's eyes.

        Raises InputRefused if there is no such subscription.
        """
        with self._database.reading() as connection:
            return lookups.show(connection, subscription_id, now)

    def restrict(self, day: date, restrictions: Iterable[Restriction]) -> int:
        """Write back the effects of the labels in force after the night of `day`.

        They replace the night before's; the same night again gives the same
        result, without what an appeal (申诉) lifted since. A night older than the
        newest one written back changes nothing. Returns the number in force.
        """
        wanted = list(restrictions)

        def work(connection: Connection) -> int:
            self._database.lock(connection, "customers", [written_back.LOCK])
            return written_back.restrict(connection, day, wanted)

        return self._insisting(work)

    def restrictions(self, party_id: int) -> list[Restriction]:
        """What an order of this party is checked against."""
        with self._database.reading() as connection:
            return written_back.in_force(connection, party_id)

    def outbox(self, after: Position | None = None, *, limit: int = 10_000) -> Outbox:
        """Events after a position in the order they were committed, each exactly once."""
        with self._database.reading() as connection:
            return read_outbox(connection, after, limit)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Without Python's cycle collector.

    A batch makes half a million objects and no cycles; looking for them took a
    quarter of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
