"""Classes by hand: two people, many to many, dated; and as a file of the classes stage."""

from __future__ import annotations

import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from mingdan.classes import policy as stage
from mingdan.orders import checks
from mingdan.orders.care.class_entries import ClassDictionary, Entry, NewClass
from mingdan.orders.care.class_file import (
    MARK,
    base_text,
    dictionary_text,
    labels_by_hand,
    shipped_codes,
)
from mingdan.orders.care.class_members import ClassMembers, NewAssignment
from mingdan.orders.care.member_facts import classes_at
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings
from tests.orders.care.support import HOTLINE, LI, WANG, refused
from tests.orders.support import at, done, opening

SHIPPED = shipped_codes(None)


def new(code: str = "campus_2026", **values: Any) -> NewClass:
    plain = {
        "class_code": code,
        "name_zh": "校园客户",
        "name_en": "campus customers",
        "meaning": '2026级新生，含"专升本"\\研究生',
        "valid_from": at(0),
    }
    return NewClass(**plain | values)


def member(code: str = "campus_2026", party: str = "P1", **values: Any) -> NewAssignment:
    plain = {"class_code": code, "party_ref": party, "reason": "学生证已核验", "valid_from": at(0)}
    return NewAssignment(**plain | values)


@pytest.fixture
def classes(store: OrderStore) -> ClassDictionary:
    done(store, opening(1), opening(2))
    return ClassDictionary(store, SHIPPED)


@pytest.fixture
def campus(classes: ClassDictionary) -> ClassDictionary:
    classes.propose(new(), actor=LI, at=at(0))
    classes.approve("campus_2026", actor=WANG, at=at(0))
    return classes


@pytest.fixture
def members(campus: ClassDictionary, store: OrderStore) -> ClassMembers:
    return ClassMembers(store)


def test_a_class_from_the_proposal_to_the_end(classes: ClassDictionary) -> None:
    assert classes.propose(new(), actor=LI, at=at(1)).state == "proposed"
    assert classes.propose(new(), actor=LI, at=at(1)).version_no == 1, "the same again"
    assert classes.entries(at=at(2)) == ()
    approved = classes.approve("campus_2026", actor=WANG, at=at(3))
    assert approved.valid_from == at(3), "not before it was approved"
    classes.propose(new(name_zh="大学生客户", valid_from=at(10)), actor=LI, at=at(4))
    classes.approve("campus_2026", actor=WANG, at=at(5))
    names = {days: [e.name_zh for e in classes.entries(at=at(days))] for days in (2, 4, 9, 10, 99)}
    assert names == {
        2: [], 4: ["校园客户"], 9: ["校园客户"], 10: ["大学生客户"], 99: ["大学生客户"]
    }  # fmt: skip
    classes.end("campus_2026", actor=WANG, at=at(20))
    assert classes.entries(at=at(20)) == ()
    assert [e.name_zh for e in classes.entries(at=at(19))] == ["大学生客户"]
    assert refused(lambda: classes.end("campus_2026", actor=WANG, at=at(21))) == "class_unknown"
    assert [(e.version_no, e.state, e.valid_to) for e in classes.history("campus_2026")] == [
        (1, "approved", at(10)),
        (2, "approved", at(20)),
    ]


def test_classes_take_two_people_of_the_right_kind(classes: ClassDictionary) -> None:
    classes.propose(new(), actor=LI, at=at(0))
    itself = replace(WANG, name=" LI.na")
    assert refused(lambda: classes.approve("campus_2026", actor=itself, at=at(1))) == "same_person"
    other = replace(LI, name="chen.jie")
    for call in (
        lambda: classes.approve("campus_2026", actor=other, at=at(1)),
        lambda: classes.propose(new("other"), actor=HOTLINE, at=at(1)),
    ):
        assert refused(call) == "business_not_permitted"
    assert classes.reject("campus_2026", actor=WANG, at=at(1)).state == "rejected"
    again = refused(lambda: classes.approve("campus_2026", actor=WANG, at=at(2)))
    assert again == "class_not_proposed"


