"""The rows a batch of commands works on, in memory.

Here: what there is of everything a batch names. Not here: the records themselves
(`records.py`), reading them (`filling.py`), what the commands do to them
(`businesses`) and how they are written (`flush.py`).

A batch reads everything its commands touch with a dozen statements, works on
it in memory and writes it back in one transaction: an order costs a few
microseconds of database time instead of a round trip for each of its rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mingdan.orders.counter_stock import CounterStock
from mingdan.orders.devices import Devices
from mingdan.orders.filling import Answers, fill
from mingdan.orders.naming import Named
from mingdan.orders.records import (
    Account,
    Document,
    Offering,
    Order,
    Paid,
    Party,
    Resource,
    Subscription,
    imsi_text,
)
from mingdan.orders.timelines import Timelines

__all__ = [
    "Account",
    "Document",
    "Offering",
    "Order",
    "Paid",
    "Party",
    "Resource",
    "Subscription",
    "WorkingSet",
    "imsi_text",
]


class WorkingSet:
    """What is on record of everything a batch names; the customers are locked already.

    Numbers and SIMs are locked once it is known which the batch touches: those it
    names, and those its subscriptions have held. `subscriptions`: the rows of
    `queries.subscriptions`, if they have been read since the customers were locked.
    `numbers_of`: of which subscriptions to read the numbers and SIMs (default: all).
    `locked`: nobody else writes at all. `answers`: those to `filling.questions`, if they
    were asked before, behind the same locks; they serve if no subscription is on record.
    """

    def __init__(
        self,
        connection: Connection,
        named: Named,
        subscriptions: Sequence[Any] | None = None,
        *,
        numbers_of: Set[str] | None = None,
        locked: bool = False,
        answers: Answers | None = None,
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
        self.journal_position = 0
        """The journal's last entry; of the rows locked here, nobody can write a later one."""
        fill(
            self,
            connection,
            named,
            subscriptions,
            numbers_of=numbers_of,
            locked=locked,
            answers=answers,
        )

    def held(self, document: Document, at: datetime, order_id: int) -> int:
        """Subscriptions a document has at `at`, with those other staged orders will give it."""
        staged = sum(key != order_id and at < until for key, until in self.places.get(document, ()))
        return self.in_service[document] + staged

    def add_party(self, party: Party) -> None:
        if party.party_id not in self.party_by_id:
            self.parties[party.party_ref] = self.party_by_id[party.party_id] = party
            self.parties_of[party.document].append(party)

    def add_sim(self, sim: Resource) -> None:
        self.sims[sim.name] = sim
        assert sim.imsi is not None  # noqa: S101 - a SIM has one; only numbers do not
        self.sim_by_imsi[sim.imsi] = sim
