"""`mingdan order`: take orders at the counter, look a subscription up, load orders in bulk.

Here: one command a business. Not here: their common options (`counter.py`),
looking up and loading (`order_lookup.py`), orders on their way
(`order_lifecycle.py`), checks and effects (`mingdan.orders`).
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mingdan.cli import order_lifecycle as lifecycle
from mingdan.cli.counter import (
    AsJson,
    At,
    Channel,
    Contact,
    DocumentNumber,
    DocumentType,
    Name,
    PartyRef,
    PartyType,
    PolicyFile,
    Reason,
    Ref,
    Subscription,
    carry_out,
    customer,
    instant,
    request,
    store_at,
)
from mingdan.cli.order_lookup import apply_file, show
from mingdan.cli.order_reconcile import reconcile
from mingdan.cli.order_replay import replay
from mingdan.cli.staff import Interface, Role
from mingdan.cli.taking import By, PaidFen, Who, take
from mingdan.orders import commands as c

app = typer.Typer(
    help="""Orders: open, change, suspend and end subscriptions; look them up.

    A subscription is named by its number, the ordering system's reference, or its key.

    With --as (or MINGDAN_ACTOR) an order is taken by somebody: permission, credit,
    price, receipt, notice and archive, and `order reverse` takes it back. Without, it is
    put on record as it is, as from another system.

    Examples:

        mingdan order show 13800138000

        mingdan order suspend 13800138000 --reason lost --as li.na
    """,
    no_args_is_help=True,
)


@app.command("open")
def open_subscription(
    *,
    subscription: Annotated[str, typer.Option(help="The new subscription's reference.")],
    party: PartyRef,
    name: Name,
    document_number: DocumentNumber,
    document_type: DocumentType = "resident_id",
    party_type: PartyType = "individual",
    contact: Contact = None,
    product: Annotated[str, typer.Option(help="Product code (reference/product.csv).")],
    msisdn: Annotated[str, typer.Option(help="The number.")],
    imsi: Annotated[str, typer.Option(help="The SIM's IMSI.")],
    iccid: Annotated[str, typer.Option(help="The SIM's ICCID.")],
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """开户: open a subscription with its number and SIM.

    Name and document number may come from MINGDAN_NAME and
    MINGDAN_DOCUMENT_NUMBER, out of the shell's history. Example:

        mingdan order open --subscription S9 --party P9 --name 张三
        --document-number 110101199003011011 --product POSTPAID
        --msisdn 13800138000 --imsi 460001234567890 --iccid 89860012345678901234
        --amount-fen 1000 --as li.na
    """
    data = customer(party, party_type, name, document_type, document_number, contact)
    command = c.Open(
        **request(order_ref, at, channel),
        subscription_ref=subscription,
        party=data,
        product_code=product,
        msisdn=msisdn,
        imsi=imsi,
        iccid=iccid,
    )
    with store_at(policy) as store:
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


@app.command()
def change_number(
    subscription: Subscription,
    msisdn: Annotated[str, typer.Option(help="The new number.")],
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """改号: another number for the same subscription.

    Example:

        mingdan order change-number S9 --msisdn 13800138001
    """
    with store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.ChangeNumber(
            **request(order_ref, at, channel), subscription_ref=ref, msisdn=msisdn
        )
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


@app.command()
def swap_sim(
    subscription: Subscription,
    imsi: Annotated[str, typer.Option(help="The new SIM's IMSI.")],
    iccid: Annotated[str, typer.Option(help="The new SIM's ICCID.")],
    *,
    reason: Annotated[str, typer.Option(help="swap (换卡) or replace (补卡).")] = "swap",
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """换卡 / 补卡: another SIM for the same number.

    Example:

        mingdan order swap-sim S9 --imsi 460001234567891
        --iccid 89860012345678901242 --reason replace
    """
    with store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        values: dict[str, Any] = {"imsi": imsi, "iccid": iccid, "reason": reason}
        command = c.SwapSim(**request(order_ref, at, channel), subscription_ref=ref, **values)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


@app.command()
def transfer(
    subscription: Subscription,
    *,
    party: PartyRef,
    name: Name,
    document_number: DocumentNumber,
    document_type: DocumentType = "resident_id",
    party_type: PartyType = "individual",
    contact: Contact = None,
    holder_document: Annotated[
        str | None,
        typer.Option(
            help="Number of the document the present holder shows.",
            envvar="MINGDAN_HOLDER_DOCUMENT",
        ),
    ] = None,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """过户: another customer holds the subscription.

    Taken by somebody (--as) it needs both: the present holder shows the document on
    record, which may come from MINGDAN_HOLDER_DOCUMENT. Example:

        mingdan order transfer S9 --party P10 --name 李四
        --document-number 11010119900301102X --holder-document 110101199003011011
        --as li.na
    """
    data = customer(party, party_type, name, document_type, document_number, contact)
    with store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.TransferOwner(
            **request(order_ref, at, channel),
            subscription_ref=ref,
            party=data,
            holder_document=holder_document,
        )
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


@app.command()
def suspend(
    subscription: Subscription,
    reason: Reason,
    *,
    direction: Annotated[str, typer.Option(help="out, in, both or sms_out.")] = "both",
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """停机: add a block; blocks of several reasons stack.

    Example:

        mingdan order suspend 13800138000 --reason lost
    """
    with store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        values: dict[str, Any] = {"reason": reason, "direction": direction}
        command = c.Suspend(**request(order_ref, at, channel), subscription_ref=ref, **values)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


@app.command()
def resume(
    subscription: Subscription,
    reason: Reason,
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """复机: lift the blocks of one reason; others stay.

    Example:

        mingdan order resume 13800138000 --reason lost
    """
    with store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        values: dict[str, Any] = {"reason": reason}
        command = c.Resume(**request(order_ref, at, channel), subscription_ref=ref, **values)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


@app.command()
def terminate(
    subscription: Subscription,
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    who: Who = None,
    role: Role = "counter",
    interface: Interface = None,
    amount_fen: PaidFen = None,
    as_json: AsJson = False,
) -> None:
    """销号: end a subscription; its number rests, its debts stay.

    Example:

        mingdan order terminate S9
    """
    with store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.Terminate(**request(order_ref, at, channel), subscription_ref=ref)
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


@app.command()
def bill(
    subscription: Subscription,
    amount_fen: Annotated[int, typer.Option(help="Amount in fen (5800 is 58 yuan).")],
    due: Annotated[str, typer.Option(help="When it is due, e.g. 2026-11-20.")],
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "billing",
    as_json: AsJson = False,
) -> None:
    """出账: a bill on the subscription's account.

    Example:

        mingdan order bill S9 --amount-fen 5800 --due 2026-11-20
    """
    with store_at(None) as store:
        ref = store.subscription_ref(subscription)
        due_at = instant("--due", due)
        command = c.Charge(
            **request(order_ref, at, channel),
            subscription_ref=ref,
            amount_fen=amount_fen,
            due_at=due_at,
        )
        carry_out(store, command, as_json=as_json)


@app.command()
def pay(
    subscription: Subscription,
    amount_fen: Annotated[int, typer.Option(help="Amount in fen (5800 is 58 yuan).")],
    *,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """收通信费: a payment; the oldest bills first. Settled arrears lift their block.

    Example:

        mingdan order pay S9 --amount-fen 5800 --order-ref receipt-77
    """
    with store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.Pay(
            **request(order_ref, at, channel), subscription_ref=ref, amount_fen=amount_fen
        )
        carry_out(store, command, as_json=as_json)


@app.command()
def protect(
    party: Annotated[str, typer.Argument(metavar="CUSTOMER", help="The customer's reference.")],
    *,
    scope: Annotated[str, typer.Option(help="credit, spam or all.")],
    until: Annotated[str, typer.Option(help="Its end, e.g. 2027-11-01.")],
    maker: Annotated[str, typer.Option(help="Role that asks for it.")],
    checker: Annotated[
        str | None, typer.Option(help="Role that approves; without one it has no effect.")
    ] = None,
    order_ref: Ref = None,
    at: At = None,
    channel: Channel = "counter",
    as_json: AsJson = False,
) -> None:
    """红名单: protect a customer in a scope until a day.

    CUSTOMER is the ordering system's reference.

    Example:

        mingdan order protect P9 --scope spam --until 2027-11-01
        --maker key_account_manager --checker director
    """
    values: dict[str, Any] = {"scope": scope, "maker": maker, "checker": checker}
    command = c.Protect(
        **request(order_ref, at, channel),
        party_ref=party,
        until=instant("--until", until),
        **values,
    )
    with store_at(None) as store:
        carry_out(store, command, as_json=as_json)


app.command()(show)
app.command("apply")(apply_file)
app.command()(lifecycle.place)
app.command()(lifecycle.pay_for)
app.command()(lifecycle.provision)
app.command()(lifecycle.complete)
app.command()(lifecycle.cancel)
app.command()(lifecycle.reverse)
app.command()(lifecycle.expire)
app.command()(lifecycle.status)
app.command()(reconcile)
app.command()(replay)
