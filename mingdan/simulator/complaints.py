"""Complaints (投诉) and a partner's list: what others say, late and not always rightly.

Here: who complains of what, with noise and delay, and the files of both. Not
here: the events complained of.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from mingdan.simulator.events import SMS, Events
from mingdan.simulator.personas import ARCHETYPE_NAMES, PERSONAS
from mingdan.simulator.roster import Ints
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import DAY, HOUR, instant

_CHANCE = {
    "burst_advertiser": 0.0022,
    "slow_pacer": 0.005,
    "rotation_farm": 0.006,
    "number_walker": 0.003,
    "turned_bad": 0.005,
    "returning_person": 0.004,
    "one_ring": 0.003,
    "call_bomber": 0.002,
}
"""Chance that one event brings a complaint: many victims never complain."""
_WRONG = 0.2
"""Share of complaints that are about a benign number, or about a mistyped one."""
_WITHHELD = 0.06
_HEADER = "complaint_id,channel,category,received_at,occurred_at,reported_number,reporter_number"


@dataclass(frozen=True)
class Complaint:
    """One complaint; `about` is the archetype complained of, empty if it is wrong."""

    received: int
    occurred: int
    channel: str
    category: str
    number: int
    reporter: int
    about: str
    persona: str


class Complaints:
    """Collects the complaints each day's events bring and writes them when received."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self.scene = scene
        self.folder = folder
        self.truth: list[dict[str, str]] = []
        self._due: dict[int, list[Complaint]] = defaultdict(list)

    def hear(self, index: int, events: Events) -> None:
        """Take in the complaints about a day's events."""
        rng = self.scene.rng("complaints", index)
        chance = np.array([0.0] + [_CHANCE[name] for name in ARCHETYPE_NAMES[1:]])
        moved = rng.random(len(events)) < chance[events.archetype]
        right = np.flatnonzero(moved & (events.sender >= 0))
        wrong = rng.poisson(right.size * _WRONG / (1 - _WRONG))
        for place in right.tolist():
            self._complain(rng, events, place, wrong=False)
        for place in self._innocent(rng, events, wrong).tolist():
            self._complain(rng, events, place, wrong=True)

    def write(self, index: int) -> None:
        """Write the file of the complaints received that day, even if there are none."""
        day = self.scene.date(index).isoformat()
        folder = self.folder / "reports" / "complaints" / day
        folder.mkdir(parents=True, exist_ok=True)
        lines = [_HEADER]
        received = sorted(
            self._due.pop(index, []), key=lambda c: (c.received, c.number, c.reporter)
        )
        for serial, complaint in enumerate(received):
            key = f"C{day.replace('-', '')}{serial:05d}"
            reporter = str(complaint.reporter) if complaint.reporter else ""
            values = (
                key,
                complaint.channel,
                complaint.category,
                instant(complaint.received).isoformat(),
                instant(complaint.occurred).isoformat(),
                str(complaint.number),
                reporter,
            )
            lines.append(",".join(values))
            self.truth.append(
                {"complaint_id": key, "about": complaint.about, "persona": complaint.persona}
            )
        if self.scene.world.faults and len(received) > 12:
            # on a busy day somebody types a time without its offset
            key, _, rest = lines[-1].partition(",")
            lines.append(f"{key}X,{rest.replace('+08:00', '', 1)}")
        (folder / "complaints.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def frame(self) -> pl.DataFrame:
        """Truth of every complaint written: archetype complained of, or whose persona wrongly."""
        return pl.DataFrame(
            self.truth,
            schema={"complaint_id": pl.String, "about": pl.String, "persona": pl.String},
        )

    def _innocent(self, rng: np.random.Generator, events: Events, count: int) -> Ints:
        """Benign events somebody takes offence at, mostly of people who reach many."""
        benign = np.flatnonzero((events.archetype == 0) & (events.sender >= 0))
        if not count or not benign.size:
            return np.empty(0, dtype=np.int64)
        persona = self.scene.roster.persona[events.sender[benign]]
        weight = np.array([_OFFENCE.get(kind.name, 0.0) for kind in PERSONAS])[persona]
        weight += 1e-9
        return benign[rng.choice(benign.size, count, p=weight / weight.sum())]

    def _complain(
        self, rng: np.random.Generator, events: Events, place: int, *, wrong: bool
    ) -> None:
        scene = self.scene
        sender, at = int(events.sender[place]), int(events.at[place])
        text = events.kind[place] == SMS
        occurred = at // 60 * 60
        received = occurred + int(max(600, rng.lognormal(np.log(9 * HOUR), 1.3)))
        due = (received - scene.world.begin) // DAY
        number = int(scene.directory.number_of(np.array([sender]), np.array([at]))[0])
        # a slip of the pen makes a right complaint a wrong one
        slip = not wrong and rng.random() < 0.04
        if slip:
            digit = 10 ** int(rng.integers(0, 4))
            number += digit if number // digit % 10 < 9 else -digit
        reporter = int(events.number[place]) if rng.random() >= _WITHHELD else 0
        # nobody complains from a device or of himself
        if reporter >= 86 * 10**13 or reporter == number:
            reporter = 0
        kinds = ("spam_sms", "fraud", "other") if text else ("nuisance_call", "fraud", "other")
        category = kinds[int(rng.choice(3, p=(0.72, 0.23, 0.05)))]
        channel = "10086" if rng.random() < 0.62 else "12321"
        about = "" if wrong or slip else ARCHETYPE_NAMES[int(events.archetype[place])]
        persona = PERSONAS[int(scene.roster.persona[sender])].name if wrong else ""
        if due < scene.world.days:
            self._due[due].append(
                Complaint(received, occurred, channel, category, number, reporter, about, persona)
            )


_OFFENCE = {
    "ordinary": 0.012,
    "key_account": 0.012,
    "courier": 0.35,
    "takeaway_driver": 0.35,
    "insurance_agent": 1.6,
    "shop_owner": 1.6,
    "teacher": 0.1,
    "event_organiser": 0.8,
    "vip_sender": 0.5,
    "call_centre": 1.0,
    "service_port": 0.6,
}
"""Weight with which an event of a persona draws a wrong complaint."""
