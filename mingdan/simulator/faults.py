"""What goes wrong on the way: wrong SIMs, unknown holders, broken lines, late and twice.

Here: which records a fault meets and what a broken line looks like. Not here:
writing files (`landing.py`). Every planted fault is noted for the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from mingdan.simulator import formats
from mingdan.simulator.identities import COUNTRY
from mingdan.simulator.records import Legs
from mingdan.simulator.roster import Ints, Roster

WRONG_SIM = 0.0002
"""Share of records that carry somebody else's IMSI."""
UNKNOWN = 0.0002
"""Share of records of a number and SIM that nobody holds."""
NO_SIM = 0.004
"""Share of records without an IMSI: no fault, but guiding has only the number."""
LATE = 0.004
TOO_LATE = 0.00003
"""Share of records delivered late, mostly the day after; nine or ten days late."""
STRAGGLING = 0.1
"""Chance that a source's late records of a day take up to three days instead of one."""
REPEATED = 0.001
REPEATED_LATER = 0.0005
"""Share of records that stand twice in a file; again in the next day's file."""
BROKEN = (0.001, 0.005)
"""Least and greatest share of broken lines of a source and day."""
LATE_FILE = 0.03
TWICE = 0.12
"""Chance that one file of a source and day comes days late; comes again under another name."""

_KINDS = ("bad_time", "bad_number", "cut_short", "unknown_code", "bad_bytes", "no_number")


@dataclass
class Notes:
    """Planted faults: source, the source's own record id, what was done, day in the window."""

    source: list[str] = field(default_factory=list)
    record: list[str] = field(default_factory=list)
    fault: list[str] = field(default_factory=list)
    day: list[int] = field(default_factory=list)

    def add(self, source: str, records: list[str], fault: str | list[str], day: int) -> None:
        self.source += [source] * len(records)
        self.record += records
        self.fault += [fault] * len(records) if isinstance(fault, str) else fault
        self.day += [day] * len(records)

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(
            {"source": self.source, "record": self.record, "fault": self.fault, "day": self.day},
            schema={"source": pl.String, "record": pl.String, "fault": pl.String, "day": pl.Int32},
        ).sort("day", "source", "record", "fault")


def misattribute(rng: np.random.Generator, roster: Roster, legs: Legs) -> tuple[Legs, Ints, Ints]:
    """Records with wrong, unknown or missing SIMs; places of the wrong and the unknown."""
    count = len(legs)
    draw = rng.random(count)
    sim = legs.imsi > 0
    wrong = np.flatnonzero(sim & (draw < WRONG_SIM))
    unknown = np.flatnonzero(sim & (draw >= WRONG_SIM) & (draw < WRONG_SIM + UNKNOWN))
    absent = np.flatnonzero(draw > 1 - NO_SIM)
    imsi, number, line = legs.imsi.copy(), legs.number.copy(), legs.line.copy()
    if wrong.size:
        # the SIM of another record of the day, which may by chance be the same one
        imsi[wrong] = legs.imsi[rng.integers(0, count, wrong.size)]
    imsi[unknown] = 460_00 * 10**10 + rng.integers(1, 10**9, unknown.size)
    number[unknown] = COUNTRY + 19_700_000_000 + rng.integers(0, 10**8, unknown.size)
    line[unknown] = -1
    imsi[absent] = 0
    return replace(legs, imsi=imsi, number=number, line=line), wrong, unknown


def spoil(rng: np.random.Generator, source: str, lines: list[str]) -> tuple[list[bytes], list[str]]:
    """Broken forms of good lines, encoded, and what was done to each."""
    delimiter, encoding = formats.delimiter(source), formats.encoding(source)
    columns = _COLUMNS[source]
    kinds = [kind for kind in _KINDS if kind != "unknown_code" or "code" in columns]
    done = [kinds[place] for place in rng.integers(0, len(kinds), len(lines))]
    broken = []
    for line, kind in zip(lines, done, strict=True):
        values = line.split(delimiter)
        match kind:
            case "bad_time":
                values[columns["time"]] = (
                    values[columns["time"]].replace("20", "20 ", 1)[:-3] + "61"
                )
            case "bad_number":
                values[columns["number"]] = values[columns["number"]][:-3] + "O1x"
            case "cut_short":
                values = values[:-4]
            case "unknown_code":
                values[columns["code"]] = "补发" if source == "smsc" else "7"
            case "no_number":
                values[columns["number"]] = values[columns["imsi"]] = ""
            case _:
                values[columns["number"]] += "\ufffd"
        text = delimiter.join(values).encode(encoding)
        # a replacement character stands for the bytes no encoding knows
        mark = "\ufffd".encode(encoding)
        broken.append(text.replace(mark, b"\xff\xfe"))
    return broken, done


_COLUMNS = {
    "smsc": {"code": 1, "number": 2, "imsi": 3, "time": 6},
    "msc": {"code": 1, "number": 2, "imsi": 3, "time": 6},
    "ggsn": {"number": 2, "imsi": 1, "time": 4},
}
