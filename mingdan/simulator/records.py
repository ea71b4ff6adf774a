"""What the network writes down: one record for each served end of an event.

Here: sender's and recipient's legs (MO, MT), who was served, by which SIM,
device and cell, and what it cost. Not here: files (`landing.py`) and their
faults (`faults.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from mingdan.simulator.events import SMS, VOICE, Events
from mingdan.simulator.personas import persona
from mingdan.simulator.rhythm import works
from mingdan.simulator.roster import Bools, Ints
from mingdan.simulator.scene import Scene
from mingdan.simulator.spec import DAY, HOUR

_SMS_FEN = 10
_CALL_FEN = 15
"""A text; a begun minute."""


@dataclass(frozen=True)
class Legs:
    """Records of one kind, in order of time; equally long columns."""

    line: Ints
    """Roster position of the served subscription; -1 where a fault hides it."""
    number: Ints
    imsi: Ints
    imei: Ints
    """Zero where there is none."""
    outgoing: Ints
    other: Ints
    at: Ints
    seconds: Ints
    octets: Ints
    cell: Ints
    fen: Ints
    reference: Ints
    """Of the message; its segments share it."""

    def __len__(self) -> int:
        return int(self.at.size)

    def where(self, chosen: Bools | Ints) -> Legs:
        return Legs(*(getattr(self, column.name)[chosen] for column in fields(Legs)))


def legs(scene: Scene, index: int, events: Events) -> tuple[Legs, Legs]:
    """Records of messages and of calls of a day."""
    return _legs(scene, index, events, SMS), _legs(scene, index, events, VOICE)


def data_legs(scene: Scene, index: int, sessions: tuple[Ints, Ints, Ints, Ints, Ints]) -> Legs:
    """Records of data sessions of a day."""
    line, at, seconds, octets, fen = sessions
    none = np.zeros(line.size, dtype=np.int64)
    order = np.lexsort((line, at))
    alive = scene.directory.in_service(line, at)[order]
    keep = order[alive]
    return _served(
        scene,
        index,
        line=line[keep],
        at=at[keep],
        outgoing=none[keep] + 1,
        other=none[keep],
        seconds=seconds[keep],
        octets=octets[keep],
        fen=fen[keep],
        reference=none[keep],
    )


def _legs(scene: Scene, index: int, events: Events, kind: int) -> Legs:
    known = scene.directory
    batch = events.where(events.kind == kind)
    ours = batch.sender >= 0
    mine = known.number_of(np.maximum(batch.sender, 0), batch.at)
    origin = np.where(ours, mine, batch.sender_number)
    alive = ~ours | known.in_service(np.maximum(batch.sender, 0), batch.at)
    # an end nobody has ever held, and somebody reaching himself, leave no record
    keep = alive & (batch.number > 0) & (origin > 0) & (origin != batch.number)
    batch, origin = batch.where(keep), origin[keep]
    order = np.lexsort((batch.number, origin, batch.at))
    batch, origin = batch.where(order), origin[order]
    reference = scene.world.start(index) // DAY * 10**7 + np.arange(len(batch))

    rng = scene.rng(f"delivery {kind}", index)
    delay = rng.integers(1, 7, len(batch)) if kind == SMS else rng.integers(0, 2, len(batch))
    reached = np.minimum(batch.at + delay, scene.world.start(index + 1) - 1)
    holder = known.holder_of(batch.number, reached)
    delivered = (holder >= 0) & known.in_service(np.maximum(holder, 0), reached)
    out = np.flatnonzero(batch.sender >= 0)
    back = np.flatnonzero(delivered)

    chosen = np.concatenate([out, back])
    outgoing = np.concatenate([np.ones(out.size, np.int64), np.zeros(back.size, np.int64)])
    parts = batch.parts[chosen]
    line = np.where(outgoing == 1, batch.sender[chosen], holder[chosen])
    at = np.where(outgoing == 1, batch.at[chosen], reached[chosen])
    order = np.lexsort((outgoing, reference[chosen], at))
    order = np.repeat(order, parts[order])
    chosen, outgoing, line, at = chosen[order], outgoing[order], line[order], at[order]
    seconds = batch.seconds[chosen]
    return _served(
        scene,
        index,
        line=line,
        at=at,
        outgoing=outgoing,
        other=np.where(outgoing == 1, batch.number[chosen], origin[chosen]),
        seconds=seconds,
        octets=np.zeros_like(seconds),
        fen=outgoing * (_SMS_FEN if kind == SMS else _CALL_FEN * -(-seconds // 60)),
        reference=reference[chosen],
    )


def _served(
    scene: Scene,
    index: int,
    *,
    line: Ints,
    at: Ints,
    outgoing: Ints,
    other: Ints,
    seconds: Ints,
    octets: Ints,
    fen: Ints,
    reference: Ints,
) -> Legs:
    known = scene.directory
    return Legs(
        line=line,
        number=known.number_of(line, at),
        imsi=known.imsi.at(line, at),
        imei=known.device.at(line, at),
        outgoing=outgoing,
        other=other,
        at=at,
        seconds=seconds,
        octets=octets,
        cell=_cells(scene, index, line, at),
        fen=fen,
        reference=reference,
    )


def _cells(scene: Scene, index: int, line: Ints, at: Ints) -> Ints:
    """At work in office hours of working days, else at home; now and then next door."""
    roster = scene.roster
    rng = scene.rng("cells", index)
    hour = (at - scene.world.start(index)) // HOUR
    away = (hour >= 9) & (hour < 18) & works(scene.date(index))
    # who has come to send, and what does not move, stays in one cell
    moves = roster.human[line] & ((roster.archetype[line] == 0) | (roster.contacts[line] > 0))
    cell = np.where(away & moves, roster.work[line], roster.home[line])
    drift = moves & (rng.random(line.size) < 0.1)
    rounds = np.isin(roster.persona[line], [persona("courier"), persona("takeaway_driver")])
    wide = np.where(rounds, rng.integers(0, 12, line.size), rng.integers(0, 3, line.size))
    return cell + np.where(drift | (rounds & away), wide, 0)
