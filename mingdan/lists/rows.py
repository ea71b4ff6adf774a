"""List entries as one partner sees them: a token and attributes.

Here: from entries and numbers to the state of a partner's list, and from two
states to the changes between them. Not here: which entries there are
(`joint.py`) and files (`folder.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import polars as pl

from mingdan.lists.format import (
    ATTRIBUTES,
    INSTANT_FORMAT,
    Rows,
    attributes_pattern,
    row_patterns,
)
from mingdan.lists.tokens import Tokeniser

_MOST_SOURCES = 9_999


def state_of(
    entries: pl.DataFrame,
    numbers: Mapping[int, str],
    tokeniser: Tokeniser,
    weight: Sequence[str],
) -> dict[str, str]:
    """The state of a partner's list, ascending by token.

    `numbers` are the MSISDNs by subscription; an entry without one is left out.
    A number with several entries gets the first by `weight`, then the more
    confident one. Raises ValueError for values the format cannot carry.
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
    rows = (
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
        .select("token", attributes=pl.concat_str(ATTRIBUTES, separator=","))
    )
    state: dict[str, str] = dict(rows.iter_rows())
    _check(state.values())
    written = {token: tokeniser.written(token, told) for token, told in state.items()}
    pattern = row_patterns(tokeniser.token_alg)["ADD"]
    if not all(pattern.fullmatch(f"ADD,{token},{told}") for token, told in written.items()):
        raise ValueError("a row cannot be written in the format")
    return written


def _check(attributes: Iterable[str | None]) -> None:
    """Nothing leaves that the partner's reader would refuse, once unsealed where it is sealed."""
    for told in attributes:
        if told is None or not attributes_pattern().fullmatch(told):
            raise ValueError(f"an entry cannot be written in the format: {told}")


def changes(before: Rows, after: Rows, why: Callable[[list[str]], Mapping[str, str]]) -> list[str]:
    """The rows that lead from one state to the other, ascending by token.

    `why` is asked once for the retraction reasons of all tokens taken back.
    """
    gone = sorted(before.keys() - after.keys())
    reasons = why(gone) if gone else {}
    rows = [(token, f"DEL,{token},{reasons[token]}") for token in gone]
    for token, attributes in after.items():
        held = before.get(token)
        if held is None:
            rows.append((token, f"ADD,{token},{attributes}"))
        elif held != attributes:
            rows.append((token, f"MOD,{token},{attributes}"))
    return [row for _, row in sorted(rows)]
