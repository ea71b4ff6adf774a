"""Offers partners ask for through the promotion component (资费优惠): asked, then decided.

Here: asking, deciding, and whether a partner may sell a product. Not here: what
a product is and costs (`mingdan/orders/offers`). A partner sells only what was
approved for it, and only while the approval lasts.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.orders import checks
from mingdan.orders.access import model as m
from mingdan.orders.access import partners
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.room import Room, other_person, period
from mingdan.orders.model import ProductOffering
from mingdan.orders.refusals import Refused

BUSINESS = "OFFER_REQUEST"
APPROVAL = "OFFER_REQUEST_APPROVAL"


@dataclass(frozen=True, kw_only=True)
class OfferRequestView:
    """A partner's wish; `status` requested, approved or refused."""

    request_no: str
    partner: str
    product_code: str
    wish: str
    valid_from: datetime
    valid_to: datetime
    status: str
    maker: str
    checker: str | None
    reason: str | None
    requested_at: datetime
    decided_at: datetime | None


class OfferRequests(Room):
    """Partners' offer requests. Every call may raise Refused as the gate does."""

    def ask(
        self,
        partner: str,
        *,
        product_code: str,
        wish: str,
        valid_from: datetime,
        valid_to: datetime,
        actor: Actor,
        at: datetime,
    ) -> str:
        """Ask that a partner may sell a product during a time; the request's number.

        Raises Refused: unknown_partner, partner_not_active, partner_takes_no_orders,
        unknown_product, invalid_value.
        """
        start, end = period(valid_from, valid_to)
        number = f"O{uuid.uuid4().hex[:12]}"
        with self._at_work(actor, BUSINESS, at) as journal:
            row = partners.standing(journal.connection, partner)
            if row.kind != "marketing_channel":
                raise Refused("partner_takes_no_orders", partner=partner, kind=row.kind)
            product = checks.words("product_code", product_code)
            o = ProductOffering
            found = journal.connection.execute(select(o.code).where(o.code == product))
            if found.first() is None:
                raise Refused("unknown_product", product_code=product)
            journal.insert(
                m.PartnerOfferRequest,
                request_no=number,
                partner_id=row.partner_id,
                product_code=product,
                wish=checks.words("wish", wish),
                valid_from=start,
                valid_to=end,
                status="requested",
                maker=checks.words("name", actor.name),
                requested_at=journal.at,
            )
        return number

    def decide(
        self, request_no: str, *, approve: bool, reason: str, actor: Actor, at: datetime
    ) -> None:
        """Approve or refuse, as another person than who asked.

        Raises Refused: unknown_request, already_decided, request_past, same_person.
        """
        r = m.PartnerOfferRequest
        words = checks.words("reason", reason)
        with self._at_work(actor, APPROVAL, at, f"offer:{request_no}") as journal:
            row = journal.connection.execute(
                select(r.request_id, r.status, r.maker, r.valid_to).where(
                    r.request_no == checks.words("request_no", request_no)
                )
            ).one_or_none()
            if row is None:
                raise Refused("unknown_request", request_no=request_no)
            if row.status != "requested":
                raise Refused("already_decided", request_no=request_no, status=row.status)
            if row.valid_to <= journal.at:
                raise Refused("request_past", request_no=request_no, until=row.valid_to)
            journal.update(
                r,
                row.request_id,
                status="approved" if approve else "refused",
                checker=other_person(row.maker, actor),
                reason=words,
                decided_at=journal.at,
            )

    def list(
        self, partner: str | None = None, *, actor: Actor, at: datetime
    ) -> list[OfferRequestView]:
        """Every request (of one partner), the newest first."""
        r, p = m.PartnerOfferRequest, m.Partner
        own = [name for name in OfferRequestView.__dataclass_fields__ if name != "partner"]
        with self._looking(actor, BUSINESS, at) as connection:
            rows = connection.execute(
                select(p.code.label("partner"), *(getattr(r, name) for name in own))
                .join(p, p.partner_id == r.partner_id)
                .order_by(r.request_id.desc())
            )
            found = [OfferRequestView(**row._mapping) for row in rows]
        return [each for each in found if partner in (None, each.partner)]


def may_sell(connection: Connection, interface_no: str, product_code: str, at: datetime) -> None:
    """Return if the partner of this interface may sell the product at `at`.

    Raises Refused: offer_not_approved.
    """
    r, n = m.PartnerOfferRequest, m.InterfaceNumber
    found = connection.execute(
        select(r.request_id)
        .join(n, n.partner_id == r.partner_id)
        .where(
            n.interface_no == interface_no,
            r.product_code == product_code,
            r.status == "approved",
            r.decided_at <= at,
            r.valid_from <= at,
            r.valid_to > at,
        )
        .limit(1)
    )
    if found.first() is None:
        raise Refused("offer_not_approved", product_code=product_code, interface_no=interface_no)
