"""The offers of an open store: what there is, what it costs, what suits whom.

Here: reading for people and interfaces. Not here: changing offers and features,
which are orders (`ChangeOffer`, `ChangeFeature`) like all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from mingdan.calendar import business_day
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.journal import Journal
from mingdan.orders.offers import prices
from mingdan.orders.offers.features import feature
from mingdan.orders.offers.prices import Charge, Price
from mingdan.orders.offers.reading import (
    HeldFeature,
    HeldOffering,
    features_of,
    offerings_of,
)
from mingdan.orders.offers.recommend import Advice, Behaviour, Needs, Terms, recommend
from mingdan.orders.offers.subjects import subject_of
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load

_HIGHEST = 10**9


@dataclass(frozen=True)
class Equipment:
    """What a subscription has at an instant, and the offers booked to follow."""

    subscription_id: int
    offers: tuple[HeldOffering, ...]
    features: tuple[HeldFeature, ...]


class OfferDesk:
    """Offers, prices, features and recommendations. `at` is aware everywhere."""

    def __init__(self, store: OrderStore) -> None:
        self._database = store.database
        self._policy = store.policy

    def offers(self, at: datetime) -> tuple[Terms, ...]:
        """Every offering on record with its fee and terms on the business day of `at`."""
        with self._database.reading() as connection:
            return terms(connection, business_day(checks.instant("at", at)))

    def quote(self, product_code: str, order_type: str, at: datetime) -> tuple[Charge, ...]:
        """See `prices.quote`."""
        with self._database.reading() as connection:
            return prices.quote(connection, product_code=product_code, order_type=order_type, at=at)

    def add_prices(self, entries: Iterable[Price], *, actor: Actor, at: datetime) -> int:
        """Put prices on the list, all or none; see `prices.add`. Business PRICE_LIST."""
        at = checks.instant("at", at)
        with self._database.writing() as connection:
            allow(connection, actor=actor, business="PRICE_LIST", at=at)
            self._database.lock(connection, "customers", ["charge_price"])
            return prices.add(Journal(connection, at, str(actor)), entries)

    def equipment(self, subscription: str, at: datetime) -> Equipment:
        """The offering and features of a subscription, by number, reference or key.

        Raises Refused: unknown_subscription.
        """
        at = checks.instant("at", at)
        with self._database.reading() as connection:
            key = subject_of(connection, subscription, at).subscription_id
            return Equipment(
                key,
                offerings_of(connection, key, at=at, known_at=at),
                features_of(connection, key, at=at, known_at=at),
            )

    def recommend(
        self,
        needs: Needs,
        *,
        features: Iterable[str] = (),
        behaviour: Behaviour | None = None,
        subscription: str | None = None,
        at: datetime,
    ) -> Advice:
        """Offers for a need, and for a subscription's present offer if one is named.

        `features`: codes of features that are wanted, besides those it has.
        Raises Refused: unknown_subscription, unknown_feature, invalid_value.
        """
        at = checks.instant("at", at)
        _sensible(needs)
        wanted, present = list(features), None
        with self._database.reading() as connection:
            offers = terms(connection, business_day(at))
            if subscription is not None:
                key = subject_of(connection, subscription, at).subscription_id
                present = offerings_of(connection, key, at=at, known_at=at)[0].code
                held = features_of(connection, key, at=at, known_at=at)
                wanted += [each.code for each in held]
        rules = []
        for code in sorted({checks.words("features", each) for each in wanted}):
            rule = feature(code, at)
            if rule is None:
                raise Refused("unknown_feature", feature=code)
            rules.append(rule)
        return recommend(
            offers,
            needs=replace(needs, features=tuple(rules)),
            behaviour=behaviour,
            present=present,
            day=business_day(at),
            between_payment_kinds=bool(self._policy.at("offer_change_between_payment_kinds", at)),
            most=int(self._policy.at("recommended_offers", at)),
        )


def terms(connection: Connection, day: date) -> tuple[Terms, ...]:
    """Every offering on record as it is sold on `day`, by code."""
    o, p = m.ProductOffering, m.ProductOfferingPrice
    prices_then = select(p.code, p.monthly_fee_fen).where(p.valid_from <= day)
    # the latest of each code stands last
    rows = connection.execute(prices_then.order_by(p.valid_from))
    fees = {row.code: row.monthly_fee_fen for row in rows}
    included: dict[str, dict[str, Any]] = {}
    for row in sorted(load.rows("offer_terms"), key=lambda row: row["valid_from"]):
        if date.fromisoformat(row["valid_from"]) <= day:
            included[row["code"]] = {
                name: value == "yes" if name == "international" else int(value)
                for name, value in row.items()
                if name not in ("code", "valid_from")
            }
    return tuple(
        Terms(
            code=row.code,
            name=row.name,
            name_zh=row.name_zh,
            payment_kind=row.payment_kind,
            sender_kind=row.sender_kind,
            on_sale_from=row.valid_from,
            monthly_fee_fen=fees.get(row.code, 0),
            known=row.code in included,
            **included.get(row.code, {}),
        )
        for row in connection.execute(select(o.__table__).order_by(o.code))
    )


def _sensible(needs: Needs) -> None:
    for name in ("minutes", "messages", "megabytes", "budget_fen"):
        value = getattr(needs, name)
        if value is not None and (type(value) is not int or not 0 <= value <= _HIGHEST):
            raise Refused("invalid_value", field=name, problem="is not a number of at most 10^9")
    kinds = load.rows("product")
    for name in ("payment_kind", "sender_kind"):
        value = getattr(needs, name)
        if value is not None:
            checks.one_of(name, value, frozenset(row[name] for row in kinds))
