"""The order store under quarrel and sudden death, in full: the tests have small ones.

Here: eight processes after a hundred numbers, and a writer killed at random.
Not here: how fast it is (`orders.py`).

    python -m benchmarks.order_faults quarrel|kill [sqlite|postgresql] [--attempts N]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random

from sqlalchemy import text

from benchmarks.killed import was_done, write_until_killed
from benchmarks.order_stores import KINDS, opening, store_of
from mingdan.errors import Busy
from mingdan.orders.comparison import differences
from mingdan.orders.database import Database
from mingdan.orders.replay import replay
from mingdan.orders.store import OrderStore

WRITERS, NUMBERS = 8, 100
SPAWN = get_context("spawn")


def quarrel(kind: str, attempts: int) -> None:
    """No number given to two, no order lost, no lock left, whatever the order of arrival."""
    with store_of(kind) as url:
        OrderStore.open(url).close()
        each = attempts // WRITERS
        parts = [(url, writer, each) for writer in range(WRITERS)]
        with ProcessPoolExecutor(WRITERS, mp_context=SPAWN) as pool:
            found = list(pool.map(_writer, parts))
        answers: Counter[str] = Counter()
        waits: list[float] = []
        for codes, took, _, _ in found:
            answers += codes
            waits += took
        wall = max(end for *_, end in found) - min(start for _, _, start, _ in found)
        waits.sort()
        with OrderStore.open(url) as store, store.database.reading() as connection:
            orders = connection.execute(text("SELECT count(*) FROM product_order")).scalar_one()
            held = connection.execute(
                text("SELECT count(*), count(DISTINCT key) FROM number_holding "
                     "WHERE key_kind = 'msisdn' AND superseded_at IS NULL AND valid_to IS NULL")
            ).one()  # fmt: skip
            locks = 0
            if kind == "postgresql":
                locks = connection.execute(
                    text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
                ).scalar_one()
        assert tuple(held) == (NUMBERS, NUMBERS), held
        assert orders == answers["completed"] == NUMBERS, (orders, answers)
        assert answers.total() == each * WRITERS
        assert locks == 0
        assert rebuilt(url) == []
        said = ", ".join(f"{count:,} {code}" for code, count in answers.most_common())
        print(f"| {kind} | {each * WRITERS:,} | {each * WRITERS / wall:,.0f} |"
              f" {waits[len(waits) // 2] * 1000:.1f} | {waits[len(waits) * 99 // 100] * 1000:.0f} |"
              f" {said} |", flush=True)  # fmt: skip


def _writer(part: tuple[str, int, int]) -> tuple[Counter[str], list[float], float, float]:
    url, writer, attempts = part
    codes: Counter[str] = Counter()
    waits = []
    random = Random(writer)
    with OrderStore.open(url) as store:
        start = time.time()
        for turn in range(attempts):
            wanted = str(8613800000000 + random.randrange(NUMBERS))
            command = opening(1 + writer * attempts + turn, msisdn=wanted)
            began = time.perf_counter()
            try:
                applied = store.apply([command])
            except Busy:
                codes["busy"] += 1
                continue
            waits.append(time.perf_counter() - began)
            codes[applied.refused[0].code if applied.refused else "completed"] += 1
    return codes, waits, start, time.time()


def kill(kind: str, attempts: int) -> None:
    """Orders by a writer that is killed at random: each is wholly done or wholly not."""
    random = Random(7)
    begun = kills = repeated = 0
    with store_of(kind) as url:
        OrderStore.open(url).close()
        while begun < attempts:
            begun = write_until_killed(url, opening, begun + 1, random.uniform(0.005, 0.1))
            kills += 1
            repeated += was_done(url, opening, begun)
        with OrderStore.open(url) as store:
            whole = store.apply([opening(serial) for serial in range(1, begun + 1)])
            assert whole.repeated == begun, whole
        assert rebuilt(url) == []
    print(f"| {kind} | {begun:,} | {kills} | {repeated} | {kills - repeated} | 0 |", flush=True)


def rebuilt(url: str) -> list[str]:
    """Tables that the logs do not rebuild."""
    with store_of("sqlite") as target:
        old, new = Database(url), Database(target)
        try:
            replay(old, new)
            return [each.table for each in differences(old, new)]
        finally:
            old.close()
            new.close()


def main() -> None:
    """Print the tables of docs/performance.md; an AssertionError is a fault found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=("quarrel", "kill"))
    parser.add_argument("database", choices=KINDS, nargs="?")
    parser.add_argument("--attempts", type=int)
    options = parser.parse_args()
    if options.what == "quarrel":
        print("| database | attempts | per s | median ms | p99 ms | answers |")
        print("|---|---|---|---|---|---|")
    else:
        print("| database | orders | kills | done at the kill | not done | in part |")
        print("|---|---|---|---|---|---|")
    for kind in [options.database] if options.database else KINDS:
        if options.what == "quarrel":
            quarrel(kind, options.attempts or 10_000)
        else:
            kill(kind, options.attempts or 1_000)


if __name__ == "__main__":
    main()
