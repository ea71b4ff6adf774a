"""Small pictures for the UI, drawn from a few aggregated rows.

Here: bars, lines and strips as PNG inside Markdown. Not here: which numbers (the
`plot_*.sql` statements) and anything that names a person: plots show counts.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#2f6f9f", "#d9822b", "#4c9a5b", "#b5403f", "#7b5ea7", "#8a8f98", "#c2a83e", "#3aa6a6")


def picture(frame: pl.DataFrame, *, title: str, kind: str = "bar") -> str:
    """A Markdown image of `frame(series, x, y)`; `kind` is bar or line.

    Bars are stacked by series in the order given; an empty frame says so.
    """
    figure = Figure(figsize=(7.2, 3.2), dpi=96, layout="constrained")
    axes = figure.add_subplot()
    if frame.is_empty():
        axes.text(0.5, 0.5, "nothing on this day", ha="center", va="center", color="#8a8f98")
        axes.set_axis_off()
    else:
        labels = [str(x) for x in frame["x"].unique(maintain_order=True).to_list()]
        places = {label: place for place, label in enumerate(labels)}
        bottom = [0.0] * len(labels)
        series = frame["series"].unique(maintain_order=True).to_list()
        for number, name in enumerate(series):
            heights = [0.0] * len(labels)
            for x, y in frame.filter(pl.col("series") == name).select("x", "y").iter_rows():
                heights[places[str(x)]] = float(y or 0)
            colour = COLOURS[number % len(COLOURS)]
            if kind == "line":
                axes.plot(labels, heights, color=colour, label=str(name), marker=".")
            else:
                axes.bar(labels, heights, bottom=bottom, color=colour, label=str(name))
                bottom = [low + high for low, high in zip(bottom, heights, strict=True)]
        crowded = len(labels) > 8
        axes.tick_params(axis="x", labelsize=7)
        if crowded:
            for label in axes.get_xticklabels():
                label.set(rotation=40, ha="right", rotation_mode="anchor")
        if len(labels) > 31:
            axes.set_xticks(range(0, len(labels), len(labels) // 12))
        axes.tick_params(axis="y", labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
        if len(series) > 1:
            figure.legend(
                loc="outside lower center", fontsize=7, frameon=False, ncols=min(5, len(series))
            )
    axes.set_title(title, fontsize=9, loc="left")
    return _markdown(figure, title)


def strips(frame: pl.DataFrame, names: Sequence[str], *, rows: int, title: str) -> str:
    """A Markdown image of spreads, a strip each: `frame(name, band, subscriptions, top)`.

    `names` top down; bands from left (0) to right (the name's own `top`), the
    darker the more of the `rows`; what is blank in all bands has no value.
    """
    top = dict(frame.select("name", "top").iter_rows())
    width = 1 + max(frame["band"].to_list(), default=0)
    shares = np.zeros((len(names), width))
    places = {name: place for place, name in enumerate(names)}
    for name, band, held in frame.select("name", "band", "subscriptions").iter_rows():
        shares[places[name], band] = held / rows
    figure = Figure(figsize=(7.2, 0.9 + 0.14 * len(names)), dpi=84, layout="constrained")
    axes = figure.add_subplot()
    # the square root: a share of one in a hundred is still seen
    axes.imshow(np.sqrt(shares), aspect="auto", cmap="Blues", vmin=0, vmax=1, interpolation="none")
    axes.set_yticks(range(len(names)), names, fontsize=6)
    axes.set_xticks([])
    axes.set_xlabel("0, then equal steps of ln(1 + value) up to the value on the right", fontsize=7)
    valued = shares.sum(axis=1)
    right = axes.secondary_yaxis("right")
    right.set_yticks(
        range(len(names)),
        [
            f"{top[name]:.4g}  ({1 - share:.0%} null)" if name in top else "all null"
            for name, share in zip(names, valued, strict=True)
        ],
        fontsize=6,
    )
    axes.set_title(title, fontsize=9, loc="left")
    return _markdown(figure, title)


def _markdown(figure: Figure, title: str) -> str:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call]
    encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"![{title}](data:image/png;base64,{encoded})"
