"""The policy of reports as typed values, read from `policy.toml`.

Here: what the file may say. Not here: partners and their agreements
(`partners.py`) and how the values are used (`assertions.py`, `intake.py`).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mingdan.rules.files import policy_as
from mingdan.settings import Settings

Level = Literal["watch", "published"]
Score = Annotated[int, Field(ge=0, le=100)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Caps(_Part):
    """Limits of one delivered file."""

    max_rows: int = Field(gt=0)
    max_line_bytes: int = Field(gt=0)
    max_bytes: int = Field(gt=0)
    min_bad_rows: int = Field(ge=0)


class ServiceNumbers(_Part):
    """Numbers no person holds, as regular expressions over the bare digits."""

    patterns: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{pattern})" for pattern in self.patterns), re.ASCII)


class Strength(_Part):
    """A score and how many distinct complainants it takes."""

    score: Score
    recent: int = 0
    window: int = 0


class Complaints(_Part):
    """What complaints are worth; days are business days."""

    channels: tuple[str, ...]
    window_days: int = Field(gt=0)
    recent_days: int = Field(gt=0)
    max_age_days: int = Field(gt=0)
    exempt_sender_kinds: tuple[str, ...]
    level: Level
    categories: dict[str, str]
    strength: tuple[Strength, ...]
    names_from: Score
    """From this score a complaint's number counts as named by it."""

    def score(self, *, recent: int, window: int) -> int:
        """The score of so many distinct complainants (0: says nothing)."""
        for step in self.strength:
            if recent >= step.recent and window >= step.window:
                return step.score
        return 0


class Legal(_Part):
    """An assertion that outranks the others, and the one kind of partner that can make it."""

    kind: str
    legal_basis: str
    reason: str
    level: Level
    score: Score

    def made_by(self, kind: str, legal_basis: str) -> bool:
        """Whether an entry of a partner of `kind` on `legal_basis` is one."""
        return (kind, legal_basis) == (self.kind, self.legal_basis)


class Joint(_Part):
    """What the word of several partners, none of whom has it from us, is worth."""

    sources: int = Field(ge=2)
    level: Level
    score: Score


class PartnerLists(_Part):
    """What partners' lists are worth."""

    level: Level
    max_term_days: int = Field(gt=0)
    churn_share: float = Field(gt=0)
    churn_floor: int = Field(ge=0)
    customers_share: float = Field(gt=0, le=1)
    customers_floor: int = Field(ge=0)
    score: dict[str, Score]
    joint: Joint
    legal: Legal


class Policy(_Part):
    """The whole of `policy.toml`."""

    version: int
    reasons: tuple[str, ...]
    caps: Caps
    service_numbers: ServiceNumbers
    complaints: Complaints
    partners: PartnerLists

    @model_validator(mode="after")
    def _reasons_are_known(self) -> Policy:
        named = {reason for reason in self.complaints.categories.values() if reason}
        unknown = (named | {self.partners.legal.reason}) - set(self.reasons)
        if unknown:
            raise ValueError(f"reasons not in `reasons`: {sorted(unknown)}")
        return self


def policy(settings: Settings | None = None) -> Policy:
    """The installation's policy of reports (default: the one shipped). Raises InputRefused."""
    return policy_as(Policy, "reports/policy.toml", settings)
