"""Partners, agreements, interface numbers and the offers partners ask for."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.agreements import Agreements
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.offer_requests import OfferRequests, may_sell
from mingdan.orders.access.partners import Partners
from mingdan.orders.store import OrderStore
from tests.orders.access.support import (
    BOSS,
    MAKER,
    SHOP,
    bearer,
    channel,
    keys,
    may,
    permit,
    refused,
)
from tests.orders.support import at

COUNTER = Actor("counter", "counter", "zhao")


def test_a_partner_comes_changes_and_goes(store: OrderStore) -> None:
    channel(store)
    permit(store, "OPEN")
    partners = Partners(store)
    partners.change("shop", name_zh="大店", actor=MAKER, at=at(1))
    found = partners.get("shop", actor=MAKER, at=at(1))
    assert (found.name, found.name_zh, found.status) == ("Shop", "大店", "active")
    assert found.interfaces == ("88001",)
    key = keys(store).create("88001", role="partner", actor=MAKER, at=at(1)).key
    assert bearer(store, key, at(2)) is not None

    partners.remove("shop", reason="contract ended", actor=MAKER, at=at(3))
    found = partners.get("shop", actor=MAKER, at=at(3))
    assert (found.status, found.status_reason) == ("ended", "contract ended")
    assert (found.valid_to, found.interfaces) == (at(3), ())
    assert may(store, SHOP, "OPEN", at(3)) == "interface_closed"
    assert bearer(store, key, at(3)) is None
    assert Agreements(store).of("shop", actor=MAKER, at=at(3))[0].valid_to == at(3)
    for call in (partners.remove, partners.suspend, partners.resume):
        again = refused(call, "shop", reason="x", actor=MAKER, at=at(4))
        assert again == "partner_not_active"
    assert refused(partners.change, "shop", name="X", actor=MAKER, at=at(4)) == "partner_not_active"


def test_a_partners_code_is_its_own(store: OrderStore) -> None:
    channel(store)
    assert refused(channel, store) == "partner_exists"
    assert refused(Partners(store).get, "shop2", actor=MAKER, at=at()) == "unknown_partner"
    assert refused(Partners(store).change, "shop", actor=MAKER, at=at()) == "nothing_changed"


@pytest.mark.parametrize(
    "values",
    [
        {"partner": "x'; DROP TABLE partner; --"},
        {"partner": "ｓｈｏｐ"},
        {"partner": "s" * 41},
        {"partner": "../secrets"},
        {"kind": "friend"},
        {"name": ""},
        {"name": "n" * 201},
        {"name_zh": "\ud800"},
        {"contact": "a\nb"},
    ],
)
def test_bad_partners_are_refused(sqlite_store: OrderStore, values: dict[str, str]) -> None:
    assert refused(channel, sqlite_store, **values) == "invalid_value"
    assert Partners(sqlite_store).list(actor=MAKER, at=at()) == []


def test_only_who_may_keeps_partners(store: OrderStore) -> None:
    channel(store)
    call = Partners(store).suspend
    assert refused(call, "shop", reason="x", actor=COUNTER, at=at()) == "business_not_permitted"
    assert refused(call, "shop", reason="x", actor=SHOP, at=at()) == "business_not_permitted"
    assert Partners(store).get("shop", actor=MAKER, at=at()).status == "active"


def test_an_agreement_needs_two_people(store: OrderStore) -> None:
    Partners(store).register(
        "shop", kind="marketing_channel", name="S", name_zh="店", actor=BOSS, at=at()
    )
    agreements = Agreements(store)
    terms = {"purpose": "sale", "legal_basis": "contract"}
    agreements.propose(
        "A1", partner="shop", **terms, valid_from=at(), valid_to=at(9), actor=BOSS, at=at()
    )
    Interfaces(store).open("88001", partner="shop", reason="x", actor=BOSS, at=at())
    permit(store, "OPEN")
    assert may(store, SHOP, "OPEN") == "agreement_not_in_force"
    own = refused(agreements.decide, "A1", approve=True, actor=BOSS, at=at())
    assert own == "same_person"
    other = Actor("manager", "internal", "chen")
    agreements.decide("A1", approve=False, actor=other, at=at())
    assert may(store, SHOP, "OPEN") == "agreement_not_in_force"
    assert refused(agreements.decide, "A1", approve=True, actor=other, at=at()) == "already_decided"
    assert refused(agreements.end, "A1", actor=BOSS, at=at()) == "already_decided"
    taken = refused(
        agreements.propose, "A1", partner="shop", **terms, valid_from=at(), valid_to=at(9),
        actor=BOSS, at=at(),
    )  # fmt: skip
    assert taken == "agreement_exists"
    backwards = refused(
        agreements.propose, "A2", partner="shop", **terms, valid_from=at(9), valid_to=at(9),
        actor=BOSS, at=at(),
    )  # fmt: skip
    assert backwards == "invalid_value"
    assert refused(agreements.decide, "A9", approve=True, actor=BOSS, at=at()) == (
        "unknown_agreement"
    )


def test_an_interface_number_is_never_given_to_another(store: OrderStore) -> None:
    channel(store)
    channel(store, "rival", "88002")
    interfaces = Interfaces(store)

    def give(number: str, partner: str | None, days: int) -> str:
        return refused(
            interfaces.open, number, partner=partner, reason="x", actor=MAKER, at=at(days)
        )

    assert give("88001", "shop", 0) == "interface_open"
    assert give("88001", "rival", 0) == "interface_taken"
    interfaces.close("88001", reason="moved", actor=MAKER, at=at(1))
    assert give("88001", "rival", 2) == "interface_taken"
    assert give("88001", None, 2) == "interface_taken"
    assert give("counter", "shop", 2) == "interface_taken"
    assert give("counter", None, 2) == "interface_open"
    assert give("88003", "nobody", 2) == "unknown_partner"
    assert refused(interfaces.close, "88001", reason="x", actor=MAKER, at=at(2)) == (
        "interface_closed"
    )
    # the same partner may have it again, from then on, not for the time it was closed
    interfaces.open("88001", partner="shop", reason="back", actor=MAKER, at=at(3))
    found = interfaces.history("88001", actor=MAKER, at=at(3))
    assert [(p.partner, p.valid_from, p.valid_to, p.reason) for p in found] == [
        ("shop", at(), at(1), "moved"),
        ("shop", at(3), None, "back"),
    ]


def test_a_changed_number_takes_its_permissions_along_but_not_its_keys(store: OrderStore) -> None:
    channel(store)
    permit(store, "OPEN", "1-7 08:00-20:00")
    permit(store, "PAY", start=at(5))
    key = keys(store).create("88001", role="partner", actor=MAKER, at=at()).key
    Interfaces(store).replace("88001", "88100", reason="new scheme", actor=MAKER, at=at(1))
    new = Actor("partner", "88100", "x")
    assert may(store, SHOP, "OPEN", at(1)) == "interface_closed"
    assert may(store, new, "OPEN", at(1)) == "yes"
    assert may(store, new, "OPEN", at(1.5)) == "out_of_hours"
    assert may(store, new, "PAY", at(4)) == "business_not_permitted"
    assert may(store, new, "PAY", at(5)) == "yes"
    assert bearer(store, key, at(1)) is None
    numbers = {p.interface_no for p in Interfaces(store).history(actor=MAKER, at=at(1))}
    assert {"88001", "88100", "counter", "internal"} <= numbers
    assert Partners(store).get("shop", actor=MAKER, at=at(1)).interfaces == ("88100",)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE interface_number SET partner_id = NULL",
        "UPDATE interface_number SET interface_no = '88009'",
        "DELETE FROM interface_number",
        (
            "INSERT INTO interface_period (interface_id, valid_from, valid_to, reason) SELECT"
            " interface_id, valid_from, NULL, 'again' FROM interface_period"
        ),
        (
            "INSERT INTO interface_period (interface_id, valid_from, valid_to, reason) SELECT"
            " interface_id, valid_from, valid_from{hour}, 'inside' FROM interface_period"
        ),
        "UPDATE partner_agreement SET checker = maker",
        "UPDATE partner_agreement SET checker = NULL",
        "UPDATE partner SET status = 'ended'",
        "UPDATE partner SET kind = 'friend'",
    ],
)
def test_the_database_itself_guards_interfaces_and_agreements(
    store: OrderStore, statement: str
) -> None:
    channel(store)
    hour = " + interval '1 hour'" if store.database.is_postgresql else " + 3600000000"
    with pytest.raises(DatabaseError), store.database.writing() as connection:
        connection.execute(text(statement.format(hour=hour)))


def test_who_only_exchanges_information_is_granted_no_business(store: OrderStore) -> None:
    channel(store, kind="information_exchange")
    assert refused(permit, store, "OPEN") == "partner_takes_no_orders"
    permit(store, "OPEN", "never")
    ask = OfferRequests(store).ask
    values = {"product_code": "PREPAID", "wish": "x", "valid_from": at(), "valid_to": at(9)}
    assert refused(ask, "shop", **values, actor=MAKER, at=at()) == "partner_takes_no_orders"


def test_a_partner_sells_what_the_promotion_component_approved(store: OrderStore) -> None:
    channel(store)
    requests = OfferRequests(store)
    values = {"wish": "students' autumn", "valid_from": at(2), "valid_to": at(9)}
    number = requests.ask("shop", product_code="PREPAID", **values, actor=MAKER, at=at())

    def sale(when: float) -> str:
        with store.database.reading() as connection:
            try:
                may_sell(connection, "88001", "PREPAID", at(when))
            except Exception as error:
                return str(error).split(":")[0]
        return "yes"

    assert sale(3) == "offer_not_approved"
    decide = requests.decide
    own = Actor("manager", "internal", "li")
    assert refused(decide, number, approve=True, reason="ok", actor=own, at=at(1)) == "same_person"
    decide(number, approve=True, reason="fits the season", actor=BOSS, at=at(1))
    assert [sale(when) for when in (1.9, 2, 8.9, 9)] == [
        "offer_not_approved", "yes", "yes", "offer_not_approved"
    ]  # fmt: skip
    assert refused(decide, number, approve=False, reason="x", actor=BOSS, at=at(1)) == (
        "already_decided"
    )
    shown = requests.list("shop", actor=MAKER, at=at(1))
    assert [(r.status, r.checker, r.reason) for r in shown] == [
        ("approved", "wang", "fits the season")
    ]
    late = requests.ask("shop", product_code="PREPAID", **values, actor=MAKER, at=at(1))
    assert refused(decide, late, approve=True, reason="x", actor=BOSS, at=at(9)) == "request_past"
    unknown = refused(requests.ask, "shop", product_code="BEER", **values, actor=MAKER, at=at())
    assert unknown == "unknown_product"
