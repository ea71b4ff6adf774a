"""What the tests of care share: who acts, and short ways to write and complain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mingdan.orders.access.actor import Actor
from mingdan.orders.care.knowledge import KnowledgeBase
from mingdan.orders.care.ticket_forms import NewTicket
from mingdan.orders.care.versions import Draft, Version
from mingdan.orders.refusals import Refused
from tests.orders.support import at, msisdn

LI = Actor("back_office", "back_office", "li.na")
WANG = Actor("manager", "back_office", "wang.wei")
HOTLINE = Actor("hotline", "hotline", "zhao.min")
COUNTER = Actor("counter", "counter", "sun.li")


def refused(call: Callable[[], Any]) -> str:
    """The code a call is refused with; both languages say something."""
    with pytest.raises(Refused) as caught:
        call()
    assert caught.value.reason
    assert caught.value.reason_zh
    return caught.value.code


def draft(ref: str = "suspend-fee", **values: Any) -> Draft:
    plain = {
        "article_ref": ref,
        "title": "停机保号如何收费",
        "body": "用户申请停机保号后，每月收取保号费5元。\n复机当日起恢复原套餐。",
    }
    return Draft(**plain | values)


def published(base: KnowledgeBase, what: Draft, days: float = 0) -> Version:
    """Written by Li Na and published by Wang Wei."""
    base.write(what, actor=LI, at=at(days))
    return base.publish(what.article_ref, actor=WANG, at=at(days, hours=1))


def complaint(**values: Any) -> NewTicket:
    """Somebody complains of the number of `S1`."""
    plain: dict[str, Any] = {
        "category": "spam_sms",
        "description": "收到贷款广告短信，要求停止发送",
        "channel": "hotline",
        "number": msisdn(1)[2:],
        "reporter_number": "13900139000",
    }
    return NewTicket(**plain | values)


def fault(**values: Any) -> NewTicket:
    """The customer with the number of `S1` has no service."""
    plain: dict[str, Any] = {
        "category": "no_service",
        "description": "手机无信号，无法主叫",
        "channel": "hotline",
        "number": msisdn(1)[2:],
    }
    return NewTicket(**plain | values)
