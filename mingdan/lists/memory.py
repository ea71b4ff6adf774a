"""What is out, remembered apart from the release folders.

Here: number and digest of the last release to each partner (`<data>/published/`), and
refusing to go on from less. Not here: the releases (`folder.py`). Without it a lost or
restored folder would begin again at a number partners have seen, with another list.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mingdan.errors import InputRefused
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import canonical
from mingdan.lists.manifest import Release, numbered, release
from mingdan.lists.refusals import Damaged, Missing, Rollback


@dataclass(frozen=True)
class Published:
    """The last release a partner was given."""

    channel: str
    seq: int
    day: str
    manifest_sha256: str
    state_sha256: str

    @classmethod
    def of(cls, last: Release) -> Published:
        return cls(
            channel=str(last.manifest["channel"]),
            seq=last.seq,
            day=str(last.manifest["day"]),
            manifest_sha256=last.sha256,
            state_sha256=str(last.manifest["state_sha256"]),
        )


def remember(published: Path, partner: str, last: Release) -> None:
    """Keep `last` as what the partner was given; nothing is written if it is known."""
    if _known(_file(published, partner)) != Published.of(last):
        published.mkdir(parents=True, exist_ok=True)
        replace_synced(_file(published, partner), canonical(asdict(Published.of(last))) + "\n")


def check_remembered(published: Path, partner: str, channel: Path, last: Release | None) -> None:
    """Raises Rollback or Damaged if `last` is less, or other, than the partner was given.

    A channel that is further on is one whose run was killed, or restored from a later backup.
    """
    file = _file(published, partner)
    known = _known(file)
    if known is None:
        return
    way_out = (
        f"Restore {channel} from the backup. If it is lost for good, agree with the partner to "
        f"drop what it holds, then remove {file}: numbering begins again"
    )
    told = f"release {known.seq} of {known.day} was published to {partner}"
    if last is None or last.seq < known.seq:
        held = "holds none" if last is None else f"holds no later one than {last.seq}"
        raise Rollback(
            f"{told}, but {channel} {held}; the partner would refuse a lower number. {way_out}"
        )
    try:
        same = last if last.seq == known.seq else release(numbered(channel, known.seq))
    except Missing:
        return  # pruned
    if same.sha256 != known.manifest_sha256:
        raise Damaged(f"{told}, but {same.folder} is not it. {way_out}")


def check_own(releases: Path, channel: Path) -> None:
    """Raises InputRefused if something published to is a link: it would go to its target."""
    suspects = [releases / ".staging", releases / ".staging" / channel.name, channel]
    if channel.is_dir() and not channel.is_symlink():
        suspects += sorted(channel.iterdir())
    for path in suspects:
        if path.is_symlink():
            raise InputRefused(
                f"{path} is a symbolic link; nothing is published through one. Put the folder "
                "itself there, or make the releases folder as a whole the link"
            )


def _file(published: Path, partner: str) -> Path:
    return published / f"{partner}.json"


def _known(file: Path) -> Published | None:
    try:
        return Published(**json.loads(file.read_text("ascii")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise Damaged(
            f"{file} cannot be read; restore it from the backup, or remove it if the releases are "
            "whole: it is made again from them"
        ) from error
