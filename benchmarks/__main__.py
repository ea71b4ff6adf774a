"""`python -m benchmarks`: what can be measured, and how.

Here: the list. Not here: any measurement (each is a module of its own).
"""

from __future__ import annotations

BENCHMARKS = {
    "benchmarks.nightly": "the way from nothing to a summary: seconds, CPU and memory per phase",
    "benchmarks.quality": "found vs planted on a simulated installation, per archetype",
    "benchmarks.real_streams PATH": "false positives on real, all-benign message streams",
    "benchmarks.bandicoot PATH": "speed and values against bandicoot on what both have",
    "benchmarks.usage_intake": "CSV.gz in, landed records and usage out, beside bare tools",
    "benchmarks.features": "guiding, partials and rolling windows against the bare scan",
    "benchmarks.scale": "a province's day and night: floors, steps, peers, history, growth",
    "benchmarks.orders WHAT": "orders a second in bulk and one by one, growth, extraction",
    "benchmarks.order_faults WHAT": "eight writers after a hundred numbers; kills at random",
    "benchmarks.lists": "releases of a million entries at both sides, oblivious evaluation",
    "benchmarks.simulator_calibration": "simulated against published figures",
}

if __name__ == "__main__":
    for name, meaning in BENCHMARKS.items():
        print(f"  .venv/bin/python -m {name:<36} {meaning}")
