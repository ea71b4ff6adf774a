"""The sender rules in force, read and checked.

Here: `rules.toml` (or the operator's own) held against the feature table. Not
here: the rule language (`mingdan.rules`) and running the rules (`flag.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mingdan.features.tables import FEATURES
from mingdan.rules.files import policy_text
from mingdan.rules.ruleset import Ruleset, read_toml, ruleset
from mingdan.rules.tree import column_kinds
from mingdan.settings import Settings

FILE = "senders/rules.toml"


def load(settings: Settings | None = None) -> Ruleset:
    """The rules an installation uses (default: those shipped). Raises BadRules."""
    text, place = policy_text(FILE, settings)
    return checked(read_toml(text, place), place)


def checked(content: Mapping[str, Any], file: str = FILE) -> Ruleset:
    """Rules from a file's content, or from an archived document. Raises BadRules."""
    return ruleset(content, {"subscription": column_kinds(FEATURES.columns)}, file)
