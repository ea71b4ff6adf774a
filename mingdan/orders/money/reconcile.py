"""Does the money agree? Ledger against payments, bills, receipts, orders and vouchers.

Here: every mismatch of money, with a suggested repair; the nightly
reconciliation and `mingdan account check` call it. Not here: repairing, which a
person decides. On a sound store every list is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    select,
    union_all,
)

from mingdan.orders import model as m
from mingdan.orders.money.model import (
    AccountEntry,
    MoneyTransaction,
    Receipt,
    Refund,
    Voucher,
    VoucherBatch,
)
from mingdan.orders.money.voucher_expiry import booked_batch, open_voucher
from mingdan.orders.states import machine
from mingdan.orders.store import OrderStore


@dataclass(frozen=True)
class Mismatch:
    """Two records of the same money that differ. Amounts are fen; `key` names no person."""

    check: str
    entity: str
    key: str
    expected_fen: int
    found_fen: int
    repair: str
    repair_zh: str


def mismatches(store: OrderStore) -> list[Mismatch]:
    """Every mismatch, in one consistent snapshot."""
    with store.database.reading() as connection:
        return [found for check in CHECKS for found in check(connection)]


def unbalanced(connection: Connection) -> Iterator[Mismatch]:
    """Transactions whose entries do not sum to zero."""
    e = AccountEntry
    total = func.sum(e.amount_fen)
    rows = connection.execute(
        select(e.transaction_ref, cast(total, BigInteger))
        .group_by(e.transaction_ref)
        .having(total != 0)
        .order_by(e.transaction_ref)
    )
    for ref, fen in rows:
        yield Mismatch(
            "unbalanced",
            "money_transaction",
            ref,
            0,
            fen,
            "restore account_entry from the log",
            "按日志恢复分录",
        )


def unbooked(connection: Connection) -> Iterator[Mismatch]:
    """Bills, payments and refunds that the ledger has not, or with another amount."""
    e, t = AccountEntry, MoneyTransaction
    settled = select(t.order_id).where(t.kind == "settle")
    for kind, model, sign in (
        ("bill", m.CustomerBill, -1),
        ("payment", m.Payment, 1),
        ("refund", Refund, -1),
    ):
        ref = (
            literal(f"{kind}/", Text)
            + cast(model.order_id, Text)
            + "/"
            + cast(model.account_id, Text)
        )
        # grouped, not joined: SQLite has no index on a name that is put together
        both = union_all(
            select(
                ref.label("ref"), (sign * model.amount_fen).label("fact"), null().label("entry")
            ).where(model.order_id.not_in(settled)),
            select(e.transaction_ref, null(), e.amount_fen).where(e.ledger == "customer"),
        ).subquery()
        due = cast(func.sum(both.c.fact), BigInteger)
        booked = cast(func.coalesce(func.sum(both.c.entry), 0), BigInteger)
        rows = connection.execute(
            select(both.c.ref, due, booked)
            .group_by(both.c.ref)
            .having(func.count(both.c.fact) > 0, due != booked)
            .order_by(both.c.ref)
        )
        for name, fen, found in rows:
            yield Mismatch(
                "unbooked",
                model.__tablename__,
                name,
                fen,
                found,
                f"book the {kind} from its order's item",
                "按订单项补记分录",
            )


def accounts(connection: Connection) -> Iterator[Mismatch]:
    """Accounts whose ledger balance is not what was paid less refunded less billed."""
    b, p, e = m.CustomerBill, m.Payment, AccountEntry
    facts = union_all(
        select(b.account_id, -b.amount_fen),
        select(p.account_id, p.amount_fen),
        select(Refund.account_id, -Refund.amount_fen),
    ).subquery()
    account_id, fen = facts.c
    both = union_all(
        select(account_id.label("key"), fen.label("fact"), literal(0, BigInteger).label("entry")),
        select(e.key, literal(0, BigInteger), e.amount_fen).where(e.ledger == "customer"),
    ).subquery()
    yield from _differing(
        connection,
        both,
        "accounts",
        "billing_account",
        "find the account's unbooked fact and book it",
        "查出该帐户未入帐的业务并补记",
    )


def orders(connection: Connection) -> Iterator[Mismatch]:
    """Orders whose money held in the ledger is not that of their receipts held."""
    r, e = Receipt, AccountEntry
    both = union_all(
        select(
            r.order_id.label("key"),
            r.amount_fen.label("fact"),
            literal(0, BigInteger).label("entry"),
        ).where(r.purpose == "order", r.state == "held"),
        select(e.key, literal(0, BigInteger), e.amount_fen).where(e.ledger == "order"),
    ).subquery()
    yield from _differing(
        connection,
        both,
        "orders",
        "product_order",
        "settle the order's money or give it back",
        "将订单暂收款结清或退回",
    )


def ended_orders(connection: Connection) -> Iterator[Mismatch]:
    """Orders that have ended and still hold money."""
    r, o = Receipt, m.ProductOrder
    final = sorted(machine("order").final)
    rows = connection.execute(
        select(r.order_id, o.state, cast(func.sum(r.amount_fen), BigInteger))
        .join(o, o.order_id == r.order_id)
        .where(r.purpose == "order", r.state == "held", o.state.in_(final))
        .group_by(r.order_id, o.state)
        .order_by(r.order_id)
    )
    for order_id, state, fen in rows:
        done = state in ("completed", "partial")
        yield Mismatch(
            "ended_orders",
            "product_order",
            str(order_id),
            0,
            fen,
            "settle the order's money" if done else "give the order's money back",
            "结清订单暂收款" if done else "退回订单暂收款",
        )


def cash(connection: Connection) -> Iterator[Mismatch]:
    """Cash in the ledger against payments, refunds, receipts of orders and of vouchers."""
    r, e, p, t = Receipt, AccountEntry, m.Payment, MoneyTransaction
    settled = select(t.order_id).where(t.kind == "settle")
    redeemed = select(t.order_id).where(t.kind == "redeem", t.order_id.is_not(None))
    expected = sum(
        _total(connection, statement)
        for statement in (
            select(func.sum(p.amount_fen)).where(
                p.order_id.not_in(settled), p.order_id.not_in(redeemed)
            ),
            select(-func.sum(Refund.amount_fen)),
            select(func.sum(r.amount_fen)).where(
                r.purpose.in_(("order", "order_refund", "voucher", "voucher_refund"))
            ),
        )
    )
    found = -_total(connection, select(func.sum(e.amount_fen)).where(e.ledger == "cash"))
    if found != expected:
        yield Mismatch(
            "cash", "ledger", "cash", expected, found, "compare receipts by day", "按日核对收据"
        )


def desk_payments(connection: Connection) -> Iterator[Mismatch]:
    """Receipts of payments and refunds whose order moved another amount."""
    r, p = Receipt, m.Payment
    for purpose, model, sign in (("account", p, 1), ("refund", Refund, -1)):
        moved = (
            select(model.order_id, func.sum(model.amount_fen).label("fen"))
            .group_by(model.order_id)
            .subquery()
        )
        found = cast(func.coalesce(moved.c.fen, 0), BigInteger)
        rows = connection.execute(
            select(r.receipt_no, r.amount_fen, found)
            .outerjoin(moved, moved.c.order_id == r.order_id)
            .where(r.purpose == purpose, r.amount_fen != sign * found)
            .order_by(r.receipt_no)
        )
        for number, fen, there in rows:
            yield Mismatch(
                "desk_payments",
                "receipt",
                number,
                fen,
                sign * there,
                "compare the receipt with its order",
                "核对收据与订单",
            )


def vouchers(connection: Connection) -> Iterator[Mismatch]:
    """Batches whose sold and unused vouchers are not what the ledger holds for them."""
    v, b, e = Voucher, VoucherBatch, AccountEntry
    held = and_(open_voucher(), ~booked_batch())
    both = union_all(
        select(
            v.batch_id.label("key"),
            case((held, b.face_value_fen), else_=0).label("fact"),
            literal(0, BigInteger).label("entry"),
        ).join(b, b.batch_id == v.batch_id),
        select(e.key, literal(0, BigInteger), e.amount_fen).where(e.ledger == "voucher"),
    ).subquery()
    yield from _differing(
        connection,
        both,
        "vouchers",
        "voucher_batch",
        "compare the batch's vouchers with their orders",
        "核对批次内充值卡与订单",
    )


def expired_vouchers(connection: Connection) -> Iterator[Mismatch]:
    """What vouchers of booked batches were sold for, against what the ledger has of it."""
    v, b, e = Voucher, VoucherBatch, AccountEntry
    paid = select(func.sum(v.sold_for_fen)).join(b, b.batch_id == v.batch_id)
    expected = _total(connection, paid.where(open_voucher(), booked_batch()))
    found = _total(connection, select(func.sum(e.amount_fen)).where(e.ledger == "expired"))
    if found != expected:
        yield Mismatch(
            "expired_vouchers",
            "ledger",
            "expired",
            expected,
            found,
            "compare the expired batches with their vouchers",
            "核对过期批次与充值卡",
        )


def overpaid_refunds(connection: Connection) -> Iterator[Mismatch]:
    """Payments of which more was given back than was paid."""
    p = m.Payment
    paid = (
        select(p.order_id, p.account_id, func.sum(p.amount_fen).label("fen"))
        .group_by(p.order_id, p.account_id)
        .subquery()
    )
    back = (
        select(
            Refund.payment_order_id.label("order_id"),
            Refund.account_id,
            func.sum(Refund.amount_fen).label("fen"),
        )
        .group_by(Refund.payment_order_id, Refund.account_id)
        .subquery()
    )
    was = cast(func.coalesce(paid.c.fen, 0), BigInteger)
    rows = connection.execute(
        select(back.c.order_id, was, cast(back.c.fen, BigInteger))
        .outerjoin(
            paid,
            (paid.c.order_id == back.c.order_id) & (paid.c.account_id == back.c.account_id),
        )
        .where(back.c.fen > was)
        .order_by(back.c.order_id)
    )
    for order_id, fen, found in rows:
        yield Mismatch(
            "overpaid_refunds",
            "payment",
            str(order_id),
            fen,
            found,
            "claim the difference back",
            "追回多退款项",
        )


CHECKS = (
    unbalanced,
    unbooked,
    accounts,
    orders,
    ended_orders,
    cash,
    desk_payments,
    vouchers,
    expired_vouchers,
    overpaid_refunds,
)
"""Every check of money; each takes a connection and gives its mismatches."""


def _differing(
    connection: Connection, both: Any, check: str, entity: str, repair: str, repair_zh: str
) -> Iterator[Mismatch]:
    fact, entry = func.sum(both.c.fact), func.sum(both.c.entry)
    rows = connection.execute(
        select(both.c.key, cast(fact, BigInteger), cast(entry, BigInteger))
        .group_by(both.c.key)
        .having(fact != entry)
        .order_by(both.c.key)
    )
    for key, expected, found in rows:
        yield Mismatch(check, entity, str(key), expected, found, repair, repair_zh)


def _total(connection: Connection, statement: Any) -> int:
    return int(connection.execute(statement).scalar() or 0)
