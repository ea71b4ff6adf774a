"""A spammer's number is given to somebody else, and two people are protected.

Here: whose label it is, who is listed, and how `explain` tells it. Not here: the bytes
of a release (`test_partner_rebuilds_the_list.py`), orders learnt late.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import polars as pl
import pytest

from tests.scenarios.conftest import LATE_VIP, VIP, WALKER, Program, Told
from tests.scenarios.town import day

DIGEST = re.compile(r"[0-9a-f]{64}")


def deltas(told: Told) -> list[list[list[str]]]:
    """Of each release: the fields of each row."""
    channel = told.town.settings.releases / told.town.settings.partner
    return [
        [line.split(",") for line in gzip.decompress(path.read_bytes()).decode().splitlines()[1:]]
        for path in sorted(channel.glob("*/delta.csv.gz"))
    ]


def test_the_spammer_keeps_the_label_and_the_next_holder_never_gets_it(told: Told) -> None:
    assert told.town.labels("walker", 0)["spam_sms"]["state"] == "watch"
    for number in (1, 2):
        label = told.town.labels("walker", number)["spam_sms"]
        assert (label["state"], label["effective"]) == ("published", True)
    for number in (3, 4):
        assert told.town.labels("newcomer", number) == {}
    party = told.town.parties["P1"]
    after = told.town.rows("labels", 4).filter(pl.col("subject_id") == party)
    assert after["reason_code"].to_list() == ["spam_sms"]


def test_late_complaints_about_the_number_go_to_who_held_it_then(told: Told) -> None:
    complaints = told.town.rows("complaints", 4)
    assert set(complaints["subscription_id"]) == {told.town.subscriptions["walker"]}
    assert set(complaints["party_id"]) == {told.town.parties["P1"]}
    assert set(complaints["same_holder"]) == {"no"}


def test_the_bank_is_told_that_the_number_is_somebody_elses_now(told: Told) -> None:
    token = told.town.token(WALKER)
    history = [[row for row in rows if row[1] == token] for rows in deltas(told)]
    assert [[row[0] for row in rows] for rows in history] == [[], ["ADD"], [], ["DEL"], []]
    assert history[3][0] == ["DEL", token, "number_reassigned"]


def test_a_protected_person_is_judged_but_never_named(told: Told) -> None:
    for number in range(5):
        labels = told.town.labels("vip", number)
        assert labels["spam"]["effective"]
        assert labels["spam_sms"]["suppressed_by"] == "redlist:spam"
        assert not labels["spam_sms"]["effective"]
    assert told.town.labels("vip", 4)["spam_sms"]["state"] == "published"
    token = told.town.token(VIP)
    folder = told.town.settings.releases
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            text = gzip.decompress(content) if path.suffix == ".gz" else content
            assert token.encode() not in text
            assert VIP[2:].encode() not in text


def test_who_becomes_protected_is_taken_back_the_same_night_without_saying_why(
    told: Told,
) -> None:
    token = told.town.token(LATE_VIP)
    history = [[row for row in rows if row[1] == token] for rows in deltas(told)]
    assert [[row[0] for row in rows] for rows in history] == [[], ["ADD"], [], ["DEL"], []]
    assert history[3][0][2] == "withdrawn"


def test_a_number_is_explained_for_whoever_held_it_that_day(told: Told, program: Program) -> None:
    then = program(told.town, "explain", WALKER, "--as-of", day(2).isoformat(), "--json")
    now = program(told.town, "explain", f"+{WALKER}", "--as-of", day(4).isoformat(), "--json")
    assert (then.code, now.code) == (0, 0)
    walker, newcomer = json.loads(then.out), json.loads(now.out)
    assert walker["holder"]["subscription_id"] == told.town.subscriptions["walker"]
    assert [label["code"] for label in walker["labels"]] == ["blacklist:spam_sms"]
    assert newcomer["holder"]["subscription_id"] == told.town.subscriptions["newcomer"]
    assert newcomer["labels"] == []
    assert newcomer["history"] == []


@pytest.mark.parametrize(("ref", "number"), [("walker", 2), ("vip", 4), ("late_vip", 3)])
def test_an_explanation_is_complete_and_proved(
    told: Told, program: Program, ref: str, number: int
) -> None:
    subscription = str(told.town.subscriptions[ref])
    asked = program(
        told.town, "explain", subscription, "--as-of", day(number).isoformat(), "--json"
    )
    found = json.loads(asked.out)
    assert found["proof"]["outcome"] == "equal"
    assert {label["code"] for label in found["labels"]} >= {"blacklist:spam_sms"}
    for label in found["labels"]:
        assert DIGEST.fullmatch(label["ruleset_hash"])
        assert DIGEST.fullmatch(label["snapshot_hash"])
        assert label["sources"], label["code"]
        for source in label["sources"]:
            assert source["values"], source["ref"]
            if source["source"] == "rule":
                assert re.fullmatch(r"[a-z_]+@\d+", source["ref"])
                assert all(condition["values"] for condition in source["conditions"])
                assert all(condition["holds"] for condition in source["conditions"])
    read = {(entry["table"], entry["day"]) for entry in found["inputs"]}
    assert ("features", day(number).isoformat()) in read
    assert ("labels", day(number - 1).isoformat()) in read
    assert all(DIGEST.fullmatch(entry["digest"]) for entry in found["inputs"])
    walker = next(s for s in found["labels"][0]["sources"] if "number_walker" in s["ref"])
    assert walker["values"]["recipients_1d"] == 60


def test_a_changed_rule_in_the_archive_is_found_out(
    told: Told, program: Program, tmp_path: Path
) -> None:
    """The proof is no ornament: it reads the stored rules, and knows them by their name."""
    town = told.town.copy(tmp_path / "data")
    for path in (town.settings.lake / "_artifacts" / "rules").rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("walking_score_1d >= 0.5", "walking_score_1d >= 0.4"))
    asked = program(town, "explain", "1", "--as-of", day(2).isoformat(), "--json")
    assert json.loads(asked.out)["proof"]["outcome"] == "impossible"
