"""`mingdan voucher`: batches of vouchers (充值卡), their sale and redemption.

Here: arguments and printing. Not here: checks and effects
(`mingdan/orders/money`). A PIN is never printed and never an argument: it is in
the batch file (mode 600), and is typed unseen or comes from MINGDAN_VOUCHER_PIN.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, PolicyFile, Subscription, instant, new_ref, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    moment,
    print_json,
    print_table,
)
from mingdan.errors import WrongUsage
from mingdan.orders.money.pins import pepper
from mingdan.orders.money.receipts import CURRENCY
from mingdan.orders.money.voucher_requests import (
    BatchRequest,
    BatchView,
    RedeemRequest,
    SaleRequest,
    VoucherView,
)
from mingdan.orders.money.vouchers import VoucherDesk
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings

app = typer.Typer(
    help="Vouchers: make, import, sell, redeem, freeze, expire.", no_args_is_help=True
)

Batch = Annotated[str, typer.Argument(help="The batch's reference.")]
Serial = Annotated[str, typer.Argument(help="The voucher's serial number.")]
Face = Annotated[int, typer.Option(help="Face value of one, in fen.")]
Days = Annotated[int, typer.Option(help="Days a redeemed balance may be used.")]
Expires = Annotated[str, typer.Option(help="When the vouchers expire, e.g. 2028-01-01.")]
Why = Annotated[str, typer.Option(help="Why, for the record.")]


@app.command()
def make(
    batch: Batch,
    quantity: Annotated[int, typer.Option(help="How many.")],
    face_value_fen: Face,
    validity_days: Days,
    expires: Expires,
    out: Annotated[Path, typer.Option(help="Where serials and PINs go; must not exist.")],
    *,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a batch; its PINs are in the file and nowhere else.

    Example:

        mingdan voucher make B2026 --quantity 1000 --face-value-fen 5000
        --validity-days 90 --expires 2028-01-01 --out b2026.csv --as li.na
    """
    request = BatchRequest(
        batch_ref=batch,
        face_value_fen=face_value_fen,
        validity_days=validity_days,
        expires_at=instant("--expires", expires),
        quantity=quantity,
    )
    with answering(as_json), store_at(policy) as store:
        acting = actor(who, role, interface)
        made = _desk(store).make(request, out, actor=acting, at=moment(at))
    _print_batch(made, as_json)


