"""查询和咨询: everybody sees what his role may see, and every look is written down."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog
from mingdan.orders.care.knowledge import KnowledgeBase
from mingdan.orders.care.versions import Draft
from mingdan.orders.commands import ChangeOffer, Suspend
from mingdan.orders.offers import masks
from mingdan.orders.offers.inquiries import Consultation, Inquiry, InquiryDesk
from mingdan.orders.offers.subjects import FIELDS
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.offers.support import features, opened
from tests.orders.support import at, done, imsi, msisdn, order, person, resident_id

CLERK = Actor("counter", "counter", "li")
BOSS = Actor("manager", "back_office", "wang")


def inquiry(ref: str = "i1", *fields: str, **values: Any) -> Inquiry:
    plain: dict[str, Any] = {"interaction_ref": ref, "fields": fields or tuple(FIELDS)}
    return Inquiry(**plain | {"subscription": msisdn(1), "reason": "asked at the counter"} | values)


def a_customer(store: OrderStore) -> None:
    opened(store, 1, party=person(1, name="张三丰", contact="13900139000"))
    features(store, "S1", at(1), add=("data",))
    later = {"order_ref": "o", "at": at(1), "subscription_ref": "S1", "when": "next_cycle"}
    done(store, ChangeOffer(**later, product_code="POSTPAID_5G"))
    done(store, order(Suspend, "lost", at(1), reason="lost", direction="both"))


def code(call: Any, *arguments: Any, actor: Actor = CLERK) -> str:
    with pytest.raises(Refused) as refused:
        call(*arguments, actor=actor, at=at(2))
    return refused.value.code


def test_each_role_sees_what_the_policy_says(store: OrderStore) -> None:
    a_customer(store)
    desk = InquiryDesk(store)
    clerk = desk.look_up(inquiry("a"), actor=CLERK, at=at(2))
    assert clerk.values["name"] == "张**"
    assert clerk.values["number"] == "138******01"
    assert clerk.values["contact"] == "139******00"
    assert clerk.values["imsi"] is None
    assert clerk.values["features"] == ["data"]
    assert clerk.values["product"] == "POSTPAID"
    assert clerk.values["offers_to_come"][0]["product"] == "POSTPAID_5G"
    assert (clerk.values["status"], clerk.values["blocks"]) == ("suspended", ["lost (both)"])
    assert clerk.shown["imsi"] == masks.HIDDEN
    boss = desk.look_up(inquiry("b"), actor=BOSS, at=at(2))
    assert boss.values["name"] == "张三丰"
    assert boss.values["document"] == resident_id(1)
    assert boss.values["imsi"] == imsi(1)
    assert boss.values["number"] == msisdn(1)
    # the same call of another role in one store: nothing carries over
    hidden = desk.look_up(
        inquiry("c", "document"), actor=Actor("hotline", "hotline", "x"), at=at(2)
    )
    assert hidden.values == {"document": None}


def test_every_look_is_written_down_and_nothing_of_its_values(store: OrderStore) -> None:
    a_customer(store)
    InquiryDesk(store).look_up(inquiry("a", "name", "document"), actor=BOSS, at=at(2))
    InquiryDesk(store).look_up(inquiry("b", "imsi"), actor=CLERK, at=at(2))
    (look,) = AccessLog(store).read(actor=BOSS, at=at(3))
    assert (look.name, look.purpose) == ("wang", "asked at the counter")
    assert set(look.subjects) == {"party:1", "subscription:1"}
    with store.database.reading() as connection:
        rows = connection.execute(text("SELECT * FROM party_interaction")).all()
        assert len(rows) == 2
        for secret in ("张三丰", resident_id(1), imsi(1), msisdn(1)):
            assert secret not in str(rows)
            assert secret not in str(look)


def test_what_is_refused_is_neither_shown_nor_logged(store: OrderStore) -> None:
    a_customer(store)
    desk = InquiryDesk(store)
    assert code(desk.look_up, inquiry("x", "salary")) == "invalid_value"
    assert code(desk.look_up, inquiry("x", subscription="13911112222")) == "unknown_subscription"
    assert code(desk.look_up, inquiry("x", subscription="' OR 1=1 --")) == "unknown_subscription"
    assert code(desk.look_up, inquiry("x", reason="")) == "invalid_value"
    assert code(desk.look_up, inquiry("x", reason="r" * 201)) == "invalid_value"
    assert code(desk.look_up, inquiry("")) == "invalid_value"
    assert code(desk.look_up, inquiry("x", fields=())) == "invalid_value"
    nobody = Actor("cleaner", "counter", "x")
    assert code(desk.look_up, inquiry("x"), actor=nobody) == "business_not_permitted"
    desk.look_up(inquiry("x", "status"), actor=CLERK, at=at(2))
    assert code(desk.look_up, inquiry("x", "status")) == "interaction_ref_reused"
    with store.database.reading() as connection:
        count = connection.execute(text("SELECT count(*) FROM party_interaction")).scalar()
    assert count == 1
    # a number in a refusal would be a number in a log file
    with pytest.raises(Refused) as refused:
        desk.look_up(inquiry("y", subscription="13911112222"), actor=CLERK, at=at(2))
    assert "13911112222" not in refused.value.reason


def test_a_consultation_is_answered_from_the_knowledge_base(store: OrderStore) -> None:
    a_customer(store)
    kb, desk = KnowledgeBase(store), InquiryDesk(store)
    draft = Draft(article_ref="roam", kind="article", category="product", title="国际漫游",
                  body="后付费用户可开通国际漫游。")  # fmt: skip
    kb.write(draft, actor=Actor("back_office", "back_office", "zhao"), at=at(1))
    kb.publish("roam", actor=BOSS, at=at(1))
    asked = Consultation(interaction_ref="q1", question="怎样开通国际漫游？", subscription="S1")
    assert desk.consult(asked, actor=CLERK, at=at(2)).status == "open"
    assert code(desk.consult, asked) == "interaction_ref_reused"
    desk.move("q1", "inProgress", actor=CLERK, at=at(2))
    with pytest.raises(Refused, match="unknown_article"):
        desk.move("q1", "completed", article_ref="none", actor=CLERK, at=at(2))
    answered = desk.move("q1", "completed", article_ref="roam", actor=CLERK, at=at(3))
    assert (answered.status, answered.article_ref) == ("completed", "roam@1")
    assert answered.completed_at == at(3)
    assert code(desk.move, "q1", "inProgress") == "interaction_closed"
    assert code(desk.move, "q9", "completed") == "unknown_interaction"
    assert code(desk.move, "q1", "open") == "interaction_closed"
    assert code(desk.move, "q1", "lost") == "invalid_value"


def test_the_mask_policy_names_roles_and_fields_there_are() -> None:
    roles = {row["code"] for row in load.rows("role")}
    for row in load.rows("mask_policy"):
        assert row["role"] in roles
        assert row["field"] in FIELDS
        assert row["shown"] in (masks.FULL, masks.MASKED, masks.HIDDEN)
        assert row["shown"] != masks.MASKED or row["field"] in masks.MASKS
    assert masks.shown_to("nobody", "name", at()) == masks.HIDDEN
    assert masks.shown_to("manager", "name", at(-9999)) == masks.HIDDEN
    # what only a mask may show is hidden where there is no mask
    assert masks.masked("status", "active") is None
