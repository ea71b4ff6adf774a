"""A refusal says in Chinese what it says in English, without the codes of programs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mingdan.orders
from mingdan.orders.refusal_words import problem
from mingdan.orders.refusals import Refused
from mingdan.reference import load

SAID = [
    ("already_blocked", {"reason": "lost", "direction": "both"}, "用户S1已因挂失停机（双停）"),
    ("invalid_value", {"field": "reason", "problem": "is none of lost, fraud"},
     "原因不合要求：须为其中之一：lost, fraud"),
    ("document_invalid",
     {"document": "**21", "document_type": "resident_id", "problem": "its checksum is wrong"},
     "证件**21不是有效的居民身份证：校验位错误"),
    ("prefix_of_other", {"number": "130******02", "operator": "china_unicom"},
     "130******02属于中国联通的号段"),
    ("order_state", {"order_ref": "o1", "state": "completed", "wanted": "cancelled"},
     "订单o1状态为已竣工，不能撤单"),
    ("business_not_permitted",
     {"role": "counter", "interface_no": "counter", "business": "ACCESS_AUDIT"},
     "营业员不得通过接口counter办理ACCESS_AUDIT"),
    ("card_unavailable", {"card": "100*****01", "state": "reserved"},
     "预付费卡100*****01状态为预占"),
    ("state_step", {"what": "898*05", "state": "scrapped", "wanted": "in_stock"},
     "898*05不能从作废变为库存"),
    # A reference is nobody's code, whatever it reads like.
    ("not_blocked", {"subscription_ref": "lost", "reason": "fraud"}, "用户lost未因"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "values", "words"), SAID)
def test_the_chinese_has_the_words(code: str, values: dict[str, str], words: str) -> None:
    said = Refused(code, **{"subscription_ref": "S1"} | values).reason_zh
    assert said.startswith(words), said


def test_every_problem_of_a_value_has_its_chinese() -> None:
    found = sorted(set(_problems()))
    assert len(found) > 50
    assert [text for text in found if problem(text) is None] == []


def test_what_has_no_chinese_is_said_in_english() -> None:
    assert Refused("invalid_value", field="x", problem="is odd").reason_zh == "x不合要求：is odd"


def test_no_word_is_there_twice() -> None:
    words = [(row["of"], row["en"]) for row in load.rows("refusal_word")]
    assert len(words) == len(set(words))


def _problems() -> Iterator[str]:
    """What the order store's code finds wrong with values, `x` where a value stands."""
    for path in Path(mingdan.orders.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            if called == "_refuse":
                said = node.args[:1]
            else:
                said = [word.value for word in node.keywords if word.arg == "problem"]
            for each in said:
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield each.value
                elif isinstance(each, ast.JoinedStr):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "x"
                        for part in each.values
                    )
