"""What the order store says of a partner with whom lists are exchanged.

Here: joining `partners.toml` to the order store, by interface number (接口编号) and nothing
else. Not here: who may do what there (`mingdan/orders/access`) and the agreement on lists
(`partners.py`). Either side alone can stop everything; neither can allow what the other refuses.
"""

from __future__ import annotations

from datetime import datetime

from mingdan.orders.access import disclosures
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.access.rules import LIST_EXCHANGE, PARTNER_ROLE
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reports.partners import Partner

UNREGISTERED = "unknown_interface"
"""The order store knows no such interface number."""


def order_side(store: OrderStore, partner: Partner, at: datetime) -> str | None:
    """Why the order store lets nothing pass at `at` (aware), as a reason code; None if it does.

    Codes are the gate's: interface_closed (also of a suspended or ended partner),
    agreement_not_in_force, business_not_permitted, unknown_interface. The hours of a
    permission are for the partner's requests, not for the night.
    """
    caller = Actor(PARTNER_ROLE, partner.interface_number, "lists")
    with store.database.reading() as connection:
        try:
            allow(connection, actor=caller, business=LIST_EXCHANGE, at=at)
        except Refused as refused:
            return None if refused.code == "out_of_hours" else refused.code
    return None


def clear_leave(
    store: OrderStore, partner: Partner, at: datetime
) -> disclosures.DisclosureView | None:
    """The leave in force to tell this partner all that is agreed in the clear; None without.

    It is for the very agreement `partners.toml` names, and for every column and reason there.
    """
    agreed = partner.agreement
    with store.database.reading() as connection:
        for leave in disclosures.in_force(connection, partner.interface_number, at):
            if (
                leave.agreement_no == agreed.reference
                and set(agreed.told) <= set(leave.columns)
                and set(agreed.receives) <= set(leave.reason_codes)
            ):
                return leave
    return None
