"""Who is there: subscriptions with their persona, holder, tariff and habits.

Here: the roster, one array per attribute, in an order that tells nothing of
the class. Not here: what happens to a subscription (`lives.py`), what it sends,
and whom the malicious ones are (`campaigns.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mingdan.simulator.identities import AREA_SHARES, AREAS
from mingdan.simulator.personas import ORDINARY, PERSONAS, persona
from mingdan.simulator.spec import DAY, HOUR, World

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEWCOMERS = 0.015
HEIRS = 0.003
"""Shares of the subscribers, per 35 days: new subscriptions; those with a re-issued number."""
GRADES = ((30_000, 0.62), (70_000, 0.27), (170_000, 0.11))
"""Monthly spend (fen) from which a key account is silver, gold, diamond; share of each."""
_FLEETS = {"m2m": 60, "service_port": 3, "call_centre": 4}
_DEFAULTS = {
    "archetype": 0,
    "starts": -1,
    "opened": -1,
    "group": -1,
    "heir": 0,
    "pair": -1,
    "returning": 0,
    "settled": 0,
    "organization": 0,
    "prepaid": -1,
}


@dataclass
class Draft:
    """Rows of the roster as they are thought of, block by block."""

    blocks: list[dict[str, Ints]] = field(default_factory=list)
    parties: int = 0

    def add(self, count: int, name: str, party: Ints, **columns: npt.ArrayLike) -> None:
        """Add `count` rows of a persona; `party` numbers the holders from 0 in the block."""
        given = {"persona": persona(name), "party": party + self.parties, **columns}
        rows = {
            key: np.broadcast_to(np.asarray(value, dtype=np.int64), count)
            for key, value in {**_DEFAULTS, **given}.items()
        }
        self.blocks.append(rows)
        self.parties += int(party.max()) + 1

    def column(self, name: str) -> Ints:
        return np.concatenate([block[name] for block in self.blocks])


@dataclass(frozen=True)
class Roster:
    """One row a subscription; references are positions in the roster, -1 for none."""

    persona: Ints
    archetype: Ints
    product: npt.NDArray[np.str_]
    party: Ints
    organization: Bools
    opened: Ints
    """Instant of the opening order; for heirs set when their number falls free."""
    starts: Ints
    """Day of the window a malicious campaign begins; -1 for benign."""
    group: Ints
    """Farm or fleet; -1 for none."""
    heir: Bools
    """Gets a number that another subscription gives up in the window."""
    returns: Ints
    """The ended subscription of the same person."""
    area: Ints
    home: Ints
    work: Ints
    community: Ints
    contacts: Ints
    """Length of the contact list."""
    texting: Floats
    calling: Floats
    data: Floats
    """Conversations, calls and data sessions started a day, on average."""
    shift: Floats
    """Hours by which the day begins later than other people's."""
    session_fee: Floats
    """Charge of a data session, fen, on average."""

    @property
    def size(self) -> int:
        return int(self.persona.size)

    @property
    def human(self) -> Bools:
        """Persons: neither devices nor ports nor call centres."""
        return ~np.isin(self.persona, [persona(name) for name in _FLEETS])

    def of(self, name: str) -> Ints:
        """Positions of the benign subscriptions with that persona."""
        return np.flatnonzero((self.persona == persona(name)) & (self.archetype == 0))


def draft(world: World) -> Draft:
    """The benign rows of a world."""
    rng = world.rng("roster")
    result = Draft()
    others = [(kind, world.share(kind.share)) for kind in PERSONAS if kind.share]
    ordinary = world.subscribers - sum(count for _, count in others)
    newcomers = max(2, round(world.subscribers * NEWCOMERS * world.days / 35))
    heirs = max(1, round(world.subscribers * HEIRS * world.days / 35))
    day = rng.integers(0, max(1, world.days - 1), newcomers)
    opened = world.begin + day * DAY + rng.integers(9 * HOUR, 20 * HOUR, newcomers)

    household = np.repeat(
        np.arange(ordinary), rng.choice([1, 2, 3], ordinary, p=[0.93, 0.06, 0.01])
    )
    result.add(ordinary, ORDINARY, household[:ordinary])
    result.add(newcomers, ORDINARY, np.arange(newcomers), opened=opened)
    result.add(heirs, ORDINARY, np.arange(heirs), heir=1, opened=world.end)
    for kind, count in others:
        fleet = _FLEETS.get(kind.name, 0)
        owner = np.arange(count) // fleet if fleet else np.arange(count)
        group = owner if kind.name == "m2m" else -1
        result.add(count, kind.name, owner, organization=int(fleet > 0), group=group)
    return result


