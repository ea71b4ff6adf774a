"""Every feature from its meaning in the catalogue, in plain loops over plain records.

Here: the slow, obvious reading that the SQL must equal. Not here: rules and
speed. A record is a `usage` row whose served number is its own subscription.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from mingdan.features.catalogue import WINDOWS
from mingdan.identifiers import pseudonym
from tests.features.habits import habits, ratio, second_of_day
from tests.guiding.rows import Row, event_day

Values = dict[str, Any]
PEPPER = bytes.fromhex("ab" * 32)
PERSON: Values = {"sender_kind": "person"}


def is_later_segment(row: Row, others: Iterable[Row]) -> bool:
    """Whether a message only continues one sent within ten minutes before, on the same day."""
    if row["usage_type"] != "sms" or row["message_ref"] is None or row["other_party"] is None:
        return False
    same = ("served_msisdn", "usage_type", "direction", "other_party", "message_ref")
    place = (row["event_at"], row["record_id"])
    return any(
        all(other[name] == row[name] for name in same)
        and event_day(other) == event_day(row)
        and (other["event_at"], other["record_id"]) < place
        and row["event_at"] - other["event_at"] <= timedelta(minutes=10)
        for other in others
    )


def cell_pseudonym(cell: int) -> int:
    return pseudonym(PEPPER, "cell", str(cell))


def window(records: list[Row], first: date, last: date, horizon: date) -> Values:
    """The windowed features of one subscription, without suffix."""
    mine = [row for row in records if first <= event_day(row) <= last]
    acts = [
        row
        for row in mine
        if row["usage_type"] in ("sms", "voice") and not is_later_segment(row, mine)
    ]
    sent = [row for row in acts if row["direction"] == "out"]
    received = [row for row in acts if row["direction"] == "in"]
    texts = [row for row in sent if row["usage_type"] == "sms"]
    texts_in = [row for row in received if row["usage_type"] == "sms"]
    calls = [row for row in sent if row["usage_type"] == "voice"]
    calls_in = [row for row in received if row["usage_type"] == "voice"]
    per_recipient = known(texts)
    per_callee = known(calls)
    reached = per_recipient.keys() | per_callee.keys()
    heard = known(received).keys()
    rang = known(row for row in calls if (row["duration_s"] or 9) <= 3 or row["duration_s"] == 0)
    hours = Counter((event_day(row), second_of_day(row) // 3600) for row in sent)
    callee_hours = Counter(
        (row["other_party"], event_day(row), second_of_day(row) // 3600)
        for row in calls
        if row["other_party"] is not None
    )
    earlier = {
        row["other_party"]
        for row in records
        if horizon <= event_day(row) < first and row["usage_type"] in ("sms", "voice")
    }
    mobiles = {row["other_party"] for row in sent if row["other_kind"] == "mobile"}
    # 86 and seven digits, whatever the number's length
    prefixes = {str(number)[:9] for number in mobiles}
    gaps, strides = steps(sent)
    walked = [stride for stride in strides if 1 <= stride <= 10]
    return {
        "sms_out": len(texts),
        "sms_in": len(texts_in),
        "calls_out": len(calls),
        "calls_in": len(calls_in),
        "call_seconds_out": sum(row["duration_s"] or 0 for row in calls),
        "call_seconds_in": sum(row["duration_s"] or 0 for row in calls_in),
        "data_bytes": sum(row["bytes"] or 0 for row in mine if row["usage_type"] == "data"),
        "active_days": len({event_day(row) for row in acts}),
        "spend_fen": sum(row["charge_fen"] or 0 for row in mine),
        "recipients": len(per_recipient),
        "callees": len(per_callee),
        "contacts_in": len(heard),
        "messages_per_recipient": ratio(len(texts), len(per_recipient)),
        "calls_per_callee": ratio(len(calls), len(per_callee)),
        "sms_per_recipient_max": max(per_recipient.values(), default=0),
        "received_share": ratio(len(texts_in), len(texts_in) + len(texts)),
        "reciprocated_share": ratio(len(reached & heard), len(reached)),
        "response_ratio": ratio(sum(row["other_party"] in reached for row in received), len(sent)),
        "callbacks": sum(row["other_party"] in rang for row in calls_in),
        "night_share": ratio(
            sum(second_of_day(row) >= 23 * 3600 or second_of_day(row) < 7 * 3600 for row in sent),
            len(sent),
        ),
        "busiest_hour_events": max(hours.values(), default=0),
        "busiest_hour_share": ratio(max(hours.values(), default=0), len(sent)),
        "gap_cv": gap_cv(gaps),
        "max_calls_one_callee_hour": max(callee_hours.values(), default=0),
        "one_ring_share": ratio(shorter(calls, 3), len(calls)),
        "short_call_share": ratio(shorter(calls, 6), len(calls)),
        "new_recipient_share": ratio(len(reached - earlier), len(reached)),
        "walking_score": ratio(len(walked), len(strides)),
        "prefixes": len(prefixes),
        "prefix_spread": ratio(len(prefixes), len(mobiles)),
        "imeis": len({row["served_imei"] for row in mine} - {None, 0}),
        "imsis": len({row["served_imsi"] for row in mine} - {None}),
        **habits(mine, acts, first, cell_pseudonym),
    }


def known(rows: Iterable[Row]) -> Counter[int]:
    """How many of the rows name each other party."""
    return Counter(row["other_party"] for row in rows if row["other_party"] is not None)


def shorter(calls: list[Row], seconds: int) -> int:
    return sum(row["duration_s"] is not None and row["duration_s"] <= seconds for row in calls)


def steps(sent: list[Row]) -> tuple[list[int], list[int]]:
    """Gaps in seconds and distances of mobile numbers between consecutive events of a day."""
    gaps, strides = [], []
    in_order = sorted(sent, key=lambda row: (row["event_at"], row["record_id"]))
    for before, after in pairwise(in_order):
        if event_day(before) == event_day(after):
            gaps.append(second_of_day(after) - second_of_day(before))
            if before["other_kind"] == after["other_kind"] == "mobile":
                strides.append(abs(after["other_party"] - before["other_party"]))
    return gaps, strides


def gap_cv(gaps: list[int]) -> float | None:
    if len(gaps) < 10 or not sum(gaps):
        return None
    spread = len(gaps) * sum(gap * gap for gap in gaps) - sum(gaps) ** 2
    return math.sqrt(spread) / sum(gaps)


def features(
    records: list[Row],
    day: date,
    held_days: Iterable[date],
    subscriptions: Mapping[int, Row] | None = None,
    complaints: Iterable[Row] = (),
) -> dict[int, Values]:
    """All features of `day`, per subscription active in the 30 days ending with it."""
    month, horizon = day - timedelta(days=29), day - timedelta(days=30)
    own: dict[int, list[Row]] = defaultdict(list)
    users: dict[int, set[int]] = defaultdict(set)
    for row in records:
        own[row["served_msisdn"]].append(row)
        if day - timedelta(days=6) <= event_day(row) <= day and row["served_imei"]:
            users[row["served_imei"]].add(row["served_msisdn"])
    found: dict[int, Values] = {}
    for subscription, rows in own.items():
        if not any(month <= event_day(row) <= day for row in rows):
            continue
        values: Values = {}
        for length in WINDOWS:
            first = day - timedelta(days=length - 1)
            of_window = window(rows, first, day, horizon)
            if sum(horizon <= held < first for held in held_days) < 7:
                of_window["new_recipient_share"] = None
            values |= {f"{name}_{length}d": value for name, value in of_window.items()}
        about = [row for row in complaints if row["subscription_id"] == subscription]
        values["complaints_30d"] = len(about)
        values["complainants_30d"] = len({row["reporter_number"] for row in about} - {None})
        received = {row["date"] for row in about}
        values["complaint_days_30d"] = len(received)
        values["days_since_complaint_30d"] = (day - max(received)).days if received else None
        values["complaint_rate_30d"] = ratio(100 * len(about), values["reached_30d"])
        values["subscriptions_per_imei_7d"] = max(
            (len(shared) for shared in users.values() if subscription in shared), default=None
        )
        held = (subscriptions or {}).get(subscription)
        if held:
            values["arrears_per_spend_30d"] = ratio(held["arrears_fen"], values["spend_fen_30d"])
        found[subscription] = values | account(held, subscription, day)
    return found


def account(row: Row | None, subscription: int, day: date) -> Values:
    """The features that are copied or derived from the subscription's own record."""
    if row is None:
        return {"party_id": subscription, **PERSON}
    activated: datetime = row["activated_at"]
    return {
        "party_id": row["party_id"],
        "sender_kind": row["sender_kind"],
        "payment_kind": row["payment_kind"],
        "suspended": row["status"] == "suspended",
        "arrears_fen": row["arrears_fen"],
        "arrears_days": row["arrears_days"],
        "party_cards": row["party_cards"],
        "account_age_days": (day - event_day({"event_at": activated})).days,
    }
