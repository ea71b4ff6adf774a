"""Everything care writes is in the journal: its last images are the tables."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from mingdan.calendar import business_day
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.care import model
from mingdan.orders.care.appeal_forms import NewAppeal
from mingdan.orders.care.appeals import AppealDesk
from mingdan.orders.care.class_entries import ClassDictionary, NewClass
from mingdan.orders.care.class_members import ClassMembers, NewAssignment
from mingdan.orders.care.complaints import export_complaints
from mingdan.orders.care.knowledge import KnowledgeBase
from mingdan.orders.care.tickets import TicketDesk
from mingdan.orders.care.visits import VisitDesk
from mingdan.orders.journal import restored
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.store import OrderStore
from tests.orders.care.support import COUNTER, HOTLINE, LI, WANG, complaint, draft, published
from tests.orders.support import at, done, opening

TABLES = [
    each.__table__
    for each in vars(model).values()
    if isinstance(each, type) and each.__module__ == model.__name__ and each is not model.KbTerm
]


def a_day_of_care(store: OrderStore, landing: Path) -> None:
    """At least one row of every table, and most of them changed."""
    done(store, opening(1))
    base, desk, visits = KnowledgeBase(store), TicketDesk(store), VisitDesk(store)
    published(base, draft())
    published(base, draft(body="每月3元。"), 1)
    base.retire("suspend-fee", actor=WANG, at=at(2))
    ref = desk.open(complaint(), actor=HOTLINE, at=at(1)).ticket_ref
    desk.assign(ref, "zhou.ke", actor=HOTLINE, at=at(1))
    desk.resolve(ref, "已处理", actor=LI, at=at(1, hours=1))
    spam = "blacklist:spam_sms"
    appeals = AppealDesk(store, {spam: "party"})
    new = NewAppeal(label=spam, description="x", channel="web", party_ref="P1")
    appealed = appeals.open(new, actor=HOTLINE, at=at(1)).ticket.ticket_ref
    appeals.decide(appealed, "our_mistake", "已更正", actor=WANG, at=at(1))
    day = business_day(at(1))
    export_complaints(store, landing, day, actor=SYSTEM, at=at(1) + timedelta(days=1))
    visits.arrive("A1", "counter", actor=COUNTER, at=at(0))
    visits.serve("A1", actor=COUNTER, at=at(0))
    classes, members = ClassDictionary(store, frozenset()), ClassMembers(store)
    campus = NewClass(class_code="campus", name_zh="校园", name_en="campus", meaning="x",
                   valid_from=at(0))  # fmt: skip
    classes.propose(campus, actor=LI, at=at(0))
    classes.approve("campus", actor=WANG, at=at(0))
    asked = NewAssignment(class_code="campus", party_ref="P1", reason="x", valid_from=at(0))
    key = members.assign(asked, actor=LI, at=at(0)).assignment_id
    members.approve(key, actor=WANG, at=at(1))
    members.end(key, actor=WANG, at=at(2))


def test_the_last_images_are_the_tables(store: OrderStore, tmp_path: Path) -> None:
    a_day_of_care(store, tmp_path)
    e = EntityEvent
    with store.database.reading() as connection:
        for table in TABLES:
            images: dict[str, dict[str, Any]] = {}
            for row in connection.execute(
                select(e.entity_key, e.image).where(e.entity == table.name).order_by(e.seq)
            ):
                images[row.entity_key] = restored(table, row.image)
            rows = [dict(row) for row in connection.execute(select(table)).mappings()]
            assert rows, table.name
            by_key = {
                json.dumps([str(row[c.name]) if c.name == "day" else row[c.name]
                            for c in table.primary_key]): row
                for row in rows
            }  # fmt: skip
            assert images == by_key, table.name


def test_the_journal_says_who(store: OrderStore, tmp_path: Path) -> None:
    a_day_of_care(store, tmp_path)
    with store.database.reading() as connection:
        events = connection.execute(
            select(EntityEvent.actor, EntityEvent.event_type)
            .where(EntityEvent.entity == "trouble_ticket", EntityEvent.entity_key == "[1]")
            .order_by(EntityEvent.seq)
        ).all()
    assert [tuple(event) for event in events] == [
        ("hotline:hotline:zhao.min", "TroubleTicketCreateEvent"),
        ("hotline:hotline:zhao.min", "TroubleTicketStateChangeEvent"),
        ("back_office:back_office:li.na", "TroubleTicketStateChangeEvent"),
    ]
