"""The score counts as its definition says, on hand-made labels and truth."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from mingdan.classes.tables import LABELS
from mingdan.errors import MissingInput
from mingdan.lake import Lake
from mingdan.orders.tables import SUBSCRIPTIONS
from mingdan.settings import Settings
from mingdan.simulator.score import flagged, judge, score

from .conftest import Small

FIRST = date(2026, 10, 1)
DAY = date(2026, 10, 10)


def day(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def truth(*rows: tuple[str, str, str, list[int]]) -> pl.DataFrame:
    """(ref, party, archetype or persona, active days as offsets from FIRST)."""
    return pl.DataFrame(
        [
            {
                "subscription_ref": ref,
                "party_ref": party,
                "persona": "ordinary" if days else kind,
                "archetype": kind if days else "",
                "malicious": bool(days),
                "active_days": [day(offset) for offset in days],
                "first_active_day": day(days[0]) if days else None,
                "first_usage_day": FIRST,
                "notes": "",
            }
            for ref, party, kind, days in rows
        ],
        schema_overrides={"active_days": pl.List(pl.Date), "first_active_day": pl.Date},
    )


def flags(*rows: tuple[str, int, str, bool]) -> pl.DataFrame:
    """(ref, night as offset, state, effective)."""
    return pl.DataFrame(
        [(ref, day(night), state, effective) for ref, night, state, effective in rows],
        schema={
            "subscription_ref": pl.String,
            "night": pl.Date,
            "state": pl.String,
            "effective": pl.Boolean,
        },
        orient="row",
    )


def test_found_by_the_third_active_day_counted_from_the_first_night() -> None:
    people = truth(
        ("in-time", "p1", "one_ring", [1, 4, 6, 7]),
        ("too-late", "p2", "one_ring", [1, 2, 3, 4]),
        ("before-the-nights", "p3", "one_ring", [-9, -8, 1, 2, 3]),
        ("never", "p4", "slow_pacer", [2, 3, 5]),
        ("too-early", "p5", "slow_pacer", [5, 6, 7]),
        ("gone", "p6", "slow_pacer", [-5, -4]),
        ("short", "p7", "slow_pacer", [2, 3]),
    )
    seen = flags(
        ("in-time", 6, "watch", True),
        ("too-late", 4, "watch", True),
        ("before-the-nights", 3, "published", True),
        ("too-early", 4, "watch", True),
        ("short", 3, "watch", False),
    )
    result = judge(people, seen, FIRST, DAY, 10, day(30))
    assert (result.planted, result.found, result.pending) == (6, 3, 0)
    assert result.recall_by_third_day == 0.5
    assert set(result.missed["subscription_ref"]) == {"too-late", "never", "too-early"}
    rings = result.archetypes.filter(pl.col("archetype") == "one_ring").row(0, named=True)
    assert (rings["planted"], rings["found"], rings["found_later"]) == (3, 2, 1)


def test_who_has_only_begun_is_pending() -> None:
    people = truth(
        ("deadline-ahead", "p1", "one_ring", [8, 9, 12]),
        ("window-ends", "p2", "one_ring", [8, 9]),
        ("not-yet", "p3", "one_ring", [14, 15, 16]),
    )
    result = judge(people, flags(), FIRST, DAY, 10, day(9))
    assert (result.planted, result.pending) == (0, 2)
    assert result.recall_by_third_day is None


def test_false_positives_are_benign_labels_in_effect() -> None:
    people = truth(
        ("bad", "p1", "one_ring", [1, 2, 3]),
        ("second-card", "p1", "ordinary", []),
        ("wronged", "p2", "courier", []),
        ("protected", "p3", "vip_sender", []),
        ("left-alone", "p4", "ordinary", []),
        ("device", "p5", "m2m", []),
    )
    seen = flags(
        ("bad", 2, "watch", True),
        ("bad", 9, "published", True),
        ("second-card", 2, "watch", True),
        ("wronged", 4, "watch", True),
        ("protected", 4, "watch", False),
        ("device", 9, "published", True),
    )
    result = judge(people, seen, FIRST, DAY, 10, day(30))
    assert set(result.false_positives["subscription_ref"]) == {"wronged", "device"}
    assert result.benign == 4
    assert result.watch_fpr == 0.5
    assert result.person_fpr == pytest.approx(1 / 3)
    assert result.tonight_fpr == 0.25
    assert list(result.suppressed["subscription_ref"]) == ["protected"]
    assert (result.published, result.published_precision) == (2, 0.5)


def test_a_party_label_flags_what_the_party_holds_that_night() -> None:
    label = {"class_code": "blacklist", "state": "watch", "effective": True, "date": FIRST}
    labels = pl.DataFrame(
        [
            label | {"subject_type": "party", "subject_id": 7, "reason_code": "fraud"},
            label | {"subject_type": "subscription", "subject_id": 3, "reason_code": "spam_sms"},
            label | {"subject_type": "subscription", "subject_id": 4, "reason_code": "arrears"},
            label
            | {"subject_type": "subscription", "subject_id": 4, "reason_code": "fraud"}
            | {"state": "fading"},
        ]
    )
    held = pl.DataFrame(
        {
            "date": [FIRST, FIRST, FIRST, FIRST, day(1)],
            "subscription_id": [1, 2, 3, 4, 5],
            "party_id": [7, 7, 8, 9, 7],
            "external_id": ["a", "b", "c", "d", "e"],
        }
    )
    assert list(flagged(labels, held)["subscription_ref"]) == ["a", "b", "c"]


def test_the_installation_is_scored_through_its_lake(small: Small, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "truth").symlink_to(small.out / "truth")
    settings = Settings(data=tmp_path / "data")
    lake = Lake(settings.lake, buckets=4)
    with pytest.raises(MissingInput, match="no labels"):
        score(settings, DAY)
    bad = small.truth("senders").filter(pl.col("active_days").list.len() >= 3).row(0, named=True)
    night = bad["active_days"][0]
    blank = pl.DataFrame(schema=Lake.schema(SUBSCRIPTIONS))
    row = pl.DataFrame(
        {"subscription_id": [5], "party_id": [6], "external_id": [bad["subscription_ref"]]}
    )
    lake.write(SUBSCRIPTIONS, night, pl.concat([blank, row], how="diagonal_relaxed"))
    label = pl.DataFrame(
        {
            "subject_type": ["party"],
            "subject_id": [6],
            "class_code": ["blacklist"],
            "reason_code": ["spam_sms"],
            "state": ["watch"],
            "effective": [True],
            "since": [datetime(2026, 10, 1)],  # noqa: DTZ001 - the lake holds naive UTC
        }
    )
    empty = pl.DataFrame(schema=Lake.schema(LABELS))
    lake.write(LABELS, night, pl.concat([empty, label], how="diagonal_relaxed"))
    result = score(settings, bad["active_days"][-1])
    found = result.archetypes.filter(pl.col("archetype") == bad["archetype"]).row(0, named=True)
    assert found["found"] == 1
    assert result.watch_fpr == 0
    with pytest.raises(MissingInput, match="truth"):
        score(Settings(data=tmp_path / "elsewhere"), DAY)
