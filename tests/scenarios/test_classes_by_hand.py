"""Two people put a customer into a class of the operator's own, and it is a label that night.

Here: from the desk to the label ledger and back. Not here: who may decide
(`tests/orders/care/test_classes.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mingdan.orders.care.class_entries import ClassDictionary, NewClass
from mingdan.orders.care.class_file import labels_by_hand
from mingdan.orders.care.class_members import ClassMembers, NewAssignment
from mingdan.orders.store import OrderStore
from tests.orders.care.support import LI, WANG
from tests.scenarios.conftest import Program
from tests.scenarios.town import Town, chat, hour
from tests.worlds import lake_digests

STUDENT = "8613800001001"


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path / "data")
    made.data.mkdir()
    made.open("student", 1, STUDENT)
    return made


def join(town: Town) -> int:
    """A class, in force from Monday noon, with its one member until the tenth day."""
    with OrderStore.open(town.settings.database) as store:
        classes, members = ClassDictionary(store, frozenset()), ClassMembers(store)
        campus = NewClass(
            class_code="campus",
            name_zh="校园客户",
            name_en="campus customers",
            meaning="2026级新生",
            valid_from=hour(0, 9),
        )
        classes.propose(campus, actor=LI, at=hour(0, 9))
        classes.approve("campus", actor=WANG, at=hour(0, 10))
        member = NewAssignment(
            class_code="campus",
            party_ref="P1",
            reason="学生证已核验",
            valid_from=hour(0, 9),
            valid_to=hour(10, 0),
        )
        key = members.assign(member, actor=LI, at=hour(0, 11)).assignment_id
        return members.approve(key, actor=WANG, at=hour(0, 12)).assignment_id


def night(town: Town, number: int) -> None:
    town.deliver(number, chat("student", 1, STUDENT, number))
    town.sleep(number)


def test_a_member_by_hand_is_a_label_and_leaves_with_the_membership(
    town: Town, program: Program
) -> None:
    key = join(town)
    night(town, 0)
    label = town.labels("student", 0)["manual"]
    assert (label["class_code"], label["state"], label["effective"]) == (
        "campus", "published", True,
    )  # fmt: skip
    assert label["valid_to"].isoformat() == hour(10, 0).replace(tzinfo=None).isoformat()
    (event,) = town.rows("label_events", 0).to_dicts()
    assert (event["action"], event["source"], event["source_ref"]) == (
        "assert", "manual", f"assignment-{key}",
    )  # fmt: skip
    assert (event["maker"], event["checker"]) == ("li.na", "wang.wei")
    shown = program(town, "explain", STUDENT)
    assert "学生证已核验" in shown.out
    told = lake_digests(town.data)

    with OrderStore.open(town.settings.database) as store:
        ClassMembers(store).end(key, actor=WANG, at=hour(1, 9))
    night(town, 1)
    assert town.labels("student", 1) == {}
    (event,) = town.rows("label_events", 1).to_dicts()
    assert (event["class_code"], event["action"]) == ("campus", "revoke")
    town.sleep(0)
    kept = {name: digest for name, digest in lake_digests(town.data).items() if name in told}
    assert kept == told, "the night before, run again, is as it was"


def test_a_class_taken_out_of_force_takes_its_labels_with_it(town: Town, program: Program) -> None:
    join(town)
    night(town, 0)
    with OrderStore.open(town.settings.database) as store:
        ClassDictionary(store, frozenset()).end("campus", actor=WANG, at=hour(1, 9))
    night(town, 1)
    assert town.labels("student", 1) == {}
    (event,) = town.rows("label_events", 1).to_dicts()
    assert (event["class_code"], event["action"]) == ("campus", "revoke")
    assert "re-derived: equal" in program(town, "explain", STUDENT).out


@pytest.mark.parametrize(
    ("label", "effects"),
    [("key_account:gold", []), ("blacklist:court_or_police", ["no_new_subscription"])],
)
def test_a_label_of_the_dictionary_by_hand(town: Town, label: str, effects: list[str]) -> None:
    """A gold card for whom no rule would give one, a court's paper order."""
    class_code, _, reason_code = label.partition(":")
    with OrderStore.open(town.settings.database) as store:
        members = ClassMembers(store, labels_by_hand(town.settings))
        member = NewAssignment(
            class_code=label, party_ref="P1", reason="书面通知", valid_from=hour(0, 9)
        )
        key = members.assign(member, actor=LI, at=hour(0, 9)).assignment_id
        members.approve(key, actor=WANG, at=hour(0, 10))
    night(town, 0)
    found = town.labels("student", 0)[reason_code]
    assert (found["class_code"], found["state"]) == (class_code, "published")
    (event,) = town.rows("label_events", 0).to_dicts()
    assert (event["source"], event["maker"], event["checker"]) == ("manual", "li.na", "wang.wei")
    with OrderStore.open(town.settings.database) as store:
        assert [each.effect for each in store.restrictions(town.parties["P1"])] == effects
        ClassMembers(store).end(key, actor=WANG, at=hour(1, 9))
    night(town, 1)
    assert town.labels("student", 1) == {}
    with OrderStore.open(town.settings.database) as store:
        assert store.restrictions(town.parties["P1"]) == []
