"""Daily partials (日汇总) and the rolling features made of them.

Here: the tables. `features` takes its feature columns from the catalogue. Not
here: how they are computed (`sql/features/`) and what a feature means
(`catalogue.toml`). Partials hold integers that add up over days; identifiers
are keyed pseudonyms from here on.
"""

from __future__ import annotations

from mingdan.features.catalogue import catalogue
from mingdan.tables import Column as C
from mingdan.tables import Table

_SUBSCRIPTION = C("subscription_id", "BIGINT", "service contract whose usage it is")

DAILY_USAGE = Table(
    name="daily_usage",
    stage="features",
    grain="one subscription with usage that day; sums that add up over days",
    columns=(
        _SUBSCRIPTION,
        C("records", "INTEGER", "guided usage records"),
        C("segments", "INTEGER", "records that only continue a long message (not counted as sms)"),
        C("sms_out", "INTEGER", "messages sent"),
        C("sms_in", "INTEGER", "messages received"),
        C("calls_out", "INTEGER", "calls made"),
        C("calls_in", "INTEGER", "calls received"),
        C("call_seconds_out", "BIGINT", "seconds of talk in calls made"),
        C("call_seconds_in", "BIGINT", "seconds of talk in calls received"),
        C("one_ring_calls", "INTEGER", "calls made of at most 3 s (响一声)"),
        C("short_calls", "INTEGER", "calls made of at most 6 s"),
        C("timed_calls", "INTEGER", "calls, either way, with a duration"),
        C("call_seconds_squared", "BIGINT", "sum of their durations squared, in seconds squared"),
        C("nocturnal_texts", "INTEGER", "messages, either way, from 19:00:00 to 07:00:00"),
        C("nocturnal_calls", "INTEGER", "calls, either way, from 19:00:00 to 07:00:00"),
        C("data_sessions", "INTEGER", "data sessions"),
        C("data_bytes", "BIGINT", "octets up and down"),
        C("spend_fen", "BIGINT", "charges of all records, in fen"),
        C("busiest_hour_out", "INTEGER", "most messages and calls sent in one clock hour"),
        C("hours_out", "INTEGER", "clock hours with something sent: bit n for n o'clock"),
        C("night_out", "INTEGER", "messages and calls sent in [23:00, 07:00)"),
        C("gaps", "INTEGER", "gaps between consecutive messages or calls sent"),
        C("gap_seconds", "BIGINT", "sum of those gaps, in seconds"),
        C("gap_seconds_squared", "BIGINT", "sum of their squares, in seconds squared"),
        C("mobile_steps", "INTEGER", "consecutive sent events both to mobile numbers"),
        C("walking_steps", "INTEGER", "of these, to numbers 1 to 10 apart"),
        C("max_calls_one_callee_hour", "INTEGER", "most calls to one party in one clock hour"),
        C(
            "first_text_second",
            "INTEGER",
            "first message, either way, seconds since local midnight",
        ),
        C("last_text_second", "INTEGER", "last message, either way"),
        C("text_gap_seconds_squared", "BIGINT", "sum of squares of the gaps between messages"),
        C("first_call_second", "INTEGER", "first call, either way, seconds since local midnight"),
        C("last_call_second", "INTEGER", "last call, either way"),
        C("call_gap_seconds_squared", "BIGINT", "sum of squares of the gaps between calls"),
        C("conversations", "INTEGER", "conversations of messages with known parties (短信会话)"),
        C("conversations_out", "INTEGER", "of these, started by it"),
        C("conversations_answered", "INTEGER", "of those started by the other, answered by it"),
        C("replies", "INTEGER", "messages sent right after one received in a conversation"),
        C("reply_seconds", "BIGINT", "sum of the delays of replies, in seconds"),
        C("reply_seconds_squared", "BIGINT", "sum of their squares, in seconds squared"),
        C("fingerprint", "BIGINT", "changes when any record does: shows what came late"),
    ),
    key=("subscription_id",),
    sort=("subscription_id",),
    bucketed=True,
)

DAILY_PAIRS = Table(
    name="daily_pairs",
    stage="features",
    grain="one subscription and one other party it sent to or heard from that day",
    columns=(
        _SUBSCRIPTION,
        C("other_party", "BIGINT", "keyed pseudonym of the other number"),
        C("is_mobile", "BOOLEAN", "whether the other number is a mobile number"),
        C(
            "prefix7",
            "BIGINT",
            "keyed pseudonym of its first seven digits (号段); null if not mobile",
        ),
        C("sms_out", "INTEGER", "messages sent to it"),
        C("sms_in", "INTEGER", "messages received from it"),
        C("calls_out", "INTEGER", "calls made to it"),
        C("calls_in", "INTEGER", "calls received from it"),
        C("call_seconds_out", "BIGINT", "seconds of talk in calls made"),
        C("call_seconds_in", "BIGINT", "seconds of talk in calls received"),
        C("one_ring_calls", "INTEGER", "calls made to it of at most 3 s"),
        C("max_calls_hour", "INTEGER", "most calls made to it in one clock hour"),
        C("first_second", "INTEGER", "first event, seconds since local midnight"),
        C("last_second", "INTEGER", "last event, seconds since local midnight"),
    ),
    key=("subscription_id", "other_party"),
    sort=("subscription_id", "other_party"),
    bucketed=True,
)

DAILY_DEVICES = Table(
    name="daily_devices",
    stage="features",
    grain="one subscription, device and SIM it was used with that day",
    columns=(
        _SUBSCRIPTION,
        C("imei", "BIGINT", "keyed pseudonym of the device; null if not known"),
        C("imsi", "BIGINT", "keyed pseudonym of the SIM; null if not known"),
        C("records", "INTEGER", "usage records with it"),
    ),
    key=("subscription_id", "imei", "imsi"),
    sort=("subscription_id", "imei", "imsi"),
    bucketed=True,
)

DAILY_PLACES = Table(
    name="daily_places",
    stage="features",
    grain="one subscription and cell it was mostly in for some half hour of that day",
    columns=(
        _SUBSCRIPTION,
        C("cell", "BIGINT", "keyed pseudonym of the cell"),
        C("area", "INTEGER", "area code of the cell (区号); null if not given"),
        C("half_hours", "INTEGER", "half hours with messages or calls, most of them there"),
        C("night_half_hours", "INTEGER", "of these, starting in [19:00, 07:00)"),
    ),
    key=("subscription_id", "cell"),
    sort=("subscription_id", "cell"),
    bucketed=True,
)

FEATURES = Table(
    name="features",
    stage="features",
    grain="one subscription with any usage in the last 30 days",
    columns=(
        _SUBSCRIPTION,
        C("party_id", "BIGINT", "who held it at the end of the day"),
        *(column for feature in catalogue() for column in feature.columns),
    ),
    key=("subscription_id",),
    sort=("subscription_id",),
    bucketed=True,
)

PARTIALS = (DAILY_USAGE, DAILY_PAIRS, DAILY_DEVICES, DAILY_PLACES)

TABLES = (*PARTIALS, FEATURES)
