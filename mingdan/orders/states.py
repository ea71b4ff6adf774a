"""State machines as data: which state may follow which.

Here: the machines of `reference/<entity>_state.csv` (TMF622 order, TMF637
product, number, SIM). Not here: who makes them move (`businesses`).
"""

from __future__ import annotations

from functools import cache

from mingdan.reference import load


class StateMachine:
    """The states of one kind of entity and the steps allowed between them."""

    def __init__(self, entity: str) -> None:
        rows = load.rows(f"{entity}_state")
        self.entity = entity
        self.initial = frozenset(row["state"] for row in rows if row["initial"] == "yes")
        self.next = {row["state"]: frozenset(row["next"].split()) for row in rows}
        self.final = frozenset(state for state, following in self.next.items() if not following)
        for state, following in self.next.items():
            if unknown := following - set(self.next):
                raise ValueError(f"{entity} state {state}: unknown next states {unknown}")

    def walk(self, state: str | None, *path: str) -> str:
        """The last state of `path`, after checking each step from `state` on.

        `state` None: the path begins with an initial state. Raises ValueError for
        a step the machine does not have, which is a mistake of the program.
        """
        for target in path:
            allowed = self.initial if state is None else self.next[state]
            if target not in allowed:
                raise ValueError(f"{self.entity}: no step from {state} to {target}")
            state = target
        if state is None:
            raise ValueError(f"{self.entity}: no state")
        return state


@cache
def machine(entity: str) -> StateMachine:
    """The machine of `order`, `product`, `msisdn` or `sim`."""
    return StateMachine(entity)
