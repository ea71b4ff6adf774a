"""A partner at the order side, as `mingdan partner register` and its like leave it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.agreements import Agreements
from mingdan.orders.access.disclosures import Disclosures
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.partners import Partners
from mingdan.orders.access.permissions import Permissions
from mingdan.orders.access.rules import LIST_EXCHANGE
from mingdan.orders.store import OrderStore
from tests.lists.pairs import now

LI = Actor("back_office", "internal", "li")
WANG = Actor("manager", "internal", "wang")
ZHAO = Actor("manager", "internal", "zhao")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
AGREEMENT = "XY-2026-002"
"""What partners.toml names as bank_demo's."""


def register(
    store: OrderStore,
    code: str = "bank",
    number: str = "JK-0002",
    agreement: str = AGREEMENT,
    *,
    until: datetime | None = None,
) -> None:
    """A partner with an agreement in force, an open interface and leave to exchange lists."""
    Partners(store).register(
        code, kind="information_exchange", name=code, name_zh=code, actor=LI, at=LONG_AGO
    )
    agreements = Agreements(store)
    agreements.propose(
        agreement,
        partner=code,
        purpose="risk scoring",
        legal_basis="Anti-Telecom-Fraud Law, Art. 27",
        valid_from=LONG_AGO,
        valid_to=until or now() + timedelta(days=365),
        actor=LI,
        at=LONG_AGO,
    )
    agreements.decide(agreement, approve=True, actor=WANG, at=LONG_AGO)
    Interfaces(store).open(number, partner=code, reason="lists", actor=LI, at=LONG_AGO)
    Permissions(store).permit(
        "partner", number, LIST_EXCHANGE, when="always", valid_from=LONG_AGO, actor=WANG,
        at=LONG_AGO,
    )  # fmt: skip


def ask(
    store: OrderStore,
    *columns: str,
    agreement: str = AGREEMENT,
    reasons: tuple[str, ...] = ("fraud", "spam_sms", "abnormal_calls"),
    until: datetime | None = None,
) -> str:
    """Leave asked for by LI: these columns beside the number."""
    return Disclosures(store).ask(
        agreement,
        columns={*columns, "valid_from", "valid_until"},
        reason_codes=reasons,
        reason="court order",
        valid_from=LONG_AGO,
        valid_to=until or now() + timedelta(days=30),
        actor=LI,
        at=LONG_AGO,
    )


def approve(store: OrderStore, number: str, *people: Actor, at: datetime = LONG_AGO) -> None:
    for person in people or (WANG, ZHAO):
        Disclosures(store).approve(number, actor=person, at=at)
