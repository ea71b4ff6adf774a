"""Reading a working set: a query a table, for the keys a batch names.

Here: in which order things are read and locked, and what becomes of the rows. Not
here: the queries (`queries.py`) and the set itself (`working_set.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from mingdan.orders import filling_money, queries
from mingdan.orders import model as m
from mingdan.orders.database import locking
from mingdan.orders.finding import Maker, find, find_all
from mingdan.orders.naming import Named
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.records import Order, Party, Resource, Subscription, imsi_text
from mingdan.orders.timelines import Span

if TYPE_CHECKING:
    from mingdan.orders.working_set import WorkingSet

Answers = Sequence[Sequence[Any]]
"""The rows that `questions` asks for."""


def fill(
    known: WorkingSet,
    connection: Connection,
    named: Named,
    subscriptions: Sequence[Any] | None,
    *,
    numbers_of: Set[str] | None,
    locked: bool,
    answers: Answers | None,
) -> None:
    """Read into the empty `known` everything that is named; see `WorkingSet`."""

    def rows(make: Maker, keys: Iterable[Any]) -> Sequence[Any]:
        return find(connection, make, keys)

    if subscriptions is None:
        subscriptions = rows(queries.subscriptions, named.subscriptions)
    for row in subscriptions:
        known.subscriptions[row[1]] = Subscription(*row)
    ids = {s.subscription_id for s in known.subscriptions.values()}
    moving = ids
    if numbers_of is not None:
        moving = {s.subscription_id for ref, s in known.subscriptions.items() if ref in numbers_of}
    _spans(known, rows, ids, moving)
    _name_held(known, named, moving)
    filling_money.accounts(known, rows, named, locked=locked)
    if answers is None or known.subscriptions:
        answers = _answers(known, connection, named, locked=locked)
    _resources_and_parties(known, connection, named, answers)
    _equipment(known, rows, named)
    filling_money.account_data(known, rows, named)
    if named.cards or named.voucher_batches:
        known.counter.read(rows, named.cards, named.voucher_batches)
    if named.imeis:
        known.devices.read(rows, named.imeis)


def _spans(known: WorkingSet, rows: Callable[..., Any], ids: set[int], moving: set[int]) -> None:
    for timelines, table, keys in (
        (known.number_holdings, m.NumberHolding, moving),
        (known.owners, m.SubscriptionHolding, ids),
        (known.blocks, m.SubscriptionBlock, ids),
    ):
        make = queries.spans(table, table.subscription_id)
        timelines.load(_span(row) for row in rows(make, keys))


def _equipment(known: WorkingSet, rows: Callable[..., Any], named: Named) -> None:
    ids = {
        known.subscriptions[ref].subscription_id
        for ref in named.equipped
        if ref in known.subscriptions
    }
    if not ids:
        return
    for timelines, table in (
        (known.features, SubscriptionFeature),
        (known.offers, SubscriptionOffering),
    ):
        make = queries.spans(table, table.subscription_id)
        timelines.load(_span(row) for row in rows(make, ids))
    for iccid, capacity, stk in rows(queries.sim_traits, known.sims):
        known.sim_traits[iccid] = (capacity, stk)


def _name_held(known: WorkingSet, named: Named, ids: set[int]) -> None:
    for subscription_id in ids:
        for span in known.number_holdings.of(1, subscription_id, "msisdn"):
            named.numbers.add(str(span.what[1]))
        for span in known.number_holdings.of(1, subscription_id, "imsi"):
            named.imsis.add(imsi_text(span.what[1]))


def questions(
    connection: Connection, named: Named, owners: Set[int] = frozenset()
) -> list[tuple[Maker, Iterable[Any]]]:
    """What is to be known of the numbers, SIMs and parties that are named, once they are locked.

    And of `owners`: the parties that the subscriptions on record were held by.
    """
    # Other holders too: a late order of a former one must not take it from the present one.
    keys = {int(number) for number in named.numbers | named.imsis}
    documents = {number for _, number in named.documents}
    return [
        (queries.holdings_of_keys, keys),
        (queries.numbers, named.numbers),
        (queries.sims_by_imsi, named.imsis),
        (queries.sims_by_iccid, named.iccids),
        (queries.parties_by_ref, named.parties),
        (queries.parties_by_id, owners),
        (queries.parties_by_document, documents),
        (queries.places, documents),
        (queries.journal_position(connection.dialect.name), (0,)),
    ]


def _answers(known: WorkingSet, connection: Connection, named: Named, *, locked: bool) -> Answers:
    owners = {
        span.what[1]
        for s in known.subscriptions.values()
        for span in known.owners.of(0, s.subscription_id)
    }
    return find_all(
        connection,
        questions(connection, named, owners),
        first=None if locked else locking({"resources": named.resources()}),
    )


def _resources_and_parties(
    known: WorkingSet, connection: Connection, named: Named, answers: Answers
) -> None:
    holdings, numbers, by_imsi, by_iccid, *parties, places, position = answers
    for (last,) in position:
        known.journal_position = last
    known.number_holdings.load(_span(r) for r in holdings)
    for row in numbers:
        known.numbers[row[0]] = Resource(row[0], None, *row[1:])
    for row in (*by_imsi, *by_iccid):
        if row[0] not in known.sims:
            known.add_sim(Resource(*row))
    for document_type, document, order_id, until in places:
        known.places[document_type, document].append((order_id, until))
    _parties(known, connection, named, chain.from_iterable(parties))


def _parties(known: WorkingSet, connection: Connection, named: Named, rows: Iterable[Any]) -> None:
    for r in rows:
        key, ref, kind, name, document_type, document_number, contact, recorded_at = r
        document = (document_type, document_number)
        known.add_party(Party(key, ref, kind, name, document, contact, recorded_at))
    named_parties = {p.party_id for d in named.documents for p in known.parties_of.get(d, ())}
    protected = {known.parties[ref].party_id for ref in named.parties if ref in known.parties}
    if not named_parties | protected:
        return
    in_service, restrictions, protections = find_all(
        connection,
        (
            (queries.in_service, named_parties),
            (queries.restrictions, named_parties),
            (queries.protections, protected),
        ),
    )
    for party_id, count in in_service:
        known.in_service[known.party_by_id[party_id].document] += count
    for party_id, effect, class_code, reason_code in restrictions:
        known.restrictions[party_id].append((effect, f"{class_code}:{reason_code}"))
    for row in protections:
        known.protections.add(tuple(row))


def _span(row: Any) -> Span:
    row_id, valid_from, valid_to, recorded_at, superseded_at, order_id, *what = row
    return Span(tuple(what), valid_from, valid_to, recorded_at, superseded_at, order_id, row_id)


def read_orders(connection: Connection, refs: set[str]) -> dict[str, Order]:
    """The orders already on record under these references."""
    rows = find(connection, queries.orders, refs)
    return {row[0]: Order(*row[1:]) for row in rows}
