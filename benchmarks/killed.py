"""A writer that is killed at any point, and what the store says of its last order after that.

Here: what the benchmark of sudden death (`order_faults.py`) and the tests' small one
share. Not here: how often and for how long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection

from mingdan.orders.commands import AnyCommand
from mingdan.orders.store import OrderStore

Maker = Callable[[int], AnyCommand]
"""The order of a serial; a function of a module, for another process to find."""
_CLEAN = get_context("forkserver")


def write_until_killed(url: str, make: Maker, first: int, seconds: float) -> int:
    """Orders one by one from serial `first` on, killed so long after the first: the last begun."""
    # Imported once, not by every writer: that took longer than all else.
    _CLEAN.set_forkserver_preload([make.__module__, __name__])
    heard, told = _CLEAN.Pipe(duplex=False)
    process = _CLEAN.Process(target=_write, args=(url, make, first, told))
    process.start()
    told.close()
    heard.poll(60)
    time.sleep(seconds)
    process.kill()
    process.join()
    begun = first - 1
    try:
        while True:
            begun = heard.recv()
    except EOFError:
        heard.close()
    assert begun >= first, "it never began"
    return begun


def was_done(url: str, make: Maker, serial: int) -> bool:
    """Whether the order was carried out: asked for again it is a repeat, or it is done now."""
    with OrderStore.open(url) as store:
        again = store.apply([make(serial)])
    assert again.completed + again.repeated == 1, again.refused
    return bool(again.repeated)


def _write(url: str, make: Maker, first: int, told: Connection) -> None:
    with OrderStore.open(url) as store:
        for serial in range(first, 10_000_000):
            # Told before it is handed in, so that none is done and not known.
            told.send(serial)
            store.apply([make(serial)])
