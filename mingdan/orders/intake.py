"""Acceptance (受理): a batch of commands against the database, in one transaction.

Here: reading the frame every command has, idempotency, and running the
businesses. Not here: the businesses and the transaction itself (`store.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.registry import BUSINESSES
from mingdan.orders.commands import AnyCommand, Applied, Command, Refusal
from mingdan.orders.database import Database
from mingdan.orders.filling import read_orders
from mingdan.orders.flush import Draft, draft
from mingdan.orders.jsonl import INTERNAL, PAID_ONLY
from mingdan.orders.keys import Keys
from mingdan.orders.naming import Named, named
from mingdan.orders.openings import Openings
from mingdan.orders.pen import apart, pen
from mingdan.orders.plain import alone, unknown, well_formed, without
from mingdan.orders.plain_rows import PlainRows, write_down
from mingdan.orders.policy import Policy
from mingdan.orders.records import Offering, Order
from mingdan.orders.refusals import Refused
from mingdan.orders.working_set import WorkingSet

Entry = tuple[Work, Command]
PART = 2_500
"""Commands worked out together; large enough that statements cost little per command."""
_INTERNAL = frozenset((*INTERNAL.values(), *PAID_ONLY))
"""Not in bulk: a desk checks or is paid for them."""


def read_frames(commands: Iterable[AnyCommand], refused: list[Refusal]) -> Iterator[Entry]:
    """Commands whose own frame is in order; the others go to `refused`."""
    for command in commands:
        try:
            if type(command) in _INTERNAL:
                raise Refused("unknown_business", business=type(command).__name__)
            ref = checks.words("order_ref", command.order_ref)
            at = checks.instant("at", command.at)
            recorded_at = at
            if command.recorded_at is not None:
                recorded_at = checks.instant("recorded_at", command.recorded_at)
            if at > recorded_at:
                raise Refused("future_effect", at=at, recorded_at=recorded_at)
            channel = checks.words("channel", command.channel)
        except Refused as refusal:
            refused.append(refusal.of(str(command.order_ref)))
            continue
        # Its digest is made once its turn comes, beside the writing of what came before.
        yield Work(ref, 0, "", channel, at, recorded_at), command


def apply_batch(
    database: Database,
    connection: Connection,
    policy: Policy,
    offerings: dict[str, Offering],
    entries: list[Entry],
    *,
    first: bool = False,
) -> Applied:
    """Carry out `entries` in the transaction of `connection`.

    Part by part: while one is written, the next one is worked out, if it has
    nothing to do with it. `first`: the transaction has written nothing yet.
    """
    parts = list(_parts(entries))
    several = len(parts) > 1
    if several:
        database.lock_all(connection)
    total = Applied(completed=0, repeated=0, refused=[])
    with (
        _reader(database, connection, beside=several and first) as reader,
        pen(connection, apart=several) as writer,
    ):
        beside = reader is not connection
        free = None if beside else writer.wait
        keys = Keys(reader, min(len(entries), PART), postgresql=database.is_postgresql, free=free)
        unseen: list[_Part] = []
        drafted: Draft | None = None
        for some in parts:
            asked = _asked(some, policy, offerings, several=several)
            if not several:
                database.lock(connection, "customers", asked.wanted.customers())
            if not beside:
                writer.wait()
            keys.refill()
            part = _read(reader, asked, locked=several)
            if drafted is not None:
                touched = not all(apart(part.traces, earlier.traces) for earlier in unseen)
                writer.start(drafted)
                if touched:
                    writer.wait()
                    part = _read(connection, asked, locked=several)
            batch = Batch(part.on_record, policy, offerings, keys.next)
            plain = PlainRows()
            total = total.plus(_decide(batch, part, plain, keys))
            lay_out = several and database.is_postgresql
            drafted = draft(batch, part.on_record.journal_position, plain, lay_out=lay_out)
            unseen = [*unseen, part] if beside else [part]
        keys.give_back()
        if drafted is not None:
            writer.start(drafted)
    return total


def _parts(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Each at most twice the one before: until the first is worked out, nothing is written."""
    start, size = 0, PART if len(entries) <= PART else max(1, PART // 4)
    while start < len(entries):
        yield entries[start : start + size]
        start, size = start + size, min(2 * size, PART)


@contextmanager
def _reader(database: Database, connection: Connection, *, beside: bool) -> Iterator[Connection]:
    """What to read with while `connection` writes: if need be itself, by turns."""
    if not beside:
        yield connection
        return
    with database.beside(connection) as other:
        yield other


@dataclass(slots=True)
class _Asked:
    """What some entries ask for; `openings` may be plain, `rest` are all others."""

    entries: list[Entry]
    openings: Openings
    rest: Named
    wanted: Named


@dataclass(slots=True)
class _Part:
    """What was read for some entries, and which of them are plain openings."""

    asked: _Asked
    plain: Openings
    orders: dict[str, Order]
    on_record: WorkingSet

    @property
    def traces(self) -> tuple[Named, WorkingSet]:
        return self.asked.wanted, self.on_record


def _asked(
    entries: list[Entry], policy: Policy, offerings: dict[str, Offering], *, several: bool
) -> _Asked:
    for work, command in entries:
        work.digest = digest(command)
    # Of a few, reading what is on record row by row costs less than looking for plain ones.
    openings = well_formed(entries if several else (), policy, offerings)
    rest = named(command for _, command in without(entries, openings))
    chosen = alone(openings, rest)
    if not all(chosen):
        openings = openings.only(chosen)
        rest = named(command for _, command in without(entries, openings))
    wanted = rest.and_all(openings.named()) if len(openings) else rest
    return _Asked(entries, openings, rest, wanted)


def _read(connection: Connection, asked: _Asked, *, locked: bool) -> _Part:
    plain = asked.openings
    if len(plain):
        plain = plain.only(unknown(connection, plain))
    others = list(without(asked.entries, plain))
    rest = asked.rest
    if len(plain) < len(asked.openings):
        rest = named(command for _, command in others)
    orders = read_orders(connection, rest.orders)
    if orders:
        rest = named(command for work, command in others if work.order_ref not in orders)
    on_record = WorkingSet(connection, rest, numbers_of=rest.moved, locked=locked)
    return _Part(asked, plain, orders, on_record)


def _decide(batch: Batch, part: _Part, plain: PlainRows, keys: Keys) -> Applied:
    """Carry out a part in order, plain openings that follow each other at once."""
    total, start, next_one = Applied(0, 0), 0, 0
    places = part.plain.places
    while start < len(part.asked.entries):
        first = next_one
        while next_one < len(places) and places[next_one] == start + next_one - first:
            next_one += 1
        if next_one > first:
            total = total.plus(_opened(part.plain.between(first, next_one), plain, keys))
            start += next_one - first
        end = places[next_one] if next_one < len(places) else len(part.asked.entries)
        if end > start:
            total = total.plus(_one_by_one(batch, part.asked.entries[start:end], part.orders))
            start = end
    return total


def _opened(found: Openings, plain: PlainRows, keys: Keys) -> Applied:
    given = write_down(plain, found, keys)
    return Applied(
        len(found),
        0,
        [],
        dict(zip(found.subscriptions, given.subscriptions, strict=True)),
        dict(zip(found.parties, given.parties, strict=True)),
    )


def _one_by_one(batch: Batch, entries: list[Entry], orders: dict[str, Order]) -> Applied:
    completed = repeated = 0
    refused: list[Refusal] = []
    subscription_ids: dict[str, int] = {}
    party_ids: dict[str, int] = {}
    for work, command in entries:
        order = orders.get(work.order_ref)
        try:
            if order is None:
                order = orders[work.order_ref] = _carry_out(batch, work, command)
                completed += 1
            elif order.digest == work.digest and order.state == "completed":
                repeated += 1
            elif order.digest == work.digest:
                raise Refused("order_not_completed", order_ref=work.order_ref, state=order.state)
            else:
                raise Refused("order_ref_reused", order_ref=work.order_ref)
        except Refused as refusal:
            refused.append(refusal.of(work.order_ref))
            continue
        if order.subscription_id is not None:
            subscription_ids[command.subscription_ref] = order.subscription_id  # type: ignore[attr-defined]
        party = getattr(command, "party", None)
        if party is not None and order.party_id is not None:
            party_ids[party.party_ref] = order.party_id
    return Applied(completed, repeated, refused, subscription_ids, party_ids)


def _carry_out(batch: Batch, work: Work, command: Command) -> Order:
    work.order_id = batch.new_id("product_order")
    BUSINESSES[type(command)](batch, work, command)
    _, _, _, _, _, subscription_id, party_id, *_ = batch.rows.orders[-1]
    return Order(work.order_id, work.digest, subscription_id, party_id)


def digest(command: Command) -> str:
    """Of what is asked for, not of when: a retry may come later than the first try."""
    kind: Any = type(command)
    values = [
        value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
        for value in _content(kind)(command)
    ]
    content = repr((kind.__name__, values)).encode("utf-8", "backslashreplace")
    return blake2b(content, digest_size=16).hexdigest()


@cache
def _content(kind: Any) -> Callable[[Command], tuple[Any, ...]]:
    frame = {field.name for field in fields(Command)}
    names = [field.name for field in fields(kind) if field.name not in frame]
    # Two names at least, or the getter would give a bare value.
    return attrgetter("order_ref", *names)
