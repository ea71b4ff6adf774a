"""A headless Chromium, spoken to over a pipe (Chrome DevTools Protocol).

The browser is the one of the npm package in `browser/`, so that it is the same everywhere and
nobody installs one. Scripts of pages never run: ours have none, and must not need any.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lists.packages import installed

BROWSER = Path(__file__).parent / "browser"
PATIENCE = 60
"""Seconds an answer may take on a machine that is busy with other things."""
_FLAGS = (
    *("--headless", "--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--disable-background-networking", "--remote-debugging-pipe"),
)


def unpacked() -> tuple[Path, Path]:
    """The browser, and libraries for machines that lack them."""
    place = installed(BROWSER) / ".unpacked"
    with (BROWSER / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        place.mkdir(exist_ok=True)
        if not (place / ".done").exists():
            # The name of this runtime makes the package unpack its libraries, too.
            known = {"TMPDIR": str(place), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x"}
            done = subprocess.run(
                ["node", "unpack.mjs"],
                cwd=BROWSER,
                env=os.environ | known,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode == 0, done.stderr
            (place / ".done").touch()
    return place / "chromium", place / "al2023" / "lib"


class Page:
    """One tab of 360 CSS pixels' width, scripts disabled."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._asked, self._pending = 0, b""
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._call("Page.enable")
        self._call("Emulation.setScriptExecutionDisabled", value=True)
        self.resize(360)

    def resize(self, width: int) -> None:
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=640, deviceScaleFactor=1, mobile=True,
        )  # fmt: skip

    def open(self, path: Path) -> None:
        """Show a file, and wait until it is there."""
        self._call("Page.navigate", url=path.resolve().as_uri())
        self._await(lambda told: told.get("method") == "Page.loadEventFired")

    def value(self, expression: str) -> Any:
        """What the inspector (not the page) makes of an expression."""
        got = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in got, got
        return got["result"].get("value")

    def _call(self, method: str, **values: Any) -> Any:
        self._asked += 1
        asked, message = self._asked, {"id": self._asked, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        told = self._await(lambda told: told.get("id") == asked)
        assert "result" in told, told
        return told["result"]

    def _await(self, wanted: Any) -> Any:
        until = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self._pending:
                one, _, self._pending = self._pending.partition(b"\0")
                told = json.loads(one)
                if wanted(told):
                    return told
            left = until - time.monotonic()
            assert left > 0, "the browser does not answer"
            if select.select([self._back], [], [], left)[0]:
                block = os.read(self._back, 1 << 20)
                assert block, "the browser has gone"
                self._pending += block


@contextmanager
def page(profile: Path) -> Iterator[Page]:
    """A browser with one tab; it ends with the block."""
    binary, libraries = unpacked()
    reads, to = os.pipe()
    back, writes = os.pipe()

    def wire() -> None:
        """It reads from descriptor 3 and writes to 4."""
        held = [os.dup(reads), os.dup(writes)]
        while min(held) < 5:
            held = [os.dup(one) for one in held]
        for one, place in zip(held, (3, 4), strict=True):
            os.dup2(one, place)

    browser = subprocess.Popen(
        [str(binary), *_FLAGS, f"--user-data-dir={profile}"],
        preexec_fn=wire,
        pass_fds=(3, 4),
        env=os.environ | {"LD_LIBRARY_PATH": str(libraries)},
        stderr=subprocess.DEVNULL,
    )
    os.close(reads)
    os.close(writes)
    try:
        yield Page(to, back)
    finally:
        browser.kill()
        browser.wait()
        os.close(to)
        os.close(back)
