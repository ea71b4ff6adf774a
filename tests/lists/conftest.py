"""Fixtures of the lists room."""

from __future__ import annotations

from pathlib import Path

import pytest

from mingdan.night import Night
from tests.lists.operator import Operator
from tests.lists.pairs import Pair, live, number


@pytest.fixture
def operator(night: Night) -> Operator:
    """Three customers, each with a number: 甲 …0001, 乙 …0002, 丙 …0003."""
    made = Operator(night)
    for ref, msisdn in (("甲", "8613800000001"), ("乙", "8613800000002"), ("丙", "8613800000003")):
        made.open(ref, msisdn)
    return made


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """A publisher and bank_demo; one release of two numbers is out and taken."""
    made = Pair(tmp_path)
    made.release({number(1): live(), number(2): live("spam_sms")})
    made.sync()
    return made
