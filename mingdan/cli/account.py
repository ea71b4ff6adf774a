"""`mingdan account`: payments and refunds, shared accounts, prepaid balances, settlement.

Here: arguments and printing. Not here: who shares an account (`account_sharing.py`),
checks and effects (`mingdan/orders/money`). Accounts are shown by key, customers not at all.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli import account_sharing
from mingdan.cli.counter import AsJson, PolicyFile, Subscription, new_ref, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Looking,
    Role,
    When,
    actor,
    answering,
    looker,
    moment,
    print_json,
    print_table,
    shown,
)
from mingdan.errors import InputRefused
from mingdan.orders.access.log import AccessLog
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.receipts import CURRENCY
from mingdan.orders.money.reconcile import mismatches
from mingdan.orders.money.requests import (
    BucketView,
    DeductRequest,
    Moved,
    PayRequest,
    RefundRequest,
)

app = typer.Typer(
    help="Accounts: pay, refund, share, settle; what they hold and owe.", no_args_is_help=True
)

Fen = Annotated[int, typer.Option(help="Amount in fen (5800 is 58 yuan).")]
Correlator = Annotated[
    str | None,
    typer.Option(help="Your own number of it; repeat it to retry safely [default: a new one]."),
]
Method = Annotated[
    str, typer.Option(help="cash, card, bank_transfer, wechat_pay, alipay, partner.")
]
Currency = Annotated[str, typer.Option(help="CNY; nothing else is taken.")]


@app.command()
def show(
    subscription: Subscription,
    *,
    who: Looking = None,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """What the account that pays for a subscription holds and owes, and who shares it.

    The look is written into the access log.

    Example:

        mingdan account show 13800138000
    """
    acting = looker(who, role, interface)
    with answering(as_json), store_at(policy) as store:
        now = moment(at)
        found = AccountDesk(store).show(store.subscription_ref(subscription), at=now)
        seen = {subscription, *(ref for each in found.accounts for ref in each.members)}
        AccessLog(store).note(
            actor=acting, purpose="account show", what="accounts (masked)",
            subjects=[f"subscription:{store.subscription_key(each)}" for each in seen],
            at=moment(None),
        )  # fmt: skip
    if as_json:
        print_json(found)
        return
    heads = ("account", "own", "balance", "arrears", "billed", "paid", "refunded", "pays for")
    print_table(
        f"Accounts of {shown(found.subscription_ref)} (fen)",
        heads,
        [
            (a.account_id, "yes" if a.is_own else "no", a.balance_fen, a.arrears_fen, a.billed_fen,
             a.paid_fen, a.refunded_fen, " ".join(a.members))
            for a in found.accounts
        ],
    )  # fmt: skip
    for each in found.accounts:
        if each.bucket is not None:
            _print_bucket(each.bucket)
    print_table(
        "Which account pays since when",
        ("from", "account", ""),
        [
            (since, account, "yet to come" if since > now else "")
            for since, account in found.history
        ],
    )


@app.command()
def pay(
    subscription: Subscription,
    amount_fen: Fen,
    *,
    correlator: Correlator = None,
    method: Method = "cash",
    currency: Currency = CURRENCY,
    payer: Annotated[
        str | None, typer.Option(help="Reference of the customer that pays [default: the holder].")
    ] = None,
    at: When = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """收通信费: the oldest bills first; settled arrears lift their block, with a receipt.

    Example:

        mingdan account pay 13800138000 --amount-fen 5800 --correlator till-77 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        request = PayRequest(
            subscription_ref=store.subscription_ref(subscription),
            amount_fen=amount_fen,
            correlator=correlator or new_ref("pay"),
            method=method,
            currency=currency,
            payer_ref=payer,
        )
        acting = actor(who, role, interface)
        _print_moved(AccountDesk(store).pay(request, actor=acting, at=moment(at)), "paid", as_json)


