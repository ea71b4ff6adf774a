"""What lies in the landing folder for a day, and which of it is to be read.

Here: `<landing>/usage/<source>/<delivery day>/`, missing sources, skip markers.
Not here: what a file holds (`text.py` onwards) and the ledger (`intake.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mingdan.errors import InputRefused, MissingInput, WrongUsage
from mingdan.landed import NotPlain, check_inside, open_plain, there
from mingdan.settings import Settings
from mingdan.usage.source import Source
from mingdan.usage.specs import sources

MARKER = ".skip"
"""A file `<name>.skip` beside a delivered file: a person decided to go on without it."""
_MARKER_BYTES = 4096


@dataclass(frozen=True)
class Delivered:
    """One file found for a delivery day."""

    source: Source
    path: Path
    name: str
    """Name under the landing folder, `/` between folders."""

    @property
    def marker(self) -> Path:
        return marker_of(self.path)

    @property
    def set_aside(self) -> str | None:
        """Why the file is not to be read, or None. Raises OSError for an unreadable marker."""
        if not self.source.file.takes(self.path.name):
            return f"its name does not fit {self.source.file.pattern}: not read"
        if there(self.marker):
            with open_plain(self.marker) as file:
                text = file.read(_MARKER_BYTES).decode("utf-8", errors="replace")
            reason = text.strip() or "no reason given"
            return f"skipped by a person: {reason}"
        return None

    def digest(self) -> str:
        """SHA-256 of the file as delivered, hex. Raises OSError, NotPlain for a pipe or link."""
        with open_plain(self.path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def find(settings: Settings, day: date, only: str | None = None) -> list[Delivered]:
    """Every file delivered on `day` (of source `only`), in the order they are read.

    Raises MissingInput naming each required source that delivered nothing,
    InputRefused for a folder no spec describes or that is a link.
    """
    known = sources(settings)
    if only is not None and only not in known:
        raise WrongUsage(f"no source {only!r}; known are {', '.join(sorted(known))}")
    root = settings.landing / "usage"
    found: list[Delivered] = []
    for folder in sorted(path for path in root.glob(f"*/{day.isoformat()}") if path.is_dir()):
        name = folder.parent.name
        if only not in (None, name):
            continue
        try:
            check_inside(folder, settings.landing)
        except NotPlain as error:
            raise InputRefused(f"nothing of {day} was landed: {error.strerror}") from error
        paths = sorted(path for path in folder.iterdir() if is_delivery(path))
        if paths and name not in known:
            raise InputRefused(
                f"{folder}: no source spec named {name!r}; known are {', '.join(sorted(known))}. "
                f"Write {name}.toml in the folder MINGDAN_SOURCES names (docs/sources.md)."
            )
        found += [
            Delivered(known[name], path, path.relative_to(settings.landing).as_posix())
            for path in paths
        ]
    _check_complete(settings, known, found, day, only)
    return found


def file_named(settings: Settings, day: date, name: str) -> Delivered:
    """The delivered file a person means by a path, a name under landing or a bare name.

    Raises WrongUsage if there is none, or more than one.
    """
    known = sources(settings)
    root = settings.landing / "usage"
    matches = [
        Delivered(
            known[path.parent.parent.name], path, path.relative_to(settings.landing).as_posix()
        )
        for path in sorted(root.glob(f"*/{day.isoformat()}/*"))
        if is_delivery(path)
        and path.parent.parent.name in known
        and (path.resolve() == Path(name).resolve() or path.as_posix().endswith("/" + name))
    ]
    if len(matches) != 1:
        what = "no file" if not matches else "more than one file"
        raise WrongUsage(f"{what} {name!r} was delivered on {day} under {root}")
    return matches[0]


def marker_of(path: Path) -> Path:
    """Where the skip marker of a delivered file stands, if there is one."""
    return path.with_name(path.name + MARKER)


def is_delivery(path: Path) -> bool:
    """Whether a path in a landing folder is a delivered file: no marker, folder or hidden file.

    Links and pipes are deliveries: they are refused by name and not passed over.
    """
    hidden = path.name.startswith(".") or path.name.endswith(MARKER)
    return not hidden and (path.is_symlink() or not path.is_dir())


def _check_complete(
    settings: Settings,
    known: Mapping[str, Source],
    found: list[Delivered],
    day: date,
    only: str | None,
) -> None:
    required = [name for name, source in known.items() if source.required]
    if settings.required_sources is not None:
        required = settings.required_sources
        unknown = sorted(set(required) - set(known))
        if unknown:
            raise WrongUsage(
                f"MINGDAN_REQUIRED_SOURCES names {', '.join(unknown)}; "
                f"known are {', '.join(sorted(known))}"
            )
    if only is not None:
        required = [only]
    there = {file.source.name for file in found if file.source.file.takes(file.path.name)}
    missing = [name for name in sorted(required) if name not in there]
    if missing:
        what = "; ".join(
            f"{name}: no file {known[name].file.pattern} in "
            f"{settings.landing / 'usage' / name / day.isoformat()}"
            for name in missing
        )
        raise MissingInput(f"usage of {day} is not complete. {what}")
