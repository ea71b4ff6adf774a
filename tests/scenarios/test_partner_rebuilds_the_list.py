"""A partner reads a channel with a program of its own, written from docs/list-format.md.

Here: digests, chain, deltas and snapshots of every release, with the standard library
alone. Not here: our own reader, hostile channels, who may be listed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from mingdan.lists.reader import verify
from tests.scenarios.conftest import Program, Told

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
WORD = r"[a-z][a-z_]{0,39}"
ROW = re.compile(
    rf"(ADD|MOD),([0-9a-f]{{32}}),({WORD}),({WORD}),published,(0|[1-9]\d?|100),"
    rf"({INSTANT}),({INSTANT}),({INSTANT}),({INSTANT}),([1-9]\d{{0,3}})"
)
GONE = re.compile(
    r"DEL,([0-9a-f]{32}),"
    r"(appeal_upheld|number_reassigned|expired|source_withdrew|rekeyed|withdrawn)"
)

Json = dict[str, Any]


@pytest.fixture
def channel(told: Told) -> Path:
    return told.town.settings.releases / told.town.settings.partner


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def state_digest(state: dict[str, str]) -> str:
    return sha256("".join(f"{token},{state[token]}\n" for token in sorted(state)).encode("ascii"))


def document(path: Path) -> Json:
    """Canonical JSON on one line."""
    content = path.read_bytes()
    value: Json = json.loads(content)
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert content == canonical.encode("ascii") + b"\n"
    return value


def body(folder: Path, name: str, manifest: Json) -> tuple[Json, list[str]]:
    """Header and rows, after every check of the manifest."""
    packed = (folder / name).read_bytes()
    one = zlib.decompressobj(31)
    plain = one.decompress(packed)
    assert one.eof
    assert one.unused_data == b""
    told = manifest["files"][name]
    assert (told["sha256"], told["bytes"]) == (sha256(packed), len(packed))
    assert told["plain_bytes"] == len(plain)
    assert plain.endswith(b"\n")
    assert b"\r" not in plain
    first, *rows = plain.decode("ascii").splitlines()
    header: Json = json.loads(first)
    assert header["count"] == told["rows"] == len(rows)
    for key in ("fmt", "channel", "list", "epoch", "key_id", "token_alg", "seq", "day", "created",
                "state_count", "state_sha256"):  # fmt: skip
        assert header[key] == manifest[key], key
    tokens = [row.split(",")[1] for row in rows]
    assert tokens == sorted(set(tokens))
    return header, rows


def test_every_release_can_be_rebuilt_from_the_deltas(channel: Path) -> None:
    state: dict[str, str] = {}
    previous: str | None = None
    folders = sorted(path for path in channel.iterdir() if path.is_dir())
    assert [path.name for path in folders] == [f"{n:06d}" for n in range(1, 6)]
    for seq, folder in enumerate(folders, 1):
        assert {path.name for path in folder.iterdir()} == {
            "manifest.json", "snapshot.csv.gz", "delta.csv.gz"
        }  # fmt: skip
        manifest = document(folder / "manifest.json")
        assert (manifest["seq"], manifest["previous"]) == (seq, previous)
        header, rows = body(folder, "delta.csv.gz", manifest)
        assert (header["kind"], header["base"]) == ("delta", seq - 1)
        for row in rows:
            if gone := GONE.fullmatch(row):
                del state[gone[1]]
                continue
            entry = ROW.fullmatch(row)
            assert entry, row
            assert (entry[2] in state) == (entry[1] == "MOD")
            state[entry[2]] = ",".join(row.split(",")[2:])
            assert entry[6] <= entry[7]
            assert entry[8] < entry[9]
        kinds = [row[:3] for row in rows]
        told = {kind: count for kind, count in manifest["ops"].items() if count}
        assert told == {kind: kinds.count(kind) for kind in set(kinds)}
        assert manifest["state_count"] == len(state)
        assert manifest["state_sha256"] == state_digest(state)
        header, rows = body(folder, "snapshot.csv.gz", manifest)
        assert (header["kind"], header["base"]) == ("snapshot", None)
        whole = [f"ADD,{token},{state[token]}" for token in sorted(state)]
        assert rows == whole
        previous = sha256((folder / "manifest.json").read_bytes())
    latest = document(channel / "latest.json")
    assert latest["manifest_sha256"] == previous
    assert (latest["seq"], latest["state_sha256"]) == (5, state_digest(state))


def test_our_reader_and_a_stranger_agree(told: Told, channel: Path, program: Program) -> None:
    checked = program(told.town, "partner", "verify", str(channel), "--all", "--json")
    assert checked.code == 0
    json.loads(checked.out)
    state = verify(channel, every=True)
    snapshot = gzip.decompress((channel / "000005" / "snapshot.csv.gz").read_bytes())
    assert len(snapshot.splitlines()) - 1 == len(state.rows)


@pytest.mark.parametrize("name", ["manifest.json", "delta.csv.gz", "snapshot.csv.gz"])
def test_one_flipped_byte_is_exit_code_1(
    told: Told, tmp_path: Path, program: Program, name: str
) -> None:
    town = told.town.copy(tmp_path / "data")
    path = town.settings.releases / town.settings.partner / "000003" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    checked = program(town, "partner", "verify", str(path.parent.parent), "--all")
    assert checked.code == 1
    assert checked.err.strip()
    assert "Traceback" not in checked.err
