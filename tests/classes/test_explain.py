"""Explaining a label: everything it rests on, and the proof that it follows from it."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from mingdan.classes.explain import Explanation, explain
from mingdan.classes.tables import LABELS
from mingdan.engine import Engine
from mingdan.errors import InputRefused
from mingdan.features.tables import FEATURES
from mingdan.rules.files import policy_text
from mingdan.senders.rules import FILE
from tests.classes.world import BLAST, FIRST, USED, World, number_of

LAST = FIRST + timedelta(days=2)


def ask(world: World, name: str, day: date = LAST) -> Explanation:
    return explain(Engine(world.night.lake, world.settings), name, day)


@pytest.mark.parametrize("name", ["1", "S1", str(number_of(1)), "13800000001", "+86 138 0000 0001"])
def test_a_subscription_is_found_by_key_number_or_reference(decided: World, name: str) -> None:
    holder = ask(decided, name).holder
    assert (holder.subscription_id, holder.party_id) == (1, 1)
    assert holder.number == "138******01"


@pytest.mark.parametrize("name", ["99", "13900000000", "nobody", "", "9" * 30, "1;--", "-1"])
def test_nobody_is_refused_without_showing_a_number(decided: World, name: str) -> None:
    with pytest.raises(InputRefused, match="no subscription") as refusal:
        ask(decided, name)
    assert "13900000000" not in str(refusal.value)


def test_a_day_without_a_night_is_refused(decided: World) -> None:
    with pytest.raises(InputRefused, match="there are 2026-11-02 to 2026-11-04"):
        ask(decided, "1", date(2026, 12, 1))


def test_reasons_thresholds_and_the_values_seen(decided: World) -> None:
    found = ask(decided, "1")
    (label,) = found.labels
    assert (label.code, label.name, label.state) == (
        "blacklist:spam_sms",
        "黑名单 垃圾短信",
        "published",
    )
    burst = next(source for source in label.sources if source.ref == "burst_advertiser@1")
    assert [(part.text, part.holds) for part in burst.conditions][:2] == [
        ("recipients_1d >= 120", True),
        ("busiest_hour_events_1d >= 60", True),
    ]
    assert burst.conditions[0].values == {"recipients_1d": 390}
    assert [(event.night, event.action, event.level) for event in found.history] == [
        (FIRST, "assert", "watch"),
        (LAST, "assert", "published"),
    ]
    assert {known.table for known in found.inputs} == {
        "appeals", "features", "labels", "protections", "report_assertions", "sender_assertions",
        "subscription_holdings", "subscriptions",
    }  # fmt: skip
    assert all(len(known.digest) == 64 for known in found.inputs)


def test_a_night_is_derived_again_and_found_equal(decided: World) -> None:
    for day in (FIRST, FIRST + timedelta(days=1), LAST):
        for name in ("1", "2"):
            proof = ask(decided, name, day).proof
            assert (proof.outcome, proof.details) == ("equal", ())


def test_somebody_without_labels_is_ordinary(decided: World) -> None:
    decided.person(3)
    fourth = LAST + timedelta(days=1)
    decided.decide(fourth, {1: BLAST, 3: USED})
    found = ask(decided, "3", fourth)
    assert (found.ordinary, found.labels) == ("普通用户 (ordinary customer)", ())
    assert found.proof.outcome == "equal"


def test_a_changed_label_is_noticed(decided: World) -> None:
    lake = decided.night.lake
    rows = lake.scan(LABELS, [LAST]).select(LABELS.names).collect()
    lake.write(LABELS, LAST, rows.with_columns(confidence=pl.col("confidence") + 1))
    proof = ask(decided, "1").proof
    assert proof.outcome == "differs"
    assert proof.details == (
        "labels blacklist spam_sms: confidence is recorded as 60 and derived as 59",
    )


def test_an_invented_label_is_noticed(decided: World) -> None:
    lake = decided.night.lake
    rows = lake.scan(LABELS, [LAST]).select(LABELS.names).collect()
    invented = rows.filter(pl.col("subject_id") == 1).with_columns(reason_code=pl.lit("fraud"))
    lake.write(LABELS, LAST, pl.concat([rows, invented]))
    assert ask(decided, "1").proof.details == (
        "labels blacklist fraud: recorded, but does not follow from the inputs",
    )


def test_rules_changed_since_do_not_disturb_the_proof(decided: World) -> None:
    path = decided.root / "policy" / FILE
    path.parent.mkdir(parents=True)
    stricter = policy_text(FILE)[0].replace("recipients_1d >= 120", "recipients_1d >= 5000")
    path.write_text(stricter, encoding="utf-8")
    found = ask(decided, "1")
    assert found.proof.outcome == "equal"
    burst = next(source for source in found.labels[0].sources if source.ref == "burst_advertiser@1")
    assert burst.conditions[0].text == "recipients_1d >= 120"


def test_an_input_written_again_is_read_at_the_recorded_version(decided: World) -> None:
    """A late record may repair the features of a past day; its labels stand on the old ones."""
    decided.land(LAST, {1: USED, 2: USED})
    assert ask(decided, "1").proof.outcome == "equal"


def test_an_input_that_is_gone_makes_the_proof_impossible(decided: World) -> None:
    """Written again, and the old bytes freed by retention."""
    decided.land(LAST, {1: USED, 2: USED})
    assert decided.night.lake.vacuum(FEATURES, timedelta(0)) > 0
    found = ask(decided, "1")
    assert found.proof.outcome == "impossible"
    assert "features of 2026-11-04 is no longer stored as it was" in found.proof.details[0]
    assert found.labels[0].code == "blacklist:spam_sms"


def test_a_lost_archive_still_shows_the_label(decided: World) -> None:
    for path in (decided.night.lake.root / "_artifacts" / "rules").rglob("rules.json"):
        path.unlink()
    found = ask(decided, "1")
    assert found.proof.outcome == "impossible"
    assert "not in the archive" in found.proof.details[0]
    assert found.labels[0].code == "blacklist:spam_sms"
    assert found.labels[0].sources[0].conditions == ()
