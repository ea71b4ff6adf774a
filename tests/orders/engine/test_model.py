"""Random orders, crashes and retries against a tiny model of who holds and owes what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule
from sqlalchemy import func, select

from mingdan.orders import flush
from mingdan.orders.commands import (
    AnyCommand,
    ChangeNumber,
    Charge,
    Pay,
    Resume,
    Suspend,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.orders.model import CustomerBill, Payment
from tests.orders.machines import StoreMachine, held, run
from tests.orders.support import (
    at,
    emptied_postgresql_url,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    sqlite_url,
    young,
)

CAP = 5
STEP = timedelta(hours=2)
END = at(999)
SUBSCRIPTIONS, NUMBERS = st.integers(1, 7), st.integers(1, 5)
SIMS, PEOPLE, FEN = st.integers(1, 12), st.integers(1, 2), st.integers(1, 500)
CRASHES = st.sampled_from([None, None, None, "before", "after"])


class PowerCut(Exception):
    """The process is gone: what was written and not committed is gone with it."""


@dataclass
class Line:
    """A subscription as the model has it."""

    number: int
    sim: int
    owner: int
    alive: bool = True
    stopped: bool = False
    bills: list[tuple[datetime, int]] = field(default_factory=list)
    paid: int = 0


class Orders(StoreMachine):
    policy = young(0)

    def __init__(self) -> None:
        super().__init__()
        self.now, self.serial = at(), 0
        self.lines: dict[str, Line] = {}
        self.used_sims: set[int] = set()
        self.told: list[tuple[AnyCommand, bool]] = []

    # What the model says of numbers, SIMs and people.

    def taken(self, number: int) -> bool:
        return any(line.alive and line.number == number for line in self.lines.values())

    def full(self, party: int) -> bool:
        return sum(line.alive and line.owner == party for line in self.lines.values()) >= CAP

    def owes(self, line: Line) -> bool:
        return sum(fen for due, fen in line.bills if due < self.now) > line.paid

    def line(self, serial: int) -> Line | None:
        """The subscription, if it is in service."""
        found = self.lines.get(f"S{serial}")
        return found if found is not None and found.alive else None

    def ask(self, command: AnyCommand, crash: str | None, *, allowed: bool) -> bool:
        """Hand in `command`; a crash before or after the commit is answered by a retry."""
        if crash == "before" and not self.crash(command):
            # Fewer rows than the cut would have taken: it was done.
            self.told.append((command, True))
            return True
        first = self.store.apply([command])
        if crash == "after" and allowed:
            # The answer was lost: asked again, it says so.
            self.store.close()
            self.store = self.opened()
            again = self.store.apply([command])
            assert (again.completed, again.repeated) == (0, 1)
        assert (first.completed, len(first.refused)) == (int(allowed), int(not allowed)), (
            command,
            first.refused,
        )
        self.told.append((command, allowed))
        return allowed

    def crash(self, command: AnyCommand) -> bool:
        """The power goes after some of the order's rows were written; if it did."""
        left = 1 + self.serial % 7

        def until_the_cut(insert: Callable[..., None], *values: Any) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise PowerCut
            insert(*values)

        with pytest.MonkeyPatch.context() as patch:
            for name in ("insert", "insert_ticked"):
                patch.setattr(flush, name, partial(until_the_cut, getattr(flush, name)))
            try:
                self.store.apply([command])
            except PowerCut:
                return True
        return False

    def frame(self, **values: Any) -> dict[str, Any]:
        self.now += STEP
        self.serial += 1
        return {"order_ref": f"r{self.serial}", "when": self.now, **values}

    # The businesses.

    @rule(serial=SUBSCRIPTIONS, number=NUMBERS, sim=SIMS, party=PEOPLE)
    def opens(self, serial: int, number: int, sim: int, party: int) -> None:
        command = opening(serial, **self.frame(), party=person(party), msisdn=msisdn(number),
                          imsi=imsi(sim), iccid=iccid(sim))  # fmt: skip
        known = f"S{serial}" in self.lines
        allowed = not (known or self.taken(number) or sim in self.used_sims or self.full(party))
        if self.ask(command, None, allowed=allowed):
            self.lines[f"S{serial}"] = Line(number, sim, party)
            self.used_sims.add(sim)

    @rule(serial=SUBSCRIPTIONS, number=NUMBERS, crash=CRASHES)
    def changes_number(self, serial: int, number: int, crash: str | None) -> None:
        line = self.line(serial)
        command = self.command(ChangeNumber, serial, msisdn=msisdn(number))
        if self.asks(command, crash, allowed=line is not None and not self.taken(number)):
            self.lines[f"S{serial}"].number = number

    @rule(serial=SUBSCRIPTIONS, sim=SIMS, crash=CRASHES)
    def swaps(self, serial: int, sim: int, crash: str | None) -> None:
        line = self.line(serial)
        command = self.command(SwapSim, serial, imsi=imsi(sim), iccid=iccid(sim), reason="swap")
        if self.asks(command, crash, allowed=line is not None and sim not in self.used_sims):
            self.lines[f"S{serial}"].sim = sim
            self.used_sims.add(sim)

    @rule(serial=SUBSCRIPTIONS, party=PEOPLE, crash=CRASHES)
    def transfers(self, serial: int, party: int, crash: str | None) -> None:
        command = self.command(TransferOwner, serial, party=person(party))
        line = self.line(serial)
        allowed = line is not None and not (
            line.owner == party or self.owes(line) or self.full(party)
        )
        if self.asks(command, crash, allowed=allowed):
            self.lines[f"S{serial}"].owner = party

    @rule(serial=SUBSCRIPTIONS, stop=st.booleans(), crash=CRASHES)
    def stops_and_resumes(self, serial: int, stop: bool, crash: str | None) -> None:
        command = self.command(Suspend if stop else Resume, serial, reason="lost")
        line = self.line(serial)
        if self.asks(command, crash, allowed=line is not None and line.stopped != stop):
            self.lines[f"S{serial}"].stopped = stop

    @rule(serial=SUBSCRIPTIONS, fen=FEN, crash=CRASHES)
    def is_billed(self, serial: int, fen: int, crash: str | None) -> None:
        due = self.now + STEP + timedelta(hours=1)
        command = self.command(Charge, serial, amount_fen=fen, due_at=due)
        if self.asks(command, crash, allowed=f"S{serial}" in self.lines):
            self.lines[f"S{serial}"].bills.append((due, fen))

    @rule(serial=SUBSCRIPTIONS, fen=FEN, crash=CRASHES)
    def pays(self, serial: int, fen: int, crash: str | None) -> None:
        command = self.command(Pay, serial, amount_fen=fen)
        if self.asks(command, crash, allowed=f"S{serial}" in self.lines):
            self.lines[f"S{serial}"].paid += fen

    @rule(serial=SUBSCRIPTIONS, crash=CRASHES)
    def ends(self, serial: int, crash: str | None) -> None:
        command = self.command(Terminate, serial)
        if self.asks(command, crash, allowed=self.line(serial) is not None):
            self.lines[f"S{serial}"].alive = False

    @rule()
    def hands_everything_in_again(self) -> None:
        done = [command for command, allowed in self.told if allowed]
        again = self.store.apply(done)
        assert (again.completed, again.repeated, again.refused) == (0, len(done), [])

    def command(self, kind: Any, serial: int, **values: Any) -> AnyCommand:
        frame = self.frame()
        return order(kind, frame["order_ref"], frame["when"], subscription_ref=f"S{serial}",
                     **values)  # fmt: skip

    def asks(self, command: AnyCommand, crash: str | None, *, allowed: bool) -> bool:
        return self.ask(command, crash if allowed else None, allowed=allowed)

    def check(self) -> None:
        expected = {}
        for ref, line in self.lines.items():
            if line.alive:
                expected["msisdn", int(msisdn(line.number))] = ref
                expected["imsi", int(imsi(line.sim))] = ref
        assert held(self.store, END) == expected
        with self.store.database.reading() as connection:
            for model, wanted in (
                (CustomerBill, [fen for line in self.lines.values() for _, fen in line.bills]),
                (Payment, [line.paid for line in self.lines.values()]),
            ):
                total = connection.execute(select(func.sum(model.amount_fen))).scalar()
                assert (total or 0) == sum(wanted), "money was created or lost"


def test_any_orders_and_crashes_on_sqlite() -> None:
    run(Orders, sqlite_url, examples=6, steps=25)


def test_any_orders_and_crashes_on_postgresql() -> None:
    run(Orders, lambda _: emptied_postgresql_url(), examples=2, steps=25)