@pytest.mark.parametrize("code", ["blacklist", "ordinary", "redlist", "key_account"])
def test_a_class_given_by_rules_is_not_added_by_hand(classes: ClassDictionary, code: str) -> None:
    assert refused(lambda: classes.propose(new(code), actor=LI, at=at(0))) == "class_exists"


def test_an_entry_does_not_cut_one_that_begins_later(classes: ClassDictionary) -> None:
    classes.propose(new(valid_from=at(10)), actor=LI, at=at(0))
    classes.approve("campus_2026", actor=WANG, at=at(1))
    classes.propose(new(valid_from=at(5)), actor=LI, at=at(2))
    early = refused(lambda: classes.approve("campus_2026", actor=WANG, at=at(3)))
    assert early == "class_exists"
    assert [len(classes.entries(at=at(days))) for days in (9, 10)] == [0, 1]


BAD: list[dict[str, Any]] = [
    {"class_code": "Campus"},
    {"class_code": "c"},
    {"class_code": "сampus"},  # a Cyrillic letter
    {"class_code": "ｃａｍｐｕｓ"},
    {"class_code": "x" * 41},
    {"class_code": "a'; DROP TABLE class_entry"},
    {"name_zh": ""},
    {"name_en": "x" * 201},
    {"meaning": "a\nb"},
    {"valid_to": at(0)},
    {"valid_to": at(-1)},
    {"valid_from": datetime(2026, 10, 1)},  # noqa: DTZ001
]


def test_bad_input_leaves_nothing(classes: ClassDictionary) -> None:
    for bad in BAD:
        what = replace(new(), **bad)
        assert refused(lambda what=what: classes.propose(what, actor=LI, at=at(0))) == (
            "invalid_value"
        )
    assert classes.history("campus_2026") == ()


def test_customers_and_classes_many_to_many(campus: ClassDictionary, members: ClassMembers) -> None:
    campus.propose(new("army"), actor=LI, at=at(0))
    campus.approve("army", actor=WANG, at=at(0))
    keys = [
        members.assign(member(code, party, valid_to=at(30)), actor=LI, at=at(1)).assignment_id
        for code, party in (("campus_2026", "P1"), ("campus_2026", "P2"), ("army", "P1"))
    ]
    assert len(members.waiting()) == 3
    assert members.members("campus_2026", at=at(2)) == ()
    for key in keys:
        members.approve(key, actor=WANG, at=at(3))
    assert members.waiting() == ()
    who = [each.party_ref for each in members.members("campus_2026", at=at(4))]
    assert who == ["P1", "P2"]
    of = [each.class_code for each in members.classes_of("P1", at=at(4))]
    assert of == ["army", "campus_2026"]
    assert members.classes_of("P1", at=at(2)) == (), "not before it was approved"
    assert members.classes_of("P1", at=at(30)) == (), "its time is over"
    members.end(keys[0], actor=WANG, at=at(10))
    assert [each.class_code for each in members.classes_of("P1", at=at(10))] == ["army"]
    campus.end("army", actor=WANG, at=at(12))
    assert members.classes_of("P1", at=at(12)) == (), "a class out of force has nobody"
    ended = refused(lambda: members.end(keys[0], actor=WANG, at=at(11)))
    assert ended == "assignment_unknown"


def test_labels_of_the_dictionary_given_by_hand() -> None:
    """Facts that stay in the house; a protection has an order of its own."""
    found = labels_by_hand(None)
    assert {label.partition(":")[0] for label in found} == {"key_account", "blacklist"}
    assert {"key_account:gold", "blacklist:court_or_police"} <= found
    dictionary = stage.load().dictionary
    for label in found:
        entry, reason = dictionary.reasons()[label]
        assert dictionary.stability[reason.stability].mode == "fact"
        assert (entry.needs_approval, reason.publishable) == (False, False)


