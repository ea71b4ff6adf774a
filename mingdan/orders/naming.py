"""What a batch of commands names: the keys by which its rows are read and locked.

Here: only that. Values are taken as far as they can be read; whether they are
in order is for the businesses to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, TypeGuard

from mingdan.orders import checks
from mingdan.orders import commands as c
from mingdan.orders.records import Document
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import numbering

_OWING = (
    c.Pay,
    c.TopUp,
    c.Refund,
    c.Resume,
    c.TransferOwner,
    c.MergeAccount,
    c.SplitAccount,
    c.ChangeOffer,
)
"""Commands that ask what the subscription's accounts owe or hold."""

_EQUIPPED = (
    c.ChangeFeature,
    c.ChangeOffer,
    c.CancelOfferChange,
    c.SwapSim,
    c.Terminate,
    c.Reinstate,
)
"""Commands that ask for the subscription's features and offers."""
_REGROUPED = (c.Charge, c.CancelAccountChange, c.Terminate)
"""Commands that ask which account pays for the subscription, and not what it owes."""
_MONEY = (c.Charge, c.Pay, c.TopUp, c.Refund)
"""Commands that leave numbers and SIMs alone."""
_JOINING = (c.MergeAccount, c.TransferOwner)
_HOLDING = (c.Open, c.TransferOwner, c.Reinstate)
_OF_PARTY = (c.Protect, c.ModifyParty)
_NUMBERING = (c.Open, c.ChangeNumber, c.Reinstate)
_CARDING = (c.Open, c.SwapSim, c.Reinstate)
_COUNTER = (c.BuyDevice, c.SwapDevice, c.ReturnDevice, c.SellCard, c.SellVouchers)
"""Commands that hand something over the counter, or take it back."""


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


def named(commands: Iterable[c.Command]) -> Named:
    """Every key the commands name."""
    found = Named()
    for command in commands:
        found.orders.add(command.order_ref)
        ref = getattr(command, "subscription_ref", None)
        if _readable(ref):
            found.subscriptions.add(ref)
            if not isinstance(command, _MONEY):
                found.moved.add(ref)
            if isinstance(command, _EQUIPPED):
                found.equipped.add(ref)
            if isinstance(command, _OWING):
                found.accounts_of.add(ref)
            elif isinstance(command, _REGROUPED):
                found.billed.add(ref)
            if isinstance(command, c.ModifyParty):
                found.edited.add(ref)
            if isinstance(command, _JOINING):
                found.hosts.add(ref)
        if isinstance(command, c.MergeAccount) and _readable(command.with_subscription_ref):
            found.subscriptions.add(command.with_subscription_ref)
            found.accounts_of.add(command.with_subscription_ref)
        if isinstance(command, c.Refund) and _readable(command.payment_ref):
            found.payments.add(command.payment_ref)
        if isinstance(command, _HOLDING):
            _party(found, command.party)
        if isinstance(command, _OF_PARTY) and _readable(command.party_ref):
            found.parties.add(command.party_ref)
        if isinstance(command, _NUMBERING):
            _number(found, command.msisdn)
        if isinstance(command, _CARDING):
            _sim(found, command.imsi, command.iccid)
        if isinstance(command, _COUNTER):
            _sold(found, command)
    return found


def _readable(text: Any) -> TypeGuard[str]:
    try:
        checks.words("", text)
    except Refused:
        return False
    return True


def _party(found: Named, data: c.PartyData) -> None:
    if _readable(data.party_ref):
        found.parties.add(data.party_ref)
    try:
        found.documents.add((data.document_type, checks.document(data, verify=False)))
    except Refused:
        return


def _sold(found: Named, command: c.Command) -> None:
    """Handsets, cards and vouchers."""
    for name, into in (("imei", "imeis"), ("old_imei", "imeis"), ("card_no", "cards")):
        value = getattr(command, name, None)
        if _readable(value):
            with suppress(Refused):
                getattr(found, into).add(numbering.card(value))
    batch_ref = getattr(command, "batch_ref", None)
    if _readable(batch_ref):
        found.voucher_batches.add(batch_ref)


def _number(found: Named, text: str) -> None:
    try:
        found.numbers |= checks.number_forms(text)
    except Refused:
        return


def _sim(found: Named, imsi_text: str, iccid_text: str) -> None:
    try:
        imsi, iccid = checks.sim(imsi_text, iccid_text)
    except Refused:
        return
    found.imsis.add(imsi)
    found.iccids.add(iccid)
