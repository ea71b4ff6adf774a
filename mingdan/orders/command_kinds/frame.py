"""What every command has: its frame, and a customer as entered.

Here: only that. Not here: the commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PartyData:
    """A person or organization as entered at acceptance (受理)."""

    party_ref: str
    party_type: Literal["individual", "organization"]
    name: str
    document_type: str
    document_number: str
    contact: str | None = None


@dataclass(frozen=True, kw_only=True)
class Command:
    """Common to all: idempotent by `order_ref` (the second time is a no-op)."""

    order_ref: str
    at: datetime
    recorded_at: datetime | None = None
    channel: str = "counter"
