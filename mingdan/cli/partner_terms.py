"""`mingdan partner agreement`, `request-offer`: what is agreed with a partner.

Here: arguments and printing. Not here: agreements and offer requests themselves
(`mingdan.orders.access`). Who asks is never who decides.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, instant, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    moment,
    print_done,
    print_json,
    print_table,
)
from mingdan.orders.access.agreements import Agreements
from mingdan.orders.access.offer_requests import OfferRequests

agreements = typer.Typer(help="Agreements with a partner.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="The partner's code, e.g. shop.")]
AgreementNo = Annotated[str, typer.Argument(help="The agreement's number.")]
Approve = Annotated[bool, typer.Option("--approve/--refuse", help="The decision.")]
Start = Annotated[str, typer.Option("--from", help="Its first instant, e.g. 2026-11-01.")]
End = Annotated[str, typer.Option("--until", help="Its end, e.g. 2027-11-01.")]


@agreements.command()
def propose(
    partner: Code,
    agreement: AgreementNo,
    *,
    purpose: Annotated[str, typer.Option(help="What it is for.")],
    legal_basis: Annotated[str, typer.Option(help="What allows it.")],
    start: Start,
    until: End,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Put an agreement on record; it is in force once another person approved it.

    Example:

        mingdan partner agreement propose shop A17 --purpose "sale of cards"
        --legal-basis "agency contract" --from 2026-11-01 --until 2027-11-01 --as li
    """
    with answering(as_json), store_at(None) as store:
        Agreements(store).propose(
            agreement,
            partner=partner,
            purpose=purpose,
            legal_basis=legal_basis,
            valid_from=instant("--from", start),
            valid_to=instant("--until", until),
            actor=actor(name, role, interface),
            at=moment(at),
        )
    print_done(
        f"agreement {agreement} waits for approval", as_json, number=agreement, status="inProcess"
    )


@agreements.command("decide")
def decide_agreement(
    agreement: AgreementNo,
    *,
    approve: Approve,
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Approve or reject an agreement somebody else proposed.

    Example:

        mingdan partner agreement decide A17 --approve --as wang
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        Agreements(store).decide(agreement, approve=approve, actor=who, at=when)
    status = "approved" if approve else "rejected"
    print_done(f"agreement {agreement} is {status}", as_json, number=agreement, status=status)


@agreements.command("end")
def end_agreement(
    agreement: AgreementNo,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """End an approved agreement now; without one the partner's interfaces do nothing.

    Example:

        mingdan partner agreement end A17 --as li
    """
    with answering(as_json), store_at(None) as store:
        Agreements(store).end(agreement, actor=actor(name, role, interface), at=moment(at))
    print_done(f"agreement {agreement} has ended", as_json, number=agreement, status="ended")


@agreements.command("list")
def list_agreements(
    partner: Code,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """A partner's agreements, oldest first.

    Example:

        mingdan partner agreement list shop --as li
    """
    with answering(as_json), store_at(None) as store:
        found = Agreements(store).of(partner, actor=actor(name, role, interface), at=moment(None))
    if as_json:
        print_json(found)
        return
    rows = [
        (a.agreement_no, a.status, a.valid_from, a.valid_to, a.maker, a.checker, a.purpose)
        for a in found
    ]
    heads = ("agreement", "status", "from", "until", "proposed by", "decided by", "purpose")
    print_table(f"Agreements with {partner}", heads, rows)


def request_offer(
    partner: Code,
    *,
    product: Annotated[str, typer.Option(help="Product code (reference/product.csv).")],
    wish: Annotated[str, typer.Option(help="What the partner asks for.")],
    start: Start,
    until: End,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Ask the promotion component that a partner may sell a product (资费优惠).

    Example:

        mingdan partner request-offer shop --product PREPAID --wish "autumn term"
        --from 2026-11-01 --until 2027-01-01 --as li
    """
    with answering(as_json), store_at(None) as store:
        number = OfferRequests(store).ask(
            partner,
            product_code=product,
            wish=wish,
            valid_from=instant("--from", start),
            valid_to=instant("--until", until),
            actor=actor(name, role, interface),
            at=moment(at),
        )
    print_done(
        f"request {number}; another person decides it", as_json, number=number, status="requested"
    )


def decide_offer(
    request: Annotated[str, typer.Argument(help="The request's number.")],
    *,
    approve: Approve,
    reason: Annotated[str, typer.Option(help="Why, for the partner.")],
    name: As,
    role: Role = "manager",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Approve or refuse an offer request somebody else made.

    Example:

        mingdan partner decide-offer O0123456789ab --approve --reason "fits" --as wang
    """
    with answering(as_json), store_at(None) as store:
        OfferRequests(store).decide(
            request,
            approve=approve,
            reason=reason,
            actor=actor(name, role, interface),
            at=moment(at),
        )
    status = "approved" if approve else "refused"
    print_done(f"request {request} is {status}", as_json, number=request, status=status)


def offers(
    partner: Annotated[str | None, typer.Argument(help="One partner [default: all].")] = None,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """Offer requests, the newest first.

    Example:

        mingdan partner offers shop --as li
    """
    with answering(as_json), store_at(None) as store:
        found = OfferRequests(store).list(
            partner, actor=actor(name, role, interface), at=moment(None)
        )
    if as_json:
        print_json(found)
        return
    rows = [
        (r.request_no, r.partner, r.product_code, r.status, r.valid_from, r.valid_to, r.wish,
         r.reason)
        for r in found
    ]  # fmt: skip
    heads = ("request", "partner", "product", "status", "from", "until", "wish", "decision")
    print_table("Offer requests", heads, rows)
