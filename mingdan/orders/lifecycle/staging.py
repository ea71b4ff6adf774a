"""Staging (预输入): what is written of an order that is accepted and not completed yet.

Here: the order, what was entered and what is reserved for it. Not here: whether it
is accepted (`acceptance.py`) and what completion makes of it (`completion.py`).
"""

from __future__ import annotations

from datetime import timedelta

from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import progress, requests
from mingdan.orders.lifecycle.attempts import Attempt
from mingdan.orders.lifecycle.kinds import Kind, name_of
from mingdan.orders.lifecycle.model import StagedOrder
from mingdan.orders.offers import party_changes
from mingdan.orders.offers.prices import Charge
from mingdan.orders.states import machine
from mingdan.orders.stock import reservations
from mingdan.orders.store import OrderStore


def stage(
    store: OrderStore,
    journal: Journal,
    how: Kind,
    tried: Attempt,
    charges: tuple[Charge, ...],
    actor: Actor,
    key: str | None,
) -> None:
    """Write the order and what was entered, and reserve what it needs."""
    at, command = journal.at, tried.command
    path = ("acknowledged", "pending" if charges else "inProgress")
    # Of what the order will bring on record there is no key yet.
    stored = tried.subscription is not None and tried.subscription.stored
    subscription_id = tried.subscription.subscription_id if tried.subscription and stored else None
    new = {row[0] for row in tried.batch.rows.parties}
    party_id = tried.party.party_id if tried.party else None
    party_id = None if party_id in new else party_id
    order_id: int = journal.insert(
        m.ProductOrder,
        order_ref=command.order_ref,
        order_type=how.order_type,
        state=machine("order").walk(None, *path),
        channel=command.channel,
        subscription_id=subscription_id,
        party_id=party_id,
        order_date=at,
        completion_date=None,
        recorded_at=at,
        request_digest=tried.work.digest,
    )
    progress.log(journal, order_id, how.order_type, subscription_id, party_id, path)
    until = at + timedelta(minutes=store.policy.at("order_minutes", at))
    if tried.batch.edits:
        until = at + timedelta(hours=max(1, store.policy.at("staged_data_hours", at)))
    number, iccid, imsi = tried.takes_into_service
    imei = tried.takes_out_of_stock
    if number is not None or iccid is not None or imei is not None:
        reservations.reserve(
            journal,
            at=at,
            until=until,
            number=number,
            iccid=iccid,
            imsi=imsi,
            imei=imei,
            order_id=order_id,
            reserved_for=f"order:{order_id}",
        )
    for edit in tried.batch.edits:
        party_changes.stage(journal, edit, until)
    document_type, document_number = tried.takes or (None, None)
    journal.insert(
        StagedOrder,
        order_id=order_id,
        command=name_of(command),
        request=requests.staged(command),
        interface_no=actor.interface_no,
        accepted_by=str(actor),
        idempotency_key=key,
        subscription_ref=tried.subscription.ref if tried.subscription else None,
        document_type=document_type,
        document_number=document_number,
        placed_at=at,
        until=until,
        closed_at=None,
        charges={"items": [dict(vars(charge)) for charge in charges]},
        due_fen=sum(charge.amount_fen for charge in charges),
        paid_fen=0,
        given_back_fen=0,
        payments={},
        provisioned_at=None,
        product_status=machine("product").walk(None, "created") if _new(tried) else None,
        resting_state=None,
        reasons={"items": []},
    )


def _new(tried: Attempt) -> bool:
    return tried.subscription is not None and not tried.subscription.stored
