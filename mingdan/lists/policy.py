"""The policy of the joint list as typed values.

Here: `policy.toml` and which reasons the class dictionary lets out. Not here:
what a partner may receive (`mingdan/reports/partners.py`).
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from mingdan.classes.dictionary import Dictionary
from mingdan.rules.files import policy_as
from mingdan.settings import Settings


class ListPolicy(BaseModel):
    """The whole of `policy.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    list: str = Field(pattern=r"^[a-z][a-z_]{0,39}$")
    class_code: str = Field(alias="class")
    weight: tuple[str, ...]


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