def settle(world: World, rows: Draft) -> Roster:
    """The roster of all drafted rows, shuffled, with their habits drawn."""
    rng = world.rng("habits")
    order = rng.permutation(rows.column("persona").size)
    column = {name: rows.column(name)[order] for name in ("persona", "party", *_DEFAULTS)}
    size = order.size
    kinds = column["persona"]
    human = ~np.isin(kinds, [persona(name) for name in _FLEETS])
    fresh = (column["archetype"] > 0) & (column["settled"] == 0)
    prepaid = rng.random(size) < np.where(fresh, 0.99, 0.35)
    tariff = np.array([kind.product for kind in PERSONAS])[kinds]
    own = np.where(prepaid, "PREPAID", np.where(rng.random(size) < 0.5, "POSTPAID", "POSTPAID_5G"))

    age = np.clip(rng.lognormal(np.log(900), 1.0, size) * np.where(prepaid, 0.6, 1.0), 40, 6_000)
    age = np.where(column["settled"] == 1, np.maximum(age, 400), age)
    past = world.begin - (age * DAY).astype(np.int64) // DAY * DAY
    past += rng.integers(9 * HOUR, 20 * HOUR, size)
    place = rng.choice(AREAS.size, size, p=AREA_SHARES)
    community = rng.integers(0, max(1, size // 60), size)
    cells = 40 + size // 100

    # a person who has come to send keeps little or no life of its own
    life = np.where(fresh, np.where(rng.random(size) < 0.4, 0.3, 0.0), 1.0) * human
    drive = rng.normal(0, 1, size)
    texting = 0.14 * np.exp(0.7 * drive + 1.0 * rng.normal(0, 1, size) - 0.745)
    calling = 0.60 * np.exp(0.6 * drive + 0.6 * rng.normal(0, 1, size) - 0.36)
    friends = np.exp(np.log(13) + 0.45 * drive + 0.6 * rng.normal(0, 1, size))
    key = kinds == persona("key_account")
    grade = rng.choice(len(GRADES), size, p=[share for _, share in GRADES])
    spend = np.array([floor for floor, _ in GRADES])[grade] * rng.uniform(1.25, 1.8, size)
    small = np.exp(rng.normal(np.log(25), 1.0, size))
    return Roster(
        persona=kinds,
        archetype=column["archetype"],
        product=np.where(tariff == "", own, tariff),
        party=rng.permutation(rows.parties)[column["party"]],
        organization=column["organization"] == 1,
        opened=np.where(column["opened"] >= 0, column["opened"], past),
        starts=column["starts"],
        group=column["group"],
        heir=column["heir"] == 1,
        returns=_pairs(column["pair"], column["returning"]),
        area=AREAS[place],
        home=place * 100_000 + rng.integers(0, cells, size) + 10_000,
        work=place * 100_000 + rng.integers(0, max(4, cells // 4), size) + 10_000,
        community=community,
        contacts=np.where(life > 0, np.clip(friends, 3, 200), 0).astype(np.int64),
        texting=np.minimum(texting, 4.0) * life,
        calling=np.minimum(calling, 8.0) * life,
        data=np.select([key, kinds == persona("m2m"), human], [0.6, 0.5, 0.22], 0.0),
        shift=rng.normal(0, 1.0, size),
        session_fee=np.where(key, spend / 30 / 0.6, np.minimum(small, 300.0)),
    )


def _pairs(pair: Ints, returning: Ints) -> Ints:
    """For each returning row the position of the row of its earlier life."""
    result = np.full(pair.size, -1)
    earlier = np.flatnonzero((pair >= 0) & (returning == 0))
    again = np.flatnonzero((pair >= 0) & (returning == 1))
    result[again[np.argsort(pair[again])]] = earlier[np.argsort(pair[earlier])]
    return result
