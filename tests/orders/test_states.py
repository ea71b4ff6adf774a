"""The state machines and reference tables are what TMF and the businesses say."""

from __future__ import annotations

from typing import get_args

import pytest

from mingdan.orders.batch import ORDER_PATH
from mingdan.orders.commands import SuspendReason
from mingdan.orders.states import StateMachine, machine
from mingdan.reference import load

TMF622 = (
    "acknowledged rejected pending held inProgress cancelled completed failed partial "
    "assessingCancellation pendingCancellation"
)
TMF637 = "created pendingActive cancelled active pendingTerminate terminated suspended aborted"


def test_order_states_are_those_of_tmf622() -> None:
    orders = machine("order")
    assert set(orders.next) == set(TMF622.split())
    assert orders.initial == {"acknowledged", "rejected"}
    assert orders.final == {"rejected", "cancelled", "completed", "failed", "partial"}
    assert orders.next["acknowledged"] == {"inProgress", "pending"}, "no way to cancel from here"
    assert orders.next["pendingCancellation"] == {"cancelled"}


def test_product_states_are_those_of_tmf637() -> None:
    assert set(machine("product").next) == set(TMF637.split())


@pytest.mark.parametrize("entity", ["order", "product", "msisdn", "sim"])
def test_every_state_can_be_reached(entity: str) -> None:
    states = machine(entity)
    reached, open_ends = set(states.initial), list(states.initial)
    while open_ends:
        for following in states.next[open_ends.pop()] - reached:
            reached.add(following)
            open_ends.append(following)
    assert reached == set(states.next)


def test_the_path_of_an_order_is_allowed() -> None:
    assert machine("order").walk(None, *ORDER_PATH) == "completed"


@pytest.mark.parametrize(
    ("state", "path"),
    [
        (None, ["inProgress"]),
        ("acknowledged", ["completed"]),
        ("completed", ["cancelled"]),
        (None, []),
    ],
)
def test_other_steps_are_not(state: str | None, path: list[str]) -> None:
    with pytest.raises(ValueError, match="order"):
        machine("order").walk(state, *path)


def test_a_machine_with_a_step_into_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"state": "here", "initial": "yes", "next": "there"}
    monkeypatch.setattr(load, "rows", lambda _: (row,))
    with pytest.raises(ValueError, match="there"):
        StateMachine("order")


def test_suspend_reasons_are_those_a_command_may_give() -> None:
    assert {row["reason"] for row in load.rows("suspend_reason")} == set(get_args(SuspendReason))


def test_every_product_has_a_known_kind() -> None:
    for row in load.rows("product"):
        assert row["payment_kind"] in ("prepaid", "postpaid")
        assert row["sender_kind"] in ("person", "service_port", "m2m", "call_centre")
        assert int(row["monthly_fee_fen"]) >= 0


def test_refusals_are_worded_in_both_languages() -> None:
    for row in load.rows("refusal"):
        names = [part.split("}")[0] for part in row["en"].split("{")[1:]]
        values = dict.fromkeys(names, "x")
        assert row["en"].format(**values)
        assert row["zh"].format(**values)
        assert not row["zh"].isascii()