def test_a_label_takes_two_people_as_a_class_does(
    classes: ClassDictionary, store: OrderStore
) -> None:
    members = ClassMembers(store, labels_by_hand(None))
    gold = members.assign(member("key_account:gold"), actor=LI, at=at(1))
    itself = replace(WANG, name="li.na")
    again = refused(lambda: members.approve(gold.assignment_id, actor=itself, at=at(2)))
    assert again == "same_person"
    members.approve(gold.assignment_id, actor=WANG, at=at(2))
    assert [each.class_code for each in members.classes_of("P1", at=at(3))] == ["key_account:gold"]
    assert len(members.members("key_account:gold", at=at(3))) == 1
    members.end(gold.assignment_id, actor=WANG, at=at(4))
    assert members.classes_of("P1", at=at(5)) == ()
    for code in ("blacklist:spam_sms", "redlist:all", "key_account:platinum", "key_account"):
        said = refused(lambda code=code: members.assign(member(code), actor=LI, at=at(6)))
        assert said == "class_unknown"
    for code in ("key_account:", ":gold", "key_account:gold:x", "key_account: gold"):
        said = refused(lambda code=code: members.assign(member(code), actor=LI, at=at(6)))
        assert said == "invalid_value"
    nobody = ClassMembers(store)
    said = refused(lambda: nobody.assign(member("key_account:gold"), actor=LI, at=at(6)))
    assert said == "class_unknown"


def test_nobody_is_in_a_class_twice_at_a_time(members: ClassMembers, store: OrderStore) -> None:
    first = members.assign(member(valid_to=at(9)), actor=LI, at=at(0))
    rival = members.assign(member(valid_from=at(5), reason="二次申请"), actor=LI, at=at(0))
    members.approve(first.assignment_id, actor=WANG, at=at(1))
    taken = refused(lambda: members.approve(rival.assignment_id, actor=WANG, at=at(1)))
    assert taken == "class_assigned"
    assert refused(lambda: members.assign(member(), actor=LI, at=at(2))) == "class_assigned"
    members.reject(rival.assignment_id, actor=WANG, at=at(2))
    later = members.assign(member(valid_from=at(9)), actor=LI, at=at(2))
    members.approve(later.assignment_id, actor=WANG, at=at(3))
    assert [len(members.classes_of("P1", at=at(day))) for day in (8, 9, 99)] == [1, 1, 1]
    with pytest.raises(DatabaseError), store.database.writing() as connection:
        connection.execute(text("UPDATE class_assignment SET valid_to = NULL"))


def test_eight_checkers_let_one_of_two_rivals_in(members: ClassMembers, url: str) -> None:
    keys = [
        members.assign(member(reason=f"申请{n}"), actor=LI, at=at(0)).assignment_id
        for n in range(4)
    ]

    def approve(key: int) -> str:
        with OrderStore.open(url) as own:
            try:
                return ClassMembers(own).approve(key, actor=WANG, at=at(1)).state
            except Refused as refusal:
                return refusal.code

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(approve, keys))
    assert answers == ["approved", "class_assigned", "class_assigned", "class_assigned"]


