"""The product catalogue: what can be ordered, on record beside the orders.

Here: bringing the shipped offerings and prices into the database. Not here:
what a business costs (`offers.prices`) and choosing an offer
(`offers.recommend`).
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert, select

from mingdan.orders import model as m
from mingdan.orders.database import Database
from mingdan.orders.offers import prices as price_list
from mingdan.orders.working_set import Offering
from mingdan.reference import load


def sync(database: Database) -> dict[str, Offering]:
    """Add what `reference/product.csv` has and the database has not; never change a row.

    Returns every offering on record by its code. Several rows of one code are
    its prices over time, the first of them its offering.
    """
    price_list.sync(database)
    with database.reading() as connection:
        found = connection.execute(select(m.ProductOffering.code)).scalars().all()
        priced = connection.execute(
            select(m.ProductOfferingPrice.code, m.ProductOfferingPrice.valid_from)
        ).all()
    known, prices = set(found), {(code, first) for code, first in priced}
    shipped = load.rows("product")
    if any((row["code"], date.fromisoformat(row["valid_from"])) not in prices for row in shipped):
        _add(database, known, prices)
    with database.reading() as connection:
        o = m.ProductOffering
        rows = connection.execute(select(o.code, o.sender_kind, o.valid_from, o.payment_kind))
        return {row[0]: Offering(*row) for row in rows}


def _add(database: Database, known: set[str], prices: set[tuple[str, date]]) -> None:
    with database.writing() as connection:
        database.lock(connection, "customers", ["product_catalogue"])
        o, p = m.ProductOffering, m.ProductOfferingPrice
        known = known | set(connection.execute(select(o.code)).scalars())
        prices = prices | {(c, d) for c, d in connection.execute(select(p.code, p.valid_from))}
        for row in load.rows("product"):
            code, first = row["code"], date.fromisoformat(row["valid_from"])
            if code not in known:
                known.add(code)
                connection.execute(
                    insert(o).values(
                        code=code,
                        name=row["name"],
                        name_zh=row["name_zh"],
                        payment_kind=row["payment_kind"],
                        sender_kind=row["sender_kind"],
                        valid_from=first,
                    )
                )
            if (code, first) not in prices:
                prices.add((code, first))
                fee = int(row["monthly_fee_fen"])
                connection.execute(
                    insert(p).values(code=code, valid_from=first, monthly_fee_fen=fee)
                )
