"""`mingdan order place`, `pay-for`, `provision`, `complete`, `cancel` ...: orders on their way.

Here: arguments and printing. Not here: businesses done at once at the counter
(`order.py`) and what a step needs (`mingdan.orders.lifecycle`). Nothing that
identifies a person is printed.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mingdan.cli.counter import AsJson, PolicyFile, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    moment,
    print_json,
)
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders import jsonl
from mingdan.orders.commands import AnyCommand
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.lifecycle.views import OrderView
from mingdan.orders.lookups import local

OrderRef = Annotated[str, typer.Argument(help="The order's reference.")]
Why = Annotated[str, typer.Option(help="In a few words, without personal data.")]
Correlator = Annotated[
    str, typer.Option(help="The payer's own number of this payment; the same again pays once.")
]
Method = Annotated[str, typer.Option(help="reference/payment_method.csv.")]
Amount = Annotated[int, typer.Option(help="Amount in fen (5800 is 58 yuan).")]


def place(
    file: Annotated[
        Path,
        typer.Argument(help="One request as JSON, as for `order apply`; `-` reads it from stdin."),
    ],
    *,
    at_once: Annotated[
        bool, typer.Option("--at-once", help="Also complete it, if it waits for nothing.")
    ] = False,
    amount_fen: Annotated[
        int | None, typer.Option(help="With --at-once: what is handed over, in fen.")
    ] = None,
    correlator: Annotated[str | None, typer.Option(help="Of that payment.")] = None,
    method: Method = "cash",
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="Repeat it to retry safely.")
    ] = None,
    reservation: Annotated[
        int | None, typer.Option(help="What `number reserve` held for the customer.")
    ] = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """受理: check a request, stage it and reserve its number and SIM. `at` may be left out.

    Example:

        echo '{"command": "change_number", "order_ref": "o9", "subscription_ref": "S9",
        "msisdn": "13800138001"}' | mingdan order place - --as wang.wei
    """
    if (amount_fen is None) != (correlator is None) or (amount_fen is not None and not at_once):
        raise WrongUsage("--amount-fen and --correlator go together, with --at-once")
    instant = moment(at)
    command = _request(file, instant.isoformat())
    by: dict[str, Any] = {
        "actor": actor(who, role, interface),
        "at": instant,
        "idempotency_key": key,
        "reservation": reservation,
    }
    money = None
    if amount_fen is not None and correlator is not None:
        money = Money(amount_fen=amount_fen, correlator=correlator, method=method)
    with store_at(policy) as store, answering(as_json):
        desk = OrderDesk(store)
        view = desk.run(command, **by, payment=money) if at_once else desk.place(command, **by)
        say(view, as_json=as_json)


def pay_for(
    order_ref: OrderRef,
    *,
    amount_fen: Amount,
    correlator: Correlator,
    method: Method = "cash",
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take money for an order on its way; paid in full, work on it begins.

    Example:

        mingdan order pay-for o9 --amount-fen 1000 --correlator till-3-77 --as wang.wei
    """
    with store_at(None) as store, answering(as_json):
        by = actor(who, role, interface)
        view = OrderDesk(store).pay(
            order_ref, amount_fen, correlator, by, moment(at), method=method
        )
        say(view, as_json=as_json)


