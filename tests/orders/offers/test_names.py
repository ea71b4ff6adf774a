"""Names: what is one, and what only looks like one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from mingdan.orders.offers.names import acceptable
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.support import done, opening, person, sqlite_store

__all__ = ["sqlite_store"]

GOOD = [
    ("individual", "张三"),
    ("individual", "欧阳娜娜"),
    ("individual", "阿卜杜拉·买买提"),
    ("individual", "𠮷田"),  # outside the basic plane, in GB18030
    ("individual", "李〇"),
    ("individual", "Anne-Marie O'Neill"),
    ("individual", "Nguyễn Thị Hương"),
    ("individual", "བཀྲ་ཤིས"),
    ("organization", "ABC（北京）有限公司"),
    ("organization", "360科技"),
    ("organization", "AT&T, Inc."),
]
BAD = [
    ("individual", "张\u200b三"),  # zero width
    ("individual", "张三\u202e"),  # turns the text round
    ("individual", "Аnna"),  # a Cyrillic А
    ("individual", "Αnna"),  # a Greek Α
    ("individual", "Ａｎｎａ"),  # full width
    ("individual", "⽂明"),  # a radical for 文
    ("individual", "⺅军"),  # a radical without any equivalent
    ("individual", "\uf900明"),  # a compatibility ideograph
    ("individual", "张ニ"),  # a katakana for 二
    ("individual", "阿卜杜拉•买买提"),  # a bullet for the dot
    ("individual", "张A三"),
    ("individual", "张三1"),
    ("individual", "Ann\u0065\u0301"),  # an accent apart from its letter
    ("individual", "ɑnna"),  # a phonetic letter
    ("individual", "张😀"),
    ("individual", "张\ue000"),  # private use
    ("individual", " 张三"),
    ("individual", "张  三"),
    ("individual", "·"),
    ("individual", "张" * 101),
    ("individual", "'; DROP TABLE party; --"),
    ("organization", "Аpple中国"),
    ("organization", "12345"),
    ("organization", "公司_一"),
]


@pytest.mark.parametrize(("party_type", "name"), GOOD)
def test_names_are_taken_as_they_are(party_type: str, name: str) -> None:
    assert acceptable(name, party_type=party_type, longest=100) == name


@pytest.mark.parametrize(("party_type", "name"), BAD)
def test_look_alikes_are_refused(party_type: str, name: str) -> None:
    with pytest.raises(Refused) as refused:
        acceptable(name, party_type=party_type, longest=100)
    assert refused.value.code == "name_unacceptable"
    # neither the name nor an unseen character goes into the answer
    assert name not in refused.value.reason
    assert all(unicodedata.category(c) not in ("Cf", "Co") for c in refused.value.reason)


@pytest.mark.parametrize("name", ["", "  ", "\n", "张\x00", "\ud800", None, 7])
def test_what_is_no_text_is_refused(name: object) -> None:
    with pytest.raises(Refused) as refused:
        acceptable(name, party_type="individual", longest=100)
    assert refused.value.code == "invalid_value"


def test_the_quick_way_takes_no_character_that_has_another_form() -> None:
    taken = []
    for code in range(0x10000):
        character = chr(code)
        try:
            acceptable(character, party_type="individual", longest=9)
        except Refused:
            continue
        taken.append(character)
    assert {"〇", "一", "龥", "A", "z"} <= set(taken)
    assert all(unicodedata.normalize("NFKC", each) == each for each in taken)


def test_a_name_on_record_is_not_looked_at_again(sqlite_store: OrderStore) -> None:
    odd = person(1, name="张三 (old)")
    done(sqlite_store, opening(1))
    with sqlite_store.database.writing() as connection:
        connection.execute(text("UPDATE party SET name = '张三 (old)'"))
    done(sqlite_store, opening(2, party=odd))


@given(st.text(max_size=30), st.sampled_from(["individual", "organization"]))
def test_whatever_is_taken_has_one_form_only(entered: str, party_type: str) -> None:
    try:
        taken = acceptable(entered, party_type=party_type, longest=30)
    except Refused:
        return
    folded = taken.translate({ord("（"): "(", ord("）"): ")", ord("，"): ",", ord("、"): ","})
    assert unicodedata.normalize("NFKC", folded) == folded
    assert taken == taken.strip()
