"""Payments, refunds, shared accounts and prepaid balances at the desk, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from mingdan.calendar import business_day
from mingdan.orders.access.actor import Actor
from mingdan.orders.commands import Charge, Pay, Resume, Suspend, Terminate, TransferOwner
from mingdan.orders.money import balances
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.reconcile import mismatches
from mingdan.orders.money.requests import (
    DeductRequest,
    MergeRequest,
    PayRequest,
    RefundRequest,
    SplitRequest,
)
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.support import PEPPER, at, done, opening, order, person, refusal

CLERK = Actor("manager", "counter", "clerk-7")


@pytest.fixture
def desk(store: OrderStore) -> AccountDesk:
    """Two postpaid subscriptions of two people, one prepaid of a third."""
    done(store, opening(1), opening(2), opening(3, product_code="PREPAID"))
    return AccountDesk(store)


@pytest.fixture(autouse=True)
def _balanced(store: OrderStore) -> Any:
    yield
    assert mismatches(store) == []


def pay(
    desk: AccountDesk, ref: str, fen: int, correlator: str, days: float = 2, **more: Any
) -> Any:
    request = PayRequest(subscription_ref=ref, amount_fen=fen, correlator=correlator, **more)
    return desk.pay(request, actor=CLERK, at=at(days))


def refund(
    desk: AccountDesk, payment: str, fen: int, correlator: str, days: float = 9, **more: Any
) -> Any:
    values = {"subscription_ref": "S1", "payment_ref": payment, "amount_fen": fen} | more
    request = RefundRequest(correlator=correlator, **values)
    return desk.refund(request, actor=CLERK, at=at(days))


def merge(desk: AccountDesk, ref: str, host: str, days: float, **more: Any) -> Any:
    request = MergeRequest(
        subscription_ref=ref, with_subscription_ref=host, order_ref=f"merge-{ref}-{days}", **more
    )
    return desk.merge(request, actor=CLERK, at=at(days))


def split(desk: AccountDesk, ref: str, days: float, **more: Any) -> Any:
    request = SplitRequest(subscription_ref=ref, order_ref=f"split-{ref}-{days}", **more)
    return desk.split(request, actor=CLERK, at=at(days))


def bill(store: OrderStore, ref: str, fen: int, name: str, days: float, due: float) -> None:
    done(
        store,
        order(Charge, name, at(days), subscription_ref=ref, amount_fen=fen, due_at=at(due)),
    )


def code(call: Any, *arguments: Any, **values: Any) -> str:
    with pytest.raises(Refused) as caught:
        call(*arguments, **values)
    assert caught.value.reason
    assert caught.value.reason_zh
    return caught.value.code


def arrears(store: OrderStore, key: int, days: float) -> int:
    with store.database.reading() as connection:
        return balances.arrears(connection, key, at(days))


def nightly(store: OrderStore, days: float) -> dict[str, int]:
    frame = store.subscriptions(at(days), business_day(at(days - 1)), pepper=PEPPER)
    return dict(frame.select("external_id", "arrears_fen").rows())


def test_a_payment_is_made_once_for_its_correlator(store: OrderStore, desk: AccountDesk) -> None:
    first = pay(desk, "S1", 700, "p1")
    again = pay(desk, "S1", 700, "p1", days=5)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.receipt_no == again.receipt_no
    assert again.balance_fen == 700
    assert code(pay, desk, "S1", 800, "p1") == "correlator_reused"
    assert code(pay, desk, "S1", 700, "p1", method="card") == "correlator_reused"
    assert code(pay, desk, "S2", 700, "p1") == "order_ref_reused"
    # The bulk interface knows the same payment by the same name.
    assert store.apply([order(Pay, "p1", at(2), amount_fen=700)]).repeated == 1
    assert refusal(store, order(Pay, "p1", at(2), amount_fen=1)) == "order_ref_reused"


def test_a_payment_of_the_bulk_interface_is_not_made_again(
    store: OrderStore, desk: AccountDesk
) -> None:
    done(store, order(Pay, "p1", at(2), amount_fen=700))
    again = pay(desk, "S1", 700, "p1")
    assert (again.repeated, again.receipt_no, again.balance_fen) == (True, None, 700)


@pytest.mark.parametrize("both", ["desk", "bulk"])
def test_paying_lifts_arrears_and_never_fraud(
    store: OrderStore, desk: AccountDesk, both: str
) -> None:
    bill(store, "S1", 500, "b1", 1, 3)
    done(
        store,
        order(Suspend, "a", at(4), reason="arrears"),
        order(Suspend, "f", at(4), reason="fraud"),
    )
    for name, fen, left in (("half", 200, 300), ("rest", 300, 0)):
        if both == "desk":
            assert pay(desk, "S1", fen, name, days=5).arrears_fen == left
        else:
            done(store, order(Pay, name, at(5), amount_fen=fen))
        assert arrears(store, 1, 5) == left
        blocks = [b["reason"] for b in store.show(1, at(6))["blocks"] if b["to"] is None]
        assert blocks == (["arrears", "fraud"] if left else ["fraud"])


def test_a_refund_goes_to_the_payer_and_never_above_what_was_paid(
    store: OrderStore, desk: AccountDesk
) -> None:
    pay(desk, "S1", 500, "p1", payer_ref="P2", method="card")
    pay(desk, "S1", 500, "p2")
    assert code(refund, desk, "p1", 501, "r0") == "refund_exceeds_payment"
    assert code(refund, desk, "p1", 100, "r0", payee_ref="P1") == "refund_other_payee"
    first = refund(desk, "p1", 300, "r1", payee_ref="P2")
    assert (first.repeated, first.balance_fen) == (False, 700)
    assert refund(desk, "p1", 300, "r1").receipt_no == first.receipt_no
    assert code(refund, desk, "p1", 250, "r1") == "order_ref_reused"
    assert code(refund, desk, "p1", 201, "r2") == "refund_exceeds_payment"
    bill(store, "S1", 600, "b1", 9, 30)
    assert code(refund, desk, "p1", 200, "r2") == "refund_exceeds_balance"
    assert refund(desk, "p1", 100, "r2").balance_fen == 0
    assert code(refund, desk, "p3", 1, "r3") == "unknown_payment"
    assert code(refund, desk, "p1", 1, "r3", subscription_ref="S2") == "unknown_payment"
    assert code(refund, desk, "b1", 1, "r3") == "unknown_payment"
    assert code(refund, desk, "p2", 1, "r3", days=1) == "invalid_value"
    assert code(refund, desk, "p2", 1, "r3", currency="EUR") == "currency_not_accepted"


def test_policy_may_refund_what_bills_have_used(store: OrderStore, url: str) -> None:
    done(store, opening(1), order(Pay, "p1", at(1), amount_fen=500))
    bill(store, "S1", 500, "b1", 2, 3)
    with OrderStore.open(url, policy=Policy.shipped().with_values(refund_beyond_balance=True)) as o:
        assert refund(AccountDesk(o), "p1", 200, "r1").arrears_fen == 200
    assert arrears(store, 1, 10) == 200
    assert nightly(store, 10)["S1"] == 200


def test_a_shared_account_pays_from_then_on(store: OrderStore, desk: AccountDesk) -> None:
    bill(store, "S2", 100, "before", 1, 30)
    joined = merge(desk, "S2", "S1", 5)
    assert (joined.account_id, joined.repeated) == (1, False)
    assert merge(desk, "S2", "S1", 5).repeated
    bill(store, "S2", 70, "after", 6, 8)
    # Learnt late, but of a day on which its own account paid.
    done(
        store,
        order(Charge, "late", at(2), recorded_at=at(7), subscription_ref="S2", amount_fen=30,
              due_at=at(3)),
    )  # fmt: skip
    shown = desk.show("S2", at=at(7))
    assert [(a.account_id, a.balance_fen, a.members) for a in shown.accounts] == [
        (1, -70, ("S1", "S2")),
        (2, -130, ()),
    ]
    assert [account for _, account in shown.history] == [2, 1]
    assert arrears(store, 2, 9) == 100
    assert arrears(store, 1, 9) == 70
    assert nightly(store, 10) == {"S1": 70, "S2": 100, "S3": 0}
    assert nightly(store, 4)["S2"] == 0
    # A payment first covers what its own account owes.
    assert pay(desk, "S2", 150, "p1", days=9).balance_fen == -50
    assert desk.show("S2", at=at(9)).accounts[1].balance_fen == 0
    pay(desk, "S1", 50, "p2", days=9)
    gone = split(desk, "S2", 10)
    assert gone.account_id == 2
    bill(store, "S2", 40, "own-again", 11, 12)
    # 130 of 150 went to its own account: enough until the first bill is due.
    assert (arrears(store, 1, 31), arrears(store, 2, 13), arrears(store, 2, 31)) == (0, 0, 40)
    assert nightly(store, 32) == {"S1": 0, "S2": 40, "S3": 0}


def test_it_may_begin_later(store: OrderStore, desk: AccountDesk) -> None:
    merge(desk, "S2", "S1", 5, effective_from=at(20))
    bill(store, "S2", 10, "early", 19, 90)
    bill(store, "S2", 20, "then", 20, 90)
    shown = {a.account_id: a.balance_fen for a in desk.show("S2", at=at(21)).accounts}
    assert shown == {2: -10, 1: -20}
    assert [a.account_id for a in desk.show("S2", at=at(19)).accounts] == [2]


def test_what_a_shared_account_refuses(store: OrderStore, desk: AccountDesk) -> None:
    assert code(merge, desk, "S1", "S1", 5) == "account_unchanged"
    assert code(split, desk, "S1", 5) == "account_unchanged"
    assert code(merge, desk, "S2", "S404", 5) == "unknown_subscription"
    assert code(merge, desk, "S2", "S1", 5, effective_from=at(4)) == "invalid_value"
    merge(desk, "S2", "S1", 5)
    assert code(merge, desk, "S2", "S1", 6) == "account_unchanged"
    assert code(merge, desk, "S1", "S3", 6) == "account_has_members"
    moved = order(TransferOwner, "t", at(6), subscription_ref="S2", party=person(9))
    assert refusal(store, moved) == "account_shared"
    moved = order(TransferOwner, "t", at(6), subscription_ref="S1", party=person(9))
    assert refusal(store, moved) == "account_has_members"
    assert code(merge, desk, "S2", "S3", 4) == "later_order"
    bill(store, "S2", 10, "b", 7, 8)
    assert code(split, desk, "S2", 9) == "arrears_unpaid"
    pay(desk, "S1", 10, "p", days=9)
    split(desk, "S2", 9)
    done(store, order(TransferOwner, "t2", at(10), subscription_ref="S1", party=person(9)))


def test_policy_may_keep_accounts_within_one_customer(store: OrderStore, url: str) -> None:
    done(store, opening(1), opening(2), opening(4, party=person(1)))
    policy = Policy.shipped().with_values(account_shared_across_parties=False)
    with OrderStore.open(url, policy=policy) as strict:
        assert code(merge, AccountDesk(strict), "S2", "S1", 5) == "account_other_party"
        merge(AccountDesk(strict), "S4", "S1", 5)


def test_paying_a_shared_account_lets_all_serve_again(store: OrderStore, desk: AccountDesk) -> None:
    merge(desk, "S2", "S1", 1)
    bill(store, "S1", 100, "b1", 2, 3)
    stopped = [
        order(Suspend, f"stop{n}", at(4), subscription_ref=f"S{n}", reason="arrears")
        for n in (1, 2)
    ]
    done(store, *stopped, order(Suspend, "f", at(4), subscription_ref="S2", reason="fraud"))
    assert pay(desk, "S1", 60, "p1", days=5).lifted == ()
    assert pay(desk, "S1", 40, "p2", days=6).lifted == ("S2",)
    assert pay(desk, "S1", 40, "p2", days=7).lifted == ()
    for key, left in ((1, []), (2, ["fraud"])):
        assert [b["reason"] for b in store.show(key, at(8))["blocks"] if b["to"] is None] == left
    assert refusal(store, order(Resume, "x", at(9), reason="arrears")) == "not_blocked"


def test_a_prepaid_balance_has_a_term(store: OrderStore, desk: AccountDesk) -> None:
    def deduct(fen: int, name: str, days: float) -> Any:
        request = DeductRequest(subscription_ref="S3", amount_fen=fen, correlator=name)
        return desk.deduct(request, actor=CLERK, at=at(days))

    assert code(deduct, 1, "d0", 1) == "unknown_bucket"
    pay(desk, "S3", 100, "p1", days=2)
    bucket = desk.show("S3", at=at(3)).accounts[0].bucket
    assert bucket is not None
    assert (bucket.status, bucket.remaining_fen, bucket.is_shared) == ("active", 100, False)
    assert bucket.valid_until - bucket.valid_from == timedelta(days=180)
    assert deduct(30, "d1", 3).balance_fen == 70
    assert deduct(30, "d1", 4).repeated
    assert code(deduct, 71, "d2", 5) == "balance_insufficient"
    assert code(deduct, 1, "d2", 182) == "bucket_expired"
    desk.suspend_balance("S3", actor=CLERK, at=at(6))
    desk.suspend_balance("S3", actor=CLERK, at=at(6))
    assert code(deduct, 1, "d2", 7) == "bucket_suspended"
    assert code(pay, desk, "S3", 1, "p2", days=7) == "bucket_suspended"
    assert code(refund, desk, "p1", 1, "r1", subscription_ref="S3") == "bucket_suspended"
    assert desk.release_balance("S3", actor=CLERK, at=at(8)).status == "active"
    # Expired money is not lost: the next payment makes it usable again.
    assert pay(desk, "S3", 1, "p3", days=400).balance_fen == 71
    assert deduct(71, "d3", 401).balance_fen == 0
    assert code(desk.suspend_balance, "S1", actor=CLERK, at=at(402)) == "unknown_bucket"


def test_at_the_end_the_rest_goes_back_to_those_who_paid(
    store: OrderStore, desk: AccountDesk
) -> None:
    pay(desk, "S1", 300, "p1", days=1, payer_ref="P2", method="card")
    pay(desk, "S1", 200, "p2", days=2)
    bill(store, "S1", 150, "b1", 3, 9)
    assert code(desk.settle, "S1", "end", actor=CLERK, at=at(5)) == "not_terminated"
    done(store, order(Terminate, "x", at(5)))
    settled = desk.settle("S1", "end", actor=CLERK, at=at(5))
    assert (settled.refunded_fen, settled.debt_fen) == (350, 0)
    assert [each.amount_fen for each in settled.refunds] == [200, 150]
    again = desk.settle("S1", "end", actor=CLERK, at=at(6))
    assert again.refunded_fen == 350
    assert all(each.repeated for each in again.refunds)
    assert desk.settle("S1", "other", actor=CLERK, at=at(6)).refunded_fen == 0
    done(store, order(Terminate, "y", at(6), subscription_ref="S2"))
    bill(store, "S2", 90, "b2", 7, 9)
    assert desk.settle("S2", "end2", actor=CLERK, at=at(8)).debt_fen == 90


def test_an_account_others_pay_from_is_not_emptied(store: OrderStore, desk: AccountDesk) -> None:
    merge(desk, "S2", "S1", 1)
    pay(desk, "S1", 300, "p1", days=2)
    pay(desk, "S2", 50, "p2", days=2)
    done(store, order(Terminate, "x", at(5)))
    assert desk.settle("S1", "end", actor=CLERK, at=at(5)).refunded_fen == 0
    done(store, order(Terminate, "y", at(6), subscription_ref="S2"))
    assert desk.settle("S2", "end2", actor=CLERK, at=at(6)).refunded_fen == 350


def test_who_may_not_do_it_moves_no_money(store: OrderStore) -> None:
    desk = AccountDesk(store)
    hotline = Actor("hotline", "hotline", "voice-1")
    with pytest.raises(Refused) as refused:
        desk.pay(
            PayRequest(subscription_ref="S1", amount_fen=100, correlator="p1"),
            actor=hotline,
            at=at(9),
        )
    assert refused.value.code == "business_not_permitted"
    with pytest.raises(Refused) as refused:
        desk.suspend_balance("S1", actor=Actor("counter", "counter", "clerk-1"), at=at(9))
    assert refused.value.code == "business_not_permitted"
