"""Vouchers: made once, sold, redeemed once whoever tries, never shown."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from mingdan.errors import InputRefused
from mingdan.orders.access.actor import Actor
from mingdan.orders.commands import Charge, Suspend, Terminate
from mingdan.orders.money import ledger
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.model import MoneyTransaction
from mingdan.orders.money.reconcile import CHECKS, mismatches
from mingdan.orders.money.requests import RefundRequest
from mingdan.orders.money.voucher_requests import BatchRequest, RedeemRequest, SaleRequest
from mingdan.orders.money.vouchers import VoucherDesk
from mingdan.orders.reconcile import reconcile
from mingdan.orders.refusals import Refused
from mingdan.orders.schema import METADATA
from mingdan.orders.store import OrderStore
from tests.orders.support import PEPPER, at, done, opening, order

CLERK = Actor("manager", "counter", "clerk-7")
WORKERS = 8


@pytest.fixture
def desk(store: OrderStore) -> VoucherDesk:
    done(store, opening(1), opening(2), opening(3, product_code="PREPAID"))
    return VoucherDesk(store, PEPPER)


@pytest.fixture(autouse=True)
def _balanced(store: OrderStore) -> Any:
    yield
    assert mismatches(store) == []


def batch(ref: str = "B1", **values: Any) -> BatchRequest:
    plain: dict[str, Any] = {
        "batch_ref": ref,
        "face_value_fen": 5000,
        "validity_days": 90,
        "expires_at": at(300),
        "quantity": 4,
    }
    return BatchRequest(**plain | values)


def made(desk: VoucherDesk, folder: Path, ref: str = "B1", **values: Any) -> list[tuple[str, str]]:
    """Serials and PINs of a new batch, as its file has them."""
    path = folder / f"{ref}.csv"
    desk.make(batch(ref, **values), path, actor=CLERK, at=at(1))
    with path.open(encoding="ascii", newline="") as file:
        return [(row["serial"], row["pin"]) for row in csv.DictReader(file)]


def sell(desk: VoucherDesk, count: int = 1, name: str = "s1", days: float = 2, **more: Any) -> Any:
    plain: dict[str, Any] = {"batch_ref": "B1", "quantity": count, "price_fen": 4900}
    return desk.sell(SaleRequest(correlator=name, **plain | more), actor=CLERK, at=at(days))


def redeem(desk: VoucherDesk, pin: Any, name: str, ref: str = "S1", days: float = 3) -> Any:
    request = RedeemRequest(subscription_ref=ref, pin=pin, correlator=name)
    return desk.redeem(request, actor=CLERK, at=at(days))


def code(call: Any, *arguments: Any, **values: Any) -> str:
    with pytest.raises(Refused) as caught:
        call(*arguments, **values)
    return caught.value.code


def test_a_voucher_is_sold_and_redeemed_once(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    (serial, pin), *_ = made(desk, tmp_path)
    assert code(redeem, desk, pin, "r1") == "voucher_state"
    sold = sell(desk)
    assert (sold.serials, sold.amount_fen) == ((serial,), 4900)
    assert sell(desk, days=9) == type(sold)(**{**vars(sold), "repeated": True})
    assert code(sell, desk, 2) == "correlator_reused"
    full_width = pin.translate({ord("0") + n: 0xFF10 + n for n in range(10)})
    first = redeem(desk, f" {full_width[:9]}-{full_width[9:]}", "r1")
    assert (first.amount_fen, first.balance_fen, first.repeated) == (5000, 5000, False)
    assert redeem(desk, pin, "r1", days=4).repeated
    assert code(redeem, desk, pin, "r2") == "voucher_state"
    assert code(redeem, desk, pin, "r2", "S2") == "voucher_state"
    assert desk.show(serial, at=at(9)).state == "used"
    assert desk.batch("B1", at=at(9)).states == {"available": 3, "used": 1}
    assert desk.batch("B1", at=at(300)).states == {"expired": 3, "used": 1}
    with store.database.reading() as connection:
        totals = {
            name: ledger.balance(connection, name) for name in ("cash", "discount", "voucher")
        }
    assert totals == {"cash": -4900, "discount": -100, "voucher": 0}


def test_the_pin_is_nowhere_but_in_a_file_of_its_owner(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pairs = made(desk, tmp_path)
    sell(desk)
    redeem(desk, pairs[0][1], "r1")
    path = tmp_path / "B1.csv"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("*.partial*")) == []
    with store.database.reading() as connection:
        rows = [
            str(row)
            for table in METADATA.tables.values()
            for row in connection.execute(table.select())
        ]
    assert not any(pin in row for _, pin in pairs for row in rows)
    assert len({pin for _, pin in pairs}) == 4
    assert pairs[0][1] not in repr(RedeemRequest(subscription_ref="S", pin=pairs[0][1],
                                                 correlator="c"))  # fmt: skip
    with pytest.raises(InputRefused, match="never written over"):
        desk.make(batch("B2"), path, actor=CLERK, at=at(1))
    assert code(desk.batch, "B2", at=at(1)) == "unknown_voucher_batch"
    # Under another key no PIN fits.
    other = VoucherDesk(store, b"q" * 32)
    assert code(redeem, other, pairs[1][1], "r9") == "voucher_pin_wrong"


def test_an_imported_batch_is_taken_whole_or_not_at_all(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pins = [f"{n:018d}" for n in range(1, 5)]
    path = tmp_path / "in.csv"

    def take(*rows: str, ref: str = "B1") -> Any:
        path.write_text("\ufeffserial,pin\n" + "\n".join(rows) + "\n", "utf-8")
        return desk.take_in(batch(ref), path, actor=CLERK, at=at(1))

    assert code(take, f"AB000001,{pins[0]}", f"AB000002,{pins[0]}") == "voucher_duplicate"
    assert code(take, f"AB000001,{pins[0]}", f"ab000001,{pins[1]}") == "voucher_duplicate"
    assert code(desk.batch, "B1", at=at(1)) == "unknown_voucher_batch"
    assert take(f"AB000001,{pins[0]}", f"AB000002,{pins[1]}").quantity == 2
    assert code(take, f"AB000003,{pins[2]}") == "voucher_batch_exists"
    assert code(take, f"AB000003,{pins[1]}", ref="B2") == "voucher_duplicate"
    assert code(take, f"AB000002,{pins[2]}", ref="B2") == "voucher_duplicate"
    for bad in ("x", f"AB1,{pins[2]}", "AB000003,12345", f"AB000003,{pins[2]},x", "AB000003,"):
        with pytest.raises(InputRefused, match="line 3"):
            take(f"AB000009,{pins[3]}", bad, ref="B2")
    path.write_bytes(b"serial,pin\n\xff\xfe")
    with pytest.raises(InputRefused, match="cannot read"):
        desk.take_in(batch("B2"), path, actor=CLERK, at=at(1))
    path.write_text("pin,serial\n", "utf-8")
    with pytest.raises(InputRefused, match="first line"):
        desk.take_in(batch("B2"), path, actor=CLERK, at=at(1))
    sell(desk)
    assert redeem(desk, pins[0], "r1").balance_fen == 5000


def test_the_clock_decides_what_has_expired(desk: VoucherDesk, tmp_path: Path) -> None:
    pairs = made(desk, tmp_path)
    sell(desk, 1)
    just_before = at(300) - timedelta(microseconds=1)
    assert code(redeem, desk, pairs[0][1], "r1", days=300) == "voucher_expired"
    assert code(sell, desk, 1, "s2", days=300) == "voucher_expired"
    request = RedeemRequest(subscription_ref="S1", pin=pairs[0][1], correlator="r1")
    assert desk.redeem(request, actor=CLERK, at=just_before).amount_fen == 5000


def test_frozen_and_void_vouchers(store: OrderStore, desk: VoucherDesk, tmp_path: Path) -> None:
    pairs = made(desk, tmp_path)
    (first, pin), (second, other), (third, _), _ = pairs
    sell(desk, 2)
    assert desk.freeze(first, "stolen", actor=CLERK, at=at(3)).state == "frozen"
    assert code(redeem, desk, pin, "r1", days=4) == "voucher_state"
    assert code(desk.freeze, first, "again", actor=CLERK, at=at(4)) == "voucher_state"
    assert desk.unfreeze(first, actor=CLERK, at=at(5)).state == "sold"
    assert code(desk.unfreeze, first, actor=CLERK, at=at(5)) == "voucher_state"
    assert redeem(desk, pin, "r1", days=6).amount_fen == 5000
    assert code(desk.freeze, first, "late", actor=CLERK, at=at(7)) == "voucher_state"
    assert code(desk.void, first, "late", actor=CLERK, at=at(7)) == "voucher_state"
    # A sold one goes back for its price, frozen or not; an unsold one just goes.
    desk.freeze(second, "torn", actor=CLERK, at=at(7))
    assert desk.void(second, "torn", actor=CLERK, at=at(8)).state == "void"
    assert code(redeem, desk, other, "r2", days=9) == "voucher_state"
    desk.freeze(third, "audit", actor=CLERK, at=at(8))
    assert sell(desk, 1, "s3", days=9).serials == (pairs[3][0],)
    assert code(sell, desk, 1, "s4", days=9) == "voucher_stock"
    assert desk.void(third, "audit", actor=CLERK, at=at(9)).reason == "audit"
    assert code(desk.show, "no such", at=at(9)) == "unknown_voucher"
    with store.database.reading() as connection:
        assert ledger.balance(connection, "cash") == -2 * 4900
        assert ledger.balance(connection, "voucher") == 5000
        assert ledger.balance(connection, "discount") == -200


def test_guessing_pins_locks_the_subscription_out(desk: VoucherDesk, tmp_path: Path) -> None:
    pairs = made(desk, tmp_path)
    sell(desk)
    for n, wrong in enumerate(("0" * 18, "1", "' OR 1=1 --", "x" * 5000, "12345")):
        assert code(redeem, desk, wrong, f"w{n}", days=3) == "voucher_pin_wrong"
    assert code(redeem, desk, pairs[0][1], "r1", days=3) == "voucher_locked_out"
    assert code(redeem, desk, "0" * 18, "r1", "S2", days=3) == "voucher_pin_wrong"
    assert redeem(desk, pairs[0][1], "r1", days=3 + 61 / 1440).amount_fen == 5000


def test_a_top_up_pays_arrears_and_prolongs_a_prepaid_balance(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pairs = made(desk, tmp_path)
    sell(desk, 3)
    done(
        store,
        order(Charge, "b1", at(1), amount_fen=4000, due_at=at(2)),
        order(Suspend, "a", at(2.5), reason="arrears"),
        order(Suspend, "f", at(2.5), reason="fraud"),
    )
    assert redeem(desk, pairs[0][1], "r1").arrears_fen == 0
    assert [b["reason"] for b in store.show(1, at(6))["blocks"] if b["to"] is None] == ["fraud"]
    accounts = AccountDesk(store)
    redeem(desk, pairs[1][1], "r2", "S3")
    bucket = accounts.show("S3", at=at(4)).accounts[0].bucket
    assert bucket is not None
    assert bucket.valid_until == at(3) + timedelta(days=90)
    accounts.suspend_balance("S3", actor=CLERK, at=at(4))
    assert code(redeem, desk, pairs[2][1], "r3", "S3", days=5) == "bucket_suspended"
    assert desk.show(pairs[2][0], at=at(5)).state == "sold"
    refund = RefundRequest(subscription_ref="S1", payment_ref="r1", amount_fen=1, correlator="x")
    assert code(accounts.refund, refund, actor=CLERK, at=at(5)) == "voucher_not_refundable"
    done(store, order(Terminate, "end", at(6)))
    assert accounts.settle("S1", "end", actor=CLERK, at=at(6)).refunded_fen == 1000
    assert code(redeem, desk, pairs[2][1], "r4", days=7) == "subscription_terminated"


def test_the_database_lets_nobody_use_a_voucher_twice(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pairs = made(desk, tmp_path)
    sell(desk)
    redeem(desk, pairs[0][1], "r1")
    for statement in (
        "UPDATE voucher SET state = 'sold', used_order_id = NULL WHERE state = 'used'",
        "DELETE FROM voucher",
    ):
        with pytest.raises(DatabaseError), store.database.writing() as connection:
            connection.execute(text(statement))


def test_eight_at_once_redeem_each_voucher_once(
    store: OrderStore, desk: VoucherDesk, url: str, tmp_path: Path
) -> None:
    done(store, *[opening(n) for n in range(4, WORKERS + 1)])
    pairs = made(desk, tmp_path)
    sell(desk, 4)
    gate = Barrier(WORKERS)

    def work(name: int) -> list[str]:
        # A store and connection of its own, as another process would have.
        outcomes = []
        with OrderStore.open(url) as mine:
            gate.wait(60)
            for turn, (_, pin) in enumerate(pairs):
                try:
                    redeem(VoucherDesk(mine, PEPPER), pin, f"{name}-{turn}", f"S{1 + name}")
                    outcomes.append("redeemed")
                except Refused as refused:
                    outcomes.append(refused.code)
        return outcomes

    with ThreadPoolExecutor(WORKERS) as pool:
        outcomes = [each for found in pool.map(work, range(WORKERS)) for each in found]
    assert sorted(outcomes) == ["redeemed"] * 4 + ["voucher_state"] * 4 * (WORKERS - 1)
    assert desk.batch("B1", at=at(4)).states == {"used": 4}
    accounts = AccountDesk(store)
    refs = [f"S{1 + name}" for name in range(WORKERS)]
    held = [accounts.show(ref, at=at(4)).accounts[0].balance_fen for ref in refs]
    assert sum(held) == 4 * 5000


def totals(store: OrderStore) -> dict[str, int]:
    names = ("cash", "discount", "voucher", "customer", "revenue", "expired")
    with store.database.reading() as connection:
        found = {name: ledger.balance(connection, name) for name in names}
    assert sum(found.values()) == 0
    return {name: fen for name, fen in found.items() if fen}


def notes(store: OrderStore, days: float) -> list[tuple[str, str, str]]:
    return [
        (each.severity, each.subject_key, each.found)
        for each in reconcile(store, at(days))
        if each.code == "voucher_expiry_unbooked"
    ]


def test_what_expired_becomes_revenue_once(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pairs = made(desk, tmp_path)
    made(desk, tmp_path, "B2", expires_at=at(400))
    sell(desk, 3)
    sell(desk, 1, "s2", batch_ref="B2")
    redeem(desk, pairs[0][1], "r1")
    desk.freeze(pairs[1][0], "reported stolen", actor=CLERK, at=at(4))
    assert notes(store, 299) == []
    assert notes(store, 300) == [("note", "B1", "10000 fen held for 2 expired vouchers")]
    early = code(desk.expire, at(300), actor=CLERK, at=at(299))
    assert early == "future_effect"
    assert desk.expire(at(299), actor=CLERK, at=at(500)) == []
    (booked,) = desk.expire(at(300), actor=CLERK, at=at(500))
    assert (booked.batch_ref, booked.vouchers, booked.paid_fen) == ("B1", 2, 9800)
    assert desk.expire(at(300), actor=CLERK, at=at(501)) == [], "each batch once"
    assert totals(store) == {
        "cash": -4 * 4900, "discount": -2 * 100, "voucher": 5000, "customer": 5000, "expired": 9800,
    }  # fmt: skip
    assert notes(store, 300) == []
    assert [note[1] for note in notes(store, 400)] == ["B2"]
    with store.database.reading() as connection:
        when = select(MoneyTransaction.effective_at).where(MoneyTransaction.kind == "expire")
        assert connection.execute(when).scalars().all() == [at(300)], "as of the batch's end"


def test_a_booked_batch_is_closed_whatever_the_clock_says(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pairs = made(desk, tmp_path)
    sell(desk, 2)
    desk.expire(at(300), actor=CLERK, at=at(300))
    before = totals(store)
    assert code(redeem, desk, pairs[0][1], "r1", days=5) == "voucher_expired"
    assert code(sell, desk, 1, "late", days=5) == "voucher_expired"
    assert totals(store) == before


def test_voiding_after_expiry_gives_the_price_back_out_of_that_revenue(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pairs = made(desk, tmp_path)
    sell(desk, 2)
    desk.expire(at(300), actor=CLERK, at=at(300))
    desk.void(pairs[0][0], "goodwill", actor=CLERK, at=at(301))
    assert totals(store) == {"cash": -4900, "expired": 4900}


def test_money_of_a_booked_batch_that_differs_is_named(
    store: OrderStore, desk: VoucherDesk, tmp_path: Path
) -> None:
    pairs = made(desk, tmp_path)
    sell(desk, 2)
    desk.expire(at(300), actor=CLERK, at=at(300))
    with store.database.engine.connect() as connection, connection.begin() as spoilt:
        change = "UPDATE voucher SET sold_for_fen = 1 WHERE serial = :serial"
        connection.execute(text(change), {"serial": pairs[0][0]})
        (found,) = [each for check in CHECKS for each in check(connection)]
        assert (found.check, found.expected_fen, found.found_fen) == (
            "expired_vouchers", 4901, 9800,
        )  # fmt: skip
        spoilt.rollback()


def test_expiry_and_redemption_at_once_book_the_money_once(
    store: OrderStore, desk: VoucherDesk, url: str, tmp_path: Path
) -> None:
    """One clock has passed the end, the others have not."""
    pairs = made(desk, tmp_path)
    sell(desk, 4)
    gate, codes = Barrier(3), set[str]()

    def work(turn: int) -> int:
        with OrderStore.open(url) as mine:
            own, taken = VoucherDesk(mine, PEPPER), 0
            gate.wait(60)
            if turn == 2:
                return len(own.expire(at(300), actor=CLERK, at=at(300)))
            for serial, pin in pairs[turn::2]:
                try:
                    redeem(own, pin, f"r{serial}", f"S{1 + turn}")
                    taken += 5000
                except Refused as refused:
                    codes.add(refused.code)
            return taken

    with ThreadPoolExecutor(3) as pool:
        one, two, _ = pool.map(work, range(3))
    assert codes <= {"voucher_expired"}
    found = totals(store)
    redeemed = (one + two) // 5000
    assert found.get("customer", 0) == one + two
    assert found.get("expired", 0) == 4900 * (4 - redeemed)
    assert found.get("voucher", 0) == 0
