"""Partners that miss nights, lose their copy, or are suspended for a while."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

import mingdan
from mingdan.lists.manifest import numbered
from mingdan.lists.reader import sync
from mingdan.lists.refusals import Damaged
from mingdan.night import Night
from tests.lists.operator import Operator, noon

FIRST = date(2026, 11, 2)


def day(shift: int) -> date:
    return FIRST + timedelta(shift)


@pytest.fixture
def operator(night: Night) -> Operator:
    """Four nights: A is listed on the first, B on the second, A is let go on the fourth."""
    made = Operator(night)
    made.open("A", "8613800000001")
    made.open("B", "8613800000002")
    until = noon(day(30)).replace(tzinfo=None)
    a, b = made.label("A", valid_to=until), made.label("B", valid_to=until, reason="fraud")
    for shift, labels in enumerate([[a], [a, b], [a, b], [b]]):
        made.run(day(shift), labels)
    return made


def test_three_nights_late_is_as_good_as_never_late(operator: Operator) -> None:
    whole = sync(operator.channel)
    assert whole.seq == 4
    assert list(whole.rows) == [operator.token("8613800000002")]
    shutil.rmtree(numbered(operator.channel, 1))
    assert sync(operator.channel) == whole


def test_a_partner_that_never_syncs_again_stops_believing(operator: Operator) -> None:
    """Its copy is old, but every entry in it ends by itself."""
    held = sync(operator.channel)
    token = operator.token("8613800000002")
    assert held.find(token, datetime(2026, 11, 29, tzinfo=UTC)) is not None
    assert held.find(token, datetime(2026, 12, 3, tzinfo=UTC)) is None


def test_a_damaged_night_is_made_good_by_the_next(operator: Operator, tmp_path: Path) -> None:
    """The copy on the way is damaged; the partner keeps its state and takes the next release."""
    mirror = tmp_path / "mirror"
    shutil.copytree(operator.channel, mirror)
    held = sync(mirror)
    operator.run(day(4), [operator.label("A"), operator.label("B")])
    shutil.copytree(operator.channel, mirror, dirs_exist_ok=True)
    for path in numbered(mirror, 5).glob("*.gz"):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(Damaged):
        sync(mirror, held)
    shutil.copytree(operator.channel, mirror, dirs_exist_ok=True)
    assert sync(mirror, held).seq == 5


def test_a_suspended_partner_gets_nothing_and_then_one_step(operator: Operator) -> None:
    """Two suspended nights leave no gap in the numbers: the next release spans them."""
    held = sync(operator.channel)
    shipped = (Path(mingdan.__file__).parent / "reports/partners.toml").read_text(encoding="utf-8")
    police, bank = shipped.split('code = "bank_demo"')
    suspended = bank.replace('status = "active"', 'status = "suspended"')
    path = operator.night.settings.data / "policy" / "reports" / "partners.toml"
    path.parent.mkdir(parents=True)
    path.write_text(f'{police}code = "bank_demo"{suspended}', encoding="utf-8")
    for shift in (4, 5):
        assert operator.run(day(shift)).facts == {"withheld": "partner_suspended"}
    assert sync(operator.channel, held) is held
    path.unlink()
    operator.run(day(6), [operator.label("A")])
    after = sync(operator.channel, held)
    assert (after.seq, after.day) == (5, "2026-11-08")
    assert list(after.rows) == [operator.token("8613800000001")]
