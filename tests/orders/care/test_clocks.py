"""Service clocks: what a limit says of a history, and a model that counts seconds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.calendar import day_start
from mingdan.orders.care.clocks import Step, clocks, limits, longest, run
from mingdan.orders.states import machine
from mingdan.reference import load

START = day_start(date(2026, 10, 1)) + timedelta(hours=9)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def steps(*found: tuple[str, float]) -> list[Step]:
    return [Step(state, after(seconds)) for state, seconds in found]


def verdicts(
    flow: str, business: str, channel: str, history: list[Step], now: float
) -> dict[str, str]:
    found = clocks(flow, {business}, channel, history, after(now))
    return {clock.limit.code: clock.verdict for clock in found}


@pytest.mark.parametrize(
    ("business", "limit"),
    [("SUSPEND", 180), ("CHANGE_NUMBER", 180), ("SIM_REPLACE", 300), ("OPEN", 180)],
)
def test_the_counter_has_so_many_seconds(business: str, limit: int) -> None:
    for seconds, verdict in ((limit, "kept"), (limit + 0.001, "broken")):
        history = steps(("acknowledged", 0), ("inProgress", seconds))
        found = verdicts("order", business, "counter", history, 9_999)
        assert [found[code] for code in found if code.startswith("counter_")] == [verdict]


def test_a_business_change_has_a_day_and_the_customer_s_time_is_not_counted() -> None:
    hour = 3600
    history = steps(
        ("acknowledged", 0), ("inProgress", 60), ("pending", hour), ("inProgress", 90 * hour),
        ("held", 91 * hour), ("inProgress", 92 * hour), ("completed", 100 * hour),
    )  # fmt: skip
    clock = {c.limit.code: c for c in clocks("order", {"RESUME"}, "web", history, after(10**6))}
    assert set(clock) == {"resume_effect"}
    assert clock["resume_effect"].verdict == "kept"
    assert clock["resume_effect"].spent == timedelta(hours=11)
    late = [*history[:-1], Step("completed", after(114 * hour))]
    [broken] = clocks("order", {"RESUME"}, "web", late, after(10**6))
    assert (broken.verdict, broken.due_at) == ("broken", after(113 * hour))
    assert broken.ended_at == after(114 * hour)


def test_a_fault_that_comes_back_has_another_clock() -> None:
    day = 86_400
    history = steps(
        ("acknowledged", 0), ("inProgress", 60), ("resolved", 2 * day),
        ("inProgress", 3 * day), ("resolved", 6 * day), ("closed", 7 * day),
    )  # fmt: skip
    found = clocks("ticket", {"fault", "no_service"}, "hotline", history, after(30 * day))
    assert [(c.verdict, c.started_at, c.ended_at) for c in found] == [
        ("kept", after(0), after(2 * day)),
        ("broken", after(3 * day), after(6 * day)),
    ]


def test_what_was_given_up_in_time_is_neither_kept_nor_broken() -> None:
    history = steps(("acknowledged", 0), ("cancelled", 10))
    assert verdicts("ticket", "fault", "web", history, 99) == {"fault_repair": "given_up"}
    late = steps(("acknowledged", 0), ("cancelled", 172_801))
    assert verdicts("ticket", "fault", "web", late, 10**6) == {"fault_repair": "broken"}


def test_a_clock_that_runs_says_when_it_is_due() -> None:
    history = steps(("acknowledged", 0), ("inProgress", 50))
    [running] = clocks("ticket", {"fault"}, "web", history, after(172_800))
    assert (running.verdict, running.due_at) == ("running", after(172_800))
    [broken] = clocks("ticket", {"fault"}, "web", history, after(172_800.5))
    assert (broken.verdict, broken.due_at, broken.ended_at) == ("broken", after(172_800), None)
    waits = [*history, Step("pending", after(60))]
    [stopped] = clocks("ticket", {"fault"}, "web", waits, after(10**7))
    assert (stopped.verdict, stopped.due_at) == ("stopped", None)
    assert stopped.spent == timedelta(seconds=60)


def test_waiting_ten_minutes_at_a_counter_and_fifteen_seconds_on_the_line() -> None:
    for channel, code, limit in (
        ("counter", "counter_wait", 600),
        ("hotline", "hotline_answer", 15),
    ):
        for seconds, verdict in ((limit, "kept"), (limit + 1, "broken")):
            history = steps(("waiting", 0), ("serving", seconds), ("ended", seconds + 60))
            assert verdicts("visit", "", channel, history, 9_999) == {code: verdict}
    gone = steps(("waiting", 0), ("left", 10))
    assert verdicts("visit", "", "counter", gone, 9_999) == {"counter_wait": "given_up"}


def test_the_limit_in_force_when_the_clock_started_counts() -> None:
    [old] = [limit for limit in limits("ticket") if limit.code == "fault_repair"]
    new = replace(old, limit_s=60, valid_from=date(2026, 10, 2))

    def seen(*history: tuple[str, float]) -> list[str]:
        return [clock.verdict for clock in run([old, new], steps(*history), after(10**6))]

    assert seen(("acknowledged", 0), ("resolved", 100_000)) == ["kept"]
    assert seen(("acknowledged", 86_400), ("resolved", 86_461)) == ["broken"]
    assert seen(("acknowledged", -(10**9)), ("resolved", 0)) == [], "no such rule then"


def test_the_table_of_limits_is_sound() -> None:
    flows = {"order", "ticket", "visit"}
    categories = {row["code"] for row in load.rows("ticket_category")}
    types = {row["ticket_type"] for row in load.rows("ticket_category")}
    for row in load.rows("service_time_limit"):
        assert row["flow"] in flows
        states = set(machine(row["flow"]).next)
        named = f"{row['from_states']} {row['to_states']} {row['stops_in']}".split()
        assert set(named) <= states, row["code"]
        assert int(row["limit_s"]) > 0
        assert row["source"]
        if row["flow"] == "ticket":
            assert set(row["business"].split()) <= categories | types
        if row["flow"] == "order":
            assert set(row["business"].split()) <= ORDER_TYPES, row["code"]
    for flow in flows:
        meant = {row["state"] for row in load.rows("process_flow") if row["flow"] == flow}
        assert meant == set(machine(flow).next)
        assert longest(flow) > timedelta()


ORDER_TYPES = {row["code"] for row in load.rows("order_type")} | {
    row["business"] for row in load.rows("permission")
}
TICKET = machine("ticket")


@st.composite
def lives(draw: st.DrawFn) -> list[Step]:
    """A legal life of a ticket; every step 0 to 3 days after the one before."""
    state, seconds = "acknowledged", 0
    found = [Step(state, after(0))]
    for _ in range(draw(st.integers(0, 8))):
        following = sorted(TICKET.next[state])
        if not following:
            break
        state = draw(st.sampled_from(following))
        seconds += draw(st.integers(0, 3 * 24)) * 3600
        found.append(Step(state, after(seconds)))
    return found


def counted(life: list[Step], now: int) -> Counter[str]:
    """The same by hand, hour by hour: what became of every clock."""
    found: Counter[str] = Counter()
    spent: int | None = None
    for hour in range(now + 1):
        for step in life:
            if step.at != after(hour * 3600):
                continue
            if spent is None and step.state in ("acknowledged", "inProgress", "pending", "held"):
                spent = 0
            elif spent is not None and step.state in ("resolved", "closed"):
                found["kept" if spent <= 48 else "broken"] += 1
                spent = None
            elif spent is not None and step.state in ("cancelled", "rejected"):
                found["given_up" if spent <= 48 else "broken"] += 1
                spent = None
        state = [step.state for step in life if step.at <= after(hour * 3600)][-1]
        if spent is not None and state != "pending" and hour < now:
            spent += 1
    if spent is not None:
        open_state = "stopped" if life[-1].state == "pending" else "running"
        found[open_state if spent <= 48 else "broken"] += 1
    return found


@settings(max_examples=120, deadline=None)
@given(lives(), st.integers(0, 400))
def test_clocks_agree_with_counting_hours(life: list[Step], now: int) -> None:
    life = [step for step in life if step.at <= after(now * 3600)]
    found = clocks("ticket", {"fault"}, "web", life, after(now * 3600))
    assert Counter(clock.verdict for clock in found) == counted(life, now)


@settings(max_examples=80, deadline=None)
@given(lives())
def test_a_verdict_falls_on_one_day_whenever_it_is_asked_for(life: list[Step]) -> None:
    """What each day's end decides adds up to what the end decides."""
    last = life[-1].at + timedelta(days=5)
    by_day: Counter[str] = Counter()
    for number in range(40):
        first = day_start(date(2026, 10, 1) + timedelta(days=number))
        end = day_start(date(2026, 10, 2) + timedelta(days=number))
        seen = [step for step in life if step.at < end]
        for clock in clocks("ticket", {"fault"}, "web", seen, end) if seen else []:
            ended = clock.ended_at
            if clock.verdict == "kept" and ended is not None and first <= ended < end:
                by_day["kept"] += 1
            if clock.verdict == "broken" and clock.due_at and first <= clock.due_at < end:
                by_day["broken"] += 1
    whole = clocks("ticket", {"fault"}, "web", life, max(last, after(40 * 86_400)))
    final = Counter(c.verdict for c in whole if c.verdict in ("kept", "broken"))
    assert by_day == final
