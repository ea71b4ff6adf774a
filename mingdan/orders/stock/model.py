"""Resources an operator issues: numbers, SIMs, cards, handsets.

Here: the tables of stock. Numbers and SIMs themselves are `msisdn` and
`sim_card` (`mingdan/orders/model.py`); what stock knows of them stands there in
columns that are empty for a number or card that only an order brought in. Not
here: who holds what when (`number_holding`).
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mingdan.orders.model import Base, key_column, link_column

_LIVE = text("state = 'inProgress'")
_HELD = text("valid_to IS NULL")


class NumberGroup(Base):
    """A group of numbers (号群) offered under one name, e.g. those that end in 888.

    `category` is TMF639's (ordinary, silver, gold, ...); a number belongs to the
    group of the highest `rank` whose `pattern` its national digits have.
    """

    __tablename__ = "number_group"
    code: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_zh: Mapped[str]
    category: Mapped[str]
    pattern: Mapped[str | None]
    rank: Mapped[int]
    valid_from: Mapped[date] = mapped_column(Date())


class NumberSegment(Base):
    """A segment (万号段): the ten thousand numbers with one prefix."""

    __tablename__ = "number_segment"
    segment_id: Mapped[int] = key_column()
    prefix: Mapped[str] = mapped_column(unique=True)
    """National digits, all but the last four."""
    kind: Mapped[str]
    operator: Mapped[str]
    area_code: Mapped[str | None]
    state: Mapped[str]
    changed_at: Mapped[datetime]


class ResourceReservation(Base):
    """A number, SIM or handset held for somebody until an instant (TMF716).

    Live while its state is `inProgress` and the clock is before `until`.
    """

    __tablename__ = "resource_reservation"
    __table_args__ = (
        CheckConstraint("number IS NOT NULL OR iccid IS NOT NULL OR imei IS NOT NULL"),
        CheckConstraint("until > reserved_at"),
        # One live reservation of a resource; a dead one is ended before the next.
        *(
            Index(
                f"uq_resource_reservation_{name}",
                name,
                unique=True,
                postgresql_where=_LIVE,
                sqlite_where=_LIVE,
            )
            for name in ("number", "iccid", "imei")
        ),
    )
    reservation_id: Mapped[int] = key_column()
    number: Mapped[str | None] = mapped_column(ForeignKey("msisdn.number"))
    iccid: Mapped[str | None] = mapped_column(ForeignKey("sim_card.iccid"))
    imei: Mapped[str | None] = mapped_column(ForeignKey("handset.imei"))
    order_id: Mapped[int | None] = mapped_column(index=True)
    """No foreign key: the order may be written later in the same transaction."""
    reserved_for: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    reserved_at: Mapped[datetime]
    until: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PrepaidCard(Base):
    """A prepaid card (预付费卡) as a resource: face value in fen, validity in days."""

    __tablename__ = "prepaid_card"
    __table_args__ = (
        CheckConstraint("face_value_fen > 0"),
        CheckConstraint("validity_days > 0"),
    )
    card_no: Mapped[str] = mapped_column(primary_key=True)
    iccid: Mapped[str | None] = mapped_column(ForeignKey("sim_card.iccid"), unique=True)
    face_value_fen: Mapped[int]
    validity_days: Mapped[int]
    sell_by: Mapped[datetime]
    state: Mapped[str]
    activated_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    """Decided by the clock at use, whatever `state` says."""
    changed_at: Mapped[datetime]


class Handset(Base):
    """A handset by IMEI, with TMF687's stock status and usage."""

    __tablename__ = "handset"
    imei: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(index=True)
    state: Mapped[str]
    usage: Mapped[str | None]
    until: Mapped[datetime | None]
    changed_at: Mapped[datetime]


class HandsetHolding(Base):
    """Which subscription a handset was sold to, and until when it kept it."""

    __tablename__ = "handset_holding"
    __table_args__ = (
        CheckConstraint("valid_to > valid_from"),
        Index(
            "uq_handset_holding_now",
            "imei",
            unique=True,
            postgresql_where=_HELD,
            sqlite_where=_HELD,
        ),
    )
    holding_id: Mapped[int] = key_column()
    imei: Mapped[str] = mapped_column(ForeignKey("handset.imei"), index=True)
    subscription_id: Mapped[int] = link_column("subscription.subscription_id", index=True)
    order_id: Mapped[int] = link_column("product_order.order_id")
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]


class StockImport(Base):
    """A file taken into stock, wholly or its good lines."""

    __tablename__ = "stock_import"
    __table_args__ = (UniqueConstraint("kind", "digest"),)
    import_id: Mapped[int] = key_column()
    kind: Mapped[str]
    digest: Mapped[str]
    """Of the file's bytes and how it was to be read: the same file is taken once."""
    file_name: Mapped[str]
    lines: Mapped[int]
    taken: Mapped[int]
    refused: Mapped[int]
    recorded_at: Mapped[datetime]


class StockImportLine(Base):
    """A line of a taken file that was set aside (quarantine), and why."""

    __tablename__ = "stock_import_line"
    import_id: Mapped[int] = mapped_column(ForeignKey("stock_import.import_id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    reason: Mapped[str]
    reason_zh: Mapped[str]
    content: Mapped[str]
