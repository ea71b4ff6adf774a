"""What every path of the partners' service needs at hand.

Here: the installation, the store with its keys, the clock, who is asking and
whether that is a partner we exchange lists with. Not here: the paths
(`exchange.py`, `channels.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from mingdan.calendar import business_day
from mingdan.lists.oprf.group import ELEMENT
from mingdan.lists.questions import MOST
from mingdan.lists.receipts import MAX_BYTES
from mingdan.orders.access import log
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.access.rules import LIST_EXCHANGE
from mingdan.orders.http.service import API_KEY, OPEN_PATHS
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reports.partners import Partner, load_partners
from mingdan.reports.policy import policy
from mingdan.settings import Settings

CHANNELS = "/channels/"
"""What is signed and encrypted needs no key: any client of The Update Framework may fetch it."""


@dataclass(frozen=True)
class PartnerService:
    """An installation with its order store open; `clock` gives aware instants."""

    settings: Settings
    store: OrderStore
    keys: ApiKeys
    clock: Callable[[], datetime]

    def caller(self, actor: Actor, at: datetime) -> Caller:
        return Caller(self, actor, at)

    def longest(self, path: str, at: datetime) -> int:
        """The most bytes of a list, a question, or anything else."""
        if path == "/lists":
            return policy(self.settings).caps.max_bytes
        if path == "/questions":
            return MAX_BYTES + ELEMENT * MOST
        return MAX_BYTES

    def needs_no_key(self, path: str) -> bool:
        return path in OPEN_PATHS or path.startswith(CHANNELS)


@dataclass(frozen=True)
class Caller:
    """Who asks, at which instant, of which service. The door has let him in."""

    service: PartnerService
    actor: Actor
    at: datetime

    def partner(self) -> Partner:
        """The partner of this interface, with whom lists may be exchanged now.

        Raises Refused: as the gate does, and list_not_agreed.
        """
        with self.service.store.database.reading() as connection:
            allow(connection, actor=self.actor, business=LIST_EXCHANGE, at=self.at)
        number = self.actor.interface_no
        known = load_partners(self.service.settings).values()
        found = next((partner for partner in known if partner.interface_number == number), None)
        if found is None:
            raise Refused("list_not_agreed", interface_no=number, problem="unknown_partner")
        hindrance = found.hindrance(business_day(self.at))
        if hindrance is not None:
            raise Refused("list_not_agreed", interface_no=number, problem=hindrance)
        return found

    def note(self, partner: Partner, what: str) -> None:
        """Write into the access log that this partner did `what`."""
        database = self.service.store.database
        with database.writing() as connection:
            log.note(
                database,
                connection,
                actor=self.actor,
                purpose=LIST_EXCHANGE,
                what=what,
                subjects=[f"partner:{partner.code}"],
                at=self.at,
            )


def _caller(request: Request, _key: Annotated[str | None, Depends(API_KEY)]) -> Caller:
    found: Caller = request.scope["mingdan.caller"]
    return found


Asking = Annotated[Caller, Depends(_caller)]
