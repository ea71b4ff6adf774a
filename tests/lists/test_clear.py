"""A partner who reads numbers in the clear, and only the columns agreed on."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mingdan.cli.main import build
from mingdan.errors import InputRefused
from mingdan.lists.cards import Handover
from mingdan.lists.client.match import Matcher
from mingdan.lists.format import CLEAR
from mingdan.lists.refusals import Malformed
from tests.lists.pairs import Pair, live, now, number


def only(*kept: int) -> str:
    """Attributes in force, all but these (by place) not agreed on."""
    return ",".join(
        value if at in (*kept, 6, 7) else "" for at, value in enumerate(live().split(","))
    )


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = Pair(tmp_path, disclosure="clear")
    made.release({number(1): only(1), number(2): only()})
    made.sync()
    return made


def ran(*arguments: str) -> str:
    done = CliRunner().invoke(build(only="partner"), list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


def test_match_needs_no_key_and_says_what_is_agreed(pair: Pair, tmp_path: Path) -> None:
    assert pair.home.trust.keys == {"1": ""}
    assert pair.home.trust.token_alg == CLEAR
    customers, hits = tmp_path / "customers.csv", tmp_path / "hits.csv"
    customers.write_text("msisdn\n" + "\n".join(number(at) for at in (1, 2, 3)) + "\n")
    home = str(pair.home.path)
    said = ran("partner", "match", str(customers), "--out", str(hits), "--home", home)
    assert "2 listed, 1 not" in said
    rows = list(csv.DictReader(hits.open()))
    assert [(row["number"], row["reason_code"]) for row in rows] == [
        (number(1), "fraud"),
        (number(2), ""),
    ]
    assert {row["confidence"] + row["first_seen"] + row["sources"] for row in rows} == {""}
    assert all(row["valid_until"] for row in rows)


def test_what_has_ended_is_no_entry(pair: Pair) -> None:
    ended = only(1).replace(only(1).split(",")[7], f"{now():%Y-%m-%dT%H:%M:%SZ}")
    pair.release({number(1): ended})
    pair.sync()
    matcher = Matcher(pair.home, now())
    assert [answer.outcome for answer in matcher.answers([number(1), number(2)])] == [
        "not_listed",
        "not_listed",
    ]
    matcher.close()


def test_an_export_names_numbers_as_our_own_intake_reads_them(pair: Pair, tmp_path: Path) -> None:
    home = str(pair.home.path)
    for name in ("list.csv", "list.parquet", "list.json"):
        assert "2 entries" in ran("partner", "export", str(tmp_path / name), "--home", home)
    rows = list(csv.DictReader((tmp_path / "list.csv").open()))
    assert [(row["token"], row["reason_code"], row["sources"]) for row in rows] == [
        (number(1), "fraud", ""),
        (number(2), "", ""),
    ]
    _, one, two = json.loads((tmp_path / "list.json").read_text())["objects"]
    assert one["pattern"] == f"[phone-number:value = '+{number(1)}']"
    assert one["labels"] == ["fraud"]
    assert not {"labels", "confidence"} & set(two)


def test_the_operator_sees_the_numbers_masked(pair: Pair) -> None:
    said = ran("partner", "entries", str(pair.releases))
    assert "138******01" in said
    assert number(1)[2:] not in said


@pytest.mark.parametrize("key", ["0" * 64, "x"])
def test_a_hand_over_with_a_key_where_there_is_none(pair: Pair, key: str) -> None:
    told = json.loads(pair.handover().text()) | {"key": key}
    with pytest.raises(Malformed, match="hand-over: key"):
        Handover.parse(json.dumps(told).encode())


def test_a_question_is_not_needed(pair: Pair) -> None:
    from mingdan.lists.client.questions import ask

    with pytest.raises(InputRefused, match="match needs no question"):
        ask(pair.home, [number(1)], now())
