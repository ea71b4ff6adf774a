"""Process flows (TMF701) of orders, tickets and visits: where one stands and what it took.

Here: one flow with its tasks and clocks, read off events (`reference/
process_flow.csv` says what a state means). Not here: a day's limits
(`limit_report.py`). Nothing is stored: a flow cannot contradict its order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from mingdan.orders import checks
from mingdan.orders.care import cases
from mingdan.orders.care.clocks import Clock, Step, clocks
from mingdan.orders.care.ticket_steps import ticket_key
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load

FlowState = Literal["active", "hold", "cancelled", "completed"]
TaskState = Literal["new", "active", "hold", "cancelled", "completed"]
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class TaskFlow:
    """One task of a flow; instants in UTC, none if it was never begun or is not over."""

    name: str
    name_zh: str
    state: str
    started_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True)
class ProcessFlow:
    """A flow at an instant: its state, its tasks in order, its clocks."""

    flow_id: str
    flow: str
    business: str
    channel: str
    interface: str
    state: str
    tasks: tuple[TaskFlow, ...]
    clocks: tuple[Clock, ...]


class FlowDesk:
    """Process flows of an open order store."""

    def __init__(self, store: OrderStore) -> None:
        self._database = store.database

    def of_order(self, order_ref: str, *, at: datetime) -> ProcessFlow:
        """The flow of an order as it stood at `at`. Raises Refused (unknown_order)."""
        ref, at = checks.words("order_ref", order_ref), checks.instant("at", at)
        with self._database.reading() as connection:
            case = cases.order_case(connection, ref, at + _INSTANT)
        if case is None:
            raise Refused("unknown_order", order_ref=ref)
        return flow_of(case, at)

    def of_ticket(self, ticket_ref: str, *, at: datetime) -> ProcessFlow:
        """The flow of a ticket as it stood at `at`. Raises Refused (ticket_unknown)."""
        key, at = ticket_key(ticket_ref), checks.instant("at", at)
        with self._database.reading() as connection:
            case = cases.ticket_case(connection, key, at + _INSTANT)
        if case is None:
            raise Refused("ticket_unknown", ticket_ref=cases.ticket_ref(key))
        return flow_of(case, at)

    def of_visit(self, visit_ref: str, *, at: datetime) -> ProcessFlow:
        """The flow of a visit as it stood at `at`. Raises Refused (visit_unknown)."""
        ref, at = checks.words("visit_ref", visit_ref), checks.instant("at", at)
        with self._database.reading() as connection:
            case = cases.visit_case(connection, ref, at + _INSTANT)
        if case is None:
            raise Refused("visit_unknown", visit_ref=ref)
        return flow_of(case, at)


def flow_of(case: cases.Case, at: datetime) -> ProcessFlow:
    """What a case's history makes of its flow at `at`."""
    meaning = {row["state"]: row for row in load.rows("process_flow") if row["flow"] == case.flow}
    found = clocks(case.flow, case.kinds, case.channel, case.steps, at)
    return ProcessFlow(
        flow_id=f"{case.flow}:{case.ref}",
        flow=case.flow,
        business=case.business,
        channel=case.channel,
        interface=case.interface,
        state=meaning[case.steps[-1].state]["flow_state"],
        tasks=_tasks(case.flow, case.steps, meaning),
        clocks=tuple(found),
    )


def _tasks(
    flow: str, steps: tuple[Step, ...], meaning: dict[str, dict[str, str]]
) -> tuple[TaskFlow, ...]:
    usual = {row["task"]: row["task_zh"] for row in meaning.values() if row["usual"] == "yes"}
    done: list[TaskFlow] = []
    for step in steps:
        row = meaning[step.state]
        if not done and not row["task"]:
            name, zh = next(iter(usual.items()))
            done.append(TaskFlow(name, zh, "active", step.at, None))
        begins = row["task"] and (not done or done[-1].name != row["task"])
        if begins:
            if done and done[-1].ended_at is None:
                done[-1] = replace(done[-1], state="completed", ended_at=step.at)
            done.append(TaskFlow(row["task"], row["task_zh"], "active", step.at, None))
        over = row["task_state"] in ("completed", "cancelled")
        done[-1] = replace(done[-1], state=row["task_state"], ended_at=step.at if over else None)
    if meaning[steps[-1].state]["flow_state"] in ("active", "hold"):
        begun = {task.name for task in done}
        done += [TaskFlow(name, zh, "new", None, None) for name, zh in usual.items()
                 if name not in begun]  # fmt: skip
    return tuple(done)
