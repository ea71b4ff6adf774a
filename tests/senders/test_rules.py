"""The shipped sender rules: whom they catch, and whom they must leave alone.

Values are what the feature table would hold on such a day; what is not stated
is 0 or null.
"""

from __future__ import annotations

from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.features.tables import FEATURES
from mingdan.lake import Lake
from mingdan.rules.hits import define_hits
from mingdan.senders.rules import load
from tests.classes.world import QUIET

SENDERS: dict[str, tuple[set[str], dict[str, Any]]] = {
    "burst advertiser": (
        {"burst_advertiser", "slow_pacer"},
        {"sms_out_1d": 510, "recipients_1d": 500, "busiest_hour_events_1d": 300,
         "messages_per_recipient_1d": 1.02, "response_ratio_1d": 0.004,
         "new_recipient_share_1d": 1.0, "account_age_days": 6, "recipients_30d": 500,
         "recipients_7d": 500, "messages_per_recipient_7d": 1.02},
    ),
    "a blast before the lake remembers anything": (
        {"new_card_blast"},
        {"sms_out_1d": 310, "recipients_1d": 300, "busiest_hour_events_1d": 150,
         "messages_per_recipient_1d": 1.03, "response_ratio_1d": 0.0, "account_age_days": 2,
         "recipients_30d": 300},
    ),
    "slow pacer": (
        {"slow_pacer", "week_of_strangers"},
        {"sms_out_1d": 80, "recipients_1d": 78, "busiest_hour_events_1d": 12,
         "messages_per_recipient_1d": 1.03, "response_ratio_1d": 0.02,
         "new_recipient_share_1d": 0.97, "sms_out_7d": 500, "recipients_7d": 480,
         "messages_per_recipient_7d": 1.04, "response_ratio_7d": 0.02,
         "new_recipient_share_7d": 0.97, "recipients_30d": 1500, "account_age_days": 80},
    ),
    "a card of a rotation farm": (
        {"rotation_farm"},
        {"sms_out_1d": 32, "recipients_1d": 30, "messages_per_recipient_1d": 1.07,
         "response_ratio_1d": 0.03, "new_recipient_share_1d": 1.0,
         "subscriptions_per_imei_7d": 4, "account_age_days": 20, "recipients_30d": 200},
    ),
    "number walker": (
        {"number_walker"},
        {"sms_out_1d": 160, "recipients_1d": 160, "messages_per_recipient_1d": 1.0,
         "walking_score_1d": 0.93, "recipients_30d": 160, "response_ratio_1d": 0.4},
    ),
    "an old account turned bad": (
        {"turned_bad"},
        {"sms_out_1d": 120, "recipients_1d": 100, "messages_per_recipient_1d": 1.2,
         "response_ratio_1d": 0.06, "new_recipient_share_1d": 0.8, "recipients_30d": 140,
         "account_age_days": 1200},
    ),
    "one-ring caller": (
        {"one_ring"},
        {"calls_out_1d": 300, "callees_1d": 290, "calls_per_callee_1d": 1.03,
         "one_ring_share_1d": 0.95, "callbacks_1d": 14},
    ),
    "call bomber": (
        {"call_bomber"},
        {"calls_out_1d": 190, "callees_1d": 2, "calls_per_callee_1d": 95.0,
         "max_calls_one_callee_hour_1d": 90},
    ),
    "below the volume of the others, but complained of": (
        {"complained_of"},
        {"sms_out_1d": 26, "recipients_1d": 25, "messages_per_recipient_1d": 1.04,
         "response_ratio_1d": 0.05, "new_recipient_share_1d": 0.9, "complainants_30d": 3,
         "complaints_30d": 3, "recipients_30d": 400},
    ),
}  # fmt: skip

