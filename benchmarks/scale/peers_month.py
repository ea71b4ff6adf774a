"""Straightforward scripts for the features of 1, 7 and 30 days from the daily partials.

Here: what a good engineer writes in an afternoon and would run as it stands: whole tables, each
engine's own defaults, no buckets. They make less than half of our columns, those that take a line
or two each, so they are let off lightly. Not here: our step (`steps.py`) and the peers of a day
(`peers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

from benchmarks.scale.peers import output
from mingdan.calendar import days
from mingdan.features.tables import DAILY_DEVICES, DAILY_PAIRS, DAILY_PLACES, DAILY_USAGE, PARTIALS
from mingdan.night import Night

SPANS = (1, 7, 30)
_SCRIPT = Path(__file__).with_name("peer_month.sql")


def duckdb_month(night: Night, day: date) -> None:
    """`peer_month.sql` from top to bottom."""
    folder = output(night, "duckdb", day)
    spill = {"temp_directory": str(folder / "spill")}
    with duckdb.connect(config={"threads": night.settings.threads, **spill}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for table in PARTIALS:
            files = night.lake.files(table, _month(day))
            connection.read_parquet(files, hive_partitioning=True).create_view(table.name)
        for part in _SCRIPT.read_text("utf-8").split(";\n"):
            named = {"day": day} if "$day" in part else {}
            if part.strip():
                connection.execute(part.replace("TO '", f"TO '{folder}/"), named).fetchall()


def polars_month(night: Night, day: date) -> None:
    """The same in Polars: lazy frames, a window after the other, the streaming engine."""
    usage, pairs, devices, places = (
        night.lake.scan(table, _month(day))
        for table in (DAILY_USAGE, DAILY_PAIRS, DAILY_DEVICES, DAILY_PLACES)
    )
    windows = []
    for span in SPANS:
        since = pl.col("date") > day - timedelta(days=span)
        pair = _pair(pairs.filter(since))
        joined = _total(usage.filter(since))
        known = pairs.filter(~since).select("subscription_id", "other_party").unique()
        for part in (_contact(pair), _novelty(pair, known), _device(devices.filter(since))):
            joined = joined.join(part, on="subscription_id", how="left")
        windows.append(joined.with_columns(days=pl.lit(span)))
    month = _pair(pairs)
    features = pl.concat(windows)
    for part in (_pareto(month), _place(places)):
        features = features.join(part, on="subscription_id", how="left")
    target = output(night, "polars", day) / "features.parquet"
    features.sort("subscription_id", "days").sink_parquet(target)


def _month(day: date) -> Sequence[date]:
    return list(days(day - timedelta(days=max(SPANS) - 1), day))


def _sums(*names: str) -> list[pl.Expr]:
    return [pl.col(name).cast(pl.Int64).sum() for name in names]


def _share(part: str, *whole: str) -> pl.Expr:
    return pl.col(part).sum() / pl.sum_horizontal(pl.col(name).sum() for name in whole)


def _total(usage: pl.LazyFrame) -> pl.LazyFrame:
    sent = pl.col("sms_out") + pl.col("calls_out")
    acts = sent + pl.col("sms_in") + pl.col("calls_in")
    return usage.group_by("subscription_id").agg(
        *_sums("sms_out", "sms_in", "calls_out", "calls_in"),
        *_sums("call_seconds_out", "call_seconds_in", "data_bytes", "spend_fen", "data_sessions"),
        active_days=(acts > 0).sum(),
        night_share=_share("night_out", "sms_out", "calls_out"),
        busiest_hour_events=pl.max("busiest_hour_out"),
        max_calls_one_callee_hour=pl.max("max_calls_one_callee_hour"),
        walking_score=_share("walking_steps", "mobile_steps"),
        one_ring_share=_share("one_ring_calls", "calls_out"),
        short_call_share=_share("short_calls", "calls_out"),
        nocturnal_text_share=_share("nocturnal_texts", "sms_out", "sms_in"),
        nocturnal_call_share=_share("nocturnal_calls", "calls_out", "calls_in"),
        hours_of_day=pl.col("hours_out").bitwise_or().bitwise_count_ones(),
        busiest_day_share=sent.max() / sent.sum(),
        text_response_delay_mean=_share("reply_seconds", "replies"),
        initiated_conversation_share=_share("conversations_out", "conversations"),
        top_spend_day_share=pl.max("spend_fen") / pl.sum("spend_fen"),
    )


def _pair(pairs: pl.LazyFrame) -> pl.LazyFrame:
    counted = pairs.group_by("subscription_id", "other_party").agg(
        *_sums("sms_out", "sms_in", "calls_out", "calls_in", "one_ring_calls"),
        prefix7=pl.first("prefix7"),
        call_seconds=pl.sum("call_seconds_out") + pl.sum("call_seconds_in"),
    )
    return counted.with_columns(
        texts=pl.col("sms_out") + pl.col("sms_in"),
        calls=pl.col("calls_out") + pl.col("calls_in"),
        sent=pl.col("sms_out") + pl.col("calls_out"),
        received=pl.col("sms_in") + pl.col("calls_in"),
    )


def _contact(pair: pl.LazyFrame) -> pl.LazyFrame:
    reached, heard = pl.col("sent") > 0, pl.col("received") > 0
    each = {}
    for name in ("text", "call"):
        count = pl.col(f"{name}s")
        known = count.filter(count > 0)
        each[f"{name}_contacts"] = known.len()
        each[f"{name}s_per_contact_std"] = known.std(ddof=0)
        each[f"{name}_entropy"] = known.sum().log() - (known * known.log()).sum() / known.sum()
    return pair.group_by("subscription_id").agg(
        recipients=(pl.col("sms_out") > 0).sum(),
        callees=(pl.col("calls_out") > 0).sum(),
        contacts_in=heard.sum(),
        sms_per_recipient_max=pl.max("sms_out"),
        reciprocated_share=(reached & heard).sum() / reached.sum(),
        callbacks=pl.col("calls_in").filter(pl.col("one_ring_calls") > 0).sum(),
        prefixes=pl.col("prefix7").filter(reached).drop_nulls().n_unique(),
        **each,
    )


def _novelty(pair: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    return (
        pair.filter(pl.col("sent") > 0)
        .join(
            known.with_columns(old=True),
            on=["subscription_id", "other_party"],
            how="left",
        )
        .group_by("subscription_id")
        .agg(reached=pl.len(), new_recipients=pl.col("old").is_null().sum())
    )


def _pareto(pair: pl.LazyFrame) -> pl.LazyFrame:
    shares = {}
    for name, amounts, contacts in (
        ("text", "texts", "texts"),
        ("call_seconds", "call_seconds", "calls"),
    ):
        amount = pl.col(amounts).sort(descending=True)
        needed = (amount.cum_sum() - amount) < 0.8 * amount.sum()
        shares[f"{name}_pareto"] = needed.sum() / (pl.col(contacts) > 0).sum()
    return pair.group_by("subscription_id").agg(**shares)


def _device(devices: pl.LazyFrame) -> pl.LazyFrame:
    return devices.group_by("subscription_id").agg(
        imeis=pl.col("imei").drop_nulls().n_unique(),
        imsis=pl.col("imsi").drop_nulls().n_unique(),
    )


def _place(places: pl.LazyFrame) -> pl.LazyFrame:
    return places.group_by("subscription_id").agg(
        cells=pl.col("cell").n_unique(),
        areas=pl.col("area").drop_nulls().n_unique(),
        home=pl.col("cell").sort_by("night_half_hours").last(),
    )
