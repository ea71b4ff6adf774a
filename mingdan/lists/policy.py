"""The policy of the joint list as typed values.

Here: `policy.toml` and which reasons the class dictionary lets out. Not here:
what a partner may receive (`mingdan/reports/partners.py`).
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from mingdan.classes.dictionary import Dictionary
from mingdan.rules.files import policy_as
from mingdan.settings import Settings


class EnvelopePolicy(BaseModel):
    """How long signatures hold and what a channel offers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    root_threshold: int = Field(default=2, ge=1, le=9)
    """Root keys that must sign together."""
    root_days: int = Field(default=365, ge=1)
    targets_days: int = Field(default=30, ge=1)
    snapshot_days: int = Field(default=7, ge=1)
    timestamp_hours: int = Field(default=24, ge=1)
    releases_kept: int = Field(default=31, ge=1)
    """Releases whose changes a channel offers; who is further behind takes the snapshot."""
    receipt_days: int = Field(default=2, ge=1)
    """Days after which a retraction without a partner's receipt is an alarm."""

    def lifetime(self, role: str) -> timedelta:
        """How long a signature of this role holds."""
        return {
            "root": timedelta(days=self.root_days),
            "targets": timedelta(days=self.targets_days),
            "snapshot": timedelta(days=self.snapshot_days),
            "timestamp": timedelta(hours=self.timestamp_hours),
        }[role]


class ListPolicy(BaseModel):
    """The whole of `policy.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    list: str = Field(pattern=r"^[a-z][a-z_]{0,39}$")
    class_code: str = Field(alias="class")
    weight: tuple[str, ...]
    envelope: EnvelopePolicy = EnvelopePolicy()


def list_policy(settings: Settings) -> ListPolicy:
    """The installation's list policy. Raises InputRefused."""
    return policy_as(ListPolicy, "lists/policy.toml", settings)


def publishable(settings: Settings, class_code: str) -> dict[str, int]:
    """Reasons of a class that may leave the house, each with its term in days.

    Raises InputRefused if the dictionary cannot be read.
    """
    dictionary = policy_as(Dictionary, "classes/dictionary.toml", settings)
    return {
        reason.code: reason.term_days
        for entry in dictionary.class_
        if entry.code == class_code
        for reason in entry.reason
        if reason.publishable
    }
