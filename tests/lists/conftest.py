"""Fixtures of the lists room."""

from __future__ import annotations

import pytest

from mingdan.night import Night
from tests.lists.operator import Operator


@pytest.fixture
def operator(night: Night) -> Operator:
    """Three customers, each with a number: 甲 …0001, 乙 …0002, 丙 …0003."""
    made = Operator(night)
    for ref, msisdn in (("甲", "8613800000001"), ("乙", "8613800000002"), ("丙", "8613800000003")):
        made.open(ref, msisdn)
    return made
