"""Who held which number, SIM and subscription: the order snapshot of the synthetic day.

Here: the nightly order tables, with changes to the second on the measured day. Not here: what
was done with the numbers (`world.py`).

Of 5,000 subscriptions five swap the SIM, one changes its number, one goes to another party, and
one ends and has its number issued again three hours later, to a subscription opened for it.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mingdan.lake import Lake
from mingdan.orders.tables import (
    NUMBER_HOLDINGS,
    ORDER_EVENTS,
    SUBSCRIPTION_HOLDINGS,
    SUBSCRIPTIONS,
)
from mingdan.reports.tables import COMPLAINTS, COMPLAINTS_WITHDRAWN
from mingdan.tables import Table

NUMBER, SIM = 8_613_000_000_000, 460_000_000_000_000
REISSUED_AFTER_S = 3 * 3600
OPENED = datetime(2025, 1, 1)  # noqa: DTZ001


class Change(IntEnum):
    """What happens to a subscription on the measured day."""

    NONE = 0
    SIM = 1
    NUMBER = 2
    PARTY = 3
    REISSUED = 4


def change_of(who: NDArray[np.int64]) -> NDArray[np.int64]:
    """The change of each subscription (0: none)."""
    cut = who % 5000
    kinds = [cut % 1000 == 0, cut == 1, cut == 2, cut == 3]
    return np.select(kinds, [Change.SIM, Change.NUMBER, Change.PARTY, Change.REISSUED], 0)


def changed_at(who: NDArray[np.int64]) -> NDArray[np.int64]:
    """The second of the day at which it changes; a number can still be issued again by midnight."""
    return who * 37 % 70_000


def new_sim(who: NDArray[np.int64], subscriptions: int) -> NDArray[np.int64]:
    """The SIM after a swap, or of the subscription a number is issued to again."""
    return SIM + subscriptions + who


def new_number(who: NDArray[np.int64], subscriptions: int) -> NDArray[np.int64]:
    """The number after a change of number; calls reach the numbers below twice the count."""
    return NUMBER + 2 * subscriptions + who


def snapshot(subscriptions: int, midnight: datetime, *, moving: bool) -> dict[Table, pl.DataFrame]:
    """The order tables of a night that begins at `midnight` (naive UTC), with its changes if
    `moving`."""
    who = np.arange(subscriptions, dtype=np.int64)
    base = pl.DataFrame(
        {
            "subscription_id": who + 1,
            "party_id": who + 1,
            "change": change_of(who) if moving else np.zeros_like(who),
            "at": np.datetime64(midnight, "us") + changed_at(who).astype("timedelta64[s]"),
            "number": NUMBER + who,
            "sim": SIM + who,
            "new_number": new_number(who, subscriptions),
            "new_sim": new_sim(who, subscriptions),
        }
    )
    opened = pl.lit(OPENED, pl.Datetime("us"))
    ended = pl.when(pl.col("change") == Change.REISSUED).then("at")
    after = pl.col("at") + pl.duration(seconds=REISSUED_AFTER_S)
    again = base.filter(pl.col("change") == Change.REISSUED).with_columns(
        subscription_id=pl.col("subscription_id") + subscriptions,
        party_id=pl.col("party_id") + subscriptions,
    )

    def held(kind: str, key: str, moved: Change) -> list[pl.DataFrame]:
        """Intervals of SIMs or numbers: the first, what came after a change, issued again."""
        until = pl.when(pl.col("change").is_in([moved, Change.REISSUED])).then("at")
        later = base.filter(pl.col("change") == moved)
        issued = "new_sim" if key == "sim" else "number"
        columns = {"key_kind": pl.lit(kind), "valid_to": pl.lit(None, pl.Datetime("us"))}
        return [
            base.with_columns(**{**columns, "valid_to": until}, key=key, valid_from=opened),
            later.with_columns(**columns, key=f"new_{key}", valid_from="at"),
            again.with_columns(**columns, key=issued, valid_from=after),
        ]

    moved_party = pl.when(pl.col("change").is_in([Change.PARTY, Change.REISSUED])).then("at")
    never = pl.lit(None, pl.Datetime("us"))
    parties = [
        base.with_columns(valid_from=opened, valid_to=moved_party),
        base.filter(pl.col("change") == Change.PARTY).with_columns(
            party_id=pl.col("party_id") + subscriptions, valid_from="at", valid_to=never
        ),
        again.with_columns(valid_from=after, valid_to=never),
    ]
    everybody = pl.concat(
        [
            base.with_columns(activated_at=opened, terminated_at=ended),
            again.with_columns(activated_at=after, terminated_at=never),
        ]
    ).with_columns(
        external_id=pl.col("subscription_id").cast(pl.String),
        party_type=pl.lit("individual"),
        sender_kind=pl.lit("person"),
        product_code=pl.lit("PREPAID"),
        payment_kind=pl.lit("prepaid"),
        status=pl.lit("active"),
        suspend_reasons=pl.lit(""),
        arrears_fen=pl.lit(0),
        arrears_days=pl.lit(0),
        document_id="party_id",
        party_cards=pl.lit(1),
    )
    numbers = pl.concat(
        [*held("imsi", "sim", Change.SIM), *held("msisdn", "number", Change.NUMBER)]
    )
    return {
        NUMBER_HOLDINGS: numbers.with_columns(recorded_at=opened),
        SUBSCRIPTION_HOLDINGS: pl.concat(parties).with_columns(recorded_at=opened),
        SUBSCRIPTIONS: everybody,
        **{
            table: pl.DataFrame(schema=Lake.schema(table))
            for table in (ORDER_EVENTS, COMPLAINTS, COMPLAINTS_WITHDRAWN)
        },
    }
