"""Abuse between publisher and partner: bytes changed, missing, swapped on the way."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mingdan.lists.format import DELTA, LATEST, MANIFEST, SNAPSHOT
from mingdan.lists.manifest import numbered, release
from mingdan.lists.reader import State, apply, snapshot, sync, verify
from mingdan.lists.refusals import (
    Damaged,
    ListRefused,
    Malformed,
    Missing,
    Rollback,
    WrongChannel,
)
from tests.lists.channels import announce, attributes, copy, publish, three_rounds, token


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    made = tmp_path / "releases" / "partner"
    three_rounds(made)
    return made


@pytest.fixture
def first(channel: Path) -> State:
    """What the partner took in on the first night."""
    return snapshot(release(numbered(channel, 1)))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", [SNAPSHOT, DELTA])
@pytest.mark.parametrize("at", [3, 40, -1])
def test_tampered(channel: Path, name: str, at: int) -> None:
    flip(numbered(channel, 3) / name, at)
    with pytest.raises(Damaged, match=f"{name}: not the file announced"):
        verify(channel)


@pytest.mark.parametrize("name", [SNAPSHOT, DELTA])
@pytest.mark.parametrize("keep", [0, 1, 100])
def test_truncated(channel: Path, name: str, keep: int) -> None:
    path = numbered(channel, 3) / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Damaged, match="not the file announced"):
        verify(channel)


@pytest.mark.parametrize("name", [SNAPSHOT, DELTA])
def test_oversized(channel: Path, name: str) -> None:
    """A file longer than announced is not read past the announced length."""
    path = numbered(channel, 3) / name
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(Damaged, match="larger than"):
        verify(channel)


@pytest.mark.parametrize("name", [LATEST, MANIFEST])
def test_an_oversized_manifest(channel: Path, name: str) -> None:
    path = channel / LATEST if name == LATEST else numbered(channel, 3) / MANIFEST
    path.write_text(path.read_text() + " " * (1 << 16))
    with pytest.raises(Damaged, match="larger than"):
        verify(channel)


@pytest.mark.parametrize("name", [LATEST, MANIFEST, SNAPSHOT])
def test_missing(channel: Path, first: State, name: str) -> None:
    (channel / LATEST if name == LATEST else numbered(channel, 3) / name).unlink()
    with pytest.raises(Missing, match=name):
        verify(channel)
    if name != SNAPSHOT:
        with pytest.raises(Missing):
            sync(channel, first)


def test_a_cut_manifest(channel: Path) -> None:
    path = numbered(channel, 3) / MANIFEST
    path.write_text(path.read_text()[:-30])
    with pytest.raises(Damaged, match="not the manifest announced"):
        verify(channel)


def test_rolled_back(channel: Path, tmp_path: Path) -> None:
    """The whole channel of yesterday, complete and in itself correct."""
    old = copy(channel, tmp_path / "old")
    shutil.rmtree(numbered(old, 3))
    announce(old, 2, json.loads((numbered(old, 2) / MANIFEST).read_text()))
    held = verify(channel)
    assert verify(old).seq == 2, "by itself nothing is wrong with it"
    with pytest.raises(Rollback, match="offers release 2, held is 3"):
        sync(old, held)


def test_frozen(channel: Path, first: State) -> None:
    """Nothing new is not an error, but the day of the copy stays visible to its holder."""
    held = sync(channel, first)
    assert sync(channel, held).day == "2026-11-03"


def test_replayed_files_of_an_older_release(channel: Path) -> None:
    for name in (SNAPSHOT, DELTA):
        shutil.copy(numbered(channel, 1) / name, numbered(channel, 3) / name)
    with pytest.raises(Damaged, match="not the file announced"):
        verify(channel)


def test_mixed_and_matched(channel: Path) -> None:
    """The snapshot of one release with the manifest of another, digests put right."""
    folder = numbered(channel, 3)
    shutil.copy(numbered(channel, 1) / SNAPSHOT, folder / SNAPSHOT)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"][SNAPSHOT] = json.loads((numbered(channel, 1) / MANIFEST).read_text())[
        "files"
    ][SNAPSHOT]
    announce(channel, 3, manifest)
    with pytest.raises(Malformed, match="differs from the manifest"):
        verify(channel)


def test_a_fork_under_the_same_number(channel: Path, tmp_path: Path) -> None:
    """Two partners are shown two different releases 3; one of them asks the other's."""
    fork = tmp_path / "fork" / "partner"
    publish(fork, {token(1): attributes()})
    publish(fork, {token(1): attributes()})
    publish(fork, {token(2): attributes()})
    with pytest.raises(Damaged, match="another list under the same number 3"):
        sync(fork, verify(channel))


@pytest.mark.parametrize("what", ["channel", "list"])
def test_someone_elses_release(channel: Path, tmp_path: Path, what: str) -> None:
    other = tmp_path / "other" / "partner"
    name = {"channel": "otherchannel0", "list": "other_list"}[what]
    for _ in range(4):
        publish(other, {token(1): attributes()}, identity={what: name})
    with pytest.raises(WrongChannel):
        sync(other, verify(channel))


