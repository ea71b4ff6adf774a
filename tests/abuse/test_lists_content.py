"""Abuse inside a release whose digests are all right: a publisher gone wrong or bad."""

from __future__ import annotations

import gzip
import io
import json
import time
import zlib
from pathlib import Path

import pytest

from mingdan.lists import reader, unpack
from mingdan.lists.format import DELTA, MANIFEST, SNAPSHOT
from mingdan.lists.manifest import numbered, release
from mingdan.lists.reader import State, apply, snapshot, verify
from mingdan.lists.refusals import Damaged, Gap, ListRefused, Malformed
from tests.lists.channels import (
    announce,
    attributes,
    body,
    edit,
    forge,
    publish,
    three_rounds,
    token,
)

GOOD = attributes()


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    made = tmp_path / "releases" / "partner"
    three_rounds(made)
    return made


def rewrite(channel: Path, name: str, lines: list[str], *, end: str = "\n") -> None:
    """Give release 3 a file of these lines, with digests to match."""
    forge(channel, 3, name, gzip.compress(("\n".join(lines) + end).encode(), mtime=0))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (GOOD, GOOD.replace("blacklist", "=1+1")),
        (GOOD, GOOD.replace("spam_sms", "+cmd|' /C calc'!A0")),
        (GOOD, GOOD.replace("spam_sms", "spam_sms;drop")),
        (GOOD, GOOD + ",more"),
        (GOOD, GOOD.removesuffix(",1")),
        (GOOD, GOOD + "\r"),
        (GOOD, GOOD + " "),
        (GOOD, GOOD.replace(",80,", ",101,")),
        (GOOD, GOOD.replace(",80,", ",080,")),
        (GOOD, GOOD.replace(",80,", ",８０,")),
        (GOOD, GOOD.replace("published", "watch")),
        (GOOD, GOOD.replace("Z", "+08:00", 1)),
        (GOOD, GOOD.replace("blacklist", "黑名单")),
        (token(2), token(2).upper()),
        (token(2), token(2)[:-1]),
        (token(2), token(2) + "0"),
        ("ADD", "PUT"),
        ("ADD", "add"),
    ],
    ids=repr,
)
def test_rows_outside_the_grammar(channel: Path, old: str, new: str) -> None:
    edit(channel, 3, SNAPSHOT, old, new)
    with pytest.raises(Malformed, match=r"outside the grammar|not ASCII"):
        verify(channel)


def test_gb18030_bytes(channel: Path) -> None:
    text = "\n".join([*body(numbered(channel, 3), SNAPSHOT), ""]).replace("blacklist", "黑名单")
    forge(channel, 3, SNAPSHOT, gzip.compress(text.encode("gb18030"), mtime=0))
    with pytest.raises(Malformed, match="not ASCII"):
        verify(channel)


def test_unsorted_and_duplicate_rows(channel: Path) -> None:
    head, *rows = body(numbered(channel, 3), SNAPSHOT)
    for wrong in (rows[::-1], [rows[0], rows[0], *rows[1:]][: len(rows)]):
        rewrite(channel, SNAPSHOT, [head, *wrong])
        with pytest.raises(Malformed, match="not in ascending order"):
            verify(channel)


@pytest.mark.parametrize("op", ["MOD", "DEL"])
def test_a_snapshot_holds_entries_only(channel: Path, op: str) -> None:
    head, *rows = body(numbered(channel, 3), SNAPSHOT)
    first = rows[0].replace("ADD", op)
    if op == "DEL":
        first = ",".join([*first.split(",")[:2], "withdrawn"])
    rewrite(channel, SNAPSHOT, [head, first, *rows[1:]])
    with pytest.raises(Malformed, match="row 1 is outside the grammar"):
        verify(channel)


def test_a_retraction_gives_one_of_the_reasons(channel: Path) -> None:
    edit(channel, 2, DELTA, "withdrawn", "redlisted")
    with pytest.raises(Malformed, match="outside the grammar"):
        verify(numbered(channel, 2))


@pytest.mark.parametrize("lie", [-1, 1])
def test_a_count_that_lies(channel: Path, lie: int) -> None:
    """A row left out or slipped in, while header and manifest keep to the old count."""
    head, *rows = body(numbered(channel, 3), SNAPSHOT)
    changed = rows[:lie] if lie < 0 else sorted([*rows, f"ADD,{'f' * 32},{GOOD}"])
    rewrite(channel, SNAPSHOT, [head, *changed])
    manifest = json.loads((numbered(channel, 3) / MANIFEST).read_text())
    manifest["files"][SNAPSHOT]["rows"] = len(rows)
    announce(channel, 3, manifest)
    with pytest.raises(Malformed, match=f"{len(changed)} rows, announced {len(rows)}"):
        verify(channel)


