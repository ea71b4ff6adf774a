"""The catalogue: docs and columns are what it says."""

from __future__ import annotations

from pathlib import Path

from mingdan.engine import statement
from mingdan.features.catalogue import WINDOWS, Feature, catalogue, markdown, metadata
from mingdan.features.tables import FEATURES

DOCS = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_is_up_to_date() -> None:
    """If this fails: python -m mingdan.features.catalogue > docs/features.md"""
    assert DOCS.read_text(encoding="utf-8") == markdown()


def test_every_feature_says_what_it_means_and_when_it_is_null() -> None:
    for feature in catalogue():
        assert feature.meaning, feature.name
        assert feature.unit, feature.name
        assert feature.null, feature.name
        assert feature.source, feature.name
        assert f"`{feature.name}`" in markdown()
    assert metadata().keys() == set(FEATURES.names) - {"subscription_id", "party_id"}


def test_a_feature_has_a_column_a_window() -> None:
    given = {
        "family": "f",
        "type": "BIGINT",
        "unit": "u",
        "meaning": "m",
        "null": "n",
        "source": "s",
    }
    windowed = Feature(name="a", windows=(1, 30), **given)
    assert [column.name for column in windowed.columns] == ["a_1d", "a_30d"]
    assert [column.name for column in Feature(name="a", windows=(), **given).columns] == ["a"]


def test_every_window_has_its_result_in_the_statement() -> None:
    text = statement("features/features")
    for window in WINDOWS:
        assert f"FROM window_{window}d" in text
