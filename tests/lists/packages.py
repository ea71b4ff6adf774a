"""Node packages some tests need, each with a lock of its own beside it.

Node 20 or later with npm is part of what the suite needs.
"""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path


def installed(folder: Path) -> Path:
    """`node_modules` of a folder with a lock: `npm ci`, once for a checkout and lock."""
    lock = (folder / "package-lock.json").read_text()
    modules = folder / "node_modules"
    note = modules / ".installed"
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if note.exists() and note.read_text() == lock:
            return modules
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        note.write_text(lock)
    return modules
