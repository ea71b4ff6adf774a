"""The partner's side: what it takes, and that changes and whole lists agree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.lists.format import LATEST, SNAPSHOT
from mingdan.lists.manifest import newest, numbered, release
from mingdan.lists.reader import State, apply, digest_of, snapshot, sync, verify
from mingdan.lists.refusals import Missing
from tests.lists.channels import attributes, body, copy, publish, three_rounds, token

ROWS = st.dictionaries(
    st.integers(0, 40).map(token),
    st.builds(attributes, st.sampled_from(["spam_sms", "fraud"]), st.integers(0, 100)),
    max_size=15,
)


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return tmp_path / "releases" / "partner"


def test_three_rounds(channel: Path) -> None:
    """A first list, one change of each kind, and an empty night."""
    states = three_rounds(channel)
    held: State | None = None
    for seq, rows in enumerate(states, 1):
        held = apply(held, release(numbered(channel, seq)))
        assert (held.seq, dict(held.rows)) == (seq, rows)
    second = [line.split(",")[:2] for line in body(numbered(channel, 2), "delta.csv.gz")[1:]]
    assert sorted(second) == sorted([["MOD", token(1)], ["DEL", token(3)], ["ADD", token(4)]])
    assert body(numbered(channel, 3), "delta.csv.gz")[1:] == []
    assert sorted(path.name for path in numbered(channel, 3).iterdir()) == [
        "delta.csv.gz",
        "manifest.json",
        "snapshot.csv.gz",
    ]


@given(rounds=st.lists(ROWS, min_size=1, max_size=6), start=st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_any_list_is_the_first_and_all_changes(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[dict[str, str]], start: int
) -> None:
    """full(n) = full(m) + changes, wherever a partner starts."""
    channel = tmp_path_factory.mktemp("c") / "partner"
    for rows in rounds:
        publish(channel, rows)
    begin = min(start, len(rounds))
    state = None if begin == 0 else snapshot(release(numbered(channel, begin)))
    for seq in range(begin + 1, len(rounds) + 1):
        state = apply(state, release(numbered(channel, seq)))
    whole = snapshot(newest(channel))
    assert state == whole
    assert dict(whole.rows) == rounds[-1]
    assert digest_of(whole.rows) == newest(channel).manifest["state_sha256"]
    assert verify(channel, every=True) == whole


def test_rows_ascend_and_both_files_say_the_same_state(channel: Path) -> None:
    three_rounds(channel)
    rows = body(numbered(channel, 2), SNAPSHOT)[1:]
    tokens = [row.split(",")[1] for row in rows]
    assert tokens == sorted(set(tokens))
    heads = [body(numbered(channel, 2), name)[0] for name in ("snapshot.csv.gz", "delta.csv.gz")]
    assert heads[0] != heads[1]


def test_sync_goes_by_changes_where_it_can(channel: Path) -> None:
    three_rounds(channel)
    first = snapshot(release(numbered(channel, 1)))
    (numbered(channel, 3) / SNAPSHOT).unlink()
    assert sync(channel, first).seq == 3


def test_sync_takes_the_snapshot_where_changes_are_gone(channel: Path) -> None:
    three_rounds(channel)
    first = snapshot(release(numbered(channel, 1)))
    shutil.rmtree(numbered(channel, 2))
    assert sync(channel, first).seq == 3
    assert sync(channel).seq == 3


def test_sync_takes_the_snapshot_where_changes_do_not_lead_there(channel: Path) -> None:
    """A partner whose own copy went wrong is healed, not stuck."""
    three_rounds(channel)
    first = snapshot(release(numbered(channel, 1)))
    wrong = State(**{**first.__dict__, "rows": {token(9): attributes()}})
    assert sync(channel, wrong) == verify(channel)


def test_sync_twice_changes_nothing(channel: Path) -> None:
    three_rounds(channel)
    state = sync(channel)
    assert sync(channel, state) is state


def test_a_state_is_not_touched_by_what_follows(channel: Path) -> None:
    states = three_rounds(channel)
    first = snapshot(release(numbered(channel, 1)))
    sync(channel, first)
    assert dict(first.rows) == states[0]


def test_an_entry_ends_even_if_nothing_is_ever_synced_again(channel: Path) -> None:
    three_rounds(channel)
    state = sync(channel)
    entry = state.find(token(1), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert entry is not None
    assert (entry.reason_code, entry.confidence, entry.sources) == ("spam_sms", 90, 1)
    assert state.find(token(1), datetime(2027, 1, 1, tzinfo=UTC)) is None
    assert state.find(token(3), datetime(2026, 12, 1, tzinfo=UTC)) is None


def test_a_single_release_folder_verifies_by_itself(channel: Path) -> None:
    three_rounds(channel)
    assert verify(numbered(channel, 2)).seq == 2


def test_old_releases_may_be_pruned(channel: Path) -> None:
    three_rounds(channel)
    shutil.rmtree(numbered(channel, 1))
    assert verify(channel, every=True).seq == 3
    shutil.rmtree(numbered(channel, 2))
    assert verify(channel, every=True).seq == 3


def test_but_not_one_in_between(channel: Path) -> None:
    three_rounds(channel)
    shutil.rmtree(numbered(channel, 2))
    with pytest.raises(Missing, match="000002"):
        verify(channel, every=True)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=LATEST):
        verify(tmp_path)


def test_equal_lists_are_equal_bytes(channel: Path, tmp_path: Path) -> None:
    three_rounds(channel)
    other = tmp_path / "elsewhere" / "partner"
    three_rounds(other)
    for file in sorted(path for path in channel.rglob("*") if path.is_file()):
        assert file.read_bytes() == (other / file.relative_to(channel)).read_bytes()


@given(rows=ROWS)
@settings(max_examples=20, deadline=None)
def test_the_state_digest_knows_every_change(rows: dict[str, str]) -> None:
    digest = digest_of(rows)
    assert digest_of(dict(reversed(rows.items()))) == digest
    assert digest_of({**rows, token(99): attributes()}) != digest
    for held in rows:
        assert digest_of({k: v for k, v in rows.items() if k != held}) != digest


BASE_INSTALL = """
import sys
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"polars", "duckdb", "deltalake", "pyarrow", "numpy",
                                  "sqlalchemy", "dagster", "sklearn", "stdnum", "pydantic"}:
            raise ImportError(name)
sys.meta_path.insert(0, Only())
from pathlib import Path
from mingdan.lists.reader import verify
print(verify(Path(sys.argv[1]), every=True).seq)
"""


def test_the_reader_needs_the_standard_library_only(channel: Path) -> None:
    three_rounds(channel)
    done = subprocess.run(
        [sys.executable, "-c", BASE_INSTALL, str(channel)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "3"


def test_a_copy_of_a_channel_is_as_good(channel: Path, tmp_path: Path) -> None:
    """Any static server, object store or stick will do."""
    three_rounds(channel)
    assert verify(copy(channel, tmp_path / "stick")) == verify(channel)
