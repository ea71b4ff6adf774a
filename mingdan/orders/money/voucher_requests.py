"""What the voucher desk is asked and what it answers, typed.

Here: requests and results; never a PIN in a result. Not here: checks and effects
(`vouchers.py`). Amounts are fen; instants are aware.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mingdan.orders.money.receipts import CURRENCY


@dataclass(frozen=True, kw_only=True)
class BatchRequest:
    """A batch of vouchers: face value, how long a redeemed balance lasts, until when it sells.

    `quantity` is of a batch to make; of one to import it is what the file holds.
    """

    batch_ref: str
    face_value_fen: int
    validity_days: int
    expires_at: datetime
    quantity: int = 0


@dataclass(frozen=True, kw_only=True)
class SaleRequest:
    """`quantity` vouchers of a batch at `price_fen` each, at most the face value."""

    batch_ref: str
    quantity: int
    price_fen: int
    correlator: str
    method: str = "cash"
    currency: str = CURRENCY


@dataclass(frozen=True, kw_only=True)
class RedeemRequest:
    """A PIN for the account of a subscription (TMF654 TopupBalance)."""

    subscription_ref: str
    pin: str = field(repr=False)
    correlator: str
    channel: str = "hotline"


@dataclass(frozen=True, kw_only=True)
class Sold:
    """What was sold under a receipt; the buyer gets the PINs from the batch file."""

    receipt_no: str
    serials: tuple[str, ...]
    amount_fen: int
    repeated: bool = False


@dataclass(frozen=True, kw_only=True)
class VoucherView:
    """One voucher; `state` as of the instant asked for, `expired` by the clock."""

    serial: str
    batch_ref: str
    state: str
    face_value_fen: int
    expires_at: datetime
    sold_at: datetime | None
    used_at: datetime | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class BatchView:
    """A batch, and how many of its vouchers are in which state."""

    batch_ref: str
    face_value_fen: int
    validity_days: int
    quantity: int
    expires_at: datetime
    states: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Expired:
    """Vouchers of a batch that expired unredeemed, and what was paid for them."""

    batch_ref: str
    expires_at: datetime
    vouchers: int
    face_value_fen: int
    paid_fen: int
