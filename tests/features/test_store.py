"""What an analyst gets of the store: features as of a day, pseudonyms, clear refusals."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from assets.plots import strips
from mingdan.errors import InputRefused, MissingInput
from mingdan.features import store
from mingdan.features.distributions import BANDS, bands, drawn, sample
from mingdan.features.rolling import build as build_features
from mingdan.features.tables import FEATURES
from mingdan.night import Night
from tests.features.grow import open_night, run
from tests.guiding.rows import at, put_orders, record

DAY = date(2026, 11, 5)
YESTERDAY = DAY - timedelta(days=1)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    night = open_night(tmp_path_factory.mktemp("store"), 2)
    common = {"other_party": 8613800138000, "self_held": True}
    rows = [
        record(1, at(YESTERDAY), served_msisdn=1, **common),
        record(2, at(DAY), served_msisdn=1, **common),
        record(3, at(DAY), served_msisdn=2, **common),
    ]
    run(night, rows, DAY)
    put_orders(night.lake, YESTERDAY)
    build_features(night, YESTERDAY)
    return night


def test_it_answers_as_of_a_day_under_the_same_pseudonym_on_every_day(night: Night) -> None:
    with store.connect(night, nights=2) as db:
        sent = db.sql("SELECT subject, date, sms_out_30d FROM features ORDER BY date, 3").fetchall()
    assert [row[1:] for row in sent] == [(YESTERDAY, 1), (DAY, 1), (DAY, 2)]
    assert sent[0][0] == sent[2][0] != sent[1][0]
    with store.connect(night, YESTERDAY, columns=["sms_out_1d"]) as db:
        assert db.sql("FROM features").columns == ["date", "subject", "holder", "sms_out_1d"]
        assert db.sql("SELECT sms_out_1d FROM features").fetchall() == [(1,)]


def test_it_names_nobody_and_keeps_the_key_to_itself(night: Night) -> None:
    stored = night.lake.scan(FEATURES, [DAY]).collect()
    named = set(stored["subscription_id"]) | set(stored["party_id"])
    with store.connect(night) as db:
        assert not named & {
            key for row in db.sql("SELECT subject, holder FROM features").fetchall() for key in row
        }
        texts = db.sql("SELECT sql FROM duckdb_views() UNION ALL SELECT sql FROM duckdb_tables()")
        assert night.pepper.hex() not in str(texts.fetchall())
        meanings = dict(db.sql('SELECT "column", meaning FROM catalogue').fetchall())
    assert meanings.keys() == set(FEATURES.names) - {"subscription_id", "party_id"}


def test_it_refuses_what_is_not_there(night: Night) -> None:
    with pytest.raises(MissingInput, match="no features of 2026-11-06"):
        store.connect(night, DAY + timedelta(days=1))
    with pytest.raises(InputRefused, match="no such feature column: party_id, sms"):
        store.connect(night, columns=["sms", "party_id"])
    with pytest.raises(InputRefused, match="at least 1"):
        store.connect(night, nights=0)


def test_bands_count_everybody_with_a_value() -> None:
    frame = pl.DataFrame({"a": [0, 1, None, 7], "b": [0.0, 0.0, 0.0, 0.0], "c": [None] * 4})
    found = bands(frame)
    assert found.group_by("name").agg(pl.col("subscriptions").sum()).sort("name").rows() == [
        ("a", 3),
        ("b", 4),
    ]
    # ln 2 of ln 8 is a third of the way, and the largest is in the last band
    assert found.filter(name="a")["band"].to_list() == [0, BANDS // 3, BANDS - 1]
    assert found.filter(name="b")["band"].to_list() == [0]


def test_the_picture_has_a_strip_for_every_number(night: Night) -> None:
    sampled = sample(night.lake, DAY)
    assert (sampled.height, sampled.width) == (2, len(drawn()))
    picture = strips(bands(sampled), list(drawn()), rows=2, title="t")
    assert picture.startswith("![t](data:image/png;base64,iVBOR")
