"""Abuse of the publisher: killed, out of disk, with a state or a clock that was tampered with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.errors import InputRefused, LakeError
from mingdan.lists.format import LATEST, MANIFEST, SNAPSHOT
from mingdan.lists.joint import build
from mingdan.lists.manifest import numbered
from mingdan.lists.reader import verify
from mingdan.lists.refusals import Damaged, Missing, Rollback
from mingdan.lists.release import publish
from mingdan.night import Night
from mingdan.settings import Settings
from tests.lists.channels import announce, three_rounds
from tests.lists.operator import DAY, Operator

NEXT = DAY + timedelta(1)
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def operator(night: Night) -> Operator:
    """One release is out; the list of the next day is ready to be published."""
    made = Operator(night)
    for ref, msisdn in (("甲", "8613800000001"), ("乙", "8613800000002")):
        made.open(ref, msisdn)
    made.run(DAY, [made.label("甲")])
    made.know(NEXT, [made.label("乙")])
    build(night, NEXT)
    return made


def files(data: Path) -> dict[str, bytes]:
    """Every file under the releases."""
    root = data / "releases"
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_killed_before_every_step_and_run_again(operator: Operator, tmp_path: Path) -> None:
    """The rerun leaves the bytes of an undisturbed run; in between the old list is whole."""
    data = operator.night.settings.data
    operator.night.orders.close()
    del operator.night.__dict__["orders"]
    copies = tmp_path / "copies"
    subprocess.run(
        [sys.executable, "-m", "tests.lists.killed", str(data), NEXT.isoformat(), str(copies)],
        cwd=ROOT,
        check=True,
    )
    runs = sorted(copies.iterdir(), key=lambda path: int(path.name))
    undisturbed = files(runs[-1])
    assert len(runs) == 13, "12 disk operations, each with its death, and one that lived"
    remembered = {path.name: path.read_bytes() for path in (runs[-1] / "published").iterdir()}
    assert {name.split("/")[1] for name in undisturbed} == {"000001", "000002", LATEST}
    for run in runs[:-1]:
        held = verify(run / "releases" / "bank_demo", every=True)
        assert held.seq in (1, 2)
        again = Night(Settings(data=run))
        publish(again, NEXT)
        again.orders.close()
        assert files(run) == undisturbed, f"killed before operation {run.name}"
        assert (run / "published" / "bank_demo.json").read_bytes() == remembered["bank_demo.json"]


def test_a_killed_release_is_taken_up_even_if_the_world_has_moved_on(operator: Operator) -> None:
    """Complete but not pointed to: it becomes a release, and the new state the next one.

    Otherwise one number could stand for two lists.
    """
    publish(operator.night, NEXT)
    orphan = files(operator.night.settings.data)
    pointer = json.loads((numbered(operator.channel, 1) / MANIFEST).read_text())
    announce(operator.channel, 1, pointer)
    operator.run(NEXT, [operator.label("甲"), operator.label("乙")])
    state = verify(operator.channel, every=True)
    assert (state.seq, len(state.rows)) == (3, 2)
    after = files(operator.night.settings.data)
    assert {name: after[name] for name in orphan if "000002" in name} == {
        name: data for name, data in orphan.items() if "000002" in name
    }


def test_a_lost_pointer_is_made_again_from_the_releases(operator: Operator) -> None:
    publish(operator.night, NEXT)
    before = files(operator.night.settings.data)
    (operator.channel / LATEST).unlink()
    publish(operator.night, NEXT)
    assert files(operator.night.settings.data) == before


def test_without_pointer_and_beginning_nothing_is_published(operator: Operator) -> None:
    """Numbering must never start again: partners would refuse it as a rollback."""
    publish(operator.night, NEXT)
    (operator.channel / LATEST).unlink()
    shutil.rmtree(numbered(operator.channel, 1))
    with pytest.raises(Missing, match="restore it from the backup"):
        publish(operator.night, NEXT)


def test_the_pointer_of_a_backup_does_not_turn_numbers_back(operator: Operator) -> None:
    """`latest.json` restored from last month: what is out is taken up, not overwritten."""
    old = (operator.channel / LATEST).read_bytes()
    publish(operator.night, NEXT)
    third = NEXT + timedelta(1)
    operator.run(third, [operator.label("乙")])
    before = files(operator.night.settings.data)
    (operator.channel / LATEST).write_bytes(old)
    publish(operator.night, third)
    assert files(operator.night.settings.data) == before


def test_a_foreign_folder_is_not_taken_up(operator: Operator) -> None:
    """Somebody put a release in the way: publishing stops, partners keep what they have."""
    shutil.copytree(numbered(operator.channel, 1), numbered(operator.channel, 2))
    with pytest.raises(Damaged, match="does not continue the release before it"):
        publish(operator.night, NEXT)
    assert verify(operator.channel).seq == 1


def test_a_release_of_another_history_is_not_taken_up(operator: Operator) -> None:
    """It has the right number, but follows a release we never published."""
    shutil.copytree(numbered(operator.channel, 1), numbered(operator.channel, 2))
    path = numbered(operator.channel, 2) / MANIFEST
    manifest = json.loads(path.read_text()) | {"seq": 2, "previous": "0" * 64}
    path.write_text(json.dumps(manifest))
    with pytest.raises(Damaged, match="does not continue the release before it"):
        publish(operator.night, NEXT)
    assert verify(operator.channel).seq == 1


def test_a_damaged_folder_is_not_taken_up(operator: Operator) -> None:
    old = (operator.channel / LATEST).read_bytes()
    publish(operator.night, NEXT)
    (operator.channel / LATEST).write_bytes(old)
    path = numbered(operator.channel, 2) / SNAPSHOT
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match="not the file announced"):
        publish(operator.night, NEXT)
    assert verify(operator.channel).seq == 1


def test_a_damaged_last_release_is_not_built_upon(operator: Operator) -> None:
    path = numbered(operator.channel, 1) / SNAPSHOT
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Damaged, match="not the file announced"):
        publish(operator.night, NEXT)
    assert not numbered(operator.channel, 2).exists()


def test_a_lost_release_folder_does_not_begin_again(operator: Operator) -> None:
    """Partners would refuse number 1 as a rollback, and number 2 would be another list."""
    shutil.rmtree(operator.channel)
    with pytest.raises(Rollback, match=r"release 1 of .* was published .* holds none") as refused:
        publish(operator.night, NEXT)
    assert "from the backup" in str(refused.value)
    assert not operator.channel.exists()


def test_a_folder_restored_from_an_old_backup_does_not_go_on(
    operator: Operator, tmp_path: Path
) -> None:
    shutil.copytree(operator.channel, tmp_path / "backup")
    publish(operator.night, NEXT)
    shutil.rmtree(operator.channel)
    shutil.copytree(tmp_path / "backup", operator.channel)
    third = NEXT + timedelta(1)
    with pytest.raises(Rollback, match=r"release 2 of .* holds no later one than 1"):
        operator.run(third, [operator.label("乙")])
    assert not numbered(operator.channel, 2).exists()


def test_a_whole_backup_is_gone_on_from(operator: Operator, tmp_path: Path) -> None:
    publish(operator.night, NEXT)
    operator.channel.rename(tmp_path / "backup")
    shutil.copytree(tmp_path / "backup", operator.channel)
    assert operator.run(NEXT + timedelta(1), [operator.label("乙")]).facts["seq"] == 3


def test_another_list_under_the_number_that_is_out_is_refused(
    operator: Operator, tmp_path: Path
) -> None:
    """The folder of another installation, whole in itself, in the place of ours."""
    publish(operator.night, NEXT)
    shutil.rmtree(operator.channel)
    three_rounds(operator.channel)
    with pytest.raises(Damaged, match=r"release 2 of .* was published .* is not it"):
        publish(operator.night, NEXT)


def test_a_lost_folder_begins_again_once_a_person_says_so(operator: Operator) -> None:
    shutil.rmtree(operator.channel)
    (operator.night.settings.published / "bank_demo.json").unlink()
    assert publish(operator.night, NEXT).facts["seq"] == 1


def test_releases_from_before_they_were_remembered_are_adopted(operator: Operator) -> None:
    shutil.rmtree(operator.night.settings.published)
    assert "superseded" in publish(operator.night, DAY - timedelta(1)).facts
    shutil.rmtree(operator.channel)
    with pytest.raises(Rollback, match="release 1"):
        publish(operator.night, NEXT)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"seq": 1}'])
def test_a_damaged_memory_is_named(operator: Operator, text: str) -> None:
    file = operator.night.settings.published / "bank_demo.json"
    file.write_text(text)
    with pytest.raises(Damaged, match=r"bank_demo\.json cannot be read"):
        publish(operator.night, NEXT)


@pytest.mark.parametrize("what", ["bank_demo", "bank_demo/000001", ".staging", "bank_demo/000002"])
def test_nothing_is_published_through_a_link(operator: Operator, tmp_path: Path, what: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    path = operator.night.settings.releases / what
    if path.exists():
        path.rename(elsewhere)
    else:
        elsewhere.mkdir()
    path.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    with pytest.raises(InputRefused, match=f"{path} is a symbolic link"):
        publish(operator.night, NEXT)
    assert sorted(elsewhere.rglob("*")) == before


def test_the_releases_folder_as_a_whole_may_be_a_link(operator: Operator, tmp_path: Path) -> None:
    operator.night.settings.releases.rename(tmp_path / "disk")
    operator.night.settings.releases.symlink_to(tmp_path / "disk")
    assert publish(operator.night, NEXT).facts["seq"] == 2


def test_left_over_staging_does_no_harm(operator: Operator) -> None:
    rubbish = operator.night.settings.releases / ".staging" / "bank_demo" / "half"
    rubbish.parent.mkdir(parents=True)
    rubbish.write_text("half a file")
    publish(operator.night, NEXT)
    assert sorted(path.name for path in numbered(operator.channel, 2).iterdir()) == [
        "delta.csv.gz",
        "manifest.json",
        "snapshot.csv.gz",
    ]
    assert not rubbish.exists()


def test_the_clock_set_back_changes_no_byte(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing in a release comes from the clock of the machine."""
    copy = tmp_path / "copy"
    operator.night.orders.close()
    del operator.night.__dict__["orders"]
    shutil.copytree(operator.night.settings.data, copy)
    publish(operator.night, NEXT)
    monkeypatch.setattr("time.time", lambda: 0.0)
    other = Night(Settings(data=copy))
    publish(other, NEXT)
    other.orders.close()
    assert files(copy) == files(operator.night.settings.data)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_the_disk_fills_up_while_writing(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """No space after so many files: the last release stays, nothing half is left."""
    before = files(operator.night.settings.data)
    real = Path.open
    written = 0

    def full(self: Path, mode: str = "r", *args: object, **kwargs: object) -> object:
        nonlocal written
        if "w" in mode and ".staging" in self.parts:
            written += 1
            if written > after:
                raise OSError(28, "No space left on device")
        return real(self, mode, *args, **kwargs)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        with pytest.raises(LakeError, match="No space left"):
            publish(operator.night, NEXT)
    assert written == after + 1
    assert files(operator.night.settings.data) == before
    publish(operator.night, NEXT)
    assert verify(operator.channel, every=True).seq == 2


def test_a_folder_that_may_not_be_written(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(operator.night.settings.data)

    def forbidden(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", forbidden)
        with pytest.raises(LakeError, match="Permission denied"):
            publish(operator.night, NEXT)
    assert files(operator.night.settings.data) == before
