"""Money and standing: bills, payments (收通信费), protections (红名单).

Here: what an account owes and what paying lifts. Not here: labels that follow
from arrears (`classes`).
"""

from __future__ import annotations

from mingdan.orders import checks
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.blocks import blocks_at, lift
from mingdan.orders.commands import Charge, Pay, Protect, TopUp
from mingdan.orders.refusals import Refused
from mingdan.orders.working_set import Subscription

_SCOPES = frozenset({"credit", "spam", "all"})


def charge(batch: Batch, work: Work, command: Charge) -> None:
    """出账: a bill on the account; the final one may follow the termination."""
    fen = checks.amount("amount_fen", command.amount_fen)
    due_at = checks.instant("due_at", command.due_at)
    subscription = batch.known(command.subscription_ref, work)
    account_id = batch.account_of(subscription, work.at)
    batch.on_record.accounts[account_id].bills.append((due_at, work.at, fen))
    batch.rows.bills.append((account_id, work.order_id, fen, work.at, due_at, work.recorded_at))
    batch.complete(
        work,
        "BILL",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"amountDue": fen, "paymentDueDate": due_at.isoformat()},
    )


def pay(batch: Batch, work: Work, command: Pay) -> None:
    """收通信费: covers the oldest bills first.

    Settling all arrears lifts the arrears block (policy), and no other. What is
    paid beyond the bills stays on the account for the next ones. One who pays from
    a shared account first covers what its own still owes.
    """
    fen = checks.amount("amount_fen", command.amount_fen)
    subscription = batch.known(command.subscription_ref, work)
    lifted = _take(batch, work, subscription, fen)
    batch.complete(
        work,
        "PAY",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"amount": fen, "lifted": lifted},
    )


def top_up(batch: Batch, work: Work, command: TopUp) -> None:
    """充值卡: a voucher's value as a payment; that it is used once is checked before."""
    fen = checks.amount("amount_fen", command.amount_fen)
    subscription = batch.in_service(command.subscription_ref, work)
    lifted = _take(batch, work, subscription, fen)
    batch.complete(
        work,
        "TOPUP_VOUCHER",
        subscription=subscription,
        party=batch.owner(subscription, work.at),
        characteristic={"amount": fen, "voucher": command.voucher, "lifted": lifted},
    )


def _take(batch: Batch, work: Work, subscription: Subscription, fen: int) -> int:
    """Put a payment on the accounts; how many blocks for arrears it lifted."""
    known, own = batch.on_record, subscription.account_id
    paying = batch.account_of(subscription, work.at)
    owed = max(0, -known.accounts[own].balance()) if paying != own else 0
    for account_id, part in ((own, min(fen, owed)), (paying, fen - min(fen, owed))):
        if part:
            known.accounts[account_id].payments.append((work.at, part))
            batch.rows.payments.append((account_id, work.order_id, part, work.at, work.recorded_at))
    if not batch.policy.at("payment_lifts_arrears_block", work.at):
        return 0
    if batch.arrears(subscription, work.at):
        return 0
    lifted = blocks_at(batch, subscription, "arrears", work.at)
    lift(batch, work, subscription, lifted)
    if lifted:
        batch.touch(work, subscription)
    return len(lifted)


def protect(batch: Batch, work: Work, command: Protect) -> None:
    """红名单: protects a party in a scope until an instant.

    Without a checker it is on record and has no effect. Refused if maker and
    checker are the same person.
    """
    scope = checks.one_of("scope", command.scope, _SCOPES)
    until = checks.instant("until", command.until)
    maker = checks.words("maker", command.maker)
    checker = None if command.checker is None else checks.words("checker", command.checker)
    if maker == checker:
        raise Refused("same_person", maker=maker)
    if until <= work.at:
        raise Refused("invalid_value", field="until", problem="is not after the beginning")
    party = batch.on_record.parties.get(command.party_ref)
    if party is None:
        checks.words("party_ref", command.party_ref)
        raise Refused("unknown_party", party_ref=command.party_ref)
    key = (party.party_id, scope, work.at)
    if key in batch.on_record.protections:
        raise Refused("protection_exists", party_ref=party.party_ref)
    batch.on_record.protections.add(key)
    batch.rows.protections.append(
        (party.party_id, work.order_id, scope, work.at, until, maker, checker, work.recorded_at)
    )
    batch.complete(
        work,
        "PROTECT",
        subscription=None,
        party=party,
        characteristic={"scope": scope, "until": until.isoformat()},
    )
