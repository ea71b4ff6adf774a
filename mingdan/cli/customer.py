"""`mingdan customer`: change a customer's data, and look a customer up.

Here: arguments and printing. A name, a document and a password may come from
MINGDAN_NAME, MINGDAN_DOCUMENT_NUMBER and MINGDAN_PASSWORD, out of the shell's
history; a password is asked for on a terminal. Not here: the changes themselves
(`mingdan.orders.offers.customers`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from mingdan.cli import consultation
from mingdan.cli.counter import AsJson, Name, PolicyFile, Subscription, cli_ref, store_at
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
from mingdan.identifiers import load_key
from mingdan.orders.offers.customers import CustomerDesk
from mingdan.orders.offers.inquiries import Inquiry, InquiryDesk
from mingdan.orders.offers.party_forms import (
    AccountChange,
    ChangeView,
    ContactChange,
    NameChange,
    PartyRequest,
    PasswordChange,
    Proof,
)
from mingdan.orders.offers.subjects import FIELDS
from mingdan.settings import Settings

app = typer.Typer(
    help="Customers: change their data, look them up, answer their questions.", no_args_is_help=True
)

Party = Annotated[str, typer.Argument(help="The customer's reference.")]
Document = Annotated[
    str | None,
    typer.Option("--document-number", help="As shown.", envvar="MINGDAN_DOCUMENT_NUMBER"),
]
Present = Annotated[
    str | None,
    typer.Option(help="Present password, where no document is shown.", envvar="MINGDAN_PASSWORD"),
]
RequestRef = Annotated[
    str | None,
    typer.Option("--request-ref", help="Repeat it to retry safely [default: a new one]."),
]
Stage = Annotated[bool, typer.Option("--stage", help="Only take it down; `commit` makes it real.")]


@contextmanager
def _desk(policy: Any, as_json: bool) -> Iterator[CustomerDesk]:
    with answering(as_json), store_at(policy) as store:
        pepper = load_key(Settings().secrets / "password_pepper")
        yield CustomerDesk(store, pepper)


def _request(ref: str | None, party: str, document: str | None, password: str | None) -> Any:
    return {
        "request_ref": ref or cli_ref(),
        "party_ref": party,
        "proof": Proof(document_number=document, password=None if document else password),
    }


def _carry_out(
    desk: CustomerDesk, request: PartyRequest, acting: Any, at: Any, stage: bool, as_json: bool
) -> None:
    step = desk.stage if stage else desk.change
    _print(step(request, actor=acting, at=at), as_json)


def _print(view: ChangeView, as_json: bool) -> None:
    if as_json:
        print_json(view)
        return
    again = " before; nothing was done again" if view.repeated else ""
    waits = f"; to be confirmed by {view.until}" if view.state == "acknowledged" else ""
    print(f"change {view.request_ref} {view.state}{again}{waits}")


@app.command()
def change_name(
    party: Party,
    *,
    name: Name,
    document: Document = None,
    request_ref: RequestRef = None,
    stage: Stage = False,
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """更名: the same customer under another name; the document must be shown.

    Example:

        mingdan customer change-name P9 --name 张山
        --document-number 110101199003011011 --as li.na
    """
    with _desk(policy, as_json) as desk:
        request = NameChange(**_request(request_ref, party, document, None), name=name)
        _carry_out(desk, request, actor(who, role, interface), moment(at), stage, as_json)


@app.command()
def change_contact(
    party: Party,
    *,
    contact: Annotated[str | None, typer.Option(help="Empty: none any more.")] = None,
    document: Document = None,
    password: Present = None,
    request_ref: RequestRef = None,
    stage: Stage = False,
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Another contact number or address.

    Example:

        mingdan customer change-contact P9 --contact 13900139000
        --document-number 110101199003011011 --as li.na
    """
    with _desk(policy, as_json) as desk:
        frame = _request(request_ref, party, document, password)
        request = ContactChange(**frame, contact=contact)
        _carry_out(desk, request, actor(who, role, interface), moment(at), stage, as_json)