def test_what_cannot_be_assigned(members: ClassMembers) -> None:
    cases = [
        ("class_unknown", member("nothing")),
        ("class_unknown", member("blacklist")),
        ("unknown_party", member(party="P99")),
        ("unknown_party", member(party="' OR 1=1 --")),
        ("invalid_value", member(reason="")),
        ("invalid_value", member(valid_to=at(-1))),
        ("invalid_value", member("Ｃampus")),
    ]
    for code, bad in cases:
        assert refused(lambda bad=bad: members.assign(bad, actor=LI, at=at(0))) == code
    key = members.assign(member(valid_to=at(5)), actor=LI, at=at(0)).assignment_id
    same = replace(WANG, name="li.na")
    assert refused(lambda: members.approve(key, actor=same, at=at(1))) == "same_person"
    assert refused(lambda: members.approve(key, actor=WANG, at=at(5))) == "invalid_value"
    assert refused(lambda: members.approve(key + 1, actor=WANG, at=at(1))) == "assignment_unknown"
    for nonsense in (0, -1, 1 << 70, True, "1"):
        wrong: Any = nonsense
        called = lambda wrong=wrong: members.approve(wrong, actor=WANG, at=at(1))  # noqa: E731
        assert refused(called) == "invalid_value"


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.integers(1, 8), st.booleans(), st.integers(1, 3)),
        max_size=6,
    )
)
def test_approved_times_never_overlap(
    members: ClassMembers, store: OrderStore, wanted: list[tuple[int, int, bool, int]]
) -> None:
    """Against a model: the set of days of each approved assignment."""
    with store.database.writing() as connection:
        connection.execute(text("DELETE FROM class_assignment"))
    days: set[int] = set()
    for number, (first, length, ends, _) in enumerate(wanted):
        last = first + length if ends else 60
        asked = member(valid_from=at(first), valid_to=at(last) if ends else None,
                       reason=f"第{number}次")  # fmt: skip
        try:
            key = members.assign(asked, actor=LI, at=at(0)).assignment_id
            members.approve(key, actor=WANG, at=at(0))
        except Refused as refusal:
            if refusal.code != "class_assigned" or not days & set(range(first, last)):
                raise
        else:
            assert not days & set(range(first, last))
            days |= set(range(first, last))
    found = {day for day in range(60) if members.classes_of("P1", at=at(day, hours=1))}
    assert found == days


def test_the_night_takes_the_classes_from_the_store(
    campus: ClassDictionary, store: OrderStore
) -> None:
    found = stage.load(None, classes_at(store, at(1))).find("campus_2026", "manual")
    assert found is not None
    assert (found[0].name_zh, found[0].meaning) == ("校园客户", new().meaning)
    assert found[0].needs_approval
    assert found[0].effects == []
    assert stage.load(None, classes_at(store, at(0) - timedelta(days=1))) == stage.load()
    # other words since, and the end: a past night reads what was known then
    then = stage.load(None, classes_at(store, at(1)))
    campus.propose(new(name_zh="学生", valid_from=at(2)), actor=LI, at=at(2))
    campus.approve("campus_2026", actor=WANG, at=at(2))
    campus.end("campus_2026", actor=WANG, at=at(3))
    assert stage.load(None, classes_at(store, at(1))) == then
    later = stage.load(None, classes_at(store, at(4))).find("campus_2026", "manual")
    assert later is not None
    assert later[0].name_zh == "学生", "ended, with its last words: its labels end by name"


def test_the_exported_dictionary_says_what_the_night_reads(
    campus: ClassDictionary, store: OrderStore, tmp_path: Path
) -> None:
    own = Settings(data=tmp_path / "data")
    path = own.data / "policy" / "classes" / "dictionary.toml"
    text_ = dictionary_text(base_text(own), campus.entries(at=at(1)))
    path.parent.mkdir(parents=True)
    path.write_text(text_, "utf-8")
    known = classes_at(store, at(1))
    assert tomllib.loads(text_)["class"] == stage.load(None, known).document["dictionary"]["class"]
    assert stage.load(own, known) == stage.load(None, known), "and takes each class once"
    # an export replaces what the one before added, and nothing else
    assert shipped_codes(own) == SHIPPED
    assert dictionary_text(base_text(own), campus.entries(at=at(1))) == text_
    assert dictionary_text(base_text(own), ()).partition(MARK)[0] in text_


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_any_words_survive_the_file(name: str, meaning: str) -> None:
    try:
        checks.words("name_zh", name)
        checks.words("meaning", meaning)
    except Refused:
        return
    entry = Entry(
        class_code="odd", version_no=1, name_zh=name, name_en="odd", meaning=meaning,
        state="approved", valid_from=at(0), valid_to=None, maker="a", checker="b",
        recorded_at=at(0), decided_at=at(0),
    )  # fmt: skip
    found = tomllib.loads(dictionary_text("", [entry]))["class"][0]
    assert (found["name_zh"], found["meaning"]) == (name, meaning)
