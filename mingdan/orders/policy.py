"""Policy values of the order store: data with effective dates, never constants.

Here: reading `policy.toml` (shipped, or an operator's own in the same form) and
the value in force at an instant. Not here: what a check does with it
(`businesses`).
"""

from __future__ import annotations

import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

from mingdan.calendar import day_start
from mingdan.errors import InputRefused, WrongUsage

Value = int | bool
_LIMITS: dict[str, type[int]] = {
    "ageing_days": int,
    "subscriptions_per_person": int,
    "subscriptions_per_organization": int,
    "transfer_with_arrears": bool,
    "transfer_verifies_holder": bool,
    "resume_with_arrears": bool,
    "payment_lifts_arrears_block": bool,
    "replacement_lifts_lost_block": bool,
    "check_documents": bool,
    "order_minutes": int,
    "credit_check_prepaid": bool,
    "credit_check_postpaid": bool,
    "reversal_minutes": int,
    "account_change_with_arrears": bool,
    "account_shared_across_parties": bool,
    "refund_beyond_balance": bool,
    "refund_vouchers": bool,
    "prepaid_validity_days": int,
    "voucher_attempts": int,
    "voucher_lock_minutes": int,
    "voucher_batch_most": int,
    "billing_cycle_day": int,
    "offer_change_between_payment_kinds": bool,
    "offer_change_with_arrears": bool,
    "staged_data_hours": int,
    "name_longest": int,
    "password_shortest": int,
    "password_longest": int,
    "password_attempts": int,
    "password_lock_minutes": int,
    "password_scrypt_log2_n": int,
    "recommended_offers": int,
    "only_from_stock": bool,
    "other_operators_numbers": bool,
    "reservation_minutes": int,
    "reservation_longest_minutes": int,
    "leave_longest_hours": int,
    "api_key_days": int,
    "api_key_overlap_hours": int,
    "request_longest_bytes": int,
    "complaint_max_age_days": int,
    "diagnosis_new_days": int,
    "appeal_holds_days": int,
}
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Policy:
    """Every policy value over time, in ascending order of its first instant."""

    values: dict[str, tuple[tuple[datetime, Value], ...]]

    @classmethod
    @cache
    def shipped(cls) -> Self:
        """The policy that comes with Mingdan."""
        return cls._parse(files("mingdan.orders").joinpath("policy.toml").read_text("utf-8"), "")

    @classmethod
    def read(cls, path: Path) -> Self:
        """An operator's own policy file. Raises InputRefused if it is not one."""
        try:
            return cls._parse(path.read_text("utf-8"), f"{path}: ")
        except OSError as error:
            raise InputRefused(f"cannot read the order policy: {error}") from error

    @classmethod
    def _parse(cls, text: str, place: str) -> Self:
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise InputRefused(f"{place}not TOML: {error}") from error
        if set(tables) != set(_LIMITS):
            odd = ", ".join(sorted(set(tables) ^ set(_LIMITS)))
            raise InputRefused(f"{place}order policy values unknown or missing: {odd}")
        values = {}
        for name, entries in tables.items():
            values[name] = tuple(sorted(_entry(place, name, entry) for entry in entries))
        return cls(values)

    def with_values(self, **values: Value) -> Policy:
        """This policy with some values replaced for all time (simulation, tests).

        Raises WrongUsage for an unknown name or a value of another type.
        """
        for name, value in values.items():
            if name not in _LIMITS or type(value) is not _LIMITS[name]:
                raise WrongUsage(f"no order policy value {name} = {value!r}")
        return Policy(self.values | {name: ((_ALWAYS, v),) for name, v in values.items()})

    def at(self, name: str, instant: datetime) -> Value:
        """The value in force at `instant`; before its first date, the first one."""
        history = self.values[name]
        if len(history) == 1:
            return history[0][1]
        found = bisect_right(history, instant, key=lambda entry: entry[0])
        return history[max(0, found - 1)][1]

    def throughout(self, name: str, first: datetime, last: datetime) -> Value | None:
        """The value in force at every instant from `first` to `last`; None if it changes."""
        begins = (entry[0] for entry in self.values[name][1:])
        changes = any(first < instant <= last for instant in begins)
        return None if changes else self.at(name, first)

    def ageing(self, instant: datetime) -> timedelta:
        """How long a number given up at `instant` rests."""
        return timedelta(days=self.at("ageing_days", instant))


def _entry(place: str, name: str, entry: Any) -> tuple[datetime, Value]:
    if not isinstance(entry, dict) or set(entry) != {"valid_from", "value"}:
        raise InputRefused(f"{place}{name}: an entry has `valid_from` and `value`, nothing else")
    first, value = entry["valid_from"], entry["value"]
    if type(first) is not date:
        raise InputRefused(f"{place}{name}: valid_from is a date, not {first!r}")
    if type(value) is not _LIMITS[name] or value < 0:
        raise InputRefused(f"{place}{name}: {value!r} is not a {_LIMITS[name].__name__} >= 0")
    return day_start(first), value
