"""`mingdan order open`, `transfer`: a subscription and who holds it.

Here: arguments. Not here: other changes (`order_changes.py`), checks and effects
(`mingdan.orders`).
"""

from __future__ import annotations

from typing import Annotated

import typer

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
    Ref,
    Subscription,
    customer,
    request,
    store_at,
)
from mingdan.cli.staff import Interface, Role, answering
from mingdan.cli.taking import By, PaidFen, Who, take
from mingdan.orders import commands as c


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
    with answering(as_json), store_at(policy) as store:
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)


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
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
        command = c.TransferOwner(
            **request(order_ref, at, channel),
            subscription_ref=ref,
            party=data,
            holder_document=holder_document,
        )
        take(store, command, By(who, role, interface, amount_fen), as_json=as_json)
