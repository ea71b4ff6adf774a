"""What a deliverer can put into the landing folder besides files: links, pipes, devices.

None is followed, none holds the night up, each is named.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mingdan.cli.ingest import _skip
from mingdan.errors import InputRefused
from mingdan.landed import NotPlain, open_plain
from mingdan.night import Night
from mingdan.reports.intake import take
from mingdan.reports.tables import REPORTS_QUARANTINE
from mingdan.usage.intake import land
from mingdan.usage.waiting import delivered_files
from tests.reports.world import DAY as REPORTS_DAY
from tests.reports.world import World
from tests.usage.feeds import DAY, Landing, msc_file, msc_line

NAME = "voc_20261101_02.csv"
ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "pipe": (os.mkfifo, "a named pipe"),
    "link to an endless device": (lambda path: path.symlink_to("/dev/zero"), "a symbolic link"),
    "link to a secret": (lambda path: path.symlink_to("/etc/passwd"), "a symbolic link"),
    "link to nowhere": (lambda path: path.symlink_to("nowhere"), "a symbolic link"),
    "link to a folder": (lambda path: path.symlink_to("/etc"), "a symbolic link"),
}


@pytest.fixture(autouse=True)
def _in_time() -> Iterator[None]:
    """A reader that hangs fails its test instead of the suite."""
    signal.signal(signal.SIGALRM, lambda *_: pytest.fail("hangs"))
    signal.alarm(60)
    yield
    signal.alarm(0)


@pytest.fixture
def landing(night: Night) -> Landing:
    landing = Landing(night.settings)
    landing.all_three()
    return landing


@pytest.fixture
def folder(landing: Landing) -> Path:
    return landing.settings.landing / "usage" / "msc" / DAY.isoformat()


@pytest.mark.parametrize("odd", ODD)
def test_what_is_no_plain_file_is_refused_by_name(night: Night, folder: Path, odd: str) -> None:
    make, words = ODD[odd]
    make(folder / NAME)
    with pytest.raises(InputRefused, match=f"{NAME}: cannot be read: it is {words}, not a plain"):
        land(night, DAY)


def test_every_such_thing_is_named_at_once(night: Night, folder: Path) -> None:
    for number, (make, _) in enumerate(ODD.values()):
        make(folder / f"voc_20261101_1{number}.csv")
    with pytest.raises(InputRefused) as refused:
        land(night, DAY)
    assert str(refused.value).count("not a plain file") == len(ODD)


def test_a_night_goes_on_without_it_once_a_person_says_so(night: Night, folder: Path) -> None:
    os.mkfifo(folder / NAME)
    _skip(night, DAY, NAME)
    assert land(night, DAY).facts["files_refused"] == 1


@pytest.mark.parametrize("odd", ["pipe", "link to an endless device", "link to nowhere"])
def test_a_marker_that_is_no_plain_file_sets_nothing_aside(
    night: Night, folder: Path, odd: str
) -> None:
    ODD[odd][0](folder / f"{NAME}.skip")
    (folder / NAME).write_bytes(msc_file([msc_line(1)]))
    with pytest.raises(InputRefused, match=rf"{NAME}\.skip cannot be read: it is a"):
        land(night, DAY)


def test_a_marker_is_not_written_through_a_link(night: Night, folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (folder / NAME).write_bytes(b"")
    (folder / f"{NAME}.skip").symlink_to(precious)
    _skip(night, DAY, NAME)
    assert precious.read_text() == "kept"
    assert land(night, DAY).facts["files_refused"] == 1


@pytest.mark.parametrize("level", ["the day", "the source"])
def test_a_linked_folder_is_not_entered(
    night: Night, folder: Path, tmp_path: Path, level: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    linked = folder if level == "the day" else folder.parent
    linked.rename(elsewhere)
    linked.symlink_to(elsewhere)
    with pytest.raises(InputRefused, match=f"{linked} is a symbolic link"):
        land(night, DAY)
    assert all("/msc/" not in name for name in delivered_files(night.settings)[DAY])


def test_the_landing_folder_itself_may_be_a_link(
    night: Night, landing: Landing, tmp_path: Path
) -> None:
    landing.settings.landing.rename(tmp_path / "disk")
    landing.settings.landing.symlink_to(tmp_path / "disk")
    assert land(night, DAY).facts["files_loaded"] == 3


def test_what_became_a_link_after_it_was_looked_at_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    seen = path.lstat()
    path.unlink()
    path.symlink_to("/etc/passwd")
    monkeypatch.setattr(Path, "lstat", lambda _: seen)
    with pytest.raises(OSError, match="symbolic links"):
        open_plain(path)


def test_what_became_a_pipe_after_it_was_looked_at_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    seen = path.lstat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "lstat", lambda _: seen)
    with pytest.raises(NotPlain):
        open_plain(path)


@pytest.fixture
def world(night: Night) -> World:
    made = World(night)
    made.person("8613800000001", 11, 1)
    made.write()
    return made


@pytest.mark.parametrize("odd", ODD)
def test_complaints_that_are_no_plain_file_stop_the_night(world: World, odd: str) -> None:
    make, words = ODD[odd]
    path = world.complaints()
    path.unlink()
    make(path)
    with pytest.raises(InputRefused, match=f"complaints.csv is not read: .*{words}"):
        take(world.night, REPORTS_DAY)


@pytest.mark.parametrize("odd", ODD)
def test_a_partners_list_that_is_no_plain_file_is_set_aside(world: World, odd: str) -> None:
    world.complaints()
    path = world.entries()
    path.unlink()
    ODD[odd][0](path)
    facts = take(world.night, REPORTS_DAY).facts
    assert "not_a_plain_file" in str(facts["lists_stopped"])
    aside = world.night.lake.scan(REPORTS_QUARANTINE, [REPORTS_DAY]).collect()
    assert aside.select("line", "reason", "raw").rows() == [(0, "not_a_plain_file", b"")]