BENIGN: dict[str, dict[str, Any]] = {
    "teenager in many chats": {
        "sms_out_1d": 240, "sms_in_1d": 230, "recipients_1d": 22, "busiest_hour_events_1d": 70,
        "messages_per_recipient_1d": 10.9, "received_share_1d": 0.49, "response_ratio_1d": 0.9,
        "reciprocated_share_1d": 0.9, "new_recipient_share_1d": 0.05, "recipients_7d": 30,
        "recipients_30d": 45,
    },
    "courier": {
        "calls_out_1d": 58, "callees_1d": 55, "calls_per_callee_1d": 1.05,
        "short_call_share_1d": 0.3, "one_ring_share_1d": 0.05, "sms_out_1d": 14,
        "recipients_1d": 14, "messages_per_recipient_1d": 1.0, "response_ratio_1d": 0.15,
        "new_recipient_share_1d": 0.97, "recipients_7d": 90, "new_recipient_share_7d": 0.95,
        "messages_per_recipient_7d": 1.05, "response_ratio_7d": 0.15,
    },
    "takeaway driver whose calls are all short": {
        "calls_out_1d": 40, "callees_1d": 39, "calls_per_callee_1d": 1.02,
        "short_call_share_1d": 0.7, "one_ring_share_1d": 0.3, "new_recipient_share_1d": 1.0,
    },
    "teacher writing to the parents of a class": {
        "sms_out_1d": 52, "recipients_1d": 46, "messages_per_recipient_1d": 1.13,
        "busiest_hour_events_1d": 46, "response_ratio_1d": 0.6, "new_recipient_share_1d": 0.02,
        "recipients_7d": 50, "recipients_30d": 60,
    },
    "shop owner and the regular customers": {
        "sms_out_1d": 110, "recipients_1d": 108, "messages_per_recipient_1d": 1.02,
        "busiest_hour_events_1d": 70, "response_ratio_1d": 0.05, "new_recipient_share_1d": 0.08,
        "recipients_7d": 112, "recipients_30d": 140,
    },
    "organiser inviting strangers, many of whom answer": {
        "sms_out_1d": 160, "recipients_1d": 150, "messages_per_recipient_1d": 1.07,
        "busiest_hour_events_1d": 80, "response_ratio_1d": 0.4, "new_recipient_share_1d": 0.9,
        "recipients_7d": 150, "messages_per_recipient_7d": 1.07, "response_ratio_7d": 0.4,
        "new_recipient_share_7d": 0.9, "recipients_30d": 170,
    },
    "organiser with a card too new to have a history": {
        "sms_out_1d": 170, "recipients_1d": 165, "messages_per_recipient_1d": 1.03,
        "busiest_hour_events_1d": 90, "response_ratio_1d": 0.35, "account_age_days": 12,
        "recipients_30d": 165,
    },
    # the busiest NUS day: sent side only, so nobody is ever seen to answer
    "busiest day of a log that holds the sent side only": {
        "sms_out_1d": 67, "recipients_1d": 43, "messages_per_recipient_1d": 1.56,
        "busiest_hour_events_1d": 35, "received_share_1d": 0.0, "response_ratio_1d": 0.0,
        "reciprocated_share_1d": 0.0, "new_recipient_share_1d": 0.77, "recipients_7d": 60,
        "messages_per_recipient_7d": 2.6, "response_ratio_7d": 0.0, "recipients_30d": 70,
    },
    "somebody calling a blocked line again and again": {
        "calls_out_1d": 25, "callees_1d": 1, "calls_per_callee_1d": 25.0,
        "max_calls_one_callee_hour_1d": 18, "one_ring_share_1d": 0.9,
    },
    "family sharing one phone": {
        "subscriptions_per_imei_7d": 3, "sms_out_1d": 9, "recipients_1d": 4,
        "messages_per_recipient_1d": 2.2, "response_ratio_1d": 0.0,
    },
    "busiest stranger-day of CollegeMsg under the blasts": {
        "sms_out_1d": 30, "recipients_1d": 30, "messages_per_recipient_1d": 1.0,
        "response_ratio_1d": 0.12, "new_recipient_share_1d": 0.97, "recipients_7d": 40,
        "recipients_30d": 45, "busiest_hour_events_1d": 20,
    },
    "two complaints about somebody who hardly sends": {
        "complainants_30d": 2, "complaints_30d": 2, "sms_out_1d": 6, "recipients_1d": 4,
        "messages_per_recipient_1d": 1.5, "response_ratio_1d": 0.5,
        "new_recipient_share_1d": 0.25,
    },
}  # fmt: skip


def rules_hit(**values: Any) -> set[str]:
    """Ids of the shipped rules that hold for one row of features."""
    return {name for _, name in rules_hitting([values])}


def rules_hitting(rows: list[dict[str, Any]]) -> set[tuple[int, str]]:
    """Which shipped rules hold for which of these rows of features."""
    rules = load()
    stated = [QUIET | {"subscription_id": at} | values for at, values in enumerate(rows)]
    frame = pl.DataFrame(stated, schema=Lake.schema(FEATURES))
    with duckdb.connect() as connection:
        connection.register("features", frame.to_arrow())
        define_hits(
            connection,
            "hits",
            rules.rules,
            source="features",
            subject="subscription_id",
            columns=FEATURES.columns,
            scope=rules.scope,
        )
        found = connection.sql("SELECT subject_id, rule_ref FROM hits WHERE entered").fetchall()
    return {(at, ref.split("@")[0]) for at, ref in found}


@pytest.mark.parametrize("who", SENDERS)
def test_malicious_senders_are_caught(who: str) -> None:
    expected, values = SENDERS[who]
    assert expected <= rules_hit(**values)


@pytest.mark.parametrize("who", BENIGN)
def test_hard_negatives_are_left_alone(who: str) -> None:
    assert rules_hit(**BENIGN[who]) == set()


@pytest.mark.parametrize("kind", ["service_port", "m2m", "call_centre"])
@pytest.mark.parametrize("who", SENDERS)
def test_exempt_senders_are_never_flagged(who: str, kind: str) -> None:
    assert rules_hit(**SENDERS[who][1], sender_kind=kind) == set()


def test_every_rule_has_a_sender_it_catches() -> None:
    caught = set().union(*(expected for expected, _ in SENDERS.values()))
    assert caught == {rule.id for rule in load().rules}


shares = st.none() | st.floats(0, 1)


@st.composite
def small_days(draw: st.DrawFn) -> dict[str, Any]:
    """A day of little volume with any ratios at all."""
    share, other = draw(shares), draw(shares)
    recipients = draw(st.integers(0, 14))
    ratios = {
        column.name: share if at % 2 else other
        for at, column in enumerate(FEATURES.columns)
        if column.type == "DOUBLE"
    }
    return ratios | {
        "recipients_1d": recipients,
        "recipients_7d": recipients * 7,
        "recipients_30d": recipients * 30,
        "callees_1d": draw(st.integers(0, 15)),
        "busiest_hour_events_1d": recipients * 5,
        "max_calls_one_callee_hour_1d": draw(st.integers(0, 29)),
        "subscriptions_per_imei_7d": draw(st.integers(0, 9)),
        "complainants_30d": 9,
        "account_age_days": draw(st.none() | st.integers(0, 4000)),
    }


@settings(max_examples=12, deadline=None)
@given(days=st.lists(small_days(), min_size=10, max_size=30))
def test_little_volume_is_never_flagged_whatever_the_ratios(days: list[dict[str, Any]]) -> None:
    """Logs with the sent side only make every ratio extreme: volume has to be there, too."""
    assert rules_hitting(days) == set()
