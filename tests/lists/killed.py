"""Publish in children that are killed (SIGKILL) before each of their disk operations.

Run as `python -m tests.lists.killed DATA DAY COPIES`: for n = 1, 2, ... a copy
of DATA is made in COPIES/n and published in a child that dies before its n-th
operation; ends with the first child that survives. One process imports, the
children are its forks, made before any library starts threads.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from mingdan.lists.release import publish
from mingdan.night import Night
from mingdan.settings import Settings


def dies_at(step: int) -> None:
    """Let this process die before its `step`-th rename, replace or fsync."""
    done = 0

    def fatal(real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return operation

    os.fsync = fatal(os.fsync)
    for name in ("rename", "replace"):
        setattr(Path, name, fatal(getattr(Path, name)))


def main(data: Path, day: date, copies: Path) -> None:
    step = 0
    while True:
        step += 1
        target = copies / str(step)
        shutil.copytree(data, target)
        child = os.fork()
        if child == 0:
            night = Night(Settings(data=target))
            dies_at(step)
            publish(night, day)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert status == 0, status
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]), Path(sys.argv[3]))
