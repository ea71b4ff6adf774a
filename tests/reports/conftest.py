"""Fixtures of the reports room."""

from __future__ import annotations

import pytest

from mingdan.night import Night
from tests.reports.world import World


@pytest.fixture
def world(night: Night) -> World:
    """Two people with a number each: party 1 (…0001) and party 2 (…0002)."""
    made = World(night)
    made.person("8613800000001", 11, 1)
    made.person("8613800000002", 12, 2)
    return made