def test_the_announced_state_not_reached(channel: Path) -> None:
    """Every row is well formed, in order and counted, but one says something else."""
    edit(channel, 3, SNAPSHOT, "published,90", "published,91")
    with pytest.raises(Damaged, match="do not make the state announced"):
        verify(channel)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('"kind":"snapshot"', '"kind":"delta"', "base"),
        ('"kind":"snapshot"', '"kind":"other"', "kind"),
        ('"base":null', '"base":2', "base"),
        ('"seq":3', '"seq":3.0', "seq"),
        ('"seq":3', '"seq":4', "seq differs"),
        ('"epoch":1', '"epoch":0', "epoch"),
        ('"epoch":1', '"epoch":true', "epoch"),
        ('"token_alg":"hmac-sha256-128"', '"token_alg":"md5"', "token_alg"),
        ('"token_alg":"hmac-sha256-128"', '"token_alg":["hmac-sha256-128"]', "token_alg"),
        ('"day":"2026-11-03"', '"day":"2026-13-03"', "day"),
        ('"created":"2026', '"created":"9926', "created differs"),
        ('"created":"2026-11', '"created":"2026-99', "not an instant"),
        ('"channel"', '"kanal"', "missing or unknown"),
        ('"channel":', '"more":1,"channel":', "missing or unknown"),
        ('{"base"', '{ "base"', "canonical"),
        ("mingdan-list/1", "mingdan-list/9", "format"),
        ('"state_count":3', '"state_count":4', "state_count differs"),
    ],
)
def test_headers_outside_the_format(channel: Path, old: str, new: str, what: str) -> None:
    edit(channel, 3, SNAPSHOT, old, new)
    with pytest.raises(Malformed, match=what):
        verify(channel)


def test_no_header_at_all(channel: Path) -> None:
    forge(channel, 3, SNAPSHOT, gzip.compress(b"", mtime=0))
    with pytest.raises(Malformed, match="no header"):
        verify(channel)


def test_a_last_line_without_its_end(channel: Path) -> None:
    rows = body(numbered(channel, 3), SNAPSHOT)
    rewrite(channel, SNAPSHOT, rows, end="")
    manifest = json.loads((numbered(channel, 3) / MANIFEST).read_text())
    manifest["files"][SNAPSHOT]["rows"] = len(rows) - 1
    announce(channel, 3, manifest)
    with pytest.raises(Malformed, match="the last line is cut"):
        verify(channel)


def test_the_changes_in_place_of_the_list(channel: Path) -> None:
    forge(channel, 3, SNAPSHOT, (numbered(channel, 3) / DELTA).read_bytes())
    with pytest.raises(Malformed, match="is a delta"):
        verify(channel)