@app.command()
def refund(
    subscription: Subscription,
    payment: Annotated[str, typer.Option(help="Correlator of the payment to give back.")],
    amount_fen: Fen,
    *,
    correlator: Correlator = None,
    currency: Currency = CURRENCY,
    payee: Annotated[
        str | None, typer.Option(help="Whom you mean to give it to; checked against the payer.")
    ] = None,
    at: When = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """退通信费: back to the one who paid, the way it was paid, never more than was paid.

    Example:

        mingdan account refund S9 --payment till-77 --amount-fen 800 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        request = RefundRequest(
            subscription_ref=store.subscription_ref(subscription),
            payment_ref=payment,
            amount_fen=amount_fen,
            correlator=correlator or new_ref("refund"),
            currency=currency,
            payee_ref=payee,
        )
        acting = actor(who, role, interface)
        done = AccountDesk(store).refund(request, actor=acting, at=moment(at))
        _print_moved(done, "given back", as_json)


@app.command()
def deduct(
    subscription: Subscription,
    amount_fen: Fen,
    *,
    correlator: Correlator = None,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Use a prepaid balance.

    Example:

        mingdan account deduct S9 --amount-fen 30 --as charging
    """
    with answering(as_json), store_at(policy) as store:
        request = DeductRequest(
            subscription_ref=store.subscription_ref(subscription),
            amount_fen=amount_fen,
            correlator=correlator or new_ref("deduct"),
        )
        acting = actor(who, role, interface)
        done = AccountDesk(store).deduct(request, actor=acting, at=moment(at))
        _print_moved(done, "used", as_json)


app.command()(account_sharing.merge)
app.command()(account_sharing.split)
app.command()(account_sharing.cancel_change)


@app.command()
def freeze(
    subscription: Subscription,
    *,
    release: Annotated[bool, typer.Option("--release", help="Let it be used again.")] = False,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Freeze a prepaid balance: no use, no top-up, no refund; or release it.

    Example:

        mingdan account freeze 13800138000 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        desk, ref = AccountDesk(store), store.subscription_ref(subscription)
        turn = desk.release_balance if release else desk.suspend_balance
        found = turn(ref, actor=actor(who, role, interface), at=moment(at))
    if as_json:
        print_json(found)
    else:
        _print_bucket(found)


@app.command()
def settle(
    subscription: Subscription,
    *,
    correlator: Correlator = None,
    at: When = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """After 销号: give back what the account still holds, each payment to its payer.

    Example:

        mingdan account settle S9 --correlator end-9 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        found = AccountDesk(store).settle(
            store.subscription_ref(subscription),
            correlator or new_ref("settle"),
            actor=actor(who, role, interface),
            at=moment(at),
        )
    if as_json:
        print_json(found)
        return
    print(f"{found.refunded_fen} fen given back, {found.debt_fen} fen still owed")
    rows = [(each.receipt_no, each.amount_fen) for each in found.refunds]
    print_table("Refunds", ("receipt", "fen"), rows)


@app.command()
def check(*, policy: PolicyFile = None, as_json: AsJson = False) -> None:
    """Does the money agree: ledger, bills, payments, receipts, orders, vouchers?

    Exit code 1 if not. Example:

        mingdan account check
    """
    with store_at(policy) as store:
        found = mismatches(store)
    if as_json:
        print_json(found)
        if found:
            raise typer.Exit(1)
        return
    heads = ("check", "what", "key", "expected", "found", "repair")
    rows = [
        (m.check, m.entity, m.key, m.expected_fen, m.found_fen, f"{m.repair} ({m.repair_zh})")
        for m in found
    ]
    print_table("Mismatches (fen)", heads, rows)
    if found:
        raise InputRefused(f"the money does not agree in {len(found)} places")


def _print_moved(done: Moved, what: str, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    again = " before; nothing was done again" if done.repeated else ""
    print(f"{done.amount_fen} fen {what}{again}, receipt {done.receipt_no or '-'}")
    print(f"account {done.account_id}: balance {done.balance_fen}, arrears {done.arrears_fen} fen")
    if done.lifted:
        print(f"serve again: {' '.join(done.lifted)}")


def _print_bucket(found: BucketView) -> None:
    shared = ", shared" if found.is_shared else ""
    print(
        f"prepaid balance {found.remaining_fen} fen, {found.status}{shared}, "
        f"until {shown(found.valid_until)}"
    )
