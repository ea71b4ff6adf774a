"""What the store answers: what was refused and what came of a batch.

Here: only that. Not here: the words of a refusal (`refusals.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Refusal:
    """A command the store did not carry out, and why (`reference/refusal.csv`)."""

    order_ref: str
    reason: str
    code: str = ""
    reason_zh: str = ""


@dataclass(frozen=True)
class Applied:
    """What came of a batch: counts, refusals, and the keys of new subscriptions."""

    completed: int
    repeated: int
    refused: list[Refusal] = field(default_factory=list)
    subscription_ids: dict[str, int] = field(default_factory=dict)
    party_ids: dict[str, int] = field(default_factory=dict)

    def plus(self, other: Applied) -> Applied:
        """Both together; of a key given twice, the later."""
        return Applied(
            completed=self.completed + other.completed,
            repeated=self.repeated + other.repeated,
            refused=self.refused + other.refused,
            subscription_ids=self.subscription_ids | other.subscription_ids,
            party_ids=self.party_ids | other.party_ids,
        )
