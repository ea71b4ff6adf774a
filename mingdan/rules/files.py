"""Where policy files come from: the operator's own, else those shipped.

Here: which text stands for a policy file, and it as typed values. Not here: what it must say.

An operator's file under `<data>/policy/` takes the place of the whole shipped
file of the same name, e.g. `<data>/policy/senders/rules.toml`; files are never
merged, so what is in force is what one file says.
"""

from __future__ import annotations

from importlib.resources import files as resource_files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from mingdan.errors import InputRefused
from mingdan.rules.ruleset import complaint, read_toml
from mingdan.settings import Settings

Shape = TypeVar("Shape", bound=BaseModel)


def policy_text(name: str, settings: Settings | None = None) -> tuple[str, str]:
    """Text of the policy file `name` (e.g. `classes/rules.toml`) and where it stands.

    Without settings: the shipped one. Raises InputRefused if the operator's
    file cannot be read.
    """
    own = None if settings is None else settings.data / "policy" / name
    if own is not None and own.exists():
        return _read(own), str(own)
    return (resource_files("mingdan") / name).read_text(encoding="utf-8"), name


def policy_as(shape: type[Shape], name: str, settings: Settings | None = None) -> Shape:
    """The policy file `name` as what it may say. Raises InputRefused, in one line."""
    text, place = policy_text(name, settings)
    content = read_toml(text, place)
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        raise InputRefused(f"{place}: {complaint(error, content)}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"{path}: {error}") from error
