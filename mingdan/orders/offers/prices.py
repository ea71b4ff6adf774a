"""Prices: what a business costs for a product at an instant.

Here: the dated price list on record and the quote made from it. Not here:
taking the money (`money`) and what an offering costs a month
(`product_offering_price`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select

from mingdan.calendar import business_day
from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.database import Database
from mingdan.orders.finding import Among, Maker, Query, find_all
from mingdan.orders.journal import Journal
from mingdan.orders.offers.model import ChargePrice
from mingdan.orders.refusals import Refused
from mingdan.reference import load

EVERY_PRODUCT = "*"


@dataclass(frozen=True)
class Charge:
    """One line of a quote; `amount_fen` > 0."""

    code: str
    amount_fen: int
    name: str
    name_zh: str


@dataclass(frozen=True, kw_only=True)
class Price:
    """An entry of the price list: `product_code` may be `*`, `amount_fen` 0 is free."""

    product_code: str
    order_type: str
    code: str
    valid_from: date
    amount_fen: int
    name: str
    name_zh: str


def asked_to_quote(product_code: str | None) -> tuple[tuple[Maker, set[str]], ...]:
    """What must be found (with `order_type`) to quote, for those who ask for more with it."""
    if product_code is None:
        return (_first_days, set()), (_listed, set())
    return (_first_days, {product_code}), (_listed, {product_code, EVERY_PRODUCT})


def quote(
    connection: Connection,
    *,
    product_code: str,
    order_type: str,
    at: datetime,
    found: Sequence[Sequence[Any]] | None = None,
) -> tuple[Charge, ...]:
    """What business `order_type` costs for `product_code` at `at`, by charge code.

    The entry in force on the business day (Asia/Shanghai) of `at` counts; one
    for the product goes before one for every product. Nothing to pay: an empty
    quote. `found`: the rows of `asked_to_quote`, if they have been read. Raises
    Refused: invalid_value, unknown_product, unknown_business, product_not_on_sale.
    """
    day = business_day(checks.instant("at", at))
    if found is None:
        questions = asked_to_quote(checks.words("product_code", product_code))
        found = find_all(connection, questions, order_type=order_type)
    known, listed = found
    if not known:
        raise Refused("unknown_product", product_code=product_code)
    if order_type not in load.by("order_type", "code"):
        raise Refused("unknown_business", business=checks.words("order_type", order_type))
    first = _day(known[0][0])
    if order_type == "OPEN" and day < first:
        raise Refused("product_not_on_sale", product_code=product_code, valid_from=first)
    rows = [row for row in listed if _day(row[5]) <= day]
    charges: dict[str, Charge] = {}
    # The latest entry of each charge; the product's own last, so that they prevail.
    for own in (False, True):
        for product, code, fen, name, name_zh, _ in rows:
            if (product != EVERY_PRODUCT) == own:
                charges[code] = Charge(code, fen, name, name_zh)
    return tuple(charges[code] for code in sorted(charges) if charges[code].amount_fen)


def of_model(quoted: Iterable[Charge], model: str) -> tuple[Charge, ...]:
    """Of a business's charges a handset's own price and the fees; other models' left out.

    Raises Refused: no_price.
    """
    models = load.by("handset_model", "code").keys() - {model}
    charges = tuple(charge for charge in quoted if charge.code not in models)
    if not any(charge.code == model for charge in charges):
        raise Refused("no_price", model=model)
    return charges


def _first_days(among: Among) -> Query:
    o = m.ProductOffering
    return select(o.valid_from).where(among(o.code))


def _listed(among: Among) -> Query:
    p = ChargePrice
    return (
        select(p.product_code, p.code, p.amount_fen, p.name, p.name_zh, p.valid_from)
        .where(among(p.product_code), p.order_type == bindparam("order_type"))
        .order_by(p.valid_from)
    )


def _day(value: date | str) -> date:
    """SQLite keeps days as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def sync(database: Database) -> None:
    """Add what `reference/charge_price.csv` has and the database has not; never change a row."""
    shipped = [
        Price(**{**row, "valid_from": date.fromisoformat(row["valid_from"]),
                 "amount_fen": int(row["amount_fen"])})  # type: ignore[arg-type]
        for row in load.rows("charge_price")
    ]  # fmt: skip
    with database.reading() as connection:
        known = _keys(connection)
    if all(_key(price) in known for price in shipped):
        return
    with database.writing() as connection:
        database.lock(connection, "customers", ["charge_price"])
        known = _keys(connection)
        missing = [vars(price) for price in shipped if _key(price) not in known]
        if missing:
            connection.execute(insert(ChargePrice), missing)


def add(journal: Journal, prices: Iterable[Price]) -> int:
    """Put an operator's own prices on the list; returns how many.

    Only for days to come: what was quoted on a day stays what it cost. Raises
    Refused: price_not_in_future, price_exists, unknown_product,
    unknown_business, invalid_value; then none is added.
    """
    connection, today = journal.connection, business_day(journal.at)
    products = set(connection.execute(select(m.ProductOffering.code)).scalars())
    known = _keys(connection)
    count = 0
    for price in prices:
        for field in ("product_code", "order_type", "code", "name", "name_zh"):
            checks.words(field, getattr(price, field))
        if type(price.amount_fen) is not int or not 0 <= price.amount_fen <= checks.MOST_FEN:
            raise Refused("invalid_value", field="amount_fen", problem="is not an amount in fen")
        if price.product_code not in products | {EVERY_PRODUCT}:
            raise Refused("unknown_product", product_code=price.product_code)
        if price.order_type not in load.by("order_type", "code"):
            raise Refused("unknown_business", business=price.order_type)
        if price.valid_from <= today:
            raise Refused("price_not_in_future", charge=price.code, valid_from=price.valid_from)
        if _key(price) in known:
            raise Refused("price_exists", charge=price.code, valid_from=price.valid_from)
        known.add(_key(price))
        journal.insert(ChargePrice, **vars(price))
        count += 1
    return count


def _key(price: Price) -> tuple[str, str, str, date]:
    return price.product_code, price.order_type, price.code, price.valid_from


def _keys(connection: Connection) -> set[tuple[str, str, str, date]]:
    p = ChargePrice
    rows = connection.execute(select(p.product_code, p.order_type, p.code, p.valid_from))
    return {(row[0], row[1], row[2], row[3]) for row in rows}