class TestGzip:
    """What a compressed file can hide."""

    def test_a_second_member(self, channel: Path) -> None:
        extra = gzip.compress(b"ADD,more\n", mtime=0)
        data = (numbered(channel, 3) / SNAPSHOT).read_bytes()
        forge(channel, 3, SNAPSHOT, data + extra)
        manifest = json.loads((numbered(channel, 3) / MANIFEST).read_text())
        manifest["files"][SNAPSHOT]["plain_bytes"] = len(gzip.decompress(data))
        manifest["files"][SNAPSHOT]["rows"] = len(body(numbered(channel, 2), SNAPSHOT)) - 1
        announce(channel, 3, manifest)
        with pytest.raises(Malformed, match="more than one gzip member"):
            verify(channel)

    def bomb(self, megabytes: int) -> bytes:
        out = io.BytesIO()
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        for _ in range(megabytes):
            out.write(packer.compress(b"\n" * (1 << 20)))
        out.write(packer.flush())
        return out.getvalue()

    def test_a_bomb_is_stopped_at_the_announced_size(self, channel: Path) -> None:
        """200 MB in 200 kB, announced as a thousand bytes."""
        data = self.bomb(200)
        assert len(data) < 300_000
        forge(channel, 3, SNAPSHOT, data)
        manifest = json.loads((numbered(channel, 3) / MANIFEST).read_text())
        head = body(numbered(channel, 2), SNAPSHOT)[0]
        manifest["files"][SNAPSHOT] |= {"plain_bytes": len(head) + 1000, "rows": 3}
        announce(channel, 3, manifest)
        began = time.process_time()
        with pytest.raises(Malformed):
            verify(channel)
        assert time.process_time() - began < 0.5

    @pytest.mark.parametrize(("lie", "what"), [(-1, "larger"), (1, "smaller")])
    def test_another_size_than_announced(self, channel: Path, lie: int, what: str) -> None:
        manifest = json.loads((numbered(channel, 3) / MANIFEST).read_text())
        manifest["files"][SNAPSHOT]["plain_bytes"] += lie
        announce(channel, 3, manifest)
        with pytest.raises(Malformed, match=f"{what} than announced"):
            verify(channel)

    def test_a_line_without_end(self, channel: Path) -> None:
        forge(channel, 3, SNAPSHOT, gzip.compress(b"x" * 50_000_000, mtime=0))
        with pytest.raises(Malformed, match="a line is too long"):
            verify(channel)

    @pytest.mark.parametrize("limit", ["MAX_FILE_BYTES", "MAX_PLAIN_BYTES"])
    def test_more_than_anyone_publishes(
        self, channel: Path, monkeypatch: pytest.MonkeyPatch, limit: str
    ) -> None:
        monkeypatch.setattr(unpack, limit, 10)
        with pytest.raises(Malformed, match="too large"):
            verify(channel)

    def test_more_rows_than_anyone_publishes(
        self, channel: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reader, "MAX_ROWS", 1)
        with pytest.raises(Malformed, match="rows announced"):
            verify(channel)


class TestSequence:
    """Changes that do not fit what is held; what is held stays as it was."""

    @pytest.fixture
    def first(self, channel: Path) -> State:
        return snapshot(release(numbered(channel, 1)))

    def test_replayed(self, channel: Path) -> None:
        second = snapshot(release(numbered(channel, 2)))
        with pytest.raises(Gap, match="continues from release 1, held is 2"):
            apply(second, release(numbered(channel, 2)))

    def test_out_of_order(self, channel: Path, first: State) -> None:
        with pytest.raises(Gap, match="continues from release 2, held is 1"):
            apply(first, release(numbered(channel, 3)))

    def test_without_a_beginning(self, channel: Path) -> None:
        with pytest.raises(Gap, match="continues from release 1, held is 0"):
            apply(None, release(numbered(channel, 2)))

    @pytest.mark.parametrize(
        ("row", "what"),
        [
            (f"ADD,{token(1)},{GOOD}", "ADD of a token that is held"),
            (f"MOD,{token(9)},{GOOD}", "MOD of a token that is not held"),
            (f"DEL,{token(9)},withdrawn", "DEL of a token that is not held"),
        ],
    )
    def test_conflicting_changes(self, channel: Path, first: State, row: str, what: str) -> None:
        before = dict(first.rows)
        head = body(numbered(channel, 2), DELTA)[0].replace('"count":3', '"count":1')
        text = "\n".join([head, row, ""])
        forge(channel, 2, DELTA, gzip.compress(text.encode(), mtime=0))
        with pytest.raises(Damaged, match=what):
            apply(first, release(numbered(channel, 2)))
        assert dict(first.rows) == before

    def test_changes_that_lead_elsewhere(self, channel: Path, first: State) -> None:
        edit(channel, 2, DELTA, "published,80", "published,81")
        with pytest.raises(Damaged, match="do not make the state announced"):
            apply(first, release(numbered(channel, 2)))

    @pytest.mark.parametrize(
        ("name", "value", "what"),
        [("ops", {"ADD": 1}, "other operations"), ("retractions", {}, "other retractions")],
    )
    def test_counts_in_the_manifest_that_lie(
        self, channel: Path, first: State, name: str, value: object, what: str
    ) -> None:
        manifest = json.loads((numbered(channel, 2) / MANIFEST).read_text())
        announce(channel, 2, manifest | {name: value})
        with pytest.raises(Malformed, match=what):
            apply(first, release(numbered(channel, 2)))


def test_ten_thousand_rows_of_every_kind_are_still_refused_for_one(tmp_path: Path) -> None:
    """One bad row among many good ones takes the whole release with it."""
    channel = tmp_path / "releases" / "partner"
    publish(channel, {token(n): GOOD for n in range(10_000)})
    edit(channel, 1, SNAPSHOT, f"{max(token(n) for n in range(10_000))},black", "x,black")
    with pytest.raises(ListRefused, match="row 10000 is outside the grammar"):
        verify(channel)
