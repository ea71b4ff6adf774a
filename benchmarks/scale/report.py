"""Figures as a table and a plot.

Here: ratios to the floor of the same run, records per CPU second, growth. Not here: measuring.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from matplotlib import pyplot as plt

from benchmarks.scale.steps import Figure

Rows = Mapping[str, Figure]
_BARS = {
    "guiding": "<= 8x, >= 1.8 M, <= 1 GB",
    "partials": "<= 8x, >= 1.8 M, <= 500 MB",
    "rolling, 40 days on disk": "<= 6x",
    "rolling, 400 days on disk": "within 10 % of 40",
    "whole night": ">= 0.3 M",
}
_OURS = ("guiding", "partials")
_PEERS = ("DuckDB day", "Polars day", "DuckDB month", "Polars month")


def markdown(
    days: Mapping[int, Rows], night: Rows, night_subscriptions: int, records_each: int
) -> str:
    """One table of the run."""
    return "\n".join(_lines(days, night, night_subscriptions * records_each, records_each))


def plain(days: Mapping[int, Rows], night: Rows) -> dict[str, object]:
    """The figures as they are, for a file."""
    found = {str(size): _as_dict(rows) for size, rows in days.items()}
    return {"days": found, "night": _as_dict(night)}


def plot(days: Mapping[int, Rows], path: Path, records_each: int) -> None:
    """Records per CPU second of every step of the largest day."""
    size = max(days)
    rates = {step: size * records_each / figure.cpu / 1e6 for step, figure in days[size].items()}
    figure, axes = plt.subplots(figsize=(8, 0.45 * len(rates) + 1.2))
    colours = [_colour(step) for step in rates]
    bars = axes.barh(list(rates), list(rates.values()), color=colours)
    axes.bar_label(bars, fmt="%.2f", padding=3)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel(f"million records per CPU second, a day of {size * records_each:,} records")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(
        path, bbox_inches="tight", metadata={"Date": None} if path.suffix == ".svg" else {}
    )
    plt.close(figure)


def _colour(step: str) -> str:
    if "floor" in step:
        return "#9aa5b1"
    return "#c98b3c" if step in _PEERS else "#2f6f8f"


def _as_dict(rows: Rows) -> dict[str, dict[str, float]]:
    return {step: asdict(figure) for step, figure in rows.items()}


def _lines(
    days: Mapping[int, Rows], night: Rows, night_records: int, records_each: int
) -> Iterator[str]:
    yield "| step | bar | CPU s | x floor | M records per CPU s | wall s | peak MB |"
    yield "|---|---|---|---|---|---|---|"
    for size, rows in sorted(days.items(), reverse=True):
        yield f"| **a day of {size:,} subscriptions** | | | | | | |"
        for step, figure in rows.items():
            floor = rows["floor of guiding" if "guiding" in step else "floor of partials"]
            yield _row(step, figure, None if step in _PEERS else floor, size * records_each)
        ours = _sum([rows[step] for step in _OURS])
        yield _row("guiding and partials", ours, None, size * records_each)
    if night:
        subscriptions = night_records // records_each
        yield f"| **a night of {subscriptions:,} subscriptions** | | | | | | |"
        floor = night["floor of a day"]
        for step, figure in night.items():
            yield _row(step, figure, None if step in _PEERS else floor, night_records)
        steps = [figure for step, figure in night.items() if step.startswith("night: ")]
        yield _row("whole night", _sum(steps), None, night_records)
    if len(days) > 1:
        yield ""
        yield "| subscriptions | " + " | ".join(f"{step}, us a record" for step in _OURS) + " |"
        yield "|---|" + "---|" * len(_OURS)
        for size, rows in sorted(days.items()):
            each = [f"{rows[step].cpu / size / records_each * 1e6:.2f}" for step in _OURS]
            yield f"| {size:,} | " + " | ".join(each) + " |"


def _row(step: str, figure: Figure, floor: Figure | None, records: int) -> str:
    ratio = f"{figure.cpu / floor.cpu:.1f}" if floor else ""
    return (
        f"| {step} | {_BARS.get(step, '')} | {figure.cpu:.1f} | {ratio} "
        f"| {records / figure.cpu / 1e6:.2f} | {figure.wall:.1f} | {figure.peak_mb:.0f} |"
    )


def _sum(figures: list[Figure]) -> Figure:
    return Figure(
        sum(figure.cpu for figure in figures),
        sum(figure.wall for figure in figures),
        max(figure.peak_mb for figure in figures),
    )
