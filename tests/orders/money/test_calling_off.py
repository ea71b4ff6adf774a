"""合帐 and 分帐 yet to come, and calling them off, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.orders.commands import (
    AnyCommand,
    CancelAccountChange,
    Charge,
    MergeAccount,
    Pay,
    SplitAccount,
    Terminate,
    TransferOwner,
)
from mingdan.orders.database import Database
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.money import balances
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.reconcile import mismatches
from mingdan.orders.money.requests import CancelChangeRequest, MergeRequest, SplitRequest
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.engine.test_replay import rebuilt
from tests.orders.lifecycle.ways import COUNTER, cancel, everything, place, refused
from tests.orders.machines import StoreMachine, run
from tests.orders.support import (
    PEPPER,
    at,
    done,
    emptied_postgresql_url,
    opening,
    order,
    person,
    refusal,
    sqlite_url,
    young,
)

DECEMBER = at(61)
"""When the changes of these stories take effect."""


@pytest.fixture
def desk(store: OrderStore) -> Iterator[AccountDesk]:
    """Three postpaid subscriptions of three people; at the end the money agrees."""
    done(store, opening(1), opening(2), opening(3))
    yield AccountDesk(store)
    assert mismatches(store) == []


def merge(desk: AccountDesk, ref: str, host: str, days: float, name: str = "m") -> Any:
    request = MergeRequest(
        subscription_ref=ref, with_subscription_ref=host, order_ref=name, effective_from=DECEMBER
    )
    return desk.merge(request, actor=COUNTER, at=at(days))


def split(desk: AccountDesk, ref: str, days: float, name: str = "n") -> Any:
    request = SplitRequest(subscription_ref=ref, order_ref=name, effective_from=DECEMBER)
    return desk.split(request, actor=COUNTER, at=at(days))


def call_off(desk: AccountDesk, ref: str, days: float, name: str = "off") -> Any:
    request = CancelChangeRequest(subscription_ref=ref, order_ref=name)
    return desk.cancel_change(request, actor=COUNTER, at=at(days))


def paying(desk: AccountDesk, ref: str, days: float) -> int:
    return desk.show(ref, at=at(days)).accounts[0].account_id


def bill(store: OrderStore, ref: str, fen: int, days: float, due: float = 300) -> None:
    values = {"subscription_ref": ref, "amount_fen": fen, "due_at": at(due)}
    done(store, order(Charge, f"bill-{ref}-{days}", at(days), **values))


def test_the_clerk_calls_off_what_was_arranged_for_december(
    store: OrderStore, desk: AccountDesk
) -> None:
    before = desk.show("S2", at=at(5))
    arranged = merge(desk, "S2", "S1", 5)
    assert (arranged.account_id, arranged.effective_from) == (1, DECEMBER)
    assert [account for _, account in desk.show("S2", at=at(5)).history] == [2, 1]
    gone = call_off(desk, "S2", 20)
    assert (gone.account_id, gone.effective_from, gone.repeated) == (2, DECEMBER, False)
    again = call_off(desk, "S2", 21)
    assert (again.account_id, again.effective_from, again.repeated) == (2, DECEMBER, True)
    assert refused(call_off, desk, "S2", 21, "off2") == "no_pending_account_change"
    assert desk.show("S2", at=at(5)) == before, "as if it had never been arranged"
    bill(store, "S2", 70, 70)
    assert (paying(desk, "S2", 70), desk.show("S2", at=at(70)).accounts[0].balance_fen) == (2, -70)
    assert desk.show("S1", at=at(70)).accounts[0].members == ("S1",)
    # Nothing stands in the way of what the arrangement had kept from happening.
    done(store, order(TransferOwner, "t", at(71), subscription_ref="S2", party=person(9)))


def test_another_one_for_the_same_instant_takes_its_place(
    store: OrderStore, desk: AccountDesk
) -> None:
    bill(store, "S1", 100, 1, due=3)
    bill(store, "S3", 300, 1, due=3)
    merge(desk, "S2", "S1", 5)
    assert refused(merge, desk, "S2", "S3", 6, "m3") == "account_change_pending"
    moved = order(TransferOwner, "t", at(6), subscription_ref="S2", party=person(9))
    assert refusal(store, moved) == "account_change_pending"
    call_off(desk, "S2", 20)
    merge(desk, "S2", "S3", 21, "m3")
    assert [paying(desk, "S2", days) for days in (60, 61)] == [2, 3]
    call_off(desk, "S2", 22, "off3")
    merge(desk, "S2", "S1", 22, "m1")
    assert [paying(desk, "S2", days) for days in (60, 61)] == [2, 1]
    # A night reads what was known by then: whose arrears will be those of S2.
    for known, owed in ((10, 100), (20.5, 0), (21.5, 300), (23, 100)):
        frame = store.subscriptions(at(known), DECEMBER.date(), pepper=PEPPER)
        assert dict(frame.select("external_id", "arrears_fen").rows())["S2"] == owed


def test_a_parting_is_called_off_and_nobody_has_left_meanwhile(desk: AccountDesk) -> None:
    now = {"actor": COUNTER, "at": at(1)}
    request = MergeRequest(subscription_ref="S2", with_subscription_ref="S1", order_ref="first")
    desk.merge(request, **now)
    split(desk, "S2", 5)
    # S2 may come back until December: the account it pays from goes nowhere.
    assert refused(merge, desk, "S1", "S3", 6) == "account_has_members"
    # Nobody joins one who is about to leave.
    assert refused(merge, desk, "S3", "S2", 6) == "account_change_pending"
    call_off(desk, "S2", 20)
    assert paying(desk, "S2", 90) == 1


def test_only_what_is_yet_to_come_is_called_off(store: OrderStore, desk: AccountDesk) -> None:
    assert refused(call_off, desk, "S2", 5) == "no_pending_account_change"
    assert refused(call_off, desk, "S404", 5) == "unknown_subscription"
    merge(desk, "S2", "S1", 5)
    late = order(CancelAccountChange, "late", at(8), subscription_ref="S2", recorded_at=DECEMBER)
    assert refusal(store, late) == "no_pending_account_change"
    before = everything(store)
    assert refused(call_off, desk, "S2", 61) == "no_pending_account_change"
    assert everything(store) == before
    done(store, order(Terminate, "x", at(62), subscription_ref="S2"))
    assert refused(call_off, desk, "S2", 63) == "subscription_terminated"


def test_the_end_of_a_subscription_calls_it_off(store: OrderStore, desk: AccountDesk) -> None:
    merge(desk, "S2", "S1", 5)
    done(store, order(Terminate, "x", at(20), subscription_ref="S2"))
    bill(store, "S2", 30, 65)
    assert (paying(desk, "S2", 65), desk.show("S2", at=at(65)).accounts[0].balance_fen) == (2, -30)
    merge(desk, "S1", "S3", 21, "free")


def test_an_order_for_it_is_cancelled_at_any_stage(store: OrderStore, desk: AccountDesk) -> None:
    orders = OrderDesk(store)
    values = {"subscription_ref": "S2", "with_subscription_ref": "S1", "effective_from": DECEMBER}
    before = desk.show("S2", at=at(70))
    place(orders, order(MergeAccount, "m", at(), **values), at(5))
    cancel(orders, "m", at(6))
    assert desk.show("S2", at=at(70)) == before
    # Completed, it is taken back, and what took it back as well.
    orders.run(order(MergeAccount, "m2", at(), **values), actor=COUNTER, at=at(7))
    taken = orders.reverse("m2", "m2-back", actor=COUNTER, at=at(7.2))
    assert taken.order_type == "CANCEL_ACCOUNT_CHANGE"
    assert desk.show("S2", at=at(70)) == before
    merge(desk, "S2", "S1", 8, "m3")
    call_off(desk, "S2", 8.1)
    assert (
        orders.reverse("off", "off-back", actor=COUNTER, at=at(8.2)).order_type == "MERGE_ACCOUNT"
    )
    assert [paying(desk, "S2", days) for days in (60, 61)] == [2, 1]
    assert refused(orders.reverse, "m3", "m3-back", actor=COUNTER, at=at(8.3)) == "later_order"


def test_both_logs_rebuild_it(own_url: str, tmp_path: Path) -> None:
    with OrderStore.open(own_url) as store:
        done(store, opening(1), opening(2), opening(3))
        desk = AccountDesk(store)
        merge(desk, "S2", "S1", 5)
        call_off(desk, "S2", 6)
        merge(desk, "S2", "S3", 7, "again")
        done(store, order(Terminate, "x", at(8), subscription_ref="S2"))
    assert rebuilt(own_url, sqlite_url(tmp_path)) == []


def test_a_filled_store_goes_down_and_up(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        done(store, opening(1), opening(2), opening(3))
        desk = AccountDesk(store)
        merge(desk, "S2", "S1", 5)
        call_off(desk, "S2", 6)
        merge(desk, "S2", "S3", 7, "again")
        merge(desk, "S1", "S3", 8, "other")
        call_off(desk, "S1", 9, "off-other")
    database = Database(own_url)
    database.downgrade("0011")
    database.migrate()
    kept = "SELECT subscription_id, account_id FROM account_membership"
    with database.reading() as connection:
        assert connection.execute(text(kept)).all() == [(2, 3)]
    for statement in (
        "UPDATE account_membership SET account_id = NULL",
        "DELETE FROM account_membership",
    ):
        with pytest.raises(DatabaseError), database.writing() as connection:
            connection.execute(text(statement))
    database.close()


@dataclass
class Line:
    """A subscription as the model has it: what it pays from, and what is yet to come."""

    account: int
    pending: tuple[datetime, int] | None = None
    alive: bool = True
    history: list[tuple[datetime, int]] = field(default_factory=list)


LINES = (1, 2, 3)
lines = st.sampled_from(LINES)
LATER = st.sampled_from([timedelta(days=30), timedelta(minutes=25), timedelta(0)])


class Accounts(StoreMachine):
    """Three subscriptions, each with its own account of the same number."""

    policy = young(0)

    @initialize()
    def open(self) -> None:
        done(self.store, *[opening(n) for n in LINES])
        self.now, self.serial = at(1), 0
        self.model = {n: Line(n) for n in LINES}
        self.balance = dict.fromkeys(LINES, 0)
        self.told: list[AnyCommand] = []

    def ask(self, kind: Any, n: int, expected: str, **values: Any) -> bool:
        self.serial += 1
        name = f"o{self.serial}"
        command = order(kind, name, self.now, subscription_ref=f"S{n}", **values)
        applied = self.store.apply([command])
        code = applied.refused[0].code if applied.refused else "done"
        assert code == expected, (command, applied.refused)
        if expected == "done":
            self.told.append(command)
        return expected == "done"

    def pass_time(self) -> None:
        """Ten minutes go by; what was yet to come may come."""
        self.now += timedelta(minutes=10)
        for line in self.model.values():
            if line.pending is not None and line.pending[0] <= self.now:
                line.history.append(line.pending)
                line.account, line.pending = line.pending[1], None

    def at(self, n: int, when: datetime) -> int:
        pending = self.model[n].pending
        return pending[1] if pending is not None and pending[0] <= when else self.model[n].account

    def arrange(self, n: int, account: int, start: datetime) -> None:
        line = self.model[n]
        if start > self.now:
            line.pending = (start, account)
        else:
            line.history.append((start, account))
            line.account = account

    @rule(n=lines, away=st.integers(0, 8), later=LATER)
    def merge(self, n: int, away: int, later: timedelta) -> None:
        self.pass_time()
        # Seldom with itself.
        host = (n + away % 2) % 3 + 1 if away else n
        line, other, start = self.model[n], self.model[host], self.now + later
        guests = [
            g
            for g in LINES
            if g != n
            and self.model[g].alive
            and n in (self.model[g].account, (self.model[g].pending or (None, None))[1])
        ]
        expected = "done"
        if not line.alive or not other.alive:
            expected = "subscription_terminated"
        elif self.at(host, start) == self.at(n, start):
            expected = "account_unchanged"
        elif other.pending is not None:
            expected = "account_change_pending"
        elif guests:
            expected = "account_has_members"
        elif line.pending is not None:
            expected = "account_change_pending"
        target = self.at(host, start)
        values = {"with_subscription_ref": f"S{host}", "effective_from": start}
        if self.ask(MergeAccount, n, expected, **values):
            self.arrange(n, target, start)

    @precondition(lambda self: any(x.account != n for n, x in self.model.items()))
    @rule(data=st.data(), later=LATER)
    def split(self, data: st.DataObject, later: timedelta) -> None:
        self.pass_time()
        shared = [n for n, line in self.model.items() if line.account != n]
        n = data.draw(st.sampled_from([*shared, 1]))
        line, start = self.model[n], self.now + later
        expected = "done"
        if not line.alive:
            expected = "subscription_terminated"
        elif self.at(n, start) == n:
            expected = "account_unchanged"
        elif line.pending is not None:
            expected = "account_change_pending"
        if self.ask(SplitAccount, n, expected, effective_from=start):
            self.arrange(n, n, start)

    @precondition(lambda self: any(line.pending for line in self.model.values()))
    @rule(data=st.data())
    def call_off(self, data: st.DataObject) -> None:
        self.pass_time()
        waiting = [n for n, line in self.model.items() if line.pending]
        n = data.draw(st.sampled_from([*waiting, *waiting, 1]))
        line = self.model[n]
        expected = "done" if line.pending is not None else "no_pending_account_change"
        if self.ask(CancelAccountChange, n, expected if line.alive else "subscription_terminated"):
            line.pending = None

    @rule(n=lines, fen=st.integers(1, 300), bills=st.booleans())
    def bill_or_pay(self, n: int, fen: int, bills: bool) -> None:
        self.pass_time()
        paying = self.model[n].account
        if bills:
            self.ask(Charge, n, "done", amount_fen=fen, due_at=at(900))
            self.balance[paying] -= fen
            return
        self.ask(Pay, n, "done", amount_fen=fen)
        own = min(fen, max(0, -self.balance[n])) if paying != n else 0
        self.balance[n] += own
        self.balance[paying] += fen - own

    @rule(n=lines, really=st.integers(0, 4))
    def end(self, n: int, really: int) -> None:
        self.pass_time()
        if really == 3 and self.model[n].alive:
            self.ask(Terminate, n, "done")
            self.model[n].alive, self.model[n].pending = False, None

    @rule()
    def hand_everything_in_again(self) -> None:
        again = self.store.apply(self.told)
        assert (again.completed, again.refused) == (0, [])

    def check(self) -> None:
        if not hasattr(self, "told"):
            return
        with self.store.database.reading() as connection:
            for n, line in self.model.items():
                assert balances.balance(connection, n) == self.balance[n]
                known = [(at(0), n), *line.history, *([line.pending] if line.pending else [])]
                for when, account in known:
                    last = [a for start, a in known if start <= when][-1]
                    assert balances.account_of(connection, n, when) == last, (n, account)
                assert balances.account_of(connection, n, at(900)) == known[-1][1]
        assert mismatches(self.store) == []


def test_any_arrangements_on_sqlite() -> None:
    run(Accounts, sqlite_url, examples=12, steps=40)


def test_any_arrangements_on_postgresql() -> None:
    run(Accounts, lambda _: emptied_postgresql_url(), examples=4, steps=40)


def test_refusals_say_it_in_both_languages() -> None:
    for code in ("account_change_pending", "no_pending_account_change"):
        said = Refused(code, subscription_ref="S2", at=DECEMBER)
        assert "S2" in said.reason
        assert "S2" in said.reason_zh
