"""The truth of a world, in a folder of its own that no part of the pipeline reads.

Here: who is what, since when, who held which number, which faults were planted.
Not here: judging the pipeline by it (`score.py`).
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl

from mingdan.simulator.orders import party_ref, subscription_ref
from mingdan.simulator.personas import ARCHETYPE_NAMES, PERSONA_NAMES
from mingdan.simulator.records import Legs
from mingdan.simulator.roster import Bools, Ints
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import NEVER, World


class Activity:
    """Per subscription: records, first and last day with any, days it acted as malicious."""

    def __init__(self, scene: Scene) -> None:
        size = scene.roster.size
        self.scene = scene
        self.records: Ints = np.zeros(size, dtype=np.int64)
        self.out: Ints = np.zeros(size, dtype=np.int64)
        self.first: Ints = np.full(size, -1)
        self.last: Ints = np.full(size, -1)
        self.acted: Bools = np.zeros((size, scene.world.days), dtype=bool)

    def see(self, index: int, legs: list[Legs], acting: Ints) -> None:
        """Count a day's records; `acting` are the lines that acted as malicious in service."""
        size = self.records.size
        today = np.zeros(size, dtype=np.int64)
        for leg in legs:
            today += np.bincount(leg.line, minlength=size)
            self.out += np.bincount(leg.line, leg.outgoing, minlength=size).astype(np.int64)
        self.records += today
        self.first = np.where((self.first < 0) & (today > 0), index, self.first)
        self.last = np.where(today > 0, index, self.last)
        self.acted[acting, index] = True


def write(world: World, scene: Scene, activity: Activity, folder: Path) -> None:
    """Write `senders.parquet`, `holdings.parquet` and `world.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    senders(scene, activity).write_parquet(folder / "senders.parquet")
    holdings(scene).write_parquet(folder / "holdings.parquet")
    spec = {key: str(value) for key, value in asdict(world).items()}
    (folder / "world.json").write_text(json.dumps(spec, indent=2) + "\n", encoding="utf-8")


def senders(scene: Scene, activity: Activity) -> pl.DataFrame:
    """One row a subscription: persona, archetype, active days as a malicious sender."""
    roster, lives, world = scene.roster, scene.lives, scene.world
    refs = [subscription_ref(line) for line in range(roster.size)]
    acted = [
        [world.day(int(day)) for day in np.flatnonzero(activity.acted[line])]
        for line in range(roster.size)
    ]
    days = [world.day(index) for index in range(world.days)]
    ended = {campaign.subscription for campaign in scene.campaigns if campaign.ended_at < world.end}
    notes = []
    for line in range(roster.size):
        parts = []
        if roster.returns[line] >= 0:
            parts.append(f"same person as {refs[roster.returns[line]]}")
        if roster.archetype[line] and roster.group[line] >= 0:
            parts.append(f"farm {roster.group[line]}")
        if line in ended:
            parts.append("ended by the operator")
        if roster.heir[line]:
            parts.append("re-issued number")
        notes.append("; ".join(parts))
    return pl.DataFrame(
        {
            "subscription_ref": refs,
            "party_ref": [party_ref(party) for party in roster.party.tolist()],
            "persona": [PERSONA_NAMES[code] for code in roster.persona.tolist()],
            "archetype": [ARCHETYPE_NAMES[code] for code in roster.archetype.tolist()],
            "malicious": (roster.archetype > 0).tolist(),
            "first_active_day": [row[0] if row else None for row in acted],
            "active_days": acted,
            "first_usage_day": [days[d] if d >= 0 else None for d in activity.first.tolist()],
            "last_usage_day": [days[d] if d >= 0 else None for d in activity.last.tolist()],
            "records": activity.records,
            "records_out": activity.out,
            "opened": _utc(lives.opened),
            "closed": _utc(lives.closed),
            "notes": notes,
        },
        schema_overrides={
            "first_active_day": pl.Date,
            "active_days": pl.List(pl.Date),
            "first_usage_day": pl.Date,
            "last_usage_day": pl.Date,
        },
    )


def holdings(scene: Scene) -> pl.DataFrame:
    """One row an interval in which a subscription held a number or IMSI, `[from, to)` UTC."""
    lives = scene.lives
    frames = []
    for kind, timeline in (("msisdn", scene.directory.number), ("imsi", scene.directory.imsi)):
        line, since = timeline.key, timeline.since
        following = np.append(since[1:], NEVER)
        more = np.append(line[1:] == line[:-1], False)
        until = np.where(more, following, lives.closed[line])
        frames.append(
            pl.DataFrame(
                {
                    "kind": [kind] * line.size,
                    "number": timeline.value,
                    "subscription_ref": [subscription_ref(key) for key in line.tolist()],
                    "from": _utc(since),
                    "to": _utc(until),
                }
            ).filter(pl.col("number") > 0)
        )
    return pl.concat(frames).sort("kind", "number", "from")


def _utc(second: Ints) -> pl.Series:
    """Instants as naive UTC timestamps; null for `NEVER`."""
    micro = np.where(second >= NEVER, -1, second * 1_000_000)
    return pl.select(
        pl.when(pl.Series(micro) >= 0).then(pl.Series(micro)).cast(pl.Datetime("us"))
    ).to_series()
