"""The account desk: payments and refunds (收/退通信费), 合帐, 分帐, prepaid balances.

Here: one method a business, in one transaction each. Not here: arrears and the
blocks that paying lifts, which are the bulk commands' own rules
(`businesses/account.py`), vouchers (`vouchers.py`) and the end of an account
(`settlement.py`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from mingdan.orders import checks
from mingdan.orders import commands as c
from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import acceptance
from mingdan.orders.lifecycle.acceptance import Acceptance
from mingdan.orders.money import balances, buckets, carrying, receipts, views
from mingdan.orders.money.receipts import Issued
from mingdan.orders.money.requests import (
    BucketView,
    CancelChangeRequest,
    DeductRequest,
    MergeRequest,
    Moved,
    PayRequest,
    RefundRequest,
    Regrouped,
    Settlement,
    SplitRequest,
    Standing,
)
from mingdan.orders.money.settlement import give_back, settle
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore


class AccountDesk:
    """Money of subscriptions over an open store. `at` is when it happens, aware.

    Every call that changes something asks the gate first and raises Refused with
    its codes (unknown_interface, interface_closed, business_not_permitted,
    out_of_hours): PAY, REFUND, BILL to deduct, MERGE_ACCOUNT, SPLIT_ACCOUNT,
    CANCEL_ACCOUNT_CHANGE, TERMINATE to settle, BALANCE to freeze or release a balance.
    """

    def __init__(self, store: OrderStore) -> None:
        self._store = store

    def pay(self, request: PayRequest, *, actor: Actor, at: datetime) -> Moved:
        """收通信费: the oldest bills first; settled arrears lift their blocks, and no others.

        Idempotent by correlator. Where several subscriptions share the account,
        all of them that arrears had stopped serve again. A prepaid balance may be
        used for policy's days more. Raises Refused: invalid_value,
        currency_not_accepted, unknown_subscription, unknown_party,
        correlator_reused, order_ref_reused, bucket_suspended.
        """
        fen = receipts.money(request.amount_fen, request.currency)
        correlator = receipts.correlator(request.correlator)
        method, at = receipts.method(request.method), checks.instant("at", at)
        command = c.Pay(
            order_ref=correlator,
            at=at,
            channel=request.channel,
            subscription_ref=request.subscription_ref,
            amount_fen=fen,
        )
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business="PAY", at=at)
            lifts = self._lifts(connection, command)
            carrying.hold(self._store, connection, [command, *lifts])
            key, product = carrying.subscription_of(connection, request.subscription_ref)
            found = receipts.find(connection, correlator)
            if found is not None:
                receipts.agree(found, purpose="account", amount_fen=fen, method=method)
            repeated = carrying.order_of(connection, correlator) is not None
            if repeated:
                lifts = []
            payer = carrying.holder_of(connection, key, at)
            if request.payer_ref is not None:
                payer = carrying.party_key(connection, request.payer_ref)
            applied = carrying.carry_out(self._store, connection, [command, *lifts])
            # Paid through the bulk interface before: it has no receipt, and none is made up.
            if not repeated:
                found = self._receive(
                    Journal(connection, at, str(actor)), command, key, product, method, payer
                )
            refused = {each.order_ref for each in applied.refused}
            return views.moved(
                connection,
                key,
                at,
                order_ref=correlator,
                receipt_no=None if found is None else found.receipt_no,
                amount_fen=fen,
                repeated=repeated,
                lifted=tuple(x.subscription_ref for x in lifts if x.order_ref not in refused),
            )

    def refund(self, request: RefundRequest, *, actor: Actor, at: datetime) -> Moved:
        """退通信费: back to the one who paid, the way it was paid, never more than was paid.

        Idempotent by correlator. Raises Refused: invalid_value,
        currency_not_accepted, unknown_subscription, unknown_payment,
        refund_exceeds_payment, refund_exceeds_balance, refund_other_payee,
        voucher_not_refundable, bucket_suspended, order_ref_reused.
        """
        fen = receipts.money(request.amount_fen, request.currency)
        correlator, at = receipts.correlator(request.correlator), checks.instant("at", at)
        command = c.Refund(
            order_ref=correlator,
            at=at,
            channel=request.channel,
            subscription_ref=request.subscription_ref,
            payment_ref=request.payment_ref,
            amount_fen=fen,
        )
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business="REFUND", at=at)
            carrying.hold(self._store, connection, [command])
            key, _ = carrying.subscription_of(connection, request.subscription_ref)
            account_id = balances.account_of(connection, key, at)
            if carrying.order_of(connection, correlator) is None:
                buckets.usable(connection, account_id, request.subscription_ref, at, needed=False)
            payee = request.payee_ref
            expected = None if payee is None else carrying.party_key(connection, payee)
            journal = Journal(connection, at, str(actor))
            return give_back(self._store, journal, command, key=key, at=at, payee=expected)

    def deduct(self, request: DeductRequest, *, actor: Actor, at: datetime) -> Moved:
        """Use a prepaid balance, which becomes revenue at once. Idempotent by correlator.

        Raises Refused: invalid_value, currency_not_accepted, unknown_subscription,
        unknown_bucket, bucket_suspended, bucket_expired, balance_insufficient,
        order_ref_reused.
        """
        fen = receipts.money(request.amount_fen, request.currency)
        correlator, at = receipts.correlator(request.correlator), checks.instant("at", at)
        command = c.Charge(
            order_ref=correlator,
            at=at,
            channel=request.channel,
            subscription_ref=request.subscription_ref,
            amount_fen=fen,
            due_at=at,
        )
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business="BILL", at=at)
            carrying.hold(self._store, connection, [command])
            ref = request.subscription_ref
            key, _ = carrying.subscription_of(connection, ref)
            order = carrying.order_of(connection, correlator)
            if order is None:
                account_id = balances.account_of(connection, key, at)
                bucket = buckets.usable(connection, account_id, ref, at, needed=True)
                if bucket is None or bucket.remaining_fen < fen:
                    left = 0 if bucket is None else bucket.remaining_fen
                    raise Refused("balance_insufficient", balance_fen=left)
            else:
                # Due when it was made: a retry later asks for the same.
                command = c.Charge(**{**vars(command), "due_at": order[2]})
            applied = carrying.carry_out(self._store, connection, [command])
            return views.moved(
                connection,
                key,
                at,
                order_ref=correlator,
                receipt_no=None,
                amount_fen=fen,
                repeated=bool(applied.repeated),
            )

    def merge(self, request: MergeRequest, *, actor: Actor, at: datetime) -> Regrouped:
        """合帐: from then on the other one's account pays for this one too.

        Bills and payments of before stay where they are. Idempotent by
        `order_ref`. Raises Refused: see `businesses/sharing.py`.
        """
        command = c.MergeAccount(
            order_ref=receipts.correlator(request.order_ref),
            at=checks.instant("at", at),
            channel=request.channel,
            subscription_ref=request.subscription_ref,
            with_subscription_ref=request.with_subscription_ref,
            effective_from=request.effective_from,
        )
        return self._regroup(command, actor)

    def split(self, request: SplitRequest, *, actor: Actor, at: datetime) -> Regrouped:
        """分帐: from then on its own account pays again. Raises Refused as 合帐 does."""
        command = c.SplitAccount(
            order_ref=receipts.correlator(request.order_ref),
            at=checks.instant("at", at),
            channel=request.channel,
            subscription_ref=request.subscription_ref,
            effective_from=request.effective_from,
        )
        return self._regroup(command, actor)

    def cancel_change(
        self, request: CancelChangeRequest, *, actor: Actor, at: datetime
    ) -> Regrouped:
        """The 合帐 or 分帐 yet to come does not take effect, and leaves nothing behind.

        Idempotent by `order_ref`. Raises Refused: no_pending_account_change,
        unknown_subscription, subscription_terminated.
        """
        command = c.CancelAccountChange(
            order_ref=receipts.correlator(request.order_ref),
            at=checks.instant("at", at),
            channel=request.channel,
            subscription_ref=request.subscription_ref,
        )
        return self._regroup(command, actor)

    def suspend_balance(self, subscription_ref: str, *, actor: Actor, at: datetime) -> BucketView:
        """Freeze a prepaid balance: no use, no top-up, no refund. Raises Refused."""
        return self._turn(subscription_ref, "suspended", actor, at)

    def release_balance(self, subscription_ref: str, *, actor: Actor, at: datetime) -> BucketView:
        """Let a frozen prepaid balance be used again. Raises Refused(unknown_bucket)."""
        return self._turn(subscription_ref, "active", actor, at)

    def settle(
        self, subscription_ref: str, correlator: str, *, actor: Actor, at: datetime
    ) -> Settlement:
        """销号: give back what is left, newest payments first. Raises Refused(not_terminated)."""
        at = checks.instant("at", at)
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business="TERMINATE", at=at)
            journal = Journal(connection, at, str(actor))
            return settle(
                self._store,
                journal,
                subscription_ref=subscription_ref,
                correlator=correlator,
                at=at,
            )

    def show(self, subscription_ref: str, *, at: datetime) -> Standing:
        """The accounts of a subscription at `at`. Raises Refused(unknown_subscription)."""
        with self._store.database.reading() as connection:
            key, _ = carrying.subscription_of(connection, subscription_ref)
            return views.standing(connection, key, subscription_ref, checks.instant("at", at))

    def _regroup(
        self, command: c.MergeAccount | c.SplitAccount | c.CancelAccountChange, actor: Actor
    ) -> Regrouped:
        """By the order desk's path, so that it is archived and can be taken back (冲正)."""
        with self._store.database.writing() as connection:
            asked = Acceptance(
                command=command, actor=actor, at=command.at, key=None, money=None, at_once=True
            )
            done = acceptance.accept(self._store, connection, asked)
            if done.due_fen > done.paid_fen:
                open_fen = done.due_fen - done.paid_fen
                raise Refused("order_unpaid", order_ref=command.order_ref, open_fen=open_fen)
            account_id, start = views.membership(connection, command.order_ref)
            return Regrouped(
                order_ref=command.order_ref,
                account_id=account_id,
                effective_from=start,
                repeated=done.repeated,
            )

    def _turn(self, ref: str, status: str, actor: Actor, at: datetime) -> BucketView:
        at = checks.instant("at", at)
        with self._store.database.writing() as connection:
            allow(connection, actor=actor, business="BALANCE", at=at)
            carrying.hold_subscriptions(self._store, connection, [ref])
            key, _ = carrying.subscription_of(connection, ref)
            account_id = balances.account_of(connection, key, at)
            return buckets.turn(Journal(connection, at, str(actor)), account_id, ref, status, at)

    def _receive(
        self, journal: Journal, command: c.Pay, key: int, product: str, method: str, payer: int
    ) -> Issued | None:
        connection, at = journal.connection, command.at
        order = carrying.order_of(connection, command.order_ref)
        account_id = balances.account_of(connection, key, at)
        if buckets.is_prepaid(connection, product):
            days = int(self._store.policy.at("prepaid_validity_days", at))
            buckets.extend(journal, account_id, days=days, at=at)
        return receipts.issue(
            journal,
            correlator=command.order_ref,
            purpose="account",
            state="done",
            amount_fen=command.amount_fen,
            method=method,
            at=at,
            order_id=None if order is None else order[0],
            account_id=account_id,
            payer_party_id=payer,
        )

    def _lifts(self, connection: Connection, command: c.Pay) -> list[c.Resume]:
        """Resumes of the other subscriptions of the account that arrears have stopped.

        They are refused while arrears are left. Where policy resumes in spite of
        arrears, paying some would lift too much, so there each asks for itself.
        """
        policy = self._store.policy
        if not policy.at("payment_lifts_arrears_block", command.at):
            return []
        if policy.at("resume_with_arrears", command.at):
            return []
        key, _ = carrying.subscription_of(connection, command.subscription_ref)
        account_id = balances.account_of(connection, key, command.at)
        others = [k for k in balances.members(connection, account_id, command.at) if k != key]
        s, b = m.Subscription, m.SubscriptionBlock
        stopped = connection.execute(
            select(s.subscription_ref)
            .join(b, b.subscription_id == s.subscription_id)
            .where(
                s.subscription_id.in_(others),
                b.reason == "arrears",
                b.superseded_at.is_(None),
                b.valid_from <= command.at,
                b.valid_to.is_(None),
            )
            .distinct()
            .order_by(s.subscription_ref)
        )
        return [
            c.Resume(
                order_ref=receipts.internal("lift", command.order_ref, ref),
                at=command.at,
                channel=command.channel,
                subscription_ref=ref,
                reason="arrears",
            )
            for ref in stopped.scalars()
        ]
