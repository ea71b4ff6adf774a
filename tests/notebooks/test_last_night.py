"""The notebook runs from top to bottom on a finished night and shows nobody's number."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.worlds import Installed

ROOT = Path(__file__).parent.parent.parent
# Not within a digest: enough of them hold eleven such digits by chance.
NUMBER = re.compile(r"(?<![0-9a-f])(?:86)?1[3-9]\d{9}(?![0-9a-f])")


def test_it_runs_and_its_cells_hold_the_night(
    finished_world: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINGDAN_DATA", str(finished_world.data))
    from notebooks.last_night import app

    _, found = app.run()
    assert found["day"] == finished_world.last
    assert found["night"].received > 0
    assert found["planted"].planted > 0
    assert found["entries"].height >= 0
    assert set(found["entries"]["action"]) <= {"assert", "revoke", "expire", "override"}


def test_it_becomes_a_page_without_a_number_that_asks_no_other_machine(
    finished_world: Installed, tmp_path: Path
) -> None:
    done = subprocess.run(
        ["/bin/sh", "deploy/notebook.sh", str(Path(sys.executable).parent), str(tmp_path),
         "last_night"],
        env={"MINGDAN_DATA": str(finished_world.data), "PATH": "/usr/bin:/bin",
             "HOME": str(tmp_path)},
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "last_night.html").read_text("utf-8")
    assert "What came in" in text
    assert not NUMBER.search(text)
    loaded = re.findall(r"(?:src|href)=[\"\']([^\"\']+)", text)
    assert len(loaded) > 10
    for name in loaded:
        assert (tmp_path / name).is_file(), name
