"""Who acts on the order store.

Here: the actor every typed call names. Not here: what an actor may do (`gate.py`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A role acting through an interface (接口编号); `name` is the person's or client's id."""

    role: str
    interface_no: str
    name: str

    def __str__(self) -> str:
        return f"{self.role}:{self.interface_no}:{self.name}"


SYSTEM = Actor("system", "internal", "mingdan")
"""Mingdan itself: the nightly run, migration, simulation."""
