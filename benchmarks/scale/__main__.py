"""`python -m benchmarks.scale`: the numbers of a province's night, one table and one plot a run.

    python -m benchmarks.scale                      # a day of 34 million records: hours
    python -m benchmarks.scale --subscriptions 200000 --growth 20000            # a tenth
    python -m benchmarks.scale --parts night --keep /var/tmp/worlds

Here: what is run in which order. Not here: how a step is measured (`steps.py`).
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

from benchmarks.scale import report
from benchmarks.scale.files import deliver
from benchmarks.scale.lake import (
    make_lake,
    open_night,
    put_history,
    put_old,
    put_orders,
    put_usage,
)
from benchmarks.scale.steps import Figure, measure
from benchmarks.scale.world import LAST, World, days_before

RECORDS_EACH = 17
WINDOW, SHORT, LONG = 30, 40, 400
"""Days a window needs, and days on disk: little and much history."""
_DAY = ("floor of guiding", "guiding", "floor of partials", "partials")
_PEERS = ("DuckDB day", "Polars day")
_MONTH_PEERS = ("DuckDB month", "Polars month")
_NIGHT = ("landing", "usage", "guiding", "partials", "rolling")

Rows = dict[str, Figure]


class Bench:
    """One run: its worlds in `folder` (kept worlds are used again) and its steps."""

    def __init__(self, folder: Path, memory: str, threads: int) -> None:
        self.folder = folder
        self.memory = memory
        self.threads = threads

    def _step(self, step: str, place: Path) -> Figure:
        figure = measure(step, place, LAST, memory=self.memory, threads=self.threads)
        print(
            f"{step}: {figure.cpu:.1f} CPU s, {figure.wall:.1f} s, {figure.peak_mb:.0f} MB",
            flush=True,
        )
        return figure

    def _made(self, name: str, world: World) -> tuple[Path, bool]:
        """A world's folder, and whether it is there already; half a world is made anew."""
        place = self.folder / f"{name}-{world.subscriptions}"
        if (place / "made").exists():
            return place, True
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        return place, False

    def day(self, world: World, *, peers: bool) -> Rows:
        """Guiding and partials of one day."""
        place, there = self._made("day", world)
        if not there:
            night = make_lake(place, world)
            put_orders(night, world, LAST)
            put_usage(night, world, LAST)
            (place / "made").touch()
        steps = (*_DAY, *(_PEERS if peers else ()))
        return {step: self._step(step, place) for step in steps}

    def night(self, world: World) -> Rows:
        """A whole night from delivered files, with little and with much history on disk."""
        place, there = self._made("night", world)
        if not there:
            night = make_lake(place, world)
            put_history(night, world, days_before(WINDOW))
            put_old(night, LAST - timedelta(days=WINDOW), SHORT - 1 - WINDOW)
            put_orders(night, world, LAST)
            deliver(world, LAST, place / "landing", place / "sources")
            (place / "made").touch()
        rows = {f"night: {step}": self._step(step, place) for step in _NIGHT}
        rows["floor of a day"] = self._step("floor of partials", place)
        rows["rolling, 40 days on disk"] = self._step("rolling", place)
        rows |= {step: self._step(step, place) for step in _MONTH_PEERS}
        put_old(open_night(place), LAST - timedelta(days=SHORT - 1), LONG - SHORT)
        rows["rolling, 400 days on disk"] = self._step("rolling", place)
        (place / "made").unlink()
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description=(__doc__ or "").splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--subscriptions", type=int, default=2_000_000, help="of the day")
    parser.add_argument("--night", type=int, default=60_000, help="subscriptions of the night")
    parser.add_argument(
        "--growth", default="100000", help="further sizes of the day, joined by commas"
    )
    parser.add_argument(
        "--peers", type=int, help="size of the day the peers' scripts run on; default the day's"
    )
    parser.add_argument("--parts", default="day,night,growth", help="which to run")
    parser.add_argument("--memory", default="1GB", help="DuckDB's limit a statement")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder whose worlds are kept and used again")
    parser.add_argument("--plot", type=Path, help="write the plot here (SVG or PNG)")
    parser.add_argument("--json", type=Path, help="write the figures here as JSON")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    peers = arguments.peers or arguments.subscriptions
    with tempfile.TemporaryDirectory(prefix="mingdan-scale-") as temporary:
        bench = Bench(arguments.keep or Path(temporary), arguments.memory, arguments.threads)
        found: dict[int, Rows] = {}
        nightly: Rows = {}
        sizes = [int(size) for size in arguments.growth.split(",") if "growth" in parts and size]
        if "day" in parts:
            sizes.append(arguments.subscriptions)
        for size in sorted(set(sizes)):
            print(f"a day of {size} subscriptions", flush=True)
            world = World(size, size * RECORDS_EACH)
            found[size] = bench.day(world, peers=size == peers)
        if "night" in parts:
            print(f"a night of {arguments.night} subscriptions", flush=True)
            nightly = bench.night(World(arguments.night, arguments.night * RECORDS_EACH))
    print(report.markdown(found, nightly, arguments.night, RECORDS_EACH))
    if arguments.json:
        arguments.json.write_text(json.dumps(report.plain(found, nightly), indent=2), "utf-8")
    if arguments.plot:
        report.plot(found, arguments.plot, RECORDS_EACH)


if __name__ == "__main__":
    main()
