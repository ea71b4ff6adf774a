"""Straightforward scripts for the same outputs: DuckDB and Polars over the whole day at once.

Here: what a good engineer writes in an afternoon and would run as it stands: whole tables, each
engine's own defaults, no buckets. Not here: our steps (`steps.py`). Pseudonyms are the same in
DuckDB; Polars has no SHA-256 and is let off with its own hash.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl

from mingdan.calendar import day_start, naive_utc
from mingdan.engine import statement
from mingdan.night import Night
from mingdan.orders.tables import NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS
from mingdan.usage.tables import USAGE

_HERE = Path(__file__).parent


def output(night: Night, peer: str, day: date) -> Path:
    """Where a peer writes."""
    folder = night.settings.data / "peers" / peer / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def duckdb_day(night: Night, day: date) -> None:
    """`peer_day.sql` from top to bottom."""
    text = (_HERE / "peer_day.sql").read_text("utf-8")
    folder = output(night, "duckdb", day)
    values = {"day_start": naive_utc(day_start(day)), "pepper": night.pepper.hex()}
    spill = {"temp_directory": str(folder / "spill")}
    with duckdb.connect(config={"threads": night.settings.threads, **spill}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(statement("macros"))
        for table in (USAGE, NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS):
            connection.read_parquet(night.lake.files(table, [day])).create_view(table.name)
        for part in text.split(";\n"):
            named = {name: value for name, value in values.items() if f"${name}" in part}
            if part.strip():
                written = part.replace("TO '", f"TO '{folder}/")
                connection.execute(written, named).fetchall()


def polars_day(night: Night, day: date) -> None:
    """The same in Polars: as-of joins to the holdings, lazy frames, the streaming engine."""
    folder = output(night, "polars", day)
    numbers = night.lake.scan(NUMBER_HOLDINGS, [day]).sort("valid_from")
    usage = night.lake.scan(USAGE, [day]).drop("date", "delivered").sort("event_at")
    by_imsi = _holder(usage, numbers, "imsi", "by_imsi")
    held = _holder(by_imsi, numbers, "msisdn", "by_msisdn").filter(
        pl.col("by_imsi").is_null()
        | pl.col("by_msisdn").is_null()
        | (pl.col("by_imsi") == pl.col("by_msisdn"))
    )
    owners = night.lake.scan(SUBSCRIPTION_HOLDINGS, [day]).sort("valid_from")
    guided = (
        held.with_columns(
            subscription_id=pl.coalesce("by_imsi", "by_msisdn"),
            guided_by=pl.when(pl.col("by_imsi").is_null())
            .then(pl.lit("msisdn"))
            .otherwise(pl.lit("imsi")),
        )
        .filter(pl.col("subscription_id").is_not_null())
        .drop("by_imsi", "by_msisdn")
        .join_asof(
            owners.select("subscription_id", "party_id", "valid_from", "valid_to"),
            left_on="event_at",
            right_on="valid_from",
            by="subscription_id",
        )
        .filter(pl.col("party_id").is_not_null() & _lasting("valid_to"))
        .drop("valid_from", "valid_to")
        .sort("subscription_id", "event_at", "record_id")
    )
    guided.sink_parquet(folder / "guided_usage.parquet")
    guided = pl.scan_parquet(folder / "guided_usage.parquet")
    rejected = usage.join(guided.select("record_id"), on="record_id", how="anti")
    rejected.sink_parquet(folder / "rejected_usage.parquet")
    event = _events(guided, naive_utc(day_start(day)))
    _daily_usage(event).sink_parquet(folder / "daily_usage.parquet")
    _daily_pairs(event).sink_parquet(folder / "daily_pairs.parquet")
    devices = (
        guided.filter(pl.any_horizontal(pl.col("served_imei", "served_imsi").is_not_null()))
        .group_by("subscription_id", "served_imei", "served_imsi")
        .agg(records=pl.len())
        .with_columns(pl.col("served_imei", "served_imsi").hash())
    )
    devices.sort("subscription_id", "served_imei", "served_imsi").sink_parquet(
        folder / "daily_devices.parquet"
    )


def _lasting(until: str) -> pl.Expr:
    return pl.col(until).is_null() | (pl.col("event_at") < pl.col(until))


def _holder(usage: pl.LazyFrame, numbers: pl.LazyFrame, kind: str, name: str) -> pl.LazyFrame:
    """`usage` with the subscription that held its SIM or number at that instant."""
    held = numbers.filter(pl.col("key_kind") == kind).select(
        "key", "valid_from", "valid_to", pl.col("subscription_id").alias(name)
    )
    found = usage.join_asof(
        held,
        left_on="event_at",
        right_on="valid_from",
        by_left=f"served_{kind}",
        by_right="key",
    )
    return found.with_columns(pl.when(_lasting("valid_to")).then(name).alias(name)).drop(
        "valid_from", "valid_to"
    )


def _events(guided: pl.LazyFrame, started: datetime) -> pl.LazyFrame:
    message = ["usage_type", "subscription_id", "direction", "other_party", "message_ref"]
    since = pl.col("event_at") - pl.col("event_at").shift().over(message)
    return guided.with_columns(
        at_second=(pl.col("event_at") - started).dt.total_seconds(),
        is_segment=(
            (pl.col("usage_type") == "sms")
            & pl.col("message_ref").is_not_null()
            & (since <= timedelta(minutes=10))
        ).fill_null(value=False),
        is_out=pl.col("direction") == "out",
        is_sms=pl.col("usage_type") == "sms",
        is_voice=pl.col("usage_type") == "voice",
        is_data=pl.col("usage_type") == "data",
        is_mobile=pl.col("other_kind") == "mobile",
    ).with_columns(
        is_sms=pl.col("is_sms") & ~pl.col("is_segment"),
        is_act=pl.col("is_out") & ~pl.col("is_data") & ~pl.col("is_segment"),
    )


def _counts() -> dict[str, pl.Expr]:
    out, sms, voice = pl.col("is_out"), pl.col("is_sms"), pl.col("is_voice")
    seconds = pl.col("duration_s").cast(pl.Int64)
    return {
        "sms_out": (sms & out).sum(),
        "sms_in": (sms & ~out).sum(),
        "calls_out": (voice & out).sum(),
        "calls_in": (voice & ~out).sum(),
        "call_seconds_out": seconds.filter(voice & out).sum(),
        "call_seconds_in": seconds.filter(voice & ~out).sum(),
        "one_ring_calls": (voice & out & (seconds <= 3)).sum(),
    }


def _daily_usage(event: pl.LazyFrame) -> pl.LazyFrame:
    who, hour = "subscription_id", (pl.col("at_second") // 3600).alias("hour")
    act, calls = event.filter("is_act"), event.filter(pl.col("is_voice") & pl.col("is_out"))
    busiest = act.group_by(who, hour).len().group_by(who).agg(busiest_hour_out=pl.max("len"))
    callee = (
        calls.group_by(who, "other_party", hour)
        .len()
        .group_by(who)
        .agg(max_calls_one_callee_hour=pl.max("len"))
    )
    both_mobile = pl.col("is_mobile") & pl.col("is_mobile").shift().over(who)
    steps = (
        act.with_columns(
            gap=pl.col("at_second").diff().over(who),
            stride=pl.when(both_mobile).then(pl.col("other_party").diff().over(who).abs()),
        )
        .filter(pl.col("gap").is_not_null())
        .group_by(who)
        .agg(
            gaps=pl.count("gap"),
            gap_seconds=pl.sum("gap"),
            gap_seconds_squared=(pl.col("gap") ** 2).sum(),
            mobile_steps=pl.count("stride"),
            walking_steps=pl.col("stride").is_between(1, 10).sum(),
        )
    )
    second = pl.col("at_second")
    daily = event.group_by(who).agg(
        **_counts(),
        records=pl.len(),
        segments=pl.col("is_segment").sum(),
        short_calls=(pl.col("is_voice") & pl.col("is_out") & (pl.col("duration_s") <= 6)).sum(),
        data_sessions=pl.col("is_data").sum(),
        data_bytes=pl.col("bytes").filter("is_data").sum(),
        spend_fen=pl.col("charge_fen").cast(pl.Int64).sum(),
        night_out=(pl.col("is_act") & ((second < 7 * 3600) | (second >= 23 * 3600))).sum(),
    )
    joined = daily
    for part in (busiest, callee, steps):
        joined = joined.join(part, on=who, how="left")
    return joined.fill_null(0).sort(who)


def _daily_pairs(event: pl.LazyFrame) -> pl.LazyFrame:
    pair = ["subscription_id", "other_party"]
    calls = event.filter(pl.col("is_voice") & pl.col("is_out"))
    top = (
        calls.group_by(*pair, (pl.col("at_second") // 3600).alias("hour"))
        .len()
        .group_by(pair)
        .agg(max_calls_hour=pl.max("len"))
    )
    return (
        event.filter(pl.col("is_sms") | pl.col("is_voice"))
        .group_by(pair)
        .agg(
            **_counts(),
            is_mobile=pl.col("is_mobile").any(),
            first_second=pl.min("at_second"),
            last_second=pl.max("at_second"),
        )
        .join(top, on=pair, how="left")
        .with_columns(
            pl.col("max_calls_hour").fill_null(0),
            prefix7=pl.when("is_mobile").then((pl.col("other_party") // 10_000).hash()),
            other_party=pl.col("other_party").hash(),
        )
        .sort(pair)
    )