@app.command()
def change_account(
    party: Party,
    *,
    subscription: Annotated[str, typer.Option(help="Number, reference or key.")],
    payer: Annotated[str | None, typer.Option(help="Whom bills are made out to.")] = None,
    medium: Annotated[str, typer.Option(help="none, paper, email or sms.")] = "none",
    address: Annotated[str | None, typer.Option(help="Where bills go.")] = None,
    document: Document = None,
    password: Present = None,
    request_ref: RequestRef = None,
    stage: Stage = False,
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """帐户资料: how the account of one of the customer's subscriptions is billed.

    Example:

        mingdan customer change-account P9 --subscription 13800138000 --medium sms
        --document-number 110101199003011011 --as li.na
    """
    values: dict[str, Any] = {"bill_medium": medium, "name": payer, "bill_address": address}
    with answering(as_json), store_at(policy) as store:
        ref = store.subscription_ref(subscription)
    with _desk(policy, as_json) as desk:
        frame = _request(request_ref, party, document, password)
        request = AccountChange(**frame, subscription_ref=ref, **values)
        _carry_out(desk, request, actor(who, role, interface), moment(at), stage, as_json)


@app.command()
def set_password(
    party: Party,
    *,
    new_password: Annotated[
        str | None, typer.Option(help="Digits.", envvar="MINGDAN_NEW_PASSWORD")
    ] = None,
    document: Document = None,
    password: Present = None,
    request_ref: RequestRef = None,
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """服务密码: a (new) service password, kept only as what checks it.

    Example:

        mingdan customer set-password P9 --document-number 110101199003011011 --as li.na
    """
    if new_password is None:
        if not sys.stdin.isatty():
            raise WrongUsage("give --new-password or MINGDAN_NEW_PASSWORD; nobody is there to ask")
        new_password = typer.prompt("new password", hide_input=True, confirmation_prompt=True)
    with _desk(policy, as_json) as desk:
        frame = _request(request_ref, party, document, password)
        request = PasswordChange(**frame, password=str(new_password))
        _carry_out(desk, request, actor(who, role, interface), moment(at), False, as_json)


@app.command()
def check_password(
    party: Party,
    password: Present = None,
    *,
    policy: PolicyFile = None,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Is it the customer's service password? Wrong ones are counted; exit code 1 if not.

    Example:

        mingdan customer check-password P9 --as zhao.min
    """
    if password is None:
        if not sys.stdin.isatty():
            raise WrongUsage("give --password or MINGDAN_PASSWORD; nobody is there to ask")
        password = typer.prompt("password", hide_input=True)
    with _desk(policy, as_json) as desk:
        desk.check_password(party, str(password), actor=actor(who, role, interface), at=moment(at))
    if as_json:
        print_json({"party_ref": party, "right": True})
    else:
        print("the password is right")


@app.command()
def commit(
    request_ref: Annotated[str, typer.Argument(help="The staged change.")],
    *,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take it back instead.")] = False,
    policy: PolicyFile = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Make a staged change real, or take it back.

    Example:

        mingdan customer commit cli-1f2e3d4c5b6a7988 --as li.na
    """
    with _desk(policy, as_json) as desk:
        step = desk.cancel if cancel else desk.commit
        _print(step(request_ref, actor=actor(who, role, interface), at=moment(at)), as_json)


@app.command()
def history(
    party: Party,
    *,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Every change of a customer's data: what, when and by whom; never its values.

    Example:

        mingdan customer history P9 --as li.na
    """
    with _desk(None, as_json) as desk:
        found = desk.history(party, actor=actor(who, role, interface), at=moment(at))
    if as_json:
        print_json(found)
        return
    heads = ("change", "business", "fields", "state", "staged", "by", "decided", "by")
    print_table(f"changes of {party}", heads, [
        (v.request_ref, v.business, " ".join(v.fields), "expired" if v.expired else v.state,
         v.staged_at, v.staged_by, v.decided_at, v.decided_by)
        for v in found
    ])  # fmt: skip


@app.command()
def show(
    subscription: Subscription,
    *,
    field: Annotated[list[str] | None, typer.Option(help="Only this; may be repeated.")] = None,
    reason: Annotated[str, typer.Option(help="Why it is asked for; written down.")],
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """查询: a customer by one of his subscriptions, as the role may see it; every look is logged.

    Example:

        mingdan customer show 13800138000 --reason 客户来电查询 --as li.na
    """
    inquiry = Inquiry(
        interaction_ref=cli_ref(),
        subscription=subscription,
        fields=tuple(field or FIELDS),
        reason=reason,
        channel=role,
    )
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        found = InquiryDesk(store).look_up(inquiry, actor=acting, at=moment(at))
    if as_json:
        print_json(found)
        return
    rows = [
        (name, "(hidden)" if found.shown[name] == "hidden" else value)
        for name, value in found.values.items()
    ]
    print_table(f"subscription {found.subscription_id}", ("field", "value"), rows)


app.command()(consultation.ask)
app.command()(consultation.answer)
