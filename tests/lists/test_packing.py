"""The publisher's own last list, read again in parts, and compared with the next."""

from __future__ import annotations

import gzip
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingdan.lists import packing, rows
from mingdan.lists.format import SNAPSHOT
from mingdan.lists.manifest import numbered
from mingdan.lists.packing import own_rows
from mingdan.lists.reader import snapshot
from mingdan.lists.refusals import Damaged
from mingdan.lists.rows import STATE, changes
from tests.lists.channels import attributes, frame, publish, token
from tests.lists.test_reader import ROWS


@pytest.mark.parametrize("at_once", [40, 97, 400, 1 << 22])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_parts_of_any_size_are_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, count: int
) -> None:
    monkeypatch.setattr(packing, "_AT_ONCE", at_once)
    made = publish(tmp_path / "bank", {token(at): attributes() for at in range(count)})
    found = pl.concat([pl.DataFrame(schema=STATE), *own_rows(made)])
    assert dict(found.iter_rows()) == snapshot(made).rows


def test_another_snapshot_than_the_manifest_tells_of(tmp_path: Path) -> None:
    made = publish(tmp_path / "bank", {token(1): attributes()})
    (made.folder / SNAPSHOT).write_bytes(gzip.compress(b"head\nADD,x,y\n"))
    with pytest.raises(Damaged, match="not the file announced"):
        list(own_rows(made))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROWS, after=ROWS, size=st.integers(1, 7))
def test_compared_in_parts_or_whole_the_changes_are_those_of_the_mappings(
    before: dict[str, str], after: dict[str, str], size: int
) -> None:
    wanted = [
        ("DEL" if one not in after else "MOD" if one in before else "ADD", one,
         after.get(one, f"why {one}"))
        for one in sorted(before.keys() | after.keys())
        if before.get(one) != after.get(one)
    ]  # fmt: skip
    parts = list(frame(before).iter_slices(size))
    found = changes(parts, frame(after), lambda gone: {one: f"why {one}" for one in gone})
    assert found.rows() == wanted


def test_equal_lists_are_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows are made into text at a time."""
    held = {token(at): attributes() for at in range(30)}
    publish(tmp_path / "one" / "bank", held)
    monkeypatch.setattr(rows, "_AT_ONCE", 7)
    publish(tmp_path / "two" / "bank", held)
    one, two = (
        {path.name: path.read_bytes() for path in numbered(tmp_path / name / "bank", 1).iterdir()}
        for name in ("one", "two")
    )
    assert one == two
