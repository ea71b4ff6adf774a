"""How the features of a day are spread over the subscriptions, small enough to draw.

Here: which column stands for a feature, a sample of a day, and its bands. Not
here: the drawing (`assets/plots.py`) and what a feature means (`catalogue.toml`).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from mingdan.features.catalogue import catalogue
from mingdan.features.tables import FEATURES
from mingdan.lake import Lake

BANDS = 24
SAMPLE = 20_000
"""Subscriptions looked at, about: enough to draw, whatever the size of the operator."""

NUMBERS = ("BIGINT", "INTEGER", "DOUBLE")


def drawn() -> dict[str, str]:
    """Of every feature that is a number, the column of its longest window, and the family."""
    return {
        feature.columns[-1].name: feature.family
        for feature in catalogue()
        if feature.type in NUMBERS
    }


def sample(lake: Lake, day: date) -> pl.DataFrame:
    """The drawn columns of about `SAMPLE` subscriptions, the same whenever it is asked."""
    every = max(1, lake.partition(FEATURES, day).rows // SAMPLE)
    taken = lake.scan(FEATURES, [day]).filter(pl.col("subscription_id") % every == 0)
    return taken.select(list(drawn())).collect(engine="streaming")


def bands(frame: pl.DataFrame) -> pl.DataFrame:
    """Per column of numbers: `name, band, subscriptions, top`; no row for an empty band.

    A band is one of `BANDS` equal steps of ln(1 + value) from 0 to `top`, the
    largest value. Nulls are in no band: what is missing from `frame.height`.
    """
    amount = pl.col("amount").cast(pl.Float64)
    place = ((1 + amount).log() / (1 + pl.col("top")).log() * BANDS).floor()
    return (
        frame.select(pl.all().cast(pl.Float64))
        .unpivot(variable_name="name", value_name="amount")
        .drop_nulls("amount")
        .with_columns(top=pl.col("amount").max().over("name"))
        .with_columns(
            band=pl.when(pl.col("top") > 0)
            .then(place.clip(0, BANDS - 1))
            .otherwise(0)
            .cast(pl.Int32)
        )
        .group_by("name", "band")
        .agg(subscriptions=pl.len(), top=pl.col("top").first())
        .sort("name", "band")
    )
