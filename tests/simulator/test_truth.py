"""The truth is whole, and every record agrees with it but for planted faults."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from mingdan.orders.store import OrderStore
from mingdan.simulator.personas import ARCHETYPES, PERSONA_NAMES

from .conftest import Small
from .test_files import is_good

FAR = datetime(2030, 1, 1, tzinfo=UTC)


def records(small: Small, source: str) -> pl.DataFrame:
    """Good delivered records: id, number (as in the truth), imsi, at (naive UTC), out, day."""
    place = {"smsc": (2, 3, 6), "msc": (2, 3, 6), "ggsn": (2, 1, 4)}[source]
    rows = []
    for line in small.lines(source):
        if is_good(line):
            number, imsi, time = (line.fields[column] for column in place)
            rows.append((line.fields[0], number, imsi or None, time, line.fields[1], line.day))
    frame = pl.DataFrame(
        rows, schema=["id", "number", "imsi", "time", "code", "day"], orient="row"
    ).unique("id", maintain_order=True)
    form = {"smsc": "%Y%m%d%H%M%S", "msc": "%Y-%m-%d %H:%M:%S", "ggsn": "%Y-%m-%dT%H:%M:%S"}
    plain = pl.col("number").str.starts_with("106") | pl.col("number").str.starts_with("86")
    return frame.with_columns(
        at=pl.col("time").str.head(19).str.to_datetime(form[source]) - pl.duration(hours=8),
        number=pl.when(plain).then("number").otherwise("86" + pl.col("number")).cast(pl.Int64),
        imsi=pl.col("imsi").cast(pl.Int64),
        out=pl.col("code").is_in(["主叫发送", "1"]),
    )


def holder(frame: pl.DataFrame, small: Small, kind: str, column: str) -> pl.DataFrame:
    """id and the subscription that held `column` at the instant, from the truth's holdings."""
    spans = small.truth("holdings").filter(pl.col("kind") == kind)
    return (
        frame.join(spans, left_on=column, right_on="number")
        .filter(
            (pl.col("at") >= pl.col("from"))
            & (pl.col("to").is_null() | (pl.col("at") < pl.col("to")))
        )
        .select("id", pl.col("subscription_ref").alias(kind))
    )


@pytest.mark.parametrize("source", ["smsc", "msc", "ggsn"])
def test_every_record_is_of_who_held_number_and_sim(small: Small, source: str) -> None:
    frame = records(small, source)
    by_number = holder(frame, small, "msisdn", "number")
    by_sim = holder(frame.drop_nulls("imsi"), small, "imsi", "imsi")
    assert by_number["id"].is_unique().all(), "two holders at once"
    assert by_sim["id"].is_unique().all()
    faults = small.truth("faults").filter(pl.col("source") == source)
    wrong = set(faults.filter(pl.col("fault") == "wrong_sim")["record"])
    unknown = set(faults.filter(pl.col("fault") == "unknown_holder")["record"])

    nobody = frame.join(by_number, on="id", how="anti")
    assert set(nobody["id"]) <= unknown
    both = by_number.join(by_sim, on="id")
    differ = both.filter(pl.col("msisdn") != pl.col("imsi"))
    assert set(differ["id"]) <= wrong


def test_no_usage_before_opening_or_after_the_end(small: Small) -> None:
    senders = small.truth("senders").select("subscription_ref", "opened", "closed")
    for source in ("smsc", "msc", "ggsn"):
        frame = records(small, source)
        bound = frame.join(holder(frame, small, "msisdn", "number"), on="id").join(
            senders, left_on="msisdn", right_on="subscription_ref"
        )
        assert bound.height > 300
        assert (bound["at"] >= bound["opened"]).all()
        assert bound.filter(pl.col("at") >= pl.col("closed")).is_empty()


def test_messages_between_our_own_leave_two_records(small: Small) -> None:
    frame = records(small, "smsc")
    out = frame.filter("out").height
    both = frame.height
    assert 0.5 < out / both < 0.75


def test_everybody_is_in_the_truth_and_every_archetype_planted(small: Small) -> None:
    senders = small.truth("senders")
    assert senders["subscription_ref"].is_unique().all()
    assert senders.height == small.done.subscriptions
    assert senders["malicious"].sum() == small.done.malicious
    assert set(senders["persona"]) == set(PERSONA_NAMES)
    planted = set(senders.filter("malicious")["archetype"])
    assert planted == {kind.name for kind in ARCHETYPES}
    assert (senders["malicious"] == (senders["archetype"] != "")).all()


def test_active_days_are_days_with_sent_records(small: Small) -> None:
    frames = []
    for source in ("smsc", "msc"):
        frame = records(small, source).filter("out")
        frames.append(
            frame.join(holder(frame, small, "msisdn", "number"), on="id").select(
                subscription_ref="msisdn",
                active_days=(pl.col("at") + timedelta(hours=8)).dt.date(),
            )
        )
    sent = pl.concat(frames).unique()
    bad = small.truth("senders").filter("malicious")
    days = bad.select("subscription_ref", "active_days").explode("active_days").drop_nulls()
    assert days.height > 20
    late = set(small.truth("faults").filter(pl.col("fault") == "never_delivered")["record"])
    missing = days.join(sent, on=["subscription_ref", "active_days"], how="anti")
    assert missing.is_empty() or late
    first = bad.drop_nulls("first_active_day")
    assert (first["first_active_day"] == first["active_days"].list.first()).all()


def test_the_order_store_knows_the_same_holdings(small: Small) -> None:
    with OrderStore.open(f"sqlite:///{small.out / 'orders.db'}") as store:
        known = store.number_holdings(FAR)
        people = store.subscriptions(FAR, date(2029, 12, 30), pepper=b"x" * 32)
    refs = people.select("subscription_id", "external_id")
    stored = known.join(refs, on="subscription_id").select(
        kind="key_kind",
        number="key",
        subscription_ref="external_id",
        **{"from": "valid_from", "to": "valid_to"},
    )
    truth = small.truth("holdings")
    ports = people.filter(pl.col("product_code") == "SP_PORT")["external_id"]
    # ports have a SIM in the order store that usage never shows
    stored = stored.filter((pl.col("kind") == "msisdn") | ~pl.col("subscription_ref").is_in(ports))
    order = ["kind", "number", "from"]
    assert stored.sort(order).rows() == truth.select(stored.columns).sort(order).rows()
    assert set(people["external_id"]) == set(small.truth("senders")["subscription_ref"])


def test_some_orders_are_recorded_late_and_some_usage_comes_first(small: Small) -> None:
    with OrderStore.open(f"sqlite:///{small.out / 'orders.db'}") as store:
        events = store.order_events(datetime(2026, 1, 1, tzinfo=UTC), FAR)
    late = events.filter(pl.col("recorded_at") > pl.col("effective_at") + pl.duration(minutes=30))
    assert late.height > 0
    lag = (late["recorded_at"] - late["effective_at"]).max()
    assert isinstance(lag, timedelta)
    assert lag <= timedelta(days=4)


def test_a_returning_person_has_the_same_document(small: Small) -> None:
    senders = small.truth("senders")
    back = senders.filter(pl.col("archetype") == "returning_person")
    assert back.height > 0
    for row in back.iter_rows(named=True):
        before = senders.filter(pl.col("subscription_ref") == row["notes"].split()[-1]).row(
            0, named=True
        )
        assert before["party_ref"] == row["party_ref"]
        assert before["malicious"]
        assert before["closed"] < row["opened"]
