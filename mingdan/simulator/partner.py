"""A partner's list: the numbers the police's anti-fraud centre says are used for fraud.

Here: its entries, some about numbers of others, some stale, a few wrong and
withdrawn later. Not here: what the product makes of them (`mingdan/reports`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from mingdan.simulator.roster import Ints
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import DAY, HOUR, NEVER, instant

_HEADER = "entry_id,action,category,number,legal_basis,observed_at,valid_until"
_BASIS = "anti_telecom_fraud_law_art_32"
_LISTED = 0.15
"""Chance that the police come to know of a campaign."""
_CATEGORY = {"one_ring": "abnormal_calls", "call_bomber": "abnormal_calls"}
_EVERY = 3
"""Days between deliveries."""


@dataclass(frozen=True)
class Entry:
    """One entry; `about` says what it really is: malicious, outside, stale, wrong."""

    due: int
    observed: int
    category: str
    number: int
    about: str
    withdrawn: int = NEVER
    basis: str = _BASIS
    years: int = 2


def write(scene: Scene, folder: Path) -> pl.DataFrame:
    """Write the list of every delivery day; returns the truth of its entries."""
    entries = sorted(_entries(scene), key=lambda entry: (entry.due, entry.observed, entry.number))
    lines: dict[int, list[str]] = {}
    truth = []
    for serial, entry in enumerate(entries):
        key = f"PD-{serial:06d}"
        until = instant(entry.observed + entry.years * 365 * DAY).isoformat()
        observed = instant(entry.observed).isoformat()
        values = (entry.category, str(entry.number), entry.basis, observed, until)
        if entry.due >= scene.world.days:
            continue
        lines.setdefault(entry.due, []).append(",".join((key, "add", *values)))
        if entry.withdrawn < scene.world.days:
            lines.setdefault(entry.withdrawn, []).append(",".join((key, "withdraw", *values)))
        truth.append({"entry_id": key, "about": entry.about})
    for due in sorted(lines):
        day = scene.date(due).isoformat()
        place = folder / "reports" / "partners" / scene.world.partner / day
        place.mkdir(parents=True, exist_ok=True)
        text = "\n".join([_HEADER, *lines[due]]) + "\n"
        (place / "entries.csv").write_text(text, encoding="utf-8")
    return pl.DataFrame(truth, schema={"entry_id": pl.String, "about": pl.String})


def _entries(scene: Scene) -> list[Entry]:
    rng = scene.world.rng("partner")
    days = scene.world.days
    result = []
    for campaign in scene.campaigns:
        known = campaign.days[min(len(campaign.days) - 1, int(rng.integers(1, 6)))]
        if rng.random() < _LISTED:
            line = np.array([campaign.subscription])
            observed = scene.world.start(known) + int(rng.integers(10, 20)) * HOUR
            number = int(scene.directory.number_of(line, np.array([observed]))[0])
            category = _CATEGORY.get(campaign.archetype, "fraud" if known % 2 else "spam_sms")
            result.append(Entry(_due(known + 1), observed, category, number, "malicious"))
    for number in scene.contacts.any_mobile(rng, scene.world.share(0.004)).tolist():
        known = int(rng.integers(0, days))
        observed = scene.world.start(known) + int(rng.integers(9, 20)) * HOUR
        result.append(Entry(_due(known + 1), observed, "fraud", number, "outside"))
    result += _stale(scene, rng)
    ordinary = scene.roster.of("ordinary")
    alive = ordinary[scene.lives.opened[ordinary] < scene.world.begin - 30 * DAY]
    picked = rng.choice(alive, min(alive.size, 2 + scene.world.share(0.00005)), replace=False)
    for place, number in enumerate(_numbers_of(scene, picked).tolist()):
        known = int(rng.integers(0, max(1, days - 8)))
        observed = scene.world.start(known) + 12 * HOUR
        if place == 0:
            # a court's or the police's own decision outranks everything else
            legal = Entry(_due(known), observed, "court_or_police", number, "legal")
            result.append(Entry(**{**legal.__dict__, "basis": "court_or_police", "years": 3}))
        else:
            due = _due(known + 1)
            result.append(Entry(due, observed, "fraud", number, "wrong", withdrawn=due + _EVERY))
    return result


def _stale(scene: Scene, rng: np.random.Generator) -> list[Entry]:
    """Entries that arrive after the number has gone to somebody else."""
    result = []
    heirs = np.flatnonzero(scene.roster.heir)
    for heir in heirs[: max(1, heirs.size // 10)].tolist():
        taken = int(scene.lives.opened[heir])
        day = (taken - scene.world.begin) // DAY
        observed = taken - int(rng.integers(12, 30)) * DAY
        number = int(scene.lives.numbers[heir])
        result.append(Entry(_due(day + 1), observed, "fraud", number, "stale"))
    return result


def _numbers_of(scene: Scene, lines: Ints) -> Ints:
    return scene.directory.number_of(lines, np.full(lines.size, scene.world.begin))


def _due(day: int) -> int:
    """The next delivery day."""
    return -(-day // _EVERY) * _EVERY
