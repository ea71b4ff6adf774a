"""Policy values are data with dates; a file that is not a policy is refused."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from mingdan.calendar import day_start
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.policy import Policy
from tests.orders.support import at

SHIPPED = Path("mingdan/orders/policy.toml").read_text("utf-8")


def test_a_value_holds_from_its_day_on() -> None:
    policy = Policy.shipped()
    first = day_start(date(2016, 9, 23))
    assert policy.at("subscriptions_per_person", first - timedelta(seconds=1)) == 0
    assert policy.at("subscriptions_per_person", first) == 5
    assert policy.at("ageing_days", at(-100_00)) == 90


def test_values_can_be_replaced_for_all_time() -> None:
    policy = Policy.shipped().with_values(ageing_days=3, transfer_with_arrears=True)
    assert policy.ageing(at()) == timedelta(days=3)
    assert policy.at("transfer_with_arrears", at(-9000)) is True
    assert Policy.shipped().ageing(at()) == timedelta(days=90)


@pytest.mark.parametrize("values", [{"ageing": 3}, {"ageing_days": True}, {"check_documents": 1}])
def test_a_value_nobody_knows_is_wrong_usage(values: dict[str, int]) -> None:
    with pytest.raises(WrongUsage):
        Policy.shipped().with_values(**values)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("value = 90", "value = -1", "ageing_days: -1"),
        ("value = 90", "value = true", "ageing_days: True"),
        ("value = 90", "value = 90\nnote = 1", "nothing else"),
        ("[[ageing_days]]", "[[resting_days]]", "ageing_days, resting_days"),
        ("valid_from = 2000-01-01", 'valid_from = "always"', "valid_from is a date"),
        ("[[ageing_days]]", "[[ageing_days", "not TOML"),
    ],
)
def test_a_bad_policy_file_is_refused(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(SHIPPED.replace(old, new, 1), "utf-8")
    with pytest.raises(InputRefused, match=complaint):
        Policy.read(path)


def test_an_own_policy_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(SHIPPED.replace("value = 90", "value = 45", 1), "utf-8")
    assert Policy.read(path).ageing(at()) == timedelta(days=45)
    with pytest.raises(InputRefused, match="cannot read"):
        Policy.read(tmp_path / "none.toml")
