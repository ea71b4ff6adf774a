"""Fixtures of usage intake: an installation that requires no source, and its landing folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mingdan.settings import Settings
from tests.usage.feeds import Landing


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", lock_wait_seconds=0.2, required_sources=[])


@pytest.fixture
def landing(settings: Settings) -> Landing:
    return Landing(settings)
