"""Everything a day's generators look at, in one place.

Here: the scene they share. Not here: what they do with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from mingdan.simulator.campaigns import Campaign
from mingdan.simulator.contacts import Contacts
from mingdan.simulator.directory import Directory
from mingdan.simulator.events import Events, batch
from mingdan.simulator.lives import Lives
from mingdan.simulator.roster import Ints, Roster
from mingdan.simulator.spec import World


@dataclass(frozen=True)
class Scene:
    """A built world, ready to be lived day by day."""

    world: World
    roster: Roster
    lives: Lives
    directory: Directory
    contacts: Contacts
    campaigns: tuple[Campaign, ...]

    def rng(self, stream: str, index: int) -> np.random.Generator:
        return self.world.rng(stream, index)

    def date(self, index: int) -> date:
        return self.world.day(index)

    def reach(
        self,
        kind: int | Ints,
        sender: Ints,
        ends: Ints,
        at: Ints,
        *,
        seconds: int | Ints = 0,
        parts: int | Ints = 1,
    ) -> Events:
        """Subscriptions reach ends."""
        number = self.contacts.numbers(self.directory, ends, at)
        return batch(kind, sender=sender, number=number, at=at, seconds=seconds, parts=parts)

    def answer(
        self, kind: int | Ints, ends: Ints, back_to: Ints, at: Ints, *, seconds: int | Ints = 0
    ) -> Events:
        """Ends reach subscriptions."""
        sender, number = self.contacts.senders(ends)
        called = self.directory.number_of(back_to, at)
        return batch(
            kind, sender=sender, sender_number=number, number=called, at=at, seconds=seconds
        )