@app.command("import")
def import_batch(
    batch: Batch,
    file: Annotated[Path, typer.Argument(help="CSV with the columns serial,pin.")],
    face_value_fen: Face,
    validity_days: Days,
    expires: Expires,
    *,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Take in a batch made elsewhere, all of it or nothing.

    Example:

        mingdan voucher import P7 printer.csv --face-value-fen 10000
        --validity-days 180 --expires 2028-01-01 --as li.na
    """
    request = BatchRequest(
        batch_ref=batch,
        face_value_fen=face_value_fen,
        validity_days=validity_days,
        expires_at=instant("--expires", expires),
    )
    with answering(as_json), store_at(policy) as store:
        acting = actor(who, role, interface)
        taken = _desk(store).take_in(request, file, actor=acting, at=moment(at))
    _print_batch(taken, as_json)


@app.command()
def sell(
    batch: Batch,
    quantity: Annotated[int, typer.Option(help="How many.")],
    price_fen: Annotated[int, typer.Option(help="Price of one, in fen.")],
    *,
    correlator: Annotated[
        str | None, typer.Option(help="Repeat it to retry safely [default: a new one].")
    ] = None,
    method: Annotated[str, typer.Option(help="How it is paid.")] = "cash",
    currency: Annotated[str, typer.Option(help="CNY; nothing else is taken.")] = CURRENCY,
    at: When = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Sell vouchers of a batch, lowest serial numbers first.

    Example:

        mingdan voucher sell B2026 --quantity 2 --price-fen 4900 --as li.na
    """
    request = SaleRequest(
        batch_ref=batch,
        quantity=quantity,
        price_fen=price_fen,
        correlator=correlator or new_ref("sale"),
        method=method,
        currency=currency,
    )
    with answering(as_json), store_at(policy) as store:
        acting = actor(who, role, interface)
        sold = _desk(store).sell(request, actor=acting, at=moment(at))
    if as_json:
        print_json(sold)
        return
    again = " before; nothing was sold again" if sold.repeated else ""
    print(f"{len(sold.serials)} sold{again} for {sold.amount_fen} fen, receipt {sold.receipt_no}")
    print("\n".join(sold.serials))


@app.command()
def redeem(
    subscription: Subscription,
    *,
    correlator: Annotated[
        str | None, typer.Option(help="Repeat it to retry safely [default: a new one].")
    ] = None,
    at: When = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """充值: a voucher's value into the subscription's account, once.

    The PIN is asked for on a terminal, unseen; a script sets MINGDAN_VOUCHER_PIN.
    Example:

        mingdan voucher redeem 13800138000 --as li.na
    """
    pin = os.environ.get("MINGDAN_VOUCHER_PIN")
    if pin is None:
        if not sys.stdin.isatty():
            raise WrongUsage("no terminal to ask for the PIN: set MINGDAN_VOUCHER_PIN")
        pin = typer.prompt("PIN", hide_input=True)
    with answering(as_json), store_at(policy) as store:
        request = RedeemRequest(
            subscription_ref=store.subscription_ref(subscription),
            pin=pin,
            correlator=correlator or new_ref("redeem"),
        )
        acting = actor(who, role, interface)
        done = _desk(store).redeem(request, actor=acting, at=moment(at))
    if as_json:
        print_json(done)
        return
    again = " before; nothing was done again" if done.repeated else ""
    print(f"{done.amount_fen} fen topped up{again}; balance {done.balance_fen} fen")


@app.command()
def freeze(
    serial: Serial,
    reason: Why,
    *,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Neither sell nor redeem a voucher until it is unfrozen.

    Example:

        mingdan voucher freeze 00000100000017 --reason stolen --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        acting = actor(who, role, interface)
        found = _desk(store).freeze(serial, reason, actor=acting, at=moment(at))
    _print_voucher(found, as_json)


@app.command()
def unfreeze(
    serial: Serial,
    *,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a frozen voucher what it was before.

    Example:

        mingdan voucher unfreeze 00000100000017 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        acting = actor(who, role, interface)
        found = _desk(store).unfreeze(serial, actor=acting, at=moment(at))
    _print_voucher(found, as_json)


@app.command()
def void(
    serial: Serial,
    reason: Why,
    *,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw a voucher for ever; what was paid for it is given back.

    Example:

        mingdan voucher void 00000100000017 --reason damaged --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        acting = actor(who, role, interface)
        found = _desk(store).void(serial, reason, actor=acting, at=moment(at))
    _print_voucher(found, as_json)


@app.command()
def expire(
    as_of: Annotated[
        str | None, typer.Option(help="Batches that ended by then [default: now], e.g. 2028-01-01.")
    ] = None,
    *,
    at: When = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """Book what was paid for vouchers that expired unredeemed, each batch once.

    Example:

        mingdan voucher expire --as-of 2028-01-01 --as li.na
    """
    now = moment(at)
    by = now if as_of is None else instant("--as-of", as_of)
    with answering(as_json), store_at(None) as store:
        booked = _desk(store).expire(by, actor=actor(who, role, interface), at=now)
    if as_json:
        print_json(booked)
        return
    heads = ("batch", "expired", "vouchers", "face value (fen)", "paid (fen)")
    rows = [(b.batch_ref, b.expires_at, b.vouchers, b.face_value_fen, b.paid_fen) for b in booked]
    print_table("Booked as revenue", heads, rows)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A serial number, or with --batch a batch.")],
    *,
    batch: Annotated[bool, typer.Option("--batch", help="Show a batch.")] = False,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """One voucher, or a batch and what became of it; never a PIN.

    Examples:

        mingdan voucher show 00000100000017

        mingdan voucher show B2026 --batch
    """
    with answering(as_json), store_at(None) as store:
        if batch:
            _print_batch(_desk(store).batch(name, at=moment(at)), as_json)
        else:
            _print_voucher(_desk(store).show(name, at=moment(at)), as_json)


def _desk(store: OrderStore) -> VoucherDesk:
    return VoucherDesk(store, pepper(Settings()))


def _print_batch(found: BatchView, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    heads = ("batch", "face value (fen)", "days", "expires", "vouchers")
    print_table("Batch", heads, [(found.batch_ref, found.face_value_fen, found.validity_days,
                                  found.expires_at, found.quantity)])  # fmt: skip
    print_table("Now", ("state", "vouchers"), list(found.states.items()))


def _print_voucher(found: VoucherView, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    heads = ("serial", "batch", "state", "face value (fen)", "expires", "sold", "used", "reason")
    print_table("Voucher", heads, [(found.serial, found.batch_ref, found.state,
                                    found.face_value_fen, found.expires_at, found.sold_at,
                                    found.used_at, found.reason)])  # fmt: skip
