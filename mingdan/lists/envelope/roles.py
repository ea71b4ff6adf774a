"""Roles of a channel and the keys that sign for them.

Here: names of roles, where their keys and the channel's own memory lie, and
signers by role. Not here: what is signed (`repository.py`, `root.py`).

Root keys never come here: they stay offline and are only ever given by path to
the command that signs a root. The keys of the other roles sign every night and
lie in `<data>/secrets/channels/<partner>/`.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, Root

from mingdan.errors import InputRefused
from mingdan.lists.keys import SHOWN, make_key, read_signer
from mingdan.reports.partners import Partner
from mingdan.settings import Settings

ONLINE = ("targets", "snapshot", "timestamp")
"""Roles that sign without a person."""


@dataclass(frozen=True)
class Place:
    """Where one partner's channel is kept."""

    code: str
    served: Path
    """What the partner fetches; nothing here is secret and nothing here is believed."""
    own: Path
    """Keys, roots and memory of the channel; private."""

    @classmethod
    def of(cls, settings: Settings, partner: Partner) -> Place:
        """Raises InputRefused if the partner has no channel."""
        if partner.channel is None:
            raise InputRefused(f"{partner.code} has no channel: give it one in partners.toml")
        return cls(
            partner.code,
            settings.channels / partner.channel,
            settings.secrets / "channels" / partner.code,
        )

    @property
    def metadata(self) -> Path:
        return self.served / "metadata"

    @property
    def targets(self) -> Path:
        return self.served / "targets"

    def key(self, role: str, keyid: str) -> Path:
        return self.own / f"{role}-{keyid[:SHOWN]}.pem"

    def root(self, version: int) -> Path:
        return self.own / f"{version}.root.json"

    def newest_root(self) -> Metadata[Root] | None:
        """The root in force; None before the first one was installed."""
        versions = [int(path.name.split(".")[0]) for path in self.own.glob("[0-9]*.root.json")]
        if not versions:
            return None
        return Metadata[Root].from_file(str(self.root(max(versions))))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One writer of the channel at a time: the night and the renewing job meet here."""
        self.own.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.own / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def make_role_key(place: Place, role: str) -> CryptoSigner:
    """A new key for an online role; it signs once a root names it."""
    fresh = place.own / f"{role}.new.pem"
    public = make_key(fresh)
    path = place.key(role, public.keyid)
    fresh.with_name(fresh.name + ".pub").rename(path.with_name(path.name + ".pub"))
    fresh.rename(path)
    return read_signer(path)


def signers(place: Place, role: str, roots: Iterable[Root]) -> list[CryptoSigner]:
    """The keys that any of `roots` names for a role. Raises InputRefused if one is not there."""
    found = {}
    for root in roots:
        for keyid in root.roles[role].keyids:
            path = place.key(role, keyid)
            if not path.exists():
                raise InputRefused(
                    f"{path} is gone; restore it from the backup, or replace it: "
                    f"mingdan list keys propose {place.code} --rotate {role}"
                )
            found[keyid] = read_signer(path)
    return list(found.values())
