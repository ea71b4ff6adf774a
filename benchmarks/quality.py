"""Found vs planted on a simulated installation whose nights have run.

Here: the score of the last night as Markdown, per archetype and persona, with
what was missed. Not here: scoring itself (`mingdan.simulator.score`).

    MINGDAN_DATA=data python -m benchmarks.quality [DAY]
"""

from __future__ import annotations

import sys
from datetime import date

import polars as pl

from mingdan.lake import Lake
from mingdan.settings import Settings
from mingdan.simulator.score import score
from mingdan.summary import nights


def markdown(frame: pl.DataFrame) -> str:
    """A frame as a Markdown table."""
    with pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_dataframe_shape=True,
        tbl_hide_column_data_types=True,
        tbl_rows=-1,
        tbl_cols=-1,
        fmt_str_lengths=80,
        float_precision=3,
    ):
        return str(frame)


def main() -> None:
    """Print the score of DAY (default: the newest night)."""
    settings = Settings()
    day = date.fromisoformat(sys.argv[1]) if len(sys.argv) > 1 else nights(Lake(settings.lake))[-1]
    found = score(settings, day)
    print(f"Nights up to {day}: {found.nights}\n")
    print("| figure | value |\n|---|---|")
    for name, value in (
        ("planted, deadline come", found.planted),
        ("found by the 3rd active day", found.found),
        ("recall", found.recall_by_third_day),
        ("benign active subscriptions", found.benign),
        ("false positives in watch, any night", found.false_positives.height),
        ("share of benign active subscriptions, any night", found.watch_fpr),
        ("the same among persons", found.person_fpr),
        ("the same on the last night alone", found.tonight_fpr),
        ("published on the last night", found.published),
        ("published precision", found.published_precision),
    ):
        shown = f"{value:.2e}" if isinstance(value, float) and value < 0.01 else value
        print(f"| {name} | {round(shown, 4) if isinstance(shown, float) else shown} |")
    for title, frame in (
        ("By archetype", found.archetypes),
        ("By benign persona", found.personas),
        ("False positives", found.false_positives),
        ("Missed", found.missed),
    ):
        print(f"\n{title}\n\n{markdown(frame)}")


if __name__ == "__main__":
    main()
