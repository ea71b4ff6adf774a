"""From release folders to what a partner can fetch.

Here: which files a channel lists, sealed to the partner, and keeping its
signatures alive. Not here: how they are signed (`repository.py`) and who may
be given what (`release.py`).

A channel lists `latest.json.age`, manifests and changes of the last releases,
and the newest snapshot. Their plain bytes are those of the release folder; the
names tell nothing but the number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mingdan.errors import InputRefused
from mingdan.lists.cards import Card, read_card
from mingdan.lists.envelope.repository import (
    State,
    is_whole,
    publish,
    put_target,
    read_state,
    renew,
)
from mingdan.lists.envelope.roles import Place
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import DELTA, LATEST, MANIFEST, SNAPSHOT
from mingdan.lists.manifest import Release, numbered, release
from mingdan.lists.policy import EnvelopePolicy
from mingdan.lists.refusals import Missing
from mingdan.lists.seal import fingerprint, seal


@dataclass(frozen=True)
class Wanted:
    """A target to list: the digest of its plain bytes and where they are."""

    sha256: str
    read: Callable[[], bytes]


def target_name(seq: int, name: str) -> str:
    """What a release's file is called in the channel."""
    return f"{seq:06d}.{name}.age"


def not_ready(place: Place) -> str | None:
    """Why this channel cannot be delivered to, as a reason code; None if it can."""
    if place.newest_root() is None:
        return "no_root"
    if not (place.own / "card.json").exists():
        return "no_card"
    return None


def accept_card(place: Place, card: Card) -> None:
    """From the next delivery on everything is sealed to this card, and to no other."""
    place.own.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_synced(place.own / "card.json", card.text())


def card_of(place: Place) -> Card:
    """The partner's card. Raises InputRefused without one."""
    path = place.own / "card.json"
    if not path.exists():
        raise InputRefused(
            f"{place.code} has given no card: mingdan list keys accept {place.code} FILE"
        )
    return read_card(path)


def deliver(
    place: Place, policy: EnvelopePolicy, channel: Path, last: Release, now: datetime
) -> State:
    """Make the channel say what the release folders up to `last` say.

    Files that are listed already stay as they are; with another card all of them
    are sealed anew. Nothing is signed again if nothing changed and the signatures
    have more than half of their life. Raises InputRefused without root or card.
    """
    root = place.newest_root()
    if root is None:
        raise InputRefused(f"{place.code} has no root: mingdan list keys propose {place.code}")
    recipients = [card_of(place).age]
    to = fingerprint(recipients)
    held = read_state(place)
    whole = is_whole(place, held)
    listed = {}
    for name, wanted in _wanted(place, policy, channel, last).items():
        made_of = f"{wanted.sha256}:{to}"
        known = held.targets.get(name)
        if whole and known is not None and known.made_of == made_of:
            listed[name] = known
        else:
            listed[name] = put_target(place, name, seal(wanted.read(), recipients), made_of)
    if whole and dict(held.targets) == listed and not aging(held, policy, now):
        return held
    _serve_roots(place)
    leaked = any(not one.made_of.endswith(f":{to}") for one in held.targets.values())
    return publish(place, policy, listed, now, [root.signed], purge=leaked)


def keep_fresh(place: Place, policy: EnvelopePolicy, now: datetime) -> State | None:
    """Sign the timestamp anew; None if nothing has been delivered yet."""
    root = place.newest_root()
    held = read_state(place)
    if root is None or not held.versions["timestamp"]:
        return None
    return renew(place, policy, now, [root.signed])


def aging(held: State, policy: EnvelopePolicy, now: datetime) -> list[str]:
    """Roles whose signature has less than half its life left."""
    return [role for role in held.expires if held.until(role) - now < policy.lifetime(role) / 2]


def alarms(place: Place, policy: EnvelopePolicy, now: datetime) -> list[str]:
    """What a person must look at: roles, the root included, past half of their life."""
    root = place.newest_root()
    held = read_state(place)
    found = aging(held, policy, now)
    if root is not None and root.signed.expires - now < policy.lifetime("root") / 2:
        found.append("root")
    return found


def _wanted(
    place: Place, policy: EnvelopePolicy, channel: Path, last: Release
) -> Mapping[str, Wanted]:
    wanted = {}
    for seq in range(last.seq, max(0, last.seq - policy.releases_kept), -1):
        try:
            one = last if seq == last.seq else release(numbered(channel, seq))
        except Missing:
            break  # pruned
        names = (DELTA, SNAPSHOT) if seq == last.seq else (DELTA,)
        for name in names:
            path = one.folder / name
            if path.exists():
                wanted[target_name(seq, name)] = Wanted(one.file(name).sha256, path.read_bytes)
        wanted[target_name(seq, MANIFEST)] = Wanted(one.sha256, (one.folder / MANIFEST).read_bytes)
    # the pointer is wholly determined by the manifest it points to
    wanted[f"{LATEST}.age"] = Wanted(last.sha256, (channel / LATEST).read_bytes)
    # an answer is written once: its number says which bytes it is
    for path in sorted((place.own / "answers").glob("[0-9a-f]*")):
        wanted[f"answer-{path.name}.age"] = Wanted(path.name, path.read_bytes)
    return wanted


def _serve_roots(place: Place) -> None:
    """All roots are there for partners who begin from an old one."""
    place.metadata.mkdir(parents=True, exist_ok=True)
    for path in place.own.glob("[0-9]*.root.json"):
        served = place.metadata / path.name
        if not served.exists() or served.read_bytes() != path.read_bytes():
            replace_synced(served, path.read_text("ascii"))
