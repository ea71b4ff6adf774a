"""Random orders, cancels, expiry and retries against a tiny model of what must hold.

The model knows who holds which number, SIM and place under the cap, by order
and by subscription, and says of every call whether it may be carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
    rule,
)

from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import AnyCommand, ChangeNumber, Terminate, TransferOwner
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused
from tests.orders.lifecycle.ways import COUNTER, cancel, complete, pay, place, provision, residue
from tests.orders.machines import StoreMachine, held, run
from tests.orders.support import (
    PEPPER,
    at,
    emptied_postgresql_url,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    sqlite_url,
)

CAP = 2
NUMBERS, SIMS, PEOPLE = st.integers(1, 4), st.integers(1, 6), st.integers(1, 3)
POLICY = Policy.shipped().with_values(subscriptions_per_person=CAP, ageing_days=0, order_minutes=60)
END = at(900)


@dataclass
class Way:
    """An order on its way, as the model has it."""

    kind: str
    sub: str
    until: datetime
    number: int = 0
    sim: int = 0
    who: int = 0
    state: str = "pending"
    ready: bool = False


@dataclass
class Held:
    """A subscription in service, as the model has it."""

    number: int
    sim: int
    who: int


@dataclass
class Gone:
    """A subscription that an order ended, as the model has it."""

    sub: str
    held: Held
    until: datetime
    """The instant from which the order is not taken back any more."""
    back: bool = True
    """Whether nobody has had the number since."""


@dataclass
class Model:
    """Who holds what."""

    now: datetime = field(default_factory=at)
    ways: dict[str, Way] = field(default_factory=dict)
    subs: dict[str, Held] = field(default_factory=dict)
    spent: set[int] = field(default_factory=set)
    gone: dict[str, Gone] = field(default_factory=dict)

    def live(self) -> list[Way]:
        open_ = ("pending", "inProgress", "held")
        return [w for w in self.ways.values() if w.state in open_ and self.now < w.until]

    def working(self) -> list[str]:
        soon = self.now + timedelta(minutes=1)
        busy = ("pending", "inProgress")
        return [ref for ref, w in self.ways.items() if w.state in busy and soon < w.until]

    def free(self, number: int = 0, sim: int = 0) -> bool:
        used: list[Way | Held] = [*self.live(), *self.subs.values()]
        return not (
            (number and any(each.number == number for each in used))
            or (sim and (sim in self.spent or any(each.sim == sim for each in used)))
        )

    def took(self, number: int) -> None:
        for each in self.gone.values():
            each.back = each.back and each.held.number != number

    def places(self, who: int) -> int:
        coming = [w for w in self.live() if w.kind in ("open", "transfer") and w.who == who]
        return len(coming) + sum(held.who == who for held in self.subs.values())

    def moving(self, sub: str) -> bool:
        return any(way.sub == sub for way in self.live())


class Desk(StoreMachine):
    """The order desk beside the model; each rule takes a minute."""

    policy = POLICY

    def __init__(self) -> None:
        super().__init__()
        self.desk = OrderDesk(self.store)
        self.model = Model()
        self.serial = 0

    def tick(self) -> datetime:
        self.model.now += timedelta(minutes=1)
        self.serial += 1
        return self.model.now

    def agree(self, allowed: bool, call: Callable[[], Any]) -> bool:
        """Make the call: carried out exactly if the model allows it."""
        refusal = None
        try:
            call()
        except Refused as refused:
            refusal = refused
        assert allowed == (refusal is None), f"the model says otherwise: {refusal}"
        return refusal is None

    def staged(self, ref: str, way: Way, command: AnyCommand, allowed: bool) -> None:
        if self.agree(allowed, lambda: place(self.desk, command, self.model.now)):
            way.state = self.desk.get(ref).state
            self.model.ways[ref] = way

    @rule(number=NUMBERS, sim=SIMS, who=PEOPLE)
    def open_(self, number: int, sim: int, who: int) -> None:
        now = self.tick()
        ref, sub = f"o{self.serial}", f"S{self.serial}"
        allowed = self.model.free(number, sim) and self.model.places(who) < CAP
        way = Way("open", sub, now + timedelta(hours=1), number, sim, who)
        self.staged(ref, way, self._opening(ref, sub, number, sim, who), allowed)

    @rule(number=NUMBERS, sim=SIMS, who=PEOPLE, bulk=st.booleans())
    def open_at_once(self, number: int, sim: int, who: int, bulk: bool) -> None:
        now = self.tick()
        ref, sub = f"o{self.serial}", f"S{self.serial}"
        allowed = self.model.free(number, sim) and self.model.places(who) < CAP
        command = self._opening(ref, sub, number, sim, who)

        def call() -> None:
            if bulk:
                if self.store.apply([command]).refused:
                    raise Refused("unknown_order", order_ref=ref)
            else:
                money = Money(amount_fen=1000, correlator=ref)
                view = self.desk.run(command, actor=COUNTER, at=now, payment=money)
                assert view.state == "completed"

        if self.agree(allowed, call):
            self.model.subs[sub] = Held(number, sim, who)
            self.model.took(number)

    @precondition(lambda self: self.model.subs)
    @rule(data=st.data(), number=NUMBERS)
    def change_number(self, data: st.DataObject, number: int) -> None:
        now, sub = self.tick(), self._sub(data)
        ref = f"c{self.serial}"
        allowed = self.model.free(number) and not self.model.moving(sub)
        command = order(ChangeNumber, ref, now, subscription_ref=sub, msisdn=msisdn(number))
        self.staged(ref, Way("number", sub, now + timedelta(hours=1), number), command, allowed)

    @precondition(lambda self: self.model.subs)
    @rule(data=st.data(), who=PEOPLE)
    def transfer(self, data: st.DataObject, who: int) -> None:
        now, sub = self.tick(), self._sub(data)
        ref = f"t{self.serial}"
        allowed = (
            self.model.subs[sub].who != who
            and self.model.places(who) < CAP
            and not self.model.moving(sub)
        )
        command = order(TransferOwner, ref, now, subscription_ref=sub, party=person(who))
        way = Way("transfer", sub, now + timedelta(hours=1), who=who)
        self.staged(ref, way, command, allowed)

    @precondition(lambda self: self.model.subs)
    @rule(data=st.data())
    def terminate(self, data: st.DataObject) -> None:
        now, sub = self.tick(), self._sub(data)
        ref = f"e{self.serial}"
        command = order(Terminate, ref, now, subscription_ref=sub)
        way = Way("end", sub, now + timedelta(hours=1))
        self.staged(ref, way, command, not self.model.moving(sub))

    @precondition(lambda self: self.model.ways)
    @rule(data=st.data())
    def pay(self, data: st.DataObject) -> None:
        now, ref, way = self.tick(), *self._way(data)
        unpaid = way.state == "pending"

        def call() -> None:
            self.desk.pay(ref, 1000, f"pay-{ref}-{self.serial}", COUNTER, now)

        if self.agree(unpaid and now < way.until, call):
            way.state = "inProgress"

    @precondition(lambda self: self.model.ways)
    @rule(data=st.data(), outcome=st.sampled_from(["done", "done", "held", "solved", "failed"]))
    def provision(self, data: st.DataObject, outcome: str) -> None:
        now, ref, way = self.tick(), *self._way(data)
        needs = {"held": ("inProgress",), "solved": ("held",), "done": ("inProgress",)}
        allowed = way.state in needs.get(outcome, ("inProgress", "held"))
        allowed = allowed and (outcome == "failed" or now < way.until)
        if self.agree(allowed, lambda: provision(self.desk, ref, now, outcome)):
            way.state = {"held": "held", "failed": "failed"}.get(outcome, "inProgress")
            way.ready = way.ready or outcome == "done"

    @precondition(lambda self: self.model.ways)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        now, ref, way = self.tick(), *self._way(data)
        ready = way.ready or way.kind == "transfer"
        if way.state == "completed":
            assert complete(self.desk, ref, now).repeated
            return
        allowed = way.state == "inProgress" and ready and now < way.until
        if self.agree(allowed, lambda: complete(self.desk, ref, now)):
            way.state = "completed"
            self._effect(ref, way)

    @precondition(lambda self: self.model.working())
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """A living order straight to its end."""
        ref = data.draw(st.sampled_from(self.model.working()))
        now, way = self.tick(), self.model.ways[ref]
        pay(self.desk, self.desk.get(ref), now)
        provision(self.desk, ref, now)
        complete(self.desk, ref, now)
        way.state = "completed"
        self._effect(ref, way)

    @precondition(lambda self: self.model.gone)
    @rule(data=st.data())
    def reinstate(self, data: st.DataObject) -> None:
        """An order that ended a subscription is taken back (冲正)."""
        now, model = self.tick(), self.model
        ref = data.draw(st.sampled_from(sorted(model.gone)))
        gone = model.gone[ref]
        allowed = (
            gone.back
            and now < gone.until
            and model.free(gone.held.number)
            and model.places(gone.held.who) < CAP
        )

        def call() -> None:
            view = self.desk.reverse(ref, f"back-{self.serial}", actor=COUNTER, at=now)
            assert view.order_type == "REINSTATE"

        if self.agree(allowed, call):
            model.gone.pop(ref)
            model.spent.remove(gone.held.sim)
            model.subs[gone.sub] = gone.held
            model.took(gone.held.number)

    @precondition(lambda self: self.model.ways)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        now, ref, way = self.tick(), *self._way(data)
        allowed = way.state not in ("completed", "failed")
        if self.agree(allowed, lambda: cancel(self.desk, ref, now)):
            way.state = "cancelled"
            assert residue(self.store) == {}

    @precondition(lambda self: self.model.ways)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        """The request for an order on its way or at its end, sent again."""
        now, ref, way = self.tick(), *self._way(data)
        if way.kind != "open":
            return
        command = self._opening(ref, way.sub, way.number, way.sim, way.who)
        view = place(self.desk, command, now)
        assert view.repeated
        assert view.state == way.state

    @rule(minutes=st.sampled_from([5, 30, 61]))
    def wait(self, minutes: int) -> None:
        self.model.now += timedelta(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        now = self.tick()
        self.desk.expire(actor=SYSTEM, at=now)
        for way in self.model.ways.values():
            if way.state in ("pending", "inProgress", "held") and now >= way.until:
                way.state = "cancelled"

    def check(self) -> None:
        """At the end the tables say what the model says, and no order left anything."""
        assert residue(self.store) == {}
        assert held(self.store, END) == {
            key: sub
            for sub, each in self.model.subs.items()
            for key in (
                ("msisdn", int(msisdn(each.number))),
                ("imsi", int(imsi(each.sim))),
            )
        }
        subscriptions = self.store.subscriptions(END, END.date(), pepper=PEPPER)
        assert (subscriptions["party_cards"] <= CAP).all()

    def _opening(self, ref: str, sub: str, number: int, sim: int, who: int) -> AnyCommand:
        return opening(
            1, when=self.model.now, order_ref=ref, subscription_ref=sub, party=person(who),
            msisdn=msisdn(number), imsi=imsi(sim), iccid=iccid(sim),
        )  # fmt: skip

    def _sub(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.model.subs)))

    def _way(self, data: st.DataObject) -> tuple[str, Way]:
        ref = data.draw(st.sampled_from(sorted(self.model.ways)))
        return ref, self.model.ways[ref]

    def _effect(self, ref: str, way: Way) -> None:
        subs = self.model.subs
        if way.kind == "open":
            subs[way.sub] = Held(way.number, way.sim, way.who)
            self.model.took(way.number)
        elif way.kind == "number":
            subs[way.sub].number = way.number
            self.model.took(way.number)
        elif way.kind == "transfer":
            subs[way.sub].who = way.who
        else:
            held = subs.pop(way.sub)
            self.model.spent.add(held.sim)
            self.model.gone[ref] = Gone(way.sub, held, self.model.now + timedelta(days=1))


def test_random_orders_on_sqlite() -> None:
    run(Desk, sqlite_url, examples=10, steps=40)


def test_random_orders_on_postgresql() -> None:
    run(Desk, lambda _: emptied_postgresql_url(), examples=3, steps=25)
