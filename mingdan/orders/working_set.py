"""The rows a batch of commands works on, in memory.

Here: the records and how those a batch names are read. Not here: what the
commands do to them (`businesses`) and how they are written (`flush.py`).

A batch reads everything its commands touch with a dozen statements, works on
it in memory and writes it back in one transaction: an order costs a few
microseconds of database time instead of a round trip for each of its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from mingdan.orders import model as m
from mingdan.orders import queries
from mingdan.orders.counter_stock import CounterStock
from mingdan.orders.database import locking
from mingdan.orders.devices import Devices
from mingdan.orders.finding import Maker, find, find_all
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.timelines import Span, Timelines

Document = tuple[str, str]


@dataclass(slots=True)
class Party:
    party_id: int
    party_ref: str
    party_type: str
    name: str
    document: Document
    contact: str | None
    recorded_at: datetime


@dataclass(slots=True)
class Subscription:
    subscription_id: int
    ref: str
    account_id: int
    activated_at: datetime
    recorded_at: datetime
    terminated_at: datetime | None
    termination_recorded_at: datetime | None
    changed_at: datetime
    product_id: int
    product_code: str
    status: str
    stored: bool = True
    changed: bool = False


@dataclass(slots=True)
class Resource:
    """A number (`name` is the MSISDN) or a SIM (`name` is the ICCID)."""

    name: str
    imsi: str | None
    state: str
    until: datetime | None
    subscription_id: int | None
    changed_at: datetime | None
    from_stock: bool = False
    """Stock knows it; otherwise an order brought it in."""
    licensed_until: datetime | None = None
    stored: bool = True
    changed: bool = False


@dataclass(slots=True)
class Order:
    order_id: int
    digest: str
    subscription_id: int | None
    party_id: int | None
    state: str = "completed"


@dataclass(slots=True)
class Offering:
    code: str
    sender_kind: str
    valid_from: date
    payment_kind: str = ""


@dataclass(slots=True)
class Account:
    """Bills `(due_at, billed_at, fen)` and payments `(paid_at, fen)` of one account."""

    bills: list[tuple[datetime, datetime, int]] = field(default_factory=list)
    payments: list[tuple[datetime, int]] = field(default_factory=list)

    def arrears(self, at: datetime) -> int:
        """Fen unpaid past their due date at `at`; payments cover the oldest bills first."""
        due = sum(fen for due_at, billed_at, fen in self.bills if max(due_at, billed_at) < at)
        return max(0, due - sum(fen for paid_at, fen in self.payments if paid_at <= at))

    def balance(self) -> int:
        """Fen paid and not billed, due or not; below 0 the account owes them."""
        paid = sum(fen for _, fen in self.payments)
        return paid - sum(fen for _, _, fen in self.bills)


@dataclass(slots=True)
class Paid:
    """What an order paid: fen by account that were not given back yet."""

    order_id: int
    order_type: str
    subscription_id: int | None
    paid_at: datetime
    left: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Named:
    """What a batch's commands name, by which it is read (and locked)."""

    orders: set[str] = field(default_factory=set)
    subscriptions: set[str] = field(default_factory=set)
    accounts_of: set[str] = field(default_factory=set)
    """Subscriptions whose accounts are read."""
    moved: set[str] = field(default_factory=set)
    """Subscriptions whose numbers and SIMs are asked for; of a bill or payment they are not."""
    equipped: set[str] = field(default_factory=set)
    """Subscriptions whose features and offers are asked for."""
    billed: set[str] = field(default_factory=set)
    """Subscriptions of which only is asked which account pays."""
    edited: set[str] = field(default_factory=set)
    """Subscriptions of whose accounts is asked how they are billed (帐户资料)."""
    hosts: set[str] = field(default_factory=set)
    """Subscriptions of which is asked who else pays from their own account."""
    payments: set[str] = field(default_factory=set)
    parties: set[str] = field(default_factory=set)
    documents: set[Document] = field(default_factory=set)
    numbers: set[str] = field(default_factory=set)
    imsis: set[str] = field(default_factory=set)
    iccids: set[str] = field(default_factory=set)
    imeis: set[str] = field(default_factory=set)
    cards: set[str] = field(default_factory=set)
    """Prepaid cards."""
    voucher_batches: set[str] = field(default_factory=set)

    def and_all(self, other: Named) -> Named:
        """What either names."""
        return Named(
            *(getattr(self, each.name) | getattr(other, each.name) for each in fields(self))
        )

    def customers(self) -> Iterator[str]:
        """Orders, subscriptions, parties and documents with their kind, for locks."""
        for kind in ("orders", "subscriptions", "parties"):
            for name in getattr(self, kind):
                yield f"{kind}:{name}"
        for document_type, number in self.documents:
            yield f"document:{document_type}:{number}"

    def resources(self) -> Iterator[str]:
        """Numbers, SIMs and handsets with their kind, for locks."""
        for kind in ("numbers", "imsis", "iccids", "imeis"):
            for name in getattr(self, kind):
                yield f"{kind}:{name}"
        # As `stock/cards.py` locks them.
        yield from (f"card_no:{name}" for name in self.cards)
        yield from (f"voucher_batch:{name}" for name in self.voucher_batches)


