"""One channel as a repository of The Update Framework: targets, snapshot, timestamp.

Here: writing them in an order that no reader and no crash can see through. Not
here: roots (`root.py`) and what the targets are (`deliver.py`).

    <channel>/metadata/  N.root.json  N.targets.json  N.snapshot.json  timestamp.json
    <channel>/targets/   <sha256>.<name>

Every name but `timestamp.json` is written once; renaming that one is what
publishes. What is listed and which versions are used is remembered in
`state.json` beside the keys, before the rename: what lies in the served folder
is never read back and signed again, so that whoever can write there gets
nothing signed, and a folder restored from a backup never turns versions back.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

from mingdan.lists.envelope.roles import ONLINE, Place, signers
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import canonical
from mingdan.lists.policy import EnvelopePolicy
from mingdan.lists.refusals import Damaged

GRACE_SECONDS = 86_400
"""A file no longer listed stays this long: a partner may be in the middle of a sync."""


@dataclass(frozen=True)
class Listed:
    """A target: its bytes, and what it was made from."""

    sha256: str
    length: int
    made_of: str
    """Digest of the plain file and of whom it is sealed to; equal: nothing to do."""


@dataclass(frozen=True)
class State:
    """What a channel has published; `timestamp` is 0 before the first time."""

    targets: Mapping[str, Listed] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(ONLINE, 0))
    expires: Mapping[str, str] = field(default_factory=dict)

    def until(self, role: str) -> datetime:
        """When this role's signature runs out (UTC)."""
        return datetime.fromisoformat(self.expires[role])


def read_state(place: Place) -> State:
    """What was published. Raises Damaged if the memory cannot be read."""
    file = place.own / "state.json"
    try:
        held: dict[str, Any] = json.loads(file.read_text("ascii"))
        listed = {name: Listed(**facts) for name, facts in held["targets"].items()}
        return State(listed, held["versions"], held["expires"])
    except FileNotFoundError:
        return State()
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{file} cannot be read; restore it from the backup") from error


def put_target(place: Place, name: str, data: bytes, made_of: str) -> Listed:
    """Write a target's file under its final name. It is not listed yet."""
    digest = hashlib.sha256(data).hexdigest()
    place.targets.mkdir(parents=True, exist_ok=True)
    replace_synced(place.targets / f"{digest}.{name}", data)
    return Listed(digest, len(data), made_of)


def publish(
    place: Place,
    policy: EnvelopePolicy,
    targets: Mapping[str, Listed],
    now: datetime,
    roots: Sequence[Root],
    *,
    purge: bool = False,
) -> State:
    """List exactly `targets`, signed anew by the keys of all `roots`.

    `roots` is the root in force; while it is being replaced also the next one,
    so that partners of either find signatures they know. `purge` removes what is no
    longer listed at once: it was sealed to a key that may have leaked.
    """
    before = read_state(place)
    state = replace(
        before,
        targets=dict(sorted(targets.items())),
        versions={role: _next(place, before, role) for role in ONLINE},
        expires={role: _until(policy, role, now) for role in ONLINE},
    )
    _remember(place, state)
    listed = {
        name: TargetFile(one.length, {"sha256": one.sha256}, name)
        for name, one in state.targets.items()
    }
    targets_md = Targets(state.versions["targets"], expires=state.until("targets"), targets=listed)
    snapshot_md = Snapshot(
        state.versions["snapshot"],
        expires=state.until("snapshot"),
        meta={"targets.json": MetaFile(state.versions["targets"])},
    )
    _sign(place, "targets", targets_md, roots, f"{targets_md.version}.targets.json")
    _sign(place, "snapshot", snapshot_md, roots, f"{snapshot_md.version}.snapshot.json")
    _sign_timestamp(place, state, roots)
    _prune(place, before, state, purge=purge)
    return state


