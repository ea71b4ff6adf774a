"""When people do things: hours of the day, working days, weekends, holidays.

Here: profiles of a day and how instants are drawn from them. Not here: how much
anybody does.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from mingdan.simulator.roster import Floats, Ints
from mingdan.simulator.spec import DAY, HOUR

_PERSONAL = [
    4,
    2,
    1,
    1,
    1,
    2,
    8,
    20,
    34,
    40,
    44,
    46,
    50,
    40,
    36,
    38,
    40,
    46,
    54,
    62,
    66,
    58,
    40,
    16,
]
_OFFICE = [0, 0, 0, 0, 0, 0, 0, 0, 10, 44, 56, 50, 16, 14, 48, 54, 52, 44, 18, 6, 2, 0, 0, 0]
_ROUNDS = [0, 0, 0, 0, 0, 0, 0, 4, 24, 44, 50, 46, 30, 26, 36, 42, 42, 36, 26, 14, 4, 0, 0, 0]
_MEALS = [0, 0, 0, 0, 0, 0, 1, 5, 8, 10, 40, 70, 66, 30, 10, 10, 16, 56, 70, 50, 24, 12, 4, 0]
_EVENING = [0, 0, 0, 0, 0, 0, 0, 2, 6, 14, 16, 10, 18, 14, 10, 12, 14, 22, 40, 60, 56, 24, 4, 0]
_FLAT = [1] * 24
PROFILES = {
    "personal": _PERSONAL,
    "office": _OFFICE,
    "rounds": _ROUNDS,
    "meals": _MEALS,
    "evening": _EVENING,
    "flat": _FLAT,
}
"""Weight of each local hour."""
HOLIDAYS = {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
"""Fixed statutory holidays; the lunar ones are left out."""


def instants(
    rng: np.random.Generator,
    start: int,
    count: int,
    profile: str,
    shift: Floats | float = 0.0,
) -> Ints:
    """`count` instants of the day beginning at `start`, shifted by hours within it."""
    weights = np.array(PROFILES[profile], dtype=np.float64)
    heights = np.concatenate([[0.0], np.cumsum(weights / weights.sum())])
    second = np.interp(rng.random(count), heights, np.arange(25) * HOUR) + shift * HOUR
    return start + np.clip(second, 0, DAY - 1).astype(np.int64)


def works(day: date) -> bool:
    """Whether offices are open."""
    return day.weekday() < 5 and (day.month, day.day) not in HOLIDAYS


def leisure(day: date) -> float:
    """Factor on personal messages and calls."""
    if (day.month, day.day) in HOLIDAYS:
        return 1.6
    return 1.18 if day.weekday() >= 5 else 0.93


def bursts(rng: np.random.Generator, counts: Ints, moods: float = 0.8) -> npt.NDArray[np.float64]:
    """A factor a person and day around 1: people have busy and idle days."""
    return np.exp(moods * rng.normal(0, 1, counts.size) - moods * moods / 2)
