"""Who was put into a class by two people is asserted by the night, as known at the night."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mingdan.calendar import day_start, known_at, naive_utc
from mingdan.night import Night
from mingdan.orders.care.class_entries import ClassDictionary, NewClass
from mingdan.orders.care.class_members import ClassMembers, NewAssignment
from mingdan.reports.intake import take
from mingdan.reports.tables import REPORT_ASSERTIONS
from mingdan.settings import Settings
from tests.orders.care.support import LI, WANG
from tests.orders.support import done, emptied_postgresql_url, opening, sqlite_url
from tests.reports.world import DAY, World

NEXT = DAY + timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir()
    url = sqlite_url(tmp_path) if request.param == "sqlite" else emptied_postgresql_url()
    return Settings(data=tmp_path / "data", orders_url=url, lock_wait_seconds=0.2)


def noon(day: date) -> datetime:
    return day_start(day) + timedelta(hours=12)


@pytest.fixture
def members(night: Night, world: World) -> ClassMembers:
    for day in (DAY, NEXT):
        world.write(day)
        world.complaints(day=day)
    done(night.orders, opening(1), opening(2))
    classes = ClassDictionary(night.orders, frozenset())
    campus = NewClass(
        class_code="campus",
        name_zh="校园客户",
        name_en="campus customers",
        meaning="新生",
        valid_from=noon(DAY),
    )
    classes.propose(campus, actor=LI, at=noon(DAY))
    classes.approve("campus", actor=WANG, at=noon(DAY))
    return ClassMembers(night.orders)


def proposed(members: ClassMembers, party: str = "P1", **values: Any) -> int:
    plain = {
        "class_code": "campus",
        "party_ref": party,
        "reason": "已核验",
        "valid_from": noon(DAY),
    }
    found = members.assign(NewAssignment(**plain | values), actor=LI, at=noon(DAY))
    return found.assignment_id


def said(night: Night, day: date) -> list[dict[str, Any]]:
    take(night, day)
    return night.lake.scan(REPORT_ASSERTIONS, [day]).collect().to_dicts()


def test_only_what_two_people_decided_by_the_night(night: Night, members: ClassMembers) -> None:
    until = noon(NEXT) + timedelta(days=300)
    key = proposed(members, valid_to=until, reason="证件 110101199003070011 已核验")
    waiting = proposed(members, "P2")
    members.approve(key, actor=WANG, at=noon(DAY))
    members.approve(waiting, actor=WANG, at=known_at(DAY) + timedelta(seconds=1))
    (row,) = said(night, DAY)
    assert (row["class_code"], row["reason_code"], row["source"]) == ("campus", "manual", "manual")
    assert (row["observed_at"], row["valid_to"]) == (naive_utc(noon(DAY)), naive_utc(until))
    assert json.loads(row["evidence"]) == {
        "assignment": key,
        "maker": "li.na",
        "checker": "wang.wei",
        "reason": "证件 110*************11 已核验",
    }
    assert len(said(night, NEXT)) == 2


def test_an_ended_membership_is_withdrawn_and_the_past_stays(
    night: Night, members: ClassMembers
) -> None:
    until = noon(NEXT) + timedelta(days=300)
    key = proposed(members, valid_to=until)
    members.approve(key, actor=WANG, at=noon(DAY))
    (before,) = said(night, DAY)
    digest = night.lake.partition(REPORT_ASSERTIONS, DAY).digest
    members.end(key, actor=WANG, at=noon(NEXT))
    assert said(night, NEXT) == []
    # though the row now says it ended
    assert said(night, DAY) == [before]
    assert night.lake.partition(REPORT_ASSERTIONS, DAY).digest == digest


def test_a_class_out_of_force_has_nobody(night: Night, members: ClassMembers) -> None:
    members.approve(proposed(members), actor=WANG, at=noon(DAY))
    ClassDictionary(night.orders, frozenset()).end("campus", actor=WANG, at=noon(NEXT))
    assert len(said(night, DAY)) == 1
    assert said(night, NEXT) == []


def test_a_term_that_passed_is_over(night: Night, members: ClassMembers) -> None:
    key = proposed(members, valid_to=known_at(NEXT))
    members.approve(key, actor=WANG, at=noon(DAY))
    assert [len(said(night, day)) for day in (DAY, NEXT)] == [1, 0]
