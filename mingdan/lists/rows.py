"""List entries as one partner sees them: a token and attributes.

Here: from entries and numbers to the state of a partner's list, and from two
states to the changes between them. Not here: which entries there are
(`joint.py`) and files (`packing.py`).

A million entries are columns here (Polars), never a million objects: a state has
`token` and `attributes`, ascending by token; changes have `op`, `token` and `told`
(attributes, or why a token was taken back).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

import polars as pl

from mingdan.lists.format import ATTRIBUTES, INSTANT_FORMAT, attributes_pattern, row_patterns
from mingdan.lists.tokens import Tokeniser

STATE = {"token": pl.String, "attributes": pl.String}
CHANGES = {"op": pl.String, "token": pl.String, "told": pl.String}
_MOST_SOURCES = 9_999
_AT_ONCE = 50_000
"""Rows made into text at a time: some megabytes."""


def state_of(
    entries: pl.DataFrame,
    numbers: Mapping[int, str],
    tokeniser: Tokeniser,
    weight: Sequence[str],
    told: Collection[str] = ATTRIBUTES,
) -> pl.DataFrame:
    """The state of a partner's list.

    `numbers` are the MSISDNs by subscription; an entry without one is left out.
    A number with several entries gets the first by `weight`, then the more
    confident one. Attributes not in `told` stay empty. Raises ValueError for values the
    format cannot carry.
    """
    subscriptions = sorted(numbers)
    tokens = pl.DataFrame(
        {
            "subscription_id": subscriptions,
            "token": tokeniser.tokens(numbers[key] for key in subscriptions),
        },
        schema={"subscription_id": pl.Int64, "token": pl.String},
    )
    ranks = {reason: rank for rank, reason in enumerate(weight)}
    instants = [
        pl.col(name).dt.strftime(INSTANT_FORMAT)
        for name in ("first_seen", "last_seen", "valid_from", "valid_until")
    ]
    state = (
        entries.join(tokens, on="subscription_id")
        .with_columns(
            pl.col("reason_code")
            .replace_strict(ranks, default=len(ranks), return_dtype=pl.Int32)
            .alias("rank"),
            pl.col("sources").clip(1, _MOST_SOURCES),
            *instants,
        )
        .sort(
            ["token", "rank", "confidence", "reason_code", "entry_id"],
            descending=[False, False, True, False, False],
        )
        .unique("token", keep="first", maintain_order=True)
        .select(
            "token",
            attributes=pl.concat_str(
                *(pl.col(name) if name in told else pl.lit("") for name in ATTRIBUTES),
                separator=",",
            ),
        )
    )
    # Nothing leaves that the partner's reader would refuse, also once it is unsealed.
    odd = state.filter(~_whole(pl.col("attributes"), attributes_pattern().pattern))
    if not odd.is_empty():
        raise ValueError(f"an entry cannot be written in the format: {odd['attributes'][0]}")
    written = state.with_columns(
        pl.Series("attributes", tokeniser.written(state["token"], state["attributes"]), pl.String)
    )
    row = pl.concat_str(pl.lit("ADD"), *STATE, separator=",")
    if not written.select(
        _whole(row, row_patterns(tokeniser.token_alg)["ADD"].pattern).all()
    ).item():
        raise ValueError("a row cannot be written in the format")
    return written


def _whole(text: pl.Expr, pattern: str) -> pl.Expr:
    """Whether a text is of exactly this pattern; what is missing is not."""
    return text.str.contains(f"^(?:{pattern})$").fill_null(value=False)


def changes(
    before: Iterable[pl.DataFrame],
    after: pl.DataFrame,
    why: Callable[[list[str]], Mapping[str, str]],
) -> pl.DataFrame:
    """The rows that lead from one state to the other, ascending by token.

    `before` is a state in parts, read as they are needed: it is never held whole. `why` is
    asked once for the retraction reasons of all tokens taken back.
    """
    differing = pl.concat(_differing(before, after))
    gone = differing.filter(op="DEL")["token"].to_list()
    reasons = why(gone) if gone else {}
    taken_back = pl.DataFrame(
        {"token": gone, "reason": [reasons[token] for token in gone]},
        schema={"token": pl.String, "reason": pl.String},
    )
    return differing.join(taken_back, on="token", how="left", maintain_order="left").select(
        "op", "token", told=pl.coalesce("reason", "told")
    )


def _differing(before: Iterable[pl.DataFrame], after: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What differs, part by part: both states ascend, so a part meets one slice of the other."""
    held, told = pl.col("attributes"), pl.col("attributes_after")
    op = pl.when(told.is_null()).then(pl.lit("DEL")).when(held.is_null()).then(pl.lit("ADD"))
    start = 0
    for part in chain(before, [pl.DataFrame(schema=STATE)]):
        end = len(after)
        if not part.is_empty():
            end = after["token"].search_sorted(part["token"][-1], side="right")
        yield (
            part.join(after[start:end], on="token", how="full", coalesce=True, suffix="_after")
            .filter(held.ne_missing(told))
            .sort("token")
            .select(op.otherwise(pl.lit("MOD")).alias("op"), "token", told=told)
        )
        start = end


def lines(frame: pl.DataFrame, *columns: str | pl.Expr) -> Iterator[bytes]:
    """The rows as lines of these columns, a block of whole lines at a time."""
    line = pl.concat_str(*columns, separator=",").str.join("\n")
    for part in frame.iter_slices(_AT_ONCE):
        text: str = part.select(line).item()
        yield text.encode("ascii") + b"\n"
