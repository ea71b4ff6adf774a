"""The root of a channel: who may sign what. Proposed here, signed offline, installed here.

Here: the three steps of every key change, the first one included. Not here:
what the online roles sign (`repository.py`).

A root is a draft until enough root keys have signed it: those of the root in
force and those it names itself. Nothing of this reads a root key but `sign`,
which needs no installation and runs on a machine that has no network.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from securesystemslib.signer import SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from mingdan.errors import InputRefused, WrongUsage
from mingdan.lists.envelope.repository import publish, read_state
from mingdan.lists.envelope.roles import ONLINE, Place, make_role_key, signers
from mingdan.lists.folder import replace_synced
from mingdan.lists.keys import SHOWN, read_signer
from mingdan.lists.policy import EnvelopePolicy


def propose(
    place: Place,
    policy: EnvelopePolicy,
    now: datetime,
    *,
    add: Sequence[SSlibKey] = (),
    remove: Collection[str] = (),
    rotate: Collection[str] = (),
) -> Metadata[Root]:
    """The next root, unsigned: other root keys, new keys for the roles in `rotate`.

    Without any change it renews the root in force for another term. `remove` are
    beginnings of key ids. The first root makes all online keys. Raises InputRefused
    if fewer root keys were left than must sign together, WrongUsage for an unknown key.
    """
    current = place.newest_root()
    root = Root(consistent_snapshot=True) if current is None else _copy(current)
    root.version = 1 if current is None else root.version + 1
    root.expires = now + policy.lifetime("root")
    for key in add:
        root.add_key(key, "root")
    for start in remove:
        found = [keyid for keyid in root.roles["root"].keyids if keyid.startswith(start)]
        if len(found) != 1:
            raise WrongUsage(f"{place.code}: {len(found)} root keys begin with {start!r}")
        root.revoke_key(found[0], "root")
    left = len(root.roles["root"].keyids)
    if left < policy.root_threshold:
        raise InputRefused(
            f"{place.code}: {policy.root_threshold} root keys must sign together, the root would "
            f"name {left}; add their public halves"
        )
    root.roles["root"].threshold = policy.root_threshold
    for role in ONLINE:
        if current is None or role in rotate:
            for keyid in list(root.roles[role].keyids):
                root.revoke_key(keyid, role)
            root.add_key(make_role_key(place, role).public_key, role)
    return Metadata(root)


def read_draft(path: Path) -> Metadata[Root]:
    """A root in a file, signed or not. Raises InputRefused."""
    try:
        draft = Metadata[Root].from_file(str(path))
    except (DeserializationError, OSError, ValueError) as error:
        raise InputRefused(f"{path}: not a root ({type(error).__name__})") from None
    if not isinstance(draft.signed, Root):
        raise InputRefused(f"{path}: metadata of role {draft.signed.type}, not a root")
    return draft


def write_draft(path: Path, draft: Metadata[Root]) -> None:
    """Write a root as its signers pass it on."""
    replace_synced(path, _text(draft))


def sign(draft: Metadata[Root], key: Path, passphrase: str | None = None) -> str:
    """Add the signature of a root key and return its id.

    Any key may sign: whether it counts is decided where the root is installed,
    by the root in force there.
    """
    signer = read_signer(key, passphrase)
    draft.sign(signer, append=True)
    return signer.public_key.keyid


def missing(place: Place, draft: Metadata[Root]) -> dict[str, int]:
    """Signatures still missing: of the root in force, and of the draft's own keys."""
    current = place.newest_root()
    judges = {"this root": draft.signed}
    if current is not None:
        judges["the root in force"] = current.signed
    lacking = {}
    for name, judge in judges.items():
        result = judge.get_verification_result("root", draft.signed_bytes, draft.signatures)
        if not result:
            lacking[name] = result.missing
    return lacking


def install(place: Place, policy: EnvelopePolicy, draft: Metadata[Root], now: datetime) -> None:
    """Put a signed root in force; the channel's files are signed for it at once.

    What is published is first signed by the keys of both roots, then the new root
    appears: a partner finds signatures it knows at every instant. Running it again
    after a crash completes it. Raises InputRefused unless enough keys have signed.
    """
    current = place.newest_root()
    expected = 1 if current is None else current.signed.version + 1
    root = draft.signed
    if root.version != expected:
        raise InputRefused(f"{place.code}: root {root.version}, but the next one is {expected}")
    if root.is_expired(now):
        raise InputRefused(f"{place.code}: root {root.version} has run out at {root.expires}")
    try:
        lacking = missing(place, draft)
    except RepositoryError as error:
        raise InputRefused(f"{place.code}: {error}") from None
    if lacking:
        told = ", ".join(f"{count} of the keys of {name}" for name, count in lacking.items())
        raise InputRefused(f"{place.code}: root {root.version} lacks signatures: {told}")
    if root.roles["root"].threshold < policy.root_threshold or not root.consistent_snapshot:
        raise InputRefused(f"{place.code}: root {root.version} asks for too few signatures")
    for role in ONLINE:
        if root.roles[role].threshold != 1:
            raise InputRefused(f"{place.code}: role {role} signs with one key")
        signers(place, role, [root])
    state = read_state(place)
    if current is not None and state.versions["timestamp"]:
        publish(place, policy, state.targets, now, [current.signed, root])
    place.metadata.mkdir(parents=True, exist_ok=True)
    replace_synced(place.metadata / f"{root.version}.root.json", _text(draft))
    replace_synced(place.root(root.version), _text(draft))


def told(root: Root) -> dict[str, str]:
    """What a person who is to sign a root must see."""
    shown = {role: ", ".join(keyid[:SHOWN] for keyid in root.roles[role].keyids) for role in ONLINE}
    keys = root.roles["root"]
    return {
        "version": str(root.version),
        "expires": f"{root.expires:%Y-%m-%d}",
        "root keys": ", ".join(keyid[:SHOWN] for keyid in keys.keyids),
        "must sign": f"{keys.threshold} of {len(keys.keyids)}",
        **shown,
    }


def _copy(current: Metadata[Root]) -> Root:
    return Root.from_dict(current.signed.to_dict())


def _text(draft: Metadata[Root]) -> str:
    return draft.to_bytes(JSONSerializer(compact=False)).decode("ascii")
