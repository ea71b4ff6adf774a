"""Checking a service password: a few wrong ones, then it is locked for a while.

Here: counting and locking, under the customer's lock. Not here: how one is kept
(`passwords.py`) and setting one (`customers.py`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mingdan.orders.database import Database
from mingdan.orders.journal import Journal
from mingdan.orders.offers import party_rows, passwords
from mingdan.orders.offers.model import PartyCredential
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused


def check(
    database: Database,
    policy: Policy,
    pepper: bytes,
    *,
    party_ref: str,
    password: str,
    actor: str,
    at: datetime,
) -> None:
    """Return if it is the customer's password.

    A wrong one is counted in a transaction of its own, so that it is counted
    whatever becomes of the caller. While the password is locked even the right
    one is refused, so that guesses sent at once tell nothing. Raises Refused:
    unknown_party, password_missing, password_wrong, password_locked.
    """
    with database.reading() as connection:
        party = party_rows.party_of(connection, party_ref)
        kept = party_rows.credential(connection, party.party_id)
    if kept is None:
        raise Refused("password_missing", party_ref=party_ref)
    # Slow on purpose, so not while others wait for the lock.
    right = passwords.matches(password, pepper, kept.verifier)
    with database.writing() as connection:
        database.lock(connection, "customers", [f"parties:{party_ref}"])
        now = party_rows.credential(connection, party.party_id)
        right = right and now is not None and now.verifier == kept.verifier
        if now is None:
            raise Refused("password_missing", party_ref=party_ref)
        if now.locked_until is not None and at < now.locked_until:
            raise Refused("password_locked", until=now.locked_until)
        failed = 0 if right else now.failed + 1
        locked = None
        if failed >= int(policy.at("password_attempts", at)):
            locked = at + timedelta(minutes=int(policy.at("password_lock_minutes", at)))
            failed = 0
        if (failed, locked) != (now.failed, now.locked_until):
            Journal(connection, at, actor).update(
                PartyCredential, now.credential_id, failed=failed, locked_until=locked
            )
    if locked is not None:
        raise Refused("password_locked", until=locked)
    if not right:
        raise Refused("password_wrong")
