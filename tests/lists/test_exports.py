"""The partner's copy in other forms: what is in force, the same in each."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
import stix2

from mingdan.errors import InputRefused, WrongUsage
from mingdan.lists.client.exports import COLUMNS, export
from tests.lists.pairs import Pair, now
from tests.lists.test_client import live, number


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Two entries in force, one that ends in three days."""
    made = Pair(tmp_path)
    made.release({number(1): live(), number(2): live("spam_sms", days=3)})
    made.sync()
    return made


def test_csv_and_parquet_hold_every_attribute(pair: Pair, tmp_path: Path) -> None:
    for name in ("list.csv", "list.parquet"):
        assert export(pair.home, tmp_path / name, now()) == 2
    plain = list(csv.DictReader((tmp_path / "list.csv").open()))
    typed = pl.read_parquet(tmp_path / "list.parquet")
    assert tuple(plain[0]) == COLUMNS == tuple(typed.columns)
    assert {row["token"]: row["reason_code"] for row in plain} == dict(
        typed.select("token", "reason_code").rows()
    )
    assert pair.held() == {
        row["token"]: ",".join(value for name, value in row.items() if name != "token")
        for row in plain
    }
    assert typed.schema["valid_until"] == pl.Datetime("us", "UTC")


def test_an_ended_entry_is_not_exported(pair: Pair, tmp_path: Path) -> None:
    assert export(pair.home, tmp_path / "list.csv", now() + timedelta(4)) == 1


def test_a_stix_bundle_is_what_others_read(pair: Pair, tmp_path: Path) -> None:
    export(pair.home, tmp_path / "list.json", now())
    text = (tmp_path / "list.json").read_text("ascii")
    bundle = stix2.parse(text, version="2.1")
    indicators = [each for each in bundle.objects if each.type == "indicator"]
    assert sorted(each.labels[1] for each in indicators) == ["fraud", "spam_sms"]
    tokens = set(pair.held())
    assert {each.pattern.split("'")[1] for each in indicators} == tokens
    assert all(each.confidence > 0 for each in indicators)
    assert all(each.valid_from < each.valid_until for each in indicators)
    export(pair.home, tmp_path / "again.json", now())
    assert (tmp_path / "again.json").read_text("ascii") == text


def test_an_indicator_keeps_its_id_in_the_next_release(pair: Pair, tmp_path: Path) -> None:
    def ids() -> set[str]:
        export(pair.home, tmp_path / "list.json", now())
        bundle = stix2.parse((tmp_path / "list.json").read_text("ascii"), version="2.1")
        return {each.id for each in bundle.objects}

    before = ids()
    pair.release({number(1): live(), number(3): live()})
    pair.sync()
    assert len(ids() & before) == 2, "the publisher and the number that stayed"


def test_what_cannot_be_exported(pair: Pair, tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="exports end in"):
        export(pair.home, tmp_path / "list.xlsx", now())
    with pytest.raises(InputRefused, match="cannot be written"):
        export(pair.home, tmp_path / "nowhere" / "list.csv", now())
    sealed = Pair(tmp_path / "sealed", disclosure="match_only", quota=10)
    sealed.release({number(1): live()})
    sealed.sync()
    with pytest.raises(InputRefused, match="mingdan partner match"):
        export(sealed.home, tmp_path / "list.csv", now())
    assert not list(tmp_path.glob("*.partial"))
