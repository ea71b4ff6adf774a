"""The voucher desk (充值卡): batches, sale, one-time redemption, freezing, voiding, expiry.

Here: one method a business, in one transaction each. Not here: what each does
(`voucher_batches.py`, `voucher_sales.py`, `voucher_redemption.py`,
`voucher_expiry.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.commands import SellVouchers
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.money import pins, receipts, voucher_batches, voucher_sales
from mingdan.orders.money.requests import Moved
from mingdan.orders.money.voucher_expiry import book_expired
from mingdan.orders.money.voucher_redemption import redeem
from mingdan.orders.money.voucher_requests import (
    BatchRequest,
    BatchView,
    Expired,
    RedeemRequest,
    SaleRequest,
    Sold,
    VoucherView,
)
from mingdan.orders.money.voucher_rows import batch_view, view
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore


class VoucherDesk:
    """Vouchers over an open store; `pepper` keys their PINs. `at` is aware.

    Every call that changes something asks the gate first and raises Refused with
    its codes (unknown_interface, interface_closed, business_not_permitted,
    out_of_hours): TOPUP_VOUCHER to redeem, VOUCHER_SALE to sell, else VOUCHER_STOCK.
    """

    def __init__(self, store: OrderStore, pepper: bytes) -> None:
        self._store = store
        self._pepper = pepper

    def make(self, request: BatchRequest, out: Path, *, actor: Actor, at: datetime) -> BatchView:
        """Make a batch and write its serials and PINs to `out` (mode 600), the only time.

        After a crash between commit and rename the PINs are in `out.partial-*`.
        Raises Refused: invalid_value, voucher_batch_exists; InputRefused if `out`
        exists or cannot be written.
        """
        with self._journal(actor, at) as journal:
            partial = voucher_batches.make(self._store, journal, self._pepper, request, out)
        partial.replace(out)
        return self.batch(request.batch_ref, at=at)

    def take_in(
        self, request: BatchRequest, file: Path, *, actor: Actor, at: datetime
    ) -> BatchView:
        """Import a batch made elsewhere, all of it or nothing; `quantity` is the file's own.

        Raises Refused: invalid_value, voucher_batch_exists, voucher_duplicate;
        InputRefused if the file is not a batch file.
        """
        with self._journal(actor, at) as journal:
            voucher_batches.take_in(self._store, journal, self._pepper, request, file)
        return self.batch(request.batch_ref, at=at)

    def sell(self, request: SaleRequest, *, actor: Actor, at: datetime) -> Sold:
        """Sell vouchers of a batch, lowest serials first. Idempotent by correlator.

        An order (`SellVouchers`) paid and completed at once. A price under the
        face value is a discount. Raises Refused: invalid_value,
        currency_not_accepted, unknown_voucher_batch, voucher_expired,
        voucher_stock, correlator_reused, and the gate's codes.
        """
        price = receipts.money(request.price_fen, request.currency)
        correlator = receipts.correlator(request.correlator)
        if type(request.quantity) is not int or request.quantity < 1:
            raise Refused("invalid_value", field="quantity", problem="is not a number from 1")
        fen = price * request.quantity
        command = SellVouchers(
            order_ref=correlator,
            at=at,
            batch_ref=request.batch_ref,
            quantity=request.quantity,
            price_fen=price,
        )
        money = Money(amount_fen=fen, correlator=correlator, method=request.method)
        try:
            view = OrderDesk(self._store).run(command, actor=actor, at=at, payment=money)
        except Refused as refused:
            if refused.code == "order_ref_reused":
                raise Refused("correlator_reused", correlator=correlator) from refused
            raise
        receipt = str(view.receipt)
        with self._store.database.reading() as connection:
            serials = voucher_sales.sold_under(connection, receipt)
        return Sold(receipt_no=receipt, serials=serials, amount_fen=fen, repeated=view.repeated)

    def redeem(self, request: RedeemRequest, *, actor: Actor, at: datetime) -> Moved:
        """充值: a voucher's value into the subscription's account, once.

        Idempotent by correlator. A prepaid balance then lasts as long as the
        voucher says, or longer. A PIN nobody has is noted, and too many of them
        lock the subscription out for a while (policy). Raises Refused:
        invalid_value, unknown_subscription, voucher_pin_wrong, voucher_locked_out,
        voucher_state, voucher_expired, bucket_suspended, subscription_terminated,
        order_ref_reused.
        """
        mac = pins.digest_or_none(self._pepper, request.pin)
        with self._journal(actor, at, "TOPUP_VOUCHER") as journal:
            done = redeem(self._store, journal, request, mac)
        # Only now: the failed attempt must be on record.
        if done is None:
            raise Refused("voucher_pin_wrong")
        return done

    def freeze(self, serial: str, reason: str, *, actor: Actor, at: datetime) -> VoucherView:
        """Neither sell nor redeem it until it is unfrozen.

        Raises Refused: unknown_voucher, voucher_state (used, void or frozen already).
        """
        with self._journal(actor, at) as journal:
            return voucher_sales.turn(journal, serial, "frozen", checks.words("reason", reason))

    def unfreeze(self, serial: str, *, actor: Actor, at: datetime) -> VoucherView:
        """Back to what it was. Raises Refused: unknown_voucher, voucher_state (not frozen)."""
        with self._journal(actor, at) as journal:
            return voucher_sales.turn(journal, serial, None, None)

    def void(self, serial: str, reason: str, *, actor: Actor, at: datetime) -> VoucherView:
        """Withdraw it for ever; what was paid for it is given back, the way it was paid.

        Raises Refused: unknown_voucher, voucher_state (used or void).
        """
        with self._journal(actor, at) as journal:
            return voucher_sales.turn(journal, serial, "void", checks.words("reason", reason))

    def expire(self, as_of: datetime, *, actor: Actor, at: datetime) -> list[Expired]:
        """Book what was paid for vouchers that expired by `as_of`, each batch once.

        Returns what was booked now. Raises Refused(future_effect): nothing expires
        before its time.
        """
        by = checks.instant("as_of", as_of)
        with self._journal(actor, at) as journal:
            if by > journal.at:
                raise Refused("future_effect", at=by, recorded_at=journal.at)
            return book_expired(journal, by)

    def show(self, serial: str, *, at: datetime) -> VoucherView:
        """One voucher as of `at`, without its PIN. Raises Refused(unknown_voucher)."""
        with self._store.database.reading() as connection:
            return view(connection, checks.words("serial", serial), checks.instant("at", at))

    def batch(self, batch_ref: str, *, at: datetime) -> BatchView:
        """A batch as of `at`. Raises Refused(unknown_voucher_batch)."""
        ref = checks.words("batch_ref", batch_ref)
        with self._store.database.reading() as connection:
            return batch_view(connection, ref, checks.instant("at", at))

    @contextmanager
    def _journal(
        self, actor: Actor, at: datetime, business: str = "VOUCHER_STOCK"
    ) -> Iterator[Journal]:
        instant = checks.instant("at", at)
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business=business, at=instant)
            yield Journal(connection, instant, str(actor))
