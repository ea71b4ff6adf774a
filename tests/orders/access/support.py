"""What the tests of access share: people at work, and a partner with an interface."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.agreements import Agreements
from mingdan.orders.access.gate import allow
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.access.partners import Partners
from mingdan.orders.access.permissions import Permissions
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.support import at

MAKER = Actor("back_office", "internal", "li")
BOSS = Actor("manager", "internal", "wang")
PEPPER = b"k" * 32
SHOP = Actor("partner", "88001", "key-1")
ALWAYS = "always"


def refused(call: Callable[..., Any], *args: Any, **values: Any) -> str:
    """The code a call is refused with."""
    with pytest.raises(Refused) as found:
        call(*args, **values)
    assert found.value.reason
    assert found.value.reason_zh
    return found.value.code


def may(store: OrderStore, actor: Actor, business: str, when: datetime | None = None) -> str:
    """`yes`, or the code the gate refuses with."""
    with store.database.reading() as connection:
        try:
            allow(connection, actor=actor, business=business, at=when or at())
        except Refused as error:
            return error.code
    return "yes"


def channel(
    store: OrderStore, partner: str = "shop", interface_no: str = "88001", **values: Any
) -> None:
    """A marketing channel with an agreement in force and one open interface."""
    Partners(store).register(
        partner,
        **{"kind": "marketing_channel", "name": "Shop", "name_zh": "小店"} | values,
        actor=MAKER,
        at=at(),
    )
    agreements = Agreements(store)
    agreements.propose(
        f"A-{partner}",
        partner=partner,
        purpose="sale of subscriptions",
        legal_basis="agency contract",
        valid_from=at(),
        valid_to=at(300),
        actor=MAKER,
        at=at(),
    )
    agreements.decide(f"A-{partner}", approve=True, actor=BOSS, at=at())
    Interfaces(store).open(interface_no, partner=partner, reason="first", actor=MAKER, at=at())


def permit(
    store: OrderStore,
    business: str,
    when: str = ALWAYS,
    *,
    role: str = "partner",
    interface_no: str = "88001",
    start: datetime | None = None,
) -> None:
    Permissions(store).permit(
        role, interface_no, business, when=when, valid_from=start or at(), actor=BOSS, at=at()
    )


def keys(store: OrderStore) -> ApiKeys:
    return ApiKeys(store, PEPPER)


def bearer(store: OrderStore, key: str, when: datetime | None = None) -> Actor | None:
    with store.database.reading() as connection:
        return keys(store).bearer(connection, key, when or at())
