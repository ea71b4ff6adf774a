"""The policy of the joint list as typed values.

Here: `policy.toml` and which reasons the class dictionary lets out. Not here:
what a partner may receive (`mingdan/reports/partners.py`).
"""

from __future__ import annotations

import tomllib

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mingdan.classes.dictionary import Dictionary
from mingdan.errors import InputRefused
from mingdan.rules.files import policy_text
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
    text, place = policy_text("lists/policy.toml", settings)
    try:
        return ListPolicy.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputRefused(f"{place}: {error}") from error


def publishable(settings: Settings, class_code: str) -> dict[str, int]:
    """Reasons of a class that may leave the house, each with its term in days.

    Raises InputRefused if the dictionary cannot be read.
    """
    text, place = policy_text("classes/dictionary.toml", settings)
    try:
        dictionary = Dictionary.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise InputRefused(f"{place}: {error}") from error
    return {
        reason.code: reason.term_days
        for entry in dictionary.class_
        if entry.code == class_code
        for reason in entry.reason
        if reason.publishable
    }