def provision(
    order_ref: OrderRef,
    outcome: Annotated[
        str,
        typer.Argument(
            help="done, held, solved, information_needed, information_received or failed."
        ),
    ],
    *,
    reason: Annotated[
        str | None, typer.Option(help="Of held, information_needed and failed.")
    ] = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """后台施工: say how provisioning goes. A failed order gives back all it held.

    Example:

        mingdan order provision o9 done --as li.na
    """
    with store_at(None) as store, answering(as_json):
        by = actor(who, role, interface)
        view = OrderDesk(store).provision(
            order_ref, outcome, actor=by, at=moment(at), reason=reason
        )
        say(view, as_json=as_json)


def complete(
    order_ref: OrderRef,
    *,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """竣工: check an order once more and make it real.

    Example:

        mingdan order complete o9 --as li.na
    """
    with store_at(policy) as store, answering(as_json):
        by = actor(who, role, interface)
        view = OrderDesk(store).complete(order_ref, actor=by, at=moment(at))
        say(view, as_json=as_json)


def cancel(
    order_ref: OrderRef,
    *,
    reason: Why,
    ask: Annotated[bool, typer.Option("--ask", help="Only ask; another decides.")] = False,
    deny: Annotated[bool, typer.Option("--deny", help="Deny what was asked for.")] = False,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """撤单: cancel an order on its way; its money, number and SIM are given back.

    Example:

        mingdan order cancel o9 --reason "changed his mind" --as wang.wei
    """
    if ask and deny:
        raise WrongUsage("--ask and --deny exclude each other")
    with store_at(None) as store, answering(as_json):
        desk = OrderDesk(store)
        step = desk.ask_cancellation if ask else desk.deny_cancellation if deny else desk.cancel
        view = step(order_ref, reason, actor=actor(who, role, interface), at=moment(at))
        say(view, as_json=as_json)


def reverse(
    order_ref: OrderRef,
    *,
    by: Annotated[str, typer.Option("--order-ref", help="Reference of the order that does it.")],
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """冲正: take back a completed order, its money included, where there is a way back.

    docs/orders-lifecycle.md says for each business how, and what stands in its way.

    Example:

        mingdan order reverse o9 --order-ref o9-back --as wang.wei
    """
    with store_at(None) as store, answering(as_json):
        view = OrderDesk(store).reverse(
            order_ref, by, actor=actor(who, role, interface), at=moment(at)
        )
        say(view, as_json=as_json)


def expire(
    *,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 1000,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Cancel orders whose time has run out: money and reservations are given back.

    Example:

        mingdan order expire --as nightly
    """
    with store_at(None) as store, answering(as_json):
        ended = OrderDesk(store).expire(
            actor=actor(who, role, interface), at=moment(at), limit=limit
        )
        if as_json:
            print_json({"cancelled": ended})
        else:
            print(f"orders past their time, cancelled: {ended}")


def status(
    order_ref: Annotated[str | None, typer.Argument(help="The order's reference.")] = None,
    *,
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="Instead, the key it was placed under.")
    ] = None,
    interface: Annotated[str, typer.Option(help="The interface that used the key.")] = "counter",
    as_json: AsJson = False,
) -> None:
    """How an order stands; with its notices, masked.

    Example:

        mingdan order status o9
    """
    if (order_ref is None) == (key is None):
        raise WrongUsage("name the order, or the key it was placed under")
    with store_at(None) as store, answering(as_json):
        desk = OrderDesk(store)
        view = desk.get(order_ref, idempotency_key=key, interface_no=interface)
        notices = [each.text for each in desk.notices(view.order_ref)]
        say(view, as_json=as_json, notices=notices)


def _request(file: Path, at: str) -> AnyCommand:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        values = json.loads(text)
    except OSError as error:
        raise WrongUsage(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputRefused("the request is not UTF-8") from error
    except (ValueError, RecursionError):
        raise InputRefused("the request is not JSON") from None
    if isinstance(values, dict):
        values.setdefault("at", at)
    found, bad = jsonl.read([json.dumps(values).encode()])
    for problem in bad:
        raise InputRefused(f"the request {problem.reason}")
    return found[1]


def say(view: OrderView, *, as_json: bool, notices: list[str] | None = None) -> None:
    """Print how an order stands."""
    if as_json:
        shown = view.plain()
        shown["charges"] = [asdict(charge) for charge in view.charges]
        print_json(shown if notices is None else shown | {"notices": notices})
        return
    before = " (as before; nothing was done again)" if view.repeated else ""
    print(f"order {view.order_ref} {view.order_type}: {view.state}{before}")
    for charge in view.charges:
        print(f"  {charge.name} ({charge.name_zh}): {charge.amount_fen} fen")
    left = view.due_fen - view.paid_fen
    if view.closed_at is None and left:
        print(f"  to be paid: {left} fen (mingdan order pay-for)")
    if view.receipt:
        print(f"  receipt {view.receipt}, paid {view.paid_fen} fen")
    if view.given_back_fen:
        print(f"  given back: {view.given_back_fen} fen")
    if view.reserved_until is not None:
        print(f"  held until {local(view.reserved_until)}")
    for reason in view.reasons:
        print(f"  reason: {reason}")
    for text in notices or ():
        print(f"  notice: {text}")
