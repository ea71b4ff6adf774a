"""One batch of commands at work: what every business needs at hand.

Here: the batch's context (`Batch`), one command's (`Work`) and the rows they
leave behind. Not here: the businesses themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.timelines import Span
from mingdan.orders.working_set import Offering, Party, Resource, Subscription, WorkingSet
from mingdan.reference import load

ORDER_PATH = ("acknowledged", "inProgress", "completed")
"""v1 provisions at once: acceptance, provisioning and completion are one transaction."""
Row = tuple[Any, ...]
_ENCODER = msgspec.json.Encoder()


@dataclass(slots=True)
class Work:
    """One command being carried out. `recorded_at` may be raised, see `learns`."""

    order_ref: str
    order_id: int
    digest: str
    channel: str
    at: datetime
    recorded_at: datetime
    reserved_numbers: frozenset[str] = frozenset()
    """Reserved for this very order (`stock/reservations.py`): nobody else may take them."""
    reserved_sims: frozenset[str] = frozenset()
    """The same by ICCID."""
    reserved_handsets: frozenset[str] = frozenset()
    """The same by IMEI."""
    takes_back: frozenset[str] = frozenset()
    """The number, ICCID or IMEI that a reversal (冲正) returns to who had it: free for that."""
    staged_in: str | None = None
    """The state of the staged order this completes; None: the order is new."""

    @property
    def stamp(self) -> tuple[datetime, int]:
        """What every version this command begins or ends carries."""
        return self.recorded_at, self.order_id

    def learns(self, *changed_at: datetime | None) -> None:
        """Record no earlier than what is on record already.

        Knowledge only grows: with a clock that lags a little behind the last
        writer's, an order is recorded at that writer's instant.
        """
        for instant in changed_at:
            if instant is not None and instant > self.recorded_at:
                self.recorded_at = instant


@dataclass(slots=True)
class TillRows:
    """New rows of money that a till took for an order: it books them itself (`money/tills.py`)."""

    bills: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    entries: list[Row] = field(default_factory=list)
    transactions: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Rows:
    """New rows by table, in the order of the columns `flush.py` names."""

    parties: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    staged: list[Row] = field(default_factory=list)
    """Like `orders`, of orders on record already (`lifecycle`)."""
    items: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)
    bills: list[Row] = field(default_factory=list)
    payments: list[Row] = field(default_factory=list)
    refunds: list[Row] = field(default_factory=list)
    memberships: list[Row] = field(default_factory=list)
    protections: list[Row] = field(default_factory=list)
    till: TillRows = field(default_factory=TillRows)


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a customer's or an account's data: field -> [before, after]."""

    order_ref: str
    business: str
    party_id: int
    account_id: int | None
    content: dict[str, Any]


