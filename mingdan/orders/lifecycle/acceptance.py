"""Acceptance (受理): all checks of a business, then the order is staged.

Here: placing an order, and placing and completing it in one transaction where
nothing is to be waited for. Not here: the businesses' own checks
(`businesses`), what is written of a placed order (`staging.py`), later steps
(`payment.py`, `provisioning.py`, `completion.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.calendar import business_day
from mingdan.identifiers import mask_number
from mingdan.orders import checks, queries
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import Knock
from mingdan.orders.commands import AnyCommand, Open, TransferOwner
from mingdan.orders.database import Space, locking
from mingdan.orders.filling import Answers, questions
from mingdan.orders.finding import find_all
from mingdan.orders.intake import digest
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import (
    completion,
    credit,
    payment,
    pricing,
    progress,
    transit,
    views,
)
from mingdan.orders.lifecycle.attempts import Attempt, attempt
from mingdan.orders.lifecycle.kinds import Kind, kind, order_type_of
from mingdan.orders.lifecycle.staging import stage
from mingdan.orders.lifecycle.views import OrderView, Record
from mingdan.orders.naming import named
from mingdan.orders.offers.prices import Charge, asked_to_quote
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import numbering, reservations
from mingdan.orders.stock.model import ResourceReservation
from mingdan.orders.store import OrderStore


@dataclass(frozen=True, kw_only=True)
class Acceptance:
    """A request and who makes it. `at_once`: complete it now if nothing is to be waited for.

    `reservation`: what it needs was held before, under this number; it is used up.
    """

    command: AnyCommand
    actor: Actor
    at: datetime
    key: str | None
    money: payment.Money | None
    at_once: bool
    reservation: int | None = None


def accept(store: OrderStore, connection: Connection, asked: Acceptance) -> OrderView:
    """Place `asked.command`; see `OrderDesk.place` and `OrderDesk.run`."""
    at, actor = asked.at, asked.actor
    how = kind(order_type_of(asked.command))
    ref = checks.words("order_ref", asked.command.order_ref)
    command = replace(asked.command, at=at, recorded_at=at)
    found = _found(store, connection, how, command, asked)
    before = _before(connection, command, found)
    if before is not None:
        return views.view(before, repeated=True)
    journal = Journal(connection, at, str(actor))
    if asked.reservation is not None:
        _take_over(store, journal, asked.reservation, set(named([command]).resources()))
    real = asked.at_once or not how.waits
    tried = attempt(
        store,
        connection,
        command,
        at,
        real=real,
        subscriptions=found.subscriptions,
        answers=found.answers,
    )
    charges = _checked(store, connection, how, tried, at, found)
    due = sum(charge.amount_fen for charge in charges)
    if real and due == (asked.money.amount_fen if asked.money else 0):
        return completion.at_once(journal, tried, charges, actor, asked.key, asked.money)
    stage(store, journal, how, tried, charges, actor, asked.key)
    record = views.known(connection, ref)
    if asked.money is None:
        return views.view(record)
    payment.pay(journal, record, asked.money)
    return progress.again(connection, record)


@dataclass(frozen=True, slots=True)
class _Found:
    """What is on record of what a command names, read once its customers are locked."""

    orders: Sequence[Any]
    under_key: Sequence[Any]
    """The order placed under the idempotency key."""
    subscriptions: Sequence[Any]
    on_their_way: Sequence[Any]
    prices: dict[str, Sequence[Sequence[Any]]]
    """Of the product that the command names, if it does."""
    answers: Answers | None
    """Of an opening: what is to be known of its number, SIM and parties, which are locked, too."""


def _found(
    store: OrderStore, connection: Connection, how: Kind, command: AnyCommand, asked: Acceptance
) -> _Found:
    """Lock the command's customers, ask the gate and read; all on one way there and back.

    Raises Refused as the gate does.
    """
    actor, wanted = asked.actor, named([command])
    keys = set(wanted.customers())
    if asked.key is not None:
        keys.add(f"key:{actor.interface_no}:{checks.words('idempotency_key', asked.key)}")
    ref, product_code = (getattr(command, of, None) for of in ("subscription_ref", "product_code"))
    if not isinstance(product_code, str) or product_code not in store.offerings:
        product_code = None
    knock = Knock(actor, how.order_type, asked.at)
    # Nothing on record tells what an opening touches: all of it is named.
    foreseen = isinstance(command, Open) and asked.reservation is None
    locks: dict[Space, Iterable[str]] = {"customers": keys}
    if foreseen:
        locks["resources"] = wanted.resources()
    later = questions(connection, wanted) if foreseen else []
    rows = find_all(
        connection,
        (
            *knock.asks(),
            (queries.orders, wanted.orders),
            *views.asked_by_key(asked.key),
            (queries.subscriptions, wanted.subscriptions),
            (transit.on_their_way, [ref] if how.exclusive and ref in wanted.subscriptions else ()),
            *asked_to_quote(product_code),
            *later,
        ),
        first=locking(locks),
        interface_no=actor.interface_no,
        order_type=how.order_type,
        **knock.values(),
    )
    now, answers = rows[: len(rows) - len(later)], rows[len(rows) - len(later) :]
    *gate, orders, staged, archived, subscriptions, on_their_way, first_days, listed = now
    knock.answer(connection, gate)
    return _Found(
        orders,
        (*staged, *archived),
        subscriptions,
        on_their_way,
        {} if product_code is None else {product_code: (first_days, listed)},
        answers if foreseen else None,
    )


def _take_over(store: OrderStore, journal: Journal, key: int, wanted: set[str]) -> None:
    """Free what was held before the order, in its own transaction; nobody gets in between."""
    r = ResourceReservation
    statement = select(r.number, r.iccid, r.imei, r.order_id, r.state, r.until).where(
        r.reservation_id == key
    )
    held = journal.connection.execute(statement).one_or_none()
    if held is None or held.order_id is not None:
        raise Refused("unknown_reservation", reservation=key)
    names = {f"numbers:{held.number}", f"iccids:{held.iccid}", f"imeis:{held.imei}"}
    store.database.lock(journal.connection, "resources", wanted | names)
    held = journal.connection.execute(statement).one()
    if held.state != "inProgress" or journal.at >= held.until:
        state = held.state if held.state != "inProgress" else "expired"
        raise Refused("reservation_ended", reservation=key, state=state)
    reservations.release(journal, key, at=journal.at, reason="used by an order")


def _before(connection: Connection, command: AnyCommand, found: _Found) -> Record | None:
    """The order this request made before, if it is a repeat."""
    for (order_id,) in found.under_key:
        record = views.by_id(connection, order_id)
        # The caller may have made up another reference for the same request.
        if (
            record is None
            or digest(replace(command, order_ref=record.order_ref)) != record.request_digest
        ):
            raise Refused("idempotency_key_reused")
        return record
    if not found.orders:
        return None
    record = views.known(connection, command.order_ref)
    if digest(command) != record.request_digest:
        raise Refused("order_ref_reused", order_ref=command.order_ref)
    return record


def _checked(
    store: OrderStore,
    connection: Connection,
    how: Kind,
    tried: Attempt,
    at: datetime,
    found: _Found,
) -> tuple[Charge, ...]:
    """The checks that the business itself does not make, and what it costs."""
    if how.exclusive and tried.subscription is not None:
        transit.judge(found.on_their_way, tried.subscription.ref, at)
    if not store.policy.at("other_operators_numbers", at):
        _ours(tried, at)
    if store.policy.at("transfer_verifies_holder", at):
        _both_here(tried.command)
    code = tried.product_code
    if not how.waits:
        return ()
    if tried.takes is not None and code is not None:
        credit.check(store, connection, tried.takers, code, at)
    return pricing.charges(connection, tried, at, found.prices.get(code or ""))


def _ours(tried: Attempt, at: datetime) -> None:
    """Refuse to bring a number of another operator into service that stock does not have."""
    number, _, _ = tried.takes_into_service
    if number is None or tried.batch.on_record.numbers[number].from_stock:
        return
    operator = numbering.other_operator(number, business_day(at))
    if operator is not None:
        raise Refused("prefix_of_other", number=mask_number(number), operator=operator)


def _both_here(command: AnyCommand) -> None:
    """Refuse a 过户 without the present holder: whose document it is, the business checks."""
    if isinstance(command, TransferOwner) and command.holder_document is None:
        raise Refused("holder_not_verified", subscription_ref=command.subscription_ref)