class WorkingSet:
    """What is on record of everything a batch names; the customers are locked already.

    Numbers and SIMs are locked once it is known which the batch touches: those it
    names, and those its subscriptions have held. `subscriptions`: the rows of
    `queries.subscriptions`, if they have been read since the customers were locked.
    `numbers_of`: of which subscriptions to read the numbers and SIMs (default: all).
    `locked`: nobody else writes at all.
    """

    def __init__(
        self,
        connection: Connection,
        named: Named,
        subscriptions: Sequence[Any] | None = None,
        *,
        numbers_of: Set[str] | None = None,
        locked: bool = False,
    ) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self.parties: dict[str, Party] = {}
        self.party_by_id: dict[int, Party] = {}
        self.parties_of: dict[Document, list[Party]] = defaultdict(list)
        self.in_service: dict[Document, int] = defaultdict(int)
        """Subscriptions not terminated, for the documents the batch names."""
        self.places: dict[Document, list[tuple[int, datetime]]] = defaultdict(list)
        """Orders on their way that take a place under a document's cap, and until when."""
        self.restrictions: dict[int, list[tuple[str, str]]] = defaultdict(list)
        """Party -> (effect, reason) in force."""
        self.numbers: dict[str, Resource] = {}
        self.sims: dict[str, Resource] = {}
        self.sim_by_imsi: dict[str, Resource] = {}
        self.accounts: dict[int, Account] = defaultdict(Account)
        self.memberships: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
        """Subscription -> (valid_from, account), ascending (合帐, 分帐)."""
        self.guests: set[int] = set()
        """Subscriptions that pay from the own account of one in `Named.hosts`."""
        self.paid: dict[str, Paid] = {}
        self.protections: set[tuple[int, str, datetime]] = set()
        # what: (key_kind, key, subscription_id)
        self.number_holdings = Timelines(lambda what: what[:2], lambda what: (what[2], what[0]))
        # what: (subscription_id, party_id)
        self.owners = Timelines(lambda what: what[:1])
        # what: (subscription_id, reason, direction)
        self.blocks = Timelines(lambda what: what[:1])
        # what: (subscription_id, feature_code), (subscription_id, offering_code)
        self.features = Timelines(lambda what: what[:1])
        self.offers = Timelines(lambda what: what[:1])
        self.sim_traits: dict[str, tuple[int | None, bool | None]] = {}
        """ICCID -> capacity (K) and whether it is an STK card, as far as stock knows."""
        self.devices = Devices()
        self.counter = CounterStock()
        self.account_data: dict[int, dict[str, Any]] = {}
        """Account -> name, bill_medium and bill_address, for `Named.edited`."""
        self._read(connection, named, subscriptions, numbers_of, locked)

    def held(self, document: Document, at: datetime, order_id: int) -> int:
        """Subscriptions a document has at `at`, with those other staged orders will give it."""
        staged = sum(key != order_id and at < until for key, until in self.places.get(document, ()))
        return self.in_service[document] + staged

    def add_party(self, party: Party) -> None:
        if party.party_id not in self.party_by_id:
            self.parties[party.party_ref] = self.party_by_id[party.party_id] = party
            self.parties_of[party.document].append(party)

    def _read(
        self,
        connection: Connection,
        named: Named,
        subscriptions: Sequence[Any] | None,
        numbers_of: Set[str] | None,
        locked: bool,
    ) -> None:
        def rows(make: Maker, keys: Iterable[Any]) -> Sequence[Any]:
            return find(connection, make, keys)

        if subscriptions is None:
            subscriptions = rows(queries.subscriptions, named.subscriptions)
        for row in subscriptions:
            self.subscriptions[row[1]] = Subscription(*row)
        ids = {s.subscription_id for s in self.subscriptions.values()}
        moving = ids
        if numbers_of is not None:
            moving = {
                s.subscription_id for ref, s in self.subscriptions.items() if ref in numbers_of
            }
        self._read_spans(rows, ids, moving)
        self._name_held(named, moving)
        self._read_accounts(rows, named)
        self._read_resources_and_parties(connection, named, locked)
        self._read_equipment(rows, named)
        self._read_account_data(rows, named)
        if named.cards or named.voucher_batches:
            self.counter.read(rows, named.cards, named.voucher_batches)
        if named.imeis:
            self.devices.read(rows, named.imeis)

    def _read_accounts(self, rows: Callable[..., Any], named: Named) -> None:
        """Accounts, locked: after the customers and before numbers and SIMs."""
        asked = named.accounts_of | named.billed
        own = {
            self.subscriptions[ref].subscription_id: self.subscriptions[ref].account_id
            for ref in asked
            if ref in self.subscriptions
        }
        if not own:
            return
        self._read_guests(rows, named)
        for subscription_id, valid_from, account_id in rows(
            queries.memberships, own.keys() | self.guests
        ):
            self.memberships[subscription_id].append((valid_from, account_id))
        accounts = {
            account_id
            for ref in named.accounts_of
            if ref in self.subscriptions
            for account_id in (
                self.subscriptions[ref].account_id,
                *(a for _, a in self.memberships[self.subscriptions[ref].subscription_id]),
            )
        }
        self._read_paid(rows, named)
        for paid in self.paid.values():
            accounts |= paid.left.keys()
        rows(queries.locked_accounts, accounts)
        for row in rows(queries.bills, accounts):
            self.accounts[row[0]].bills.append(tuple(row[1:]))
        for make in (queries.payments, queries.refunds):
            for row in rows(make, accounts):
                self.accounts[row[0]].payments.append(tuple(row[1:]))

    def _read_account_data(self, rows: Callable[..., Any], named: Named) -> None:
        asked = {
            self.subscriptions[ref].account_id for ref in named.edited if ref in self.subscriptions
        }
        for account_id, name, medium, address in rows(queries.account_data, asked):
            self.account_data[account_id] = {
                "name": name, "bill_medium": medium, "bill_address": address,
            }  # fmt: skip

    def _read_guests(self, rows: Callable[..., Any], named: Named) -> None:
        hosted = {
            self.subscriptions[ref].account_id for ref in named.hosts if ref in self.subscriptions
        }
        self.guests = {row[0] for row in rows(queries.guests, hosted)}

    def _read_paid(self, rows: Callable[..., Any], named: Named) -> None:
        by_order: dict[int, Paid] = {}
        for ref, order_id, order_type, subscription_id, account_id, paid_at, fen in rows(
            queries.paid, named.payments
        ):
            if ref not in self.paid:
                self.paid[ref] = by_order[order_id] = Paid(
                    order_id, order_type, subscription_id, paid_at
                )
            left = self.paid[ref].left
            left[account_id] = left.get(account_id, 0) + fen
        for order_id, account_id, fen in rows(queries.given_back, by_order):
            by_order[order_id].left[account_id] -= fen

    def _read_spans(self, rows: Callable[..., Any], ids: set[int], moving: set[int]) -> None:
        for timelines, table, keys in (
            (self.number_holdings, m.NumberHolding, moving),
            (self.owners, m.SubscriptionHolding, ids),
            (self.blocks, m.SubscriptionBlock, ids),
        ):
            make = queries.spans(table, table.subscription_id)
            timelines.load(_span(row) for row in rows(make, keys))

    def _read_equipment(self, rows: Callable[..., Any], named: Named) -> None:
        ids = {
            self.subscriptions[ref].subscription_id
            for ref in named.equipped
            if ref in self.subscriptions
        }
        if not ids:
            return
        for timelines, table in (
            (self.features, SubscriptionFeature),
            (self.offers, SubscriptionOffering),
        ):
            make = queries.spans(table, table.subscription_id)
            timelines.load(_span(row) for row in rows(make, ids))
        for iccid, capacity, stk in rows(queries.sim_traits, self.sims):
            self.sim_traits[iccid] = (capacity, stk)

    def _name_held(self, named: Named, ids: set[int]) -> None:
        for subscription_id in ids:
            for span in self.number_holdings.of(1, subscription_id, "msisdn"):
                named.numbers.add(str(span.what[1]))
            for span in self.number_holdings.of(1, subscription_id, "imsi"):
                named.imsis.add(imsi_text(span.what[1]))

    def _read_resources_and_parties(
        self, connection: Connection, named: Named, locked: bool
    ) -> None:
        # Other holders too: a late order of a former one must not take it from the present one.
        keys = {int(number) for number in named.numbers | named.imsis}
        owners = {
            span.what[1]
            for s in self.subscriptions.values()
            for span in self.owners.of(0, s.subscription_id)
        }
        documents = {number for _, number in named.documents}
        holdings, numbers, by_imsi, by_iccid, *parties, places = find_all(
            connection,
            (
                (queries.holdings_of_keys, keys),
                (queries.numbers, named.numbers),
                (queries.sims_by_imsi, named.imsis),
                (queries.sims_by_iccid, named.iccids),
                (queries.parties_by_ref, named.parties),
                (queries.parties_by_id, owners),
                (queries.parties_by_document, documents),
                (queries.places, documents),
            ),
            first=None if locked else locking("resources", named.resources()),
        )
        self.number_holdings.load(_span(r) for r in holdings)
        for row in numbers:
            self.numbers[row[0]] = Resource(row[0], None, *row[1:])
        for row in (*by_imsi, *by_iccid):
            if row[0] not in self.sims:
                self.add_sim(Resource(*row))
        for document_type, document, order_id, until in places:
            self.places[document_type, document].append((order_id, until))
        self._read_parties(connection, named, chain.from_iterable(parties))

    def add_sim(self, sim: Resource) -> None:
        self.sims[sim.name] = sim
        assert sim.imsi is not None  # noqa: S101 - a SIM has one; only numbers do not
        self.sim_by_imsi[sim.imsi] = sim

    def _read_parties(self, connection: Connection, named: Named, rows: Iterable[Any]) -> None:
        for r in rows:
            key, ref, kind, name, document_type, document_number, contact, recorded_at = r
            document = (document_type, document_number)
            self.add_party(Party(key, ref, kind, name, document, contact, recorded_at))
        named_parties = {p.party_id for d in named.documents for p in self.parties_of.get(d, ())}
        protected = {self.parties[ref].party_id for ref in named.parties if ref in self.parties}
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
            self.in_service[self.party_by_id[party_id].document] += count
        for party_id, effect, class_code, reason_code in restrictions:
            self.restrictions[party_id].append((effect, f"{class_code}:{reason_code}"))
        for row in protections:
            self.protections.add(tuple(row))


def _span(row: Any) -> Span:
    row_id, valid_from, valid_to, recorded_at, superseded_at, order_id, *what = row
    return Span(tuple(what), valid_from, valid_to, recorded_at, superseded_at, order_id, row_id)


def read_orders(connection: Connection, refs: set[str]) -> dict[str, Order]:
    """The orders already on record under these references."""
    rows = find(connection, queries.orders, refs)
    return {row[0]: Order(*row[1:]) for row in rows}


def imsi_text(key: int) -> str:
    """An IMSI as text: test networks' begin with zeros."""
    return f"{key:015d}"