@dataclass(slots=True)
class Batch:
    """The working set, the policy, new keys, and the rows to write."""

    on_record: WorkingSet
    policy: Policy
    offerings: dict[str, Offering]
    new_id: Callable[[str], int]
    rows: Rows = field(default_factory=Rows)
    edits: list[Edit] = field(default_factory=list)
    """Written by the desk that carries the order out, in its actor's name."""

    def in_service(self, ref: str, work: Work) -> Subscription:
        """The subscription, if it was in service at the command's instant."""
        subscription = self.known(ref, work)
        if subscription.terminated_at is not None and work.at >= subscription.terminated_at:
            raise Refused(
                "subscription_terminated", subscription_ref=ref, at=subscription.terminated_at
            )
        if work.at < subscription.activated_at:
            raise Refused("not_in_service", subscription_ref=ref, at=work.at)
        return subscription

    def known(self, ref: str, work: Work) -> Subscription:
        """The subscription, in service or not."""
        subscription = self.on_record.subscriptions.get(ref)
        if subscription is None:
            raise Refused("unknown_subscription", subscription_ref=ref)
        work.learns(subscription.changed_at)
        return subscription

    def owner(self, subscription: Subscription, at: datetime) -> Party:
        """Who held the subscription at `at`; after its end, the last holder."""
        spans = self.on_record.owners.of(0, subscription.subscription_id)
        chosen = max(
            (s for s in spans if s.valid_from <= at), default=None, key=lambda s: s.valid_from
        )
        if chosen is None:
            chosen = min(spans, key=lambda s: s.valid_from)
        return self.on_record.party_by_id[chosen.what[1]]

    def account_of(self, subscription: Subscription, at: datetime) -> int:
        """The account that a bill or payment of `at` goes to: its own, or a shared one."""
        account_id = subscription.account_id
        for valid_from, other in self.on_record.memberships[subscription.subscription_id]:
            if valid_from > at:
                break
            account_id = other
        return account_id

    def arrears(self, subscription: Subscription, at: datetime) -> int:
        """Fen past due at `at` on the account that pays for it, and on its own."""
        accounts = {subscription.account_id, self.account_of(subscription, at)}
        return sum(self.on_record.accounts[account_id].arrears(at) for account_id in accounts)

    def holding(self, subscription: Subscription, kind: str, at: datetime) -> Span:
        """The number or IMSI a subscription in service held at `at`."""
        span = self.on_record.number_holdings.at(1, at, subscription.subscription_id, kind)
        if span is None:
            raise LookupError(f"subscription {subscription.subscription_id} without {kind}")
        return span

    def touch(self, work: Work, subscription: Subscription, *resources: Resource) -> None:
        """Note that the store recorded something about these."""
        subscription.changed = True
        subscription.changed_at = work.recorded_at
        for resource in resources:
            resource.changed = True
            resource.changed_at = work.recorded_at

    def complete(
        self,
        work: Work,
        order_type: str,
        *,
        subscription: Subscription | None,
        party: Party | None,
        characteristic: dict[str, Any],
        since: datetime | None = None,
    ) -> None:
        """Write the order, its item and an event for each state it comes to now.

        `since`: from when on it changes what was so, if that is before the order.
        """
        staged = work.staged_in is not None
        action, state, events = path_of(order_type, work.staged_in)
        subscription_id = subscription.subscription_id if subscription else None
        party_id = party.party_id if party else None
        (self.rows.staged if staged else self.rows.orders).append(
            (
                work.order_id,
                work.order_ref,
                order_type,
                state,
                work.channel,
                subscription_id,
                party_id,
                work.at,
                work.at,
                work.recorded_at,
                work.digest,
            )
        )
        product_id = subscription.product_id if subscription else None
        text = _ENCODER.encode(characteristic).decode()
        self.rows.items.append((work.order_id, 1, action, state, product_id, text))
        for event_type, reached in events:
            self.rows.events.append(
                (
                    event_type,
                    order_type,
                    work.order_id,
                    reached,
                    subscription_id,
                    party_id,
                    since or work.at,
                    work.recorded_at,
                )
            )


_EVENTS = {
    "productOrder": (
        ("ProductOrderCreateEvent", ORDER_PATH[0]),
        *(("ProductOrderStateChangeEvent", state) for state in ORDER_PATH[1:]),
    ),
    "customerBill": (("CustomerBillCreateEvent", "completed"),),
    "payment": (("PaymentCreateEvent", "completed"),),
    "refund": (("RefundCreateEvent", "completed"),),
    "topupBalance": (("TopupBalanceCreateEvent", "completed"),),
    "partyProtection": (("PartyProtectionCreateEvent", "completed"),),
}
"""What the log says of each kind of request; bills and payments are facts, not orders."""


@cache
def path_of(order_type: str, staged_in: str | None) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """What an order does to its item, the state it comes to and the events on its way."""
    kind = load.by("order_type", "code")[order_type]
    staged = staged_in is not None
    state = machine("order").walk(staged_in, *(ORDER_PATH[-1:] if staged else ORDER_PATH))
    return kind["action"], state, _EVENTS[kind["event"]][-1 if staged else 0 :]
