"""From nothing to last night's summary: wall, CPU and peak memory of each phase.

Here: the commands `make nightly` runs once the environment stands, each as a
process of its own, beside the floor of the same run (a bare scan of the last
day's guided usage by DuckDB). Not here: installing (time `make nightly` from a
fresh clone for that).

    python -m benchmarks.nightly [--subscribers 20000] [--days 35] [--seed 7]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
LOGS = {"loggers": {"console": {"config": {"log_level": "WARNING"}}}}
SCAN = """
import sys, duckdb
from datetime import date
from pathlib import Path
from mingdan.guiding.tables import GUIDED_USAGE
from mingdan.lake import Lake
files = Lake(Path(sys.argv[1])).files(GUIDED_USAGE, [date.fromisoformat(sys.argv[2])])
con = duckdb.connect(config={"threads": 2})
print(con.execute(
    "SELECT count(*), sum(subscription_id), sum(epoch(event_at)), sum(other_party % 1000) "
    "FROM read_parquet($files)", {"files": files}).fetchall()[0][0])
"""


@dataclass(frozen=True)
class Phase:
    """One process: seconds, CPU seconds, peak resident MB (largest process)."""

    name: str
    wall: float
    cpu: float
    peak_mb: int


def run(name: str, command: list[str], environment: dict[str, str]) -> tuple[Phase, str]:
    """Run a command to its end; raises CalledProcessError with its output shown."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        print(output[-4000:], file=sys.stderr)
        raise subprocess.CalledProcessError(process.returncode, command)
    return Phase(name, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss // 1024), output


def measure(subscribers: int, days: int, seed: int) -> list[Phase]:
    """All phases on a fresh installation in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "dagster"
        home.mkdir()
        shutil.copy(ROOT / "deploy" / "dagster.yaml", home / "dagster.yaml")
        data = Path(folder) / "data"
        environment = os.environ | {
            "MINGDAN_DATA": str(data),
            "DAGSTER_HOME": str(home),
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "VIRTUAL_ENV": str(BIN.parent),
        }
        phases = []

        def phase(name: str, *command: str) -> str:
            done, output = run(name, list(command), environment)
            phases.append(done)
            print(f"  {name}: {done.wall:.1f} s", file=sys.stderr)
            return output

        mingdan, dg = str(BIN / "mingdan"), str(BIN / "dg")
        phase("simulate", mingdan, "simulate", "--subscribers", str(subscribers),
              "--days", str(days), "--seed", str(seed), "--out", str(data))  # fmt: skip
        due = phase("which night is due", mingdan, "runs", "--due").strip()
        missed = phase("which nights are missing", mingdan, "runs", "--missed-before", due).split()
        config = LOGS | {"ops": {"make_history": {"config": dict(
            zip(("first", "last"), missed, strict=True))}}}  # fmt: skip
        phase(f"history, {days - 1} nights", dg, "launch", "--job", "history",
              "--config-json", json.dumps(config))  # fmt: skip
        phase("nightly job", dg, "launch", "--job", "nightly", "--partition",
              date.fromisoformat(due).isoformat(), "--config-json", json.dumps(LOGS))  # fmt: skip
        phase("nightly job, again", dg, "launch", "--job", "nightly", "--partition", due,
              "--config-json", json.dumps(LOGS))  # fmt: skip
        phase("summary", mingdan, "runs", due)
        phase("floor: bare scan of the day", sys.executable, "-c", SCAN, str(data / "lake"), due)
        return phases


def main() -> None:
    """Measure and print the table of docs/performance.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--subscribers", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=35)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    phases = measure(arguments.subscribers, arguments.days, arguments.seed)
    print("| phase | wall s | CPU s | peak MB |\n|---|---|---|---|")
    for phase in phases:
        print(f"| {phase.name} | {phase.wall:.1f} | {phase.cpu:.1f} | {phase.peak_mb} |")
    print(f"\nall: {sum(phase.wall for phase in phases):.0f} s; cores: {os.cpu_count()}; "
          f"own peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")  # fmt: skip


if __name__ == "__main__":
    main()
