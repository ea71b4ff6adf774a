"""Random money against a tiny model: never created, never lost, and always the same arrears."""

from __future__ import annotations

import itertools
import tempfile
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mingdan.orders.access.actor import Actor
from mingdan.orders.commands import Charge, Pay
from mingdan.orders.journal import Journal
from mingdan.orders.money import balances, ledger, tills
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.reconcile import mismatches
from mingdan.orders.money.requests import MergeRequest, PayRequest, RefundRequest, SplitRequest
from mingdan.orders.money.voucher_requests import BatchRequest, RedeemRequest, SaleRequest
from mingdan.orders.money.vouchers import VoucherDesk
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.support import (
    PEPPER,
    at,
    done,
    emptied_postgresql_url,
    opening,
    order,
    sqlite_url,
)

CLERK = Actor("manager", "counter", "clerk-7")
SUBS = (1, 2, 3)
subs = st.sampled_from(SUBS)
fens = st.integers(1, 300)


class Money(RuleBasedStateMachine):
    """Three subscriptions, each with its own account of the same number."""

    def fresh(self) -> str:
        raise NotImplementedError

    @initialize()
    def open(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.store = OrderStore.open(self.fresh())
        done(self.store, *[opening(n) for n in SUBS])
        self.desk, self.vouchers = AccountDesk(self.store), VoucherDesk(self.store, PEPPER)
        self.count = itertools.count()
        self.now: datetime = at(2)
        self.end = at(900)
        out = Path(self.folder.name) / "pins.csv"
        batch = BatchRequest(
            batch_ref="B", face_value_fen=100, validity_days=9, expires_at=self.end, quantity=30
        )
        self.vouchers.make(batch, out, actor=CLERK, at=at(1))
        lines = out.read_text("ascii").splitlines()[1:]
        self.serials, self.pins = map(list, zip(*(line.split(",") for line in lines), strict=True))
        self.sold = self.used = 0
        self.prices: list[int] = []
        self.expired: int | None = None
        # The model: what the accounts hold, what they owe when, and who pays from which.
        self.pays_from = {n: n for n in SUBS}
        self.balance: dict[int, int] = defaultdict(int)
        self.due: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        self.paid: dict[int, int] = defaultdict(int)
        self.cash = self.held = 0
        self.payments: dict[str, tuple[int, dict[int, int], bool]] = {}
        self.orders: dict[int, int] = defaultdict(int)
        self.closed: set[int] = set()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            # The orders were completed long ago; money still held for them is no surprise.
            found = {each.check for each in mismatches(self.store)}
            assert found <= ({"ended_orders"} if self.orders else set())
            self.store.close()
            self.folder.cleanup()

    def name(self, kind: str) -> str:
        self.now += timedelta(minutes=10)
        return f"{kind}{next(self.count)}"

    def arrears(self, n: int) -> int:
        return sum(
            max(0, sum(f for due, f in self.due[a] if due < self.now) - self.paid[a])
            for a in {n, self.pays_from[n]}
        )

    def credit(self, account: int, fen: int) -> None:
        self.balance[account] += fen
        self.paid[account] += fen

    def receive(self, ref: str, n: int, fen: int, *, voucher: bool = False) -> None:
        paying = self.pays_from[n]
        own = min(fen, max(0, -self.balance[n])) if paying != n else 0
        parts = {a: f for a, f in ((n, own), (paying, fen - own)) if f}
        for account, part in parts.items():
            self.credit(account, part)
        self.payments[ref] = (n, parts, voucher)

    def outcome(self, call: Any, *arguments: Any, **values: Any) -> str:
        try:
            call(*arguments, **values)
        except Refused as refused:
            return refused.code
        return "done"

    @rule(n=subs, fen=fens, days=st.integers(0, 3))
    def charge(self, n: int, fen: int, days: int) -> None:
        ref, due = self.name("bill"), self.now + timedelta(days=days)
        command = order(Charge, ref, self.now, subscription_ref=f"S{n}", amount_fen=fen, due_at=due)
        done(self.store, command)
        account = self.pays_from[n]
        self.balance[account] -= fen
        self.due[account].append((max(due, self.now), fen))

    @rule(n=subs, fen=fens, desk=st.booleans(), again=st.booleans())
    def pay(self, n: int, fen: int, desk: bool, again: bool) -> None:
        ref = self.name("pay")
        request = PayRequest(subscription_ref=f"S{n}", amount_fen=fen, correlator=ref)
        for _ in range(1 + again):
            if desk:
                self.desk.pay(request, actor=CLERK, at=self.now)
            else:
                values = {"subscription_ref": f"S{n}", "amount_fen": fen}
                done(self.store, order(Pay, ref, self.now, **values))
            desk = not desk if again else desk
        self.receive(ref, n, fen)
        self.cash += fen

    @rule(data=st.data(), fen=st.integers(1, 200), again=st.booleans())
    def refund(self, data: Any, fen: int, again: bool) -> None:
        if not self.payments:
            return
        payment = data.draw(st.sampled_from(sorted(self.payments)))
        n, left, voucher = self.payments[payment]
        free = {a: min(part, max(0, self.balance[a])) for a, part in left.items()}
        expected = "done"
        if voucher:
            expected = "voucher_not_refundable"
        elif fen > sum(left.values()):
            expected = "refund_exceeds_payment"
        elif fen > sum(free.values()):
            expected = "refund_exceeds_balance"
        request = RefundRequest(
            subscription_ref=f"S{n}",
            payment_ref=payment,
            amount_fen=fen,
            correlator=self.name("refund"),
        )
        for _ in range(1 + again):
            assert self.outcome(self.desk.refund, request, actor=CLERK, at=self.now) == expected
        if expected == "done":
            self.cash -= fen
            for account, most in free.items():
                part = min(fen, most)
                fen -= part
                left[account] -= part
                self.credit(account, -part)

    @rule(n=subs, host=subs)
    def merge(self, n: int, host: int) -> None:
        target = self.pays_from[host]
        guests = [g for g in SUBS if g != n and self.pays_from[g] == n]
        ref = self.name("merge")
        expected = "done"
        if target == self.pays_from[n]:
            expected = "account_unchanged"
        elif guests:
            expected = "account_has_members"
        elif self.arrears(n):
            expected = "arrears_unpaid"
        request = MergeRequest(
            subscription_ref=f"S{n}", with_subscription_ref=f"S{host}", order_ref=ref
        )
        assert self.outcome(self.desk.merge, request, actor=CLERK, at=self.now) == expected
        if expected == "done":
            self.pays_from[n] = target

    @rule(n=subs)
    def split(self, n: int) -> None:
        request = SplitRequest(subscription_ref=f"S{n}", order_ref=self.name("split"))
        expected = "arrears_unpaid" if self.arrears(n) else "done"
        if self.pays_from[n] == n:
            expected = "account_unchanged"
        assert self.outcome(self.desk.split, request, actor=CLERK, at=self.now) == expected
        if expected == "done":
            self.pays_from[n] = n

    @rule(count=st.integers(1, 3), price=st.integers(80, 100))
    def sell(self, count: int, price: int) -> None:
        expected = "done" if self.sold + count <= len(self.pins) else "voucher_stock"
        if self.expired is not None:
            expected = "voucher_expired"
        request = SaleRequest(
            batch_ref="B", quantity=count, price_fen=price, correlator=self.name("sale")
        )
        assert self.outcome(self.vouchers.sell, request, actor=CLERK, at=self.now) == expected
        if expected == "done":
            self.sold += count
            self.prices += [price] * count
            self.cash += count * price

    @rule(n=subs, again=st.booleans())
    def redeem(self, n: int, again: bool) -> None:
        if self.used >= len(self.pins):
            return
        ref, pin = self.name("redeem"), self.pins[self.used]
        request = RedeemRequest(subscription_ref=f"S{n}", pin=pin, correlator=ref)
        expected = "done" if self.used < self.sold else "voucher_state"
        if expected == "done" and self.expired is not None:
            expected = "voucher_expired"
        for _ in range(1 + again):
            outcome = self.outcome(self.vouchers.redeem, request, actor=CLERK, at=self.now)
            assert outcome == expected
        if expected == "done":
            self.used += 1
            self.receive(ref, n, 100, voucher=True)

    @precondition(lambda self: self.used > 0 and self.expired is None)
    @rule(again=st.booleans())
    def expire(self, again: bool) -> None:
        """The clock of this desk is far ahead; the other ones still believe in the batch."""
        left = self.prices[self.used :]
        for _ in range(1 + again):
            self.vouchers.expire(self.end, actor=CLERK, at=self.end)
        self.expired = sum(left) if left else None

    @precondition(lambda self: self.expired is not None and self.used < self.sold)
    @rule()
    def void_expired(self) -> None:
        self.now += timedelta(minutes=10)
        serial = self.serials[self.sold - 1]
        self.vouchers.void(serial, "goodwill", actor=CLERK, at=self.now)
        price = self.prices.pop()
        self.sold -= 1
        self.pins.pop(self.sold)
        self.serials.pop(self.sold)
        self.cash -= price
        self.expired = (self.expired or 0) - price

    @rule(n=subs, fen=fens)
    def take(self, n: int, fen: int) -> None:
        with self.store.database.writing() as connection:
            journal = Journal(connection, self.now, str(CLERK))
            expected = "order_money_closed" if n in self.closed else "done"
            outcome = self.outcome(
                tills.take_for_order, journal, order_id=n, amount_fen=fen,
                correlator=self.name("take"), method="cash", at=self.now,
            )  # fmt: skip
        assert outcome == expected
        if expected == "done":
            self.orders[n] += fen
            self.cash += fen

    @rule(n=subs, part=st.integers(0, 100))
    def settle(self, n: int, part: int) -> None:
        fen = self.orders.pop(n, 0)
        charged = fen * part // 100
        self.name("settle")
        with self.store.database.writing() as connection:
            journal = Journal(connection, self.now, str(CLERK))
            tills.settle_order(journal, order_id=n, account_id=n, at=self.now, charged_fen=charged)
        if not fen:
            return
        self.closed.add(n)
        self.credit(n, fen)
        self.balance[n] -= charged
        self.due[n].append((self.now, charged))
        self.payments[f"open-{n}"] = (n, {n: fen}, False)

    @rule(n=subs)
    def give_back(self, n: int) -> None:
        fen = self.orders.pop(n, 0)
        with self.store.database.writing() as connection:
            journal = Journal(connection, self.now, str(CLERK))
            assert tills.give_back_for_order(journal, order_id=n, at=self.now) == fen
        self.cash -= fen
        if fen:
            self.closed.add(n)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "closed"):
            return
        with self.store.database.reading() as connection:
            for n in SUBS:
                assert ledger.balance(connection, "customer", n) == self.balance[n]
                assert balances.balance(connection, n) == self.balance[n]
                assert balances.arrears(connection, n, self.now) == self.arrears(n)
            assert ledger.balance(connection, "order") == sum(self.orders.values())
            held = 0 if self.expired is not None else 100 * (self.sold - self.used)
            assert ledger.balance(connection, "voucher") == held
            assert ledger.balance(connection, "expired") == (self.expired or 0)
            assert ledger.balance(connection, "cash") == -self.cash
            everything = ("cash", "customer", "order", "voucher", "discount", "revenue", "expired")
            assert sum(ledger.balance(connection, name) for name in everything) == 0


class OnSqlite(Money):
    def fresh(self) -> str:
        return sqlite_url(Path(self.folder.name))


class OnPostgresql(Money):
    def fresh(self) -> str:
        return emptied_postgresql_url()


_SETTINGS = settings(
    max_examples=10,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
OnSqlite.TestCase.settings = _SETTINGS
OnPostgresql.TestCase.settings = settings(_SETTINGS, max_examples=4)
TestMoneyOnSqlite = OnSqlite.TestCase
TestMoneyOnPostgresql = OnPostgresql.TestCase
