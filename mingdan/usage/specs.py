"""Where source specs are found, and what is said of a wrong one.

Here: the specs shipped in `mingdan/usage/sources/` and an operator's own in
`settings.sources`. Not here: what a spec may say (`source.py`).
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel, ValidationError

from mingdan.errors import InputRefused
from mingdan.settings import Settings
from mingdan.usage.source import Codes, Columns, FileForm, Numbers, Source, TimeForms


def load_source(path: Path) -> Source:
    """The specification in a TOML file.

    Raises InputRefused naming the file, the key and what is allowed there.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused(f"source spec {path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputRefused(f"source spec {path}: not TOML: {error}") from error
    try:
        source = Source.model_validate(content)
    except ValidationError as error:
        raise InputRefused(f"source spec {path}: {_explain(error)}") from error
    if source.name != path.stem:
        raise InputRefused(
            f"source spec {path}: name: {source.name!r} must be the file's name, {path.stem!r}"
        )
    return source


def sources(settings: Settings) -> dict[str, Source]:
    """Every known source by name; an operator's own spec replaces a shipped one.

    Raises InputRefused if one of them is wrong.
    """
    known = dict(shipped())
    if settings.sources is not None:
        if not settings.sources.is_dir():
            raise InputRefused(f"no folder {settings.sources} (MINGDAN_SOURCES)")
        for path in sorted(settings.sources.glob("*.toml")):
            known[path.stem] = load_source(path)
    return known


@cache
def shipped() -> dict[str, Source]:
    """The sources that come with Mingdan, by name."""
    folder = Path(str(files("mingdan.usage") / "sources"))
    return {path.stem: load_source(path) for path in sorted(folder.glob("*.toml"))}


def _explain(error: ValidationError) -> str:
    """All faults of a spec in one line each, the key written as in the file."""
    faults: list[str] = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"] if part != "function-after")
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = f"unknown key; known are {', '.join(_keys(fault['loc'][:-1]))}"
        elif fault["type"] == "missing":
            message = "is missing"
        elif not message.startswith(key):
            message = f"{message}, not {fault['input']!r}" if _is_short(fault["input"]) else message
        faults.append(f"{key}: {message}" if key else message)
    return "; ".join(faults)


def _is_short(value: object) -> bool:
    return isinstance(value, str | int | float)


def _keys(location: tuple[int | str, ...]) -> list[str]:
    parts: dict[str, type[BaseModel]] = {
        "file": FileForm,
        "time": TimeForms,
        "numbers": Numbers,
        "columns": Columns,
        "codes": Codes,
    }
    model = parts.get(str(location[0]), Source) if location else Source
    return sorted(model.model_fields)