def renew(place: Place, policy: EnvelopePolicy, now: datetime, roots: Sequence[Root]) -> State:
    """Sign the timestamp anew, and nothing else."""
    before = read_state(place)
    state = replace(
        before,
        versions={**before.versions, "timestamp": _next(place, before, "timestamp")},
        expires={
            **before.expires,
            "timestamp": _until(policy, "timestamp", now),
        },
    )
    _remember(place, state)
    _sign_timestamp(place, state, roots)
    return state


def is_whole(place: Place, state: State) -> bool:
    """Whether the served folder is what was published last, as far as names and sizes tell."""
    try:
        timestamp = Metadata[Timestamp].from_file(str(place.metadata / "timestamp.json")).signed
        sizes = {
            name: (place.targets / f"{one.sha256}.{name}").stat().st_size
            for name, one in state.targets.items()
        }
    except Exception:
        return False
    names = [f"{state.versions[role]}.{role}.json" for role in ("targets", "snapshot")]
    return (
        timestamp.version == state.versions["timestamp"]
        and timestamp.snapshot_meta.version == state.versions["snapshot"]
        and all((place.metadata / name).exists() for name in names)
        and sizes == {name: one.length for name, one in state.targets.items()}
    )


def _until(policy: EnvelopePolicy, role: str, now: datetime) -> str:
    return (now + policy.lifetime(role)).replace(microsecond=0).isoformat()


def _next(place: Place, before: State, role: str) -> int:
    """The version after all that partners may have seen, also if the memory was lost."""
    names = place.metadata.glob(f"[0-9]*.{role}.json")
    seen = max((int(path.name.split(".")[0]) for path in names), default=0)
    if role == "timestamp" and not before.versions["timestamp"]:
        try:
            path = place.metadata / "timestamp.json"
            seen = Metadata[Timestamp].from_file(str(path)).signed.version
        except Exception:
            seen = 0
    return max(before.versions[role], seen) + 1


def _remember(place: Place, state: State) -> None:
    place.own.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = {
        "targets": {name: asdict(one) for name, one in state.targets.items()},
        "versions": dict(state.versions),
        "expires": dict(state.expires),
    }
    replace_synced(place.own / "state.json", canonical(values) + "\n")


def _sign_timestamp(place: Place, state: State, roots: Sequence[Root]) -> None:
    timestamp = Timestamp(
        state.versions["timestamp"],
        expires=state.until("timestamp"),
        snapshot_meta=MetaFile(state.versions["snapshot"]),
    )
    _sign(place, "timestamp", timestamp, roots, "timestamp.json")


def _sign(
    place: Place,
    role: str,
    signed: Timestamp | Snapshot | Targets,
    roots: Sequence[Root],
    name: str,
) -> None:
    metadata: Metadata[Any] = Metadata(signed)
    for signer in signers(place, role, roots):
        metadata.sign(signer, append=True)
    place.metadata.mkdir(parents=True, exist_ok=True)
    replace_synced(place.metadata / name, metadata.to_bytes(JSONSerializer(compact=True)))


def _prune(place: Place, before: State, state: State, *, purge: bool) -> None:
    """Remove what neither this nor the last publication lists, a day after it was written."""
    kept = {f"{one.sha256}.{name}" for at in (before, state) for name, one in at.targets.items()}
    for role in ("targets", "snapshot"):
        kept |= {f"{at.versions[role]}.{role}.json" for at in (before, state)}
    old = time.time() - GRACE_SECONDS
    if purge:
        now = {f"{one.sha256}.{name}" for name, one in state.targets.items()}
        for path in place.targets.glob("*"):
            if path.name not in now:
                path.unlink(missing_ok=True)
    for folder, pattern in (
        (place.targets, "*"),
        (place.metadata, "*.targets.json"),
        (place.metadata, "*.snapshot.json"),
    ):
        for path in folder.glob(pattern):
            if path.name not in kept and path.stat().st_mtime < old:
                path.unlink(missing_ok=True)
