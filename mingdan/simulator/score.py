"""How well the nights found what was planted: recall, false positives, precision.

Here: the pipeline's labels held against the truth folder. Not here: any part of
the pipeline; this module is for summaries, benchmarks and the notebook, and
only a simulated world has a truth.

A subscription is found on a night on which it, or the party then holding it,
carries a blacklist label for one of `REASONS` in `watch` or `published`. A
planted one has to be found by the night of its third active day (of its last,
if it had fewer), counting from the first night with labels. Where that night
has not come yet it is `pending` and counts neither way.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from mingdan.classes.tables import LABELS
from mingdan.errors import MissingInput
from mingdan.lake import Lake
from mingdan.orders.tables import SUBSCRIPTIONS
from mingdan.settings import Settings

REASONS = ("spam_sms", "fraud", "abnormal_calls")
STATES = ("watch", "published")
DEADLINE = 3
"""Active days after which a sender has to be found."""
_MACHINES = ("m2m", "service_port", "call_centre")


@dataclass(frozen=True)
class Score:
    """The result for all nights with labels up to `day`."""

    day: date
    nights: int
    planted: int
    """Malicious subscriptions whose deadline has come."""
    found: int
    """Those of them found by it."""
    pending: int
    recall_by_third_day: float | None
    """`found / planted`; None if nothing was due."""
    benign: int
    """Benign subscriptions with any usage up to `day`."""
    false_positives: pl.DataFrame
    """Benign ones with a label in effect on any night: subscription_ref, persona, first_night."""
    watch_fpr: float
    """Share of the benign ones among `false_positives`."""
    person_fpr: float
    """The same among persons (without devices, ports and call centres)."""
    tonight_fpr: float
    """Share of the benign ones with a label in effect on the night of `day`."""
    suppressed: pl.DataFrame
    """Benign ones whose labels never took effect (red list): subscription_ref, persona."""
    published: int
    """Subscriptions with a published label in effect on the night of `day`."""
    published_precision: float | None
    """Share of them that are malicious; None if there are none."""
    archetypes: pl.DataFrame
    """Per archetype: planted, found, recall, pending, found_later, median_days."""
    personas: pl.DataFrame
    """Per benign persona: active, flagged, rate."""
    missed: pl.DataFrame
    """Planted, not found in time: subscription_ref, archetype, first_active_day, deadline,
    first_night, notes."""


def score(settings: Settings, day: date) -> Score:
    """Score all nights up to `day`.

    Raises MissingInput if the installation has no truth folder or no labels.
    """
    path = settings.data / "truth" / "senders.parquet"
    if not path.exists():
        raise MissingInput(f"no truth at {path}: only a simulated world can be scored")
    lake = Lake(settings.lake)
    nights = [night for night in lake.days(LABELS) if night <= day]
    if not nights:
        raise MissingInput(f"no labels up to {day}: run a night first")
    flags = flagged(
        lake.scan(LABELS, nights).collect(),
        lake.scan(SUBSCRIPTIONS, nights).collect(),
    )
    return judge(pl.read_parquet(path), flags, nights[0], day, len(nights), last_day(path.parent))


def last_day(truth: Path) -> date:
    """The last day of the simulated window: what began shortly before it is unfinished."""
    found = pl.read_parquet(truth / "senders.parquet", columns=["last_usage_day"])
    latest = found.get_column("last_usage_day").max()
    if not isinstance(latest, date):
        raise MissingInput(f"no usage at all in {truth}")
    return latest


def flagged(labels: pl.DataFrame, subscriptions: pl.DataFrame) -> pl.DataFrame:
    """Which subscription was flagged on which night: subscription_ref, night, state, effective.

    Both frames are lake tables with their `date`; a party's label flags every
    subscription it then holds.
    """
    labels = labels.filter(
        (pl.col("class_code") == "blacklist")
        & pl.col("reason_code").is_in(REASONS)
        & pl.col("state").is_in(STATES)
    ).select("date", "subject_type", "subject_id", "state", "effective")
    held = subscriptions.select("date", "subscription_id", "party_id", "external_id")
    parts = []
    for kind, key in (("subscription", "subscription_id"), ("party", "party_id")):
        named = labels.filter(pl.col("subject_type") == kind)
        parts.append(named.join(held, left_on=["date", "subject_id"], right_on=["date", key]))
    return (
        pl.concat([part.select("external_id", "date", "state", "effective") for part in parts])
        .rename({"external_id": "subscription_ref", "date": "night"})
        .unique()
        .sort("subscription_ref", "night", "state", "effective")
    )


def judge(
    truth: pl.DataFrame,
    flags: pl.DataFrame,
    first_night: date,
    day: date,
    nights: int,
    world_end: date,
) -> Score:
    """Hold flags against the truth (`truth/senders.parquet`)."""
    flags = flags.filter(pl.col("night") <= day)
    due = _due(truth, flags, first_night, day, world_end)
    planted = due.filter("due")
    tonight = flags.filter((pl.col("night") == day) & pl.col("effective"))

    bad_parties = truth.filter("malicious").select("party_ref").unique()
    # a benign second card of a malicious person is neither right nor wrong to flag
    benign = truth.filter(~pl.col("malicious") & (pl.col("first_usage_day") <= day)).join(
        bad_parties, on="party_ref", how="anti"
    )
    wrong = flags.join(benign, on="subscription_ref")
    positives = (
        wrong.filter("effective")
        .group_by("subscription_ref", "persona")
        .agg(first_night=pl.col("night").min())
        .sort("persona", "subscription_ref")
    )
    suppressed = (
        wrong.select("subscription_ref", "persona")
        .unique()
        .join(positives, on="subscription_ref", how="anti")
        .sort("persona", "subscription_ref")
    )
    persons = benign.filter(~pl.col("persona").is_in(_MACHINES))
    person_positives = positives.filter(~pl.col("persona").is_in(_MACHINES))
    wrong_tonight = tonight.join(benign, on="subscription_ref")["subscription_ref"].n_unique()
    published = tonight.filter(pl.col("state") == "published").select("subscription_ref").unique()
    right = published.join(truth.filter("malicious"), on="subscription_ref").height
    return Score(
        day=day,
        nights=nights,
        planted=planted.height,
        found=planted.filter("found").height,
        pending=due.height - planted.height,
        recall_by_third_day=_share(planted.filter("found").height, planted.height),
        benign=benign.height,
        false_positives=positives,
        watch_fpr=_share(positives.height, benign.height) or 0.0,
        person_fpr=_share(person_positives.height, persons.height) or 0.0,
        tonight_fpr=_share(wrong_tonight, benign.height) or 0.0,
        suppressed=suppressed,
        published=published.height,
        published_precision=_share(right, published.height),
        archetypes=_by_archetype(due),
        personas=_by_persona(benign, positives),
        missed=planted.filter(~pl.col("found"))
        .select(
            "subscription_ref",
            "archetype",
            "first_active_day",
            "deadline",
            "first_night",
            "notes",
        )
        .sort("archetype", "subscription_ref"),
    )


def _due(
    truth: pl.DataFrame, flags: pl.DataFrame, first_night: date, day: date, world_end: date
) -> pl.DataFrame:
    """Malicious subscriptions active since the first night: deadline, due, found, first_night."""
    since = pl.col("active_days").list.filter(pl.element() >= first_night)
    senders = (
        truth.filter("malicious")
        .with_columns(seen=since)
        .filter(pl.col("seen").list.len() > 0, pl.col("seen").list.first() <= day)
        .with_columns(
            deadline=pl.col("seen")
            .list.get(DEADLINE - 1, null_on_oob=True)
            .fill_null(pl.col("seen").list.last()),
            # with fewer active days than the deadline it may only have begun
            unfinished=(pl.col("seen").list.len() < DEADLINE)
            & (pl.col("seen").list.last() >= world_end),
        )
    )
    first = (
        flags.join(senders.select("subscription_ref", "first_active_day"), on="subscription_ref")
        .filter(pl.col("night") >= pl.col("first_active_day"))
        .group_by("subscription_ref")
        .agg(first_night=pl.col("night").min())
    )
    return senders.join(first, on="subscription_ref", how="left").with_columns(
        due=(pl.col("deadline") <= day) & ~pl.col("unfinished"),
        found=(pl.col("first_night") <= pl.col("deadline")).fill_null(value=False),
    )


def _by_archetype(due: pl.DataFrame) -> pl.DataFrame:
    wait = (pl.col("first_night") - pl.col("seen").list.first()).dt.total_days()
    return (
        due.group_by("archetype")
        .agg(
            planted=pl.col("due").sum(),
            found=(pl.col("due") & pl.col("found")).sum(),
            pending=(~pl.col("due")).sum(),
            found_later=(
                pl.col("due") & ~pl.col("found") & pl.col("first_night").is_not_null()
            ).sum(),
            median_days=wait.filter(pl.col("first_night").is_not_null()).median(),
        )
        .with_columns(
            recall=pl.when(pl.col("planted") > 0).then(pl.col("found") / pl.col("planted"))
        )
        .select("archetype", "planted", "found", "recall", "pending", "found_later", "median_days")
        .sort("archetype")
    )


def _by_persona(benign: pl.DataFrame, positives: pl.DataFrame) -> pl.DataFrame:
    flagged_ = positives.group_by("persona").len("flagged")
    return (
        benign.group_by("persona")
        .len("active")
        .join(flagged_, on="persona", how="left")
        .with_columns(pl.col("flagged").fill_null(0))
        .with_columns(rate=pl.col("flagged") / pl.col("active"))
        .sort("persona")
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
