"""The feature catalogue: what each feature means, as data, read once.

Here: the entries of `catalogue.toml`, the columns of table `features` they
become, and their rendering as Markdown and as metadata. Not here: how they
are computed (`sql/features/`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mingdan.tables import Column, ColumnType

WINDOWS = (1, 7, 30)
"""Days of the rolling windows; each ends with the day it is computed for."""


class Feature(BaseModel):
    """One entry. `windows` empty: a single column without suffix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    family: str
    type: ColumnType
    windows: tuple[Literal[1, 7, 30], ...]
    unit: str
    meaning: str
    null: str
    source: str
    differs: str | None = None

    @field_validator("windows")
    @classmethod
    def _ascending(cls, windows: tuple[int, ...]) -> tuple[int, ...]:
        if sorted(set(windows)) != list(windows):
            raise ValueError("windows must ascend without repeats")
        return windows

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table columns this feature becomes."""
        described = f"{self.meaning}; in {self.unit}; null: {self.null}"
        if not self.windows:
            return (Column(self.name, self.type, described),)
        return tuple(
            Column(f"{self.name}_{days}d", self.type, f"{described}; last {days} d")
            for days in self.windows
        )


@cache
def catalogue() -> tuple[Feature, ...]:
    """All features in the catalogue's order. Raises ValueError on a bad entry."""
    text = (files("mingdan.features") / "catalogue.toml").read_text(encoding="utf-8")
    features = tuple(Feature(**entry) for entry in tomllib.loads(text)["feature"])
    names = [column.name for feature in features for column in feature.columns]
    if len(set(names)) != len(names):
        raise ValueError("catalogue.toml names a feature twice")
    return features


def metadata() -> dict[str, dict[str, str]]:
    """Per column of `features`: family, unit, meaning, null and source, for the UI."""
    return {
        column.name: {
            "family": feature.family,
            "unit": feature.unit,
            "meaning": feature.meaning,
            "null": feature.null,
            "source": feature.source,
        }
        for feature in catalogue()
        for column in feature.columns
    }


def markdown() -> str:
    """The page docs/features.md, whole."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    columns = sum(len(feature.columns) for feature in catalogue())
    yield "# Features (特征)"
    yield ""
    yield (
        f"{len(catalogue())} features, {columns} columns of the lake table `features`: one row a "
        "subscription with any usage in the last 30 days. A windowed feature has one column a "
        "window, `<name>_1d`, `_7d`, `_30d`: the business days (Asia/Shanghai) ending with the "
        "row's day. Distinct counts are exact. Generated from `mingdan/features/catalogue.toml` "
        "by `mingdan.features.catalogue.markdown`; a test keeps it up to date."
    )
    yield ""
    yield (
        "*Sent* is outgoing, *received* incoming; an *event* is a message or a call. A long "
        "message delivered in segments (same direction, other party and message reference, each "
        "within ten minutes of the one before, on one day) is one message, and is paid for in "
        "all its segments. *Difference* names how a feature departs from "
        "[bandicoot](https://github.com/computationalprivacy/bandicoot) (git HEAD) where "
        "bandicoot has one of that kind."
    )
    yield ""
    yield (
        "Not here: bandicoot's `radius_of_gyration`, because sources name cells and do not say "
        "where they are; its `churn_rate`, which compares whole calendar weeks, of which a window "
        "of 30 days holds three on most days and four on the others, so that it would change "
        "with the weekday; its indicators of recharges, which are not usage."
    )
    for family, features in groupby(catalogue(), key=lambda feature: feature.family):
        yield from ("", f"## {family.capitalize()}", "")
        yield "| feature | days | unit | meaning | null | source | difference |"
        yield "|---|---|---|---|---|---|---|"
        for feature in features:
            days = ", ".join(str(window) for window in feature.windows) or "-"
            cells = (
                f"`{feature.name}`",
                days,
                feature.unit,
                feature.meaning,
                feature.null,
                feature.source,
                feature.differs or "",
            )
            yield "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(markdown(), end="")