@pytest.mark.parametrize("seq", [3, 5])
def test_someone_elses_release_where_no_change_is_needed_or_left(
    channel: Path, tmp_path: Path, seq: int
) -> None:
    """The same number, or a snapshot alone: no change would have to be applied."""
    held = verify(channel)
    other = tmp_path / "other" / "partner"
    for _ in range(seq):
        publish(other, dict(held.rows), identity={"channel": "otherchannel0"})
    for old in range(1, seq):
        shutil.rmtree(numbered(other, old))
    with pytest.raises(WrongChannel):
        sync(other, held)


def test_someone_elses_changes(channel: Path, tmp_path: Path, first: State) -> None:
    other = tmp_path / "other" / "partner"
    for _ in range(2):
        publish(other, dict(first.rows), identity={"channel": "otherchannel0"})
    with pytest.raises(WrongChannel, match="for channel otherchannel0, not demo0channel"):
        apply(first, release(numbered(other, 2)))


@pytest.mark.parametrize(
    ("name", "value"),
    [("channel", "otherchannel0"), ("day", "2026-11-30"), ("state_sha256", "0" * 64), ("seq", 2)],
)
def test_a_pointer_that_says_more_than_its_manifest(
    channel: Path, name: str, value: object
) -> None:
    pointer = json.loads((channel / LATEST).read_text())
    (channel / LATEST).write_text(json.dumps(pointer | {name: value}))
    if name == "seq":
        shutil.rmtree(numbered(channel, 2))
        shutil.copytree(numbered(channel, 3), numbered(channel, 2))
    with pytest.raises(Malformed, match=f"latest.json and manifest.json: {name}"):
        verify(channel)


@pytest.mark.parametrize(("seq", "previous"), [(1, "0" * 64), (3, None), (3, "short")])
def test_a_history_that_cannot_be(channel: Path, seq: int, previous: object) -> None:
    manifest = json.loads((numbered(channel, seq) / MANIFEST).read_text())
    announce(channel, seq, manifest | {"previous": previous})
    with pytest.raises(Malformed, match="previous"):
        verify(channel)


def test_the_wrong_numbers_folder(channel: Path) -> None:
    """latest.json names release 3, the folder holds release 2."""
    shutil.rmtree(numbered(channel, 3))
    shutil.copytree(numbered(channel, 2), numbered(channel, 3))
    with pytest.raises(Damaged, match="not the manifest announced"):
        verify(channel)


def test_a_changed_past_is_seen_from_the_present(channel: Path, first: State) -> None:
    """Each manifest names the digest of the one before: history cannot be rewritten."""
    path = numbered(channel, 2) / MANIFEST
    path.write_text(path.read_text().replace('"purpose":"test"', '"purpose":"none"'))
    with pytest.raises(Damaged, match="000002"):
        verify(channel)
    assert sync(channel, first) == snapshot(release(numbered(channel, 3)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("{", "[", 1),
        lambda text: text.replace('"seq":3', '"seq":"3"'),
        lambda text: text.replace('"seq":3', '"seq":true'),
        lambda text: text.replace('"seq":3', '"seq":-3'),
        lambda text: text.replace('"seq":3', '"seq":3e0'),
        lambda text: text.replace('"seq":3', '"seq":3,"seq":2'),
        lambda text: text.replace('"seq":3', '"seq":3,"more":1'),
        lambda text: text.replace('"fmt"', '"tmf"'),
        lambda text: text.replace("mingdan-list/1", "mingdan-list/2"),
        lambda text: text.replace("demo0channel", "../../etc/passwd"),
        lambda text: text + "\N{SNOWMAN}",
        lambda text: "[" * 60_000,
        lambda text: "",
    ],
)
def test_a_pointer_outside_the_format(channel: Path, spoil: Callable[[str], str]) -> None:
    path = channel / LATEST
    path.write_text(spoil(path.read_text()), encoding="utf-8")
    with pytest.raises(ListRefused) as refusal:
        verify(channel)
    assert type(refusal.value) is Malformed


def test_a_gzip_that_is_none(channel: Path) -> None:
    from tests.lists.channels import forge

    forge(channel, 3, SNAPSHOT, b"not gzip at all")
    with pytest.raises(Damaged, match="incorrect header"):
        verify(channel)
    forge(channel, 3, SNAPSHOT, gzip.compress(b"x" * 100_000)[:-20])
    with pytest.raises(ListRefused):
        verify(channel)


def test_after_any_refusal_the_next_good_release_is_taken(channel: Path, first: State) -> None:
    """A refusal costs a night, not the channel."""
    damaged = numbered(channel, 3) / SNAPSHOT
    good = damaged.read_bytes()
    flip(damaged, 50)
    flip(numbered(channel, 3) / DELTA, 50)
    with pytest.raises(Damaged):
        sync(channel, first)
    damaged.write_bytes(good)
    assert sync(channel, first).seq == 3
