"""The features notebook asks the store of a finished night and shows nobody's number."""

from __future__ import annotations

import polars as pl
import pytest

from mingdan.features.distributions import drawn
from mingdan.features.tables import FEATURES
from mingdan.lake import Lake
from tests.worlds import Installed


def test_it_runs_and_its_cells_hold_the_features(
    finished_world: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINGDAN_DATA", str(finished_world.data))
    from notebooks.features import app

    _, found = app.run()
    lake = Lake(finished_world.settings.lake)
    stored = lake.scan(FEATURES, [finished_world.last]).collect()
    assert found["day"] == finished_world.last
    assert found["subscriptions"] == stored.height
    assert found["spreads"]["subscriptions"].max() <= stored.height
    assert set(found["spreads"]["name"]) <= set(drawn())
    assert found["unlike"].height == 10
    assert found["unlike"]["sms_out_1d"].max() == stored["sms_out_1d"].max()
    known = set(stored["subscription_id"]) | set(stored["party_id"])
    assert not known & set(found["unlike"]["subject"])
    assert found["unlike"].schema["subject"] == pl.Int64
