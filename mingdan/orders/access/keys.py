"""API keys of interface numbers: made, rotated, revoked, recognized.

Here: keys and their digests. Not here: what a key's bearer may do (`gate.py`)
and how he sends it (`mingdan/orders/http`).

A key is `mdk_<name>_<secret>`. The store keeps its name and the HMAC-SHA-256 of
the whole under a pepper that is not in the database (`<data>/secrets`), so a
copy of the database opens nothing. The key is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select

from mingdan.orders import checks
from mingdan.orders.access import model as m
from mingdan.orders.access import permissions, rules
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import open_interface
from mingdan.orders.access.room import Room
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore

BUSINESS = "API_KEY"
_KEY = re.compile(r"mdk_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_NO_DIGEST = "0" * 64
_K, _N = m.ApiKey, m.InterfaceNumber
_OF_NAME = (
    select(
        _K.key_id, _K.digest, _K.role, _K.valid_from, _K.valid_to, _K.revoked_at, _N.interface_no
    )
    .join(_N, _N.interface_id == _K.interface_id)
    .where(_K.key_name == bindparam("key_name"))
)


@dataclass(frozen=True, kw_only=True)
class NewKey:
    """A key just made. `key` is the secret itself, known nowhere else."""

    key_name: str
    key: str
    interface_no: str
    role: str
    valid_to: datetime

    def __repr__(self) -> str:
        return f"NewKey({self.key_name})"


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A key without its secret; `state` valid, not_yet_valid, expired or revoked."""

    key_name: str
    interface_no: str
    role: str
    state: str
    valid_from: datetime
    valid_to: datetime
    revoked_at: datetime | None
    reason: str | None


class ApiKeys(Room):
    """Keys under one pepper. Every call but `bearer` may raise Refused as the gate does."""

    def __init__(self, store: OrderStore, pepper: bytes) -> None:
        super().__init__(store)
        if len(pepper) < 32:
            raise ValueError("the pepper of the keys has at least 32 bytes")
        self._pepper = pepper

    def create(
        self,
        interface_no: str,
        *,
        role: str,
        days: int | None = None,
        actor: Actor,
        at: datetime,
    ) -> NewKey:
        """A new key to an open interface. `days`: default and most by policy `api_key_days`.

        Raises Refused: unknown_role, unknown_interface, interface_closed,
        agreement_not_in_force, business_not_permitted if the role cannot act there.
        """
        if role not in rules.roles():
            raise Refused("unknown_role", role=checks.words("role", role))
        with self._at_work(actor, BUSINESS, at, f"interface:{interface_no}") as journal:
            longest = self._policy.at("api_key_days", journal.at)
            chosen = longest if days is None else days
            if type(chosen) is not int or not 0 < chosen <= longest:
                raise Refused("invalid_value", field="days", problem=f"is not 1 to {longest}")
            found = open_interface(journal.connection, interface_no, journal.at)
            if (role == rules.PARTNER_ROLE) != (found.partner_id is not None):
                raise Refused(
                    "business_not_permitted", role=role, business="*", interface_no=interface_no
                )
            return self._make(journal, interface_no, role, timedelta(days=chosen))

    def rotate(self, key_name: str, *, actor: Actor, at: datetime) -> NewKey:
        """Another key of the same interface, role and length; the old one works a while longer.

        How long: policy `api_key_overlap_hours`. Raises Refused: unknown_key, key_ended.
        """
        with self._at_work(actor, BUSINESS, at, f"key:{key_name}") as journal:
            row = self._live(journal, key_name)
            open_interface(journal.connection, row.interface_no, journal.at)
            made = self._make(journal, row.interface_no, row.role, row.valid_to - row.valid_from)
            hours = self._policy.at("api_key_overlap_hours", journal.at)
            end = min(row.valid_to, max(journal.at + timedelta(hours=hours), row.valid_from))
            if end <= row.valid_from:
                journal.update(m.ApiKey, row.key_id, revoked_at=journal.at, reason="rotated")
            else:
                journal.update(m.ApiKey, row.key_id, valid_to=end, reason="rotated")
            return made

    def revoke(self, key_name: str, *, reason: str, actor: Actor, at: datetime) -> None:
        """End a key now and for ever. Raises Refused: unknown_key, key_ended."""
        words = checks.words("reason", reason)
        with self._at_work(actor, BUSINESS, at, f"key:{key_name}") as journal:
            row = self._live(journal, key_name)
            journal.update(m.ApiKey, row.key_id, revoked_at=journal.at, reason=words)

    def list(self, interface_no: str | None = None, *, actor: Actor, at: datetime) -> list[KeyView]:
        """Every key, or those of one interface, the oldest first."""
        k, n = m.ApiKey, m.InterfaceNumber
        with self._looking(actor, BUSINESS, at) as connection:
            rows = connection.execute(
                select(k.key_name, n.interface_no, k.role, k.valid_from, k.valid_to,
                       k.revoked_at, k.reason)
                .join(n, n.interface_id == k.interface_id)
                .order_by(k.key_id)
            )  # fmt: skip
            return [
                KeyView(**row._mapping, state=_state(row.valid_from, row.valid_to,
                                                     row.revoked_at, at))
                for row in rows
                if interface_no in (None, row.interface_no)
            ]  # fmt: skip

    def bearer(self, connection: Connection, key: str, at: datetime) -> Actor | None:
        """Who sends `key` at `at`; None if it is no key, or has ended. Its interface may be closed.

        Takes as long for a key that is not there as for one whose secret is wrong.
        """
        match = _KEY.fullmatch(key)
        asked = {"key_name": match[1] if match else ""}
        row = connection.execute(_OF_NAME, asked).one_or_none()
        known = row.digest if row is not None else _NO_DIGEST
        same = hmac.compare_digest(self._digest(key), known)
        if not same or row is None or match is None:
            return None
        if _state(row.valid_from, row.valid_to, row.revoked_at, at) != "valid":
            return None
        return Actor(row.role, row.interface_no, f"key-{match[1]}")

    def _make(self, journal: Journal, interface_no: str, role: str, length: timedelta) -> NewKey:
        name = secrets.token_hex(6)
        key = f"mdk_{name}_{secrets.token_urlsafe(32)}"
        end = journal.at + length
        journal.insert(
            m.ApiKey,
            key_name=name,
            interface_id=permissions.adopt(journal, interface_no),
            role=role,
            digest=self._digest(key),
            valid_from=journal.at,
            valid_to=end,
        )
        return NewKey(key_name=name, key=key, interface_no=interface_no, role=role, valid_to=end)

    def _digest(self, key: str) -> str:
        return hmac.new(self._pepper, key.encode(), hashlib.sha256).hexdigest()

    def _live(self, journal: Journal, key_name: str) -> Any:
        k, n = m.ApiKey, m.InterfaceNumber
        row = journal.connection.execute(
            select(k.key_id, k.role, k.valid_from, k.valid_to, k.revoked_at, n.interface_no)
            .join(n, n.interface_id == k.interface_id)
            .where(k.key_name == checks.words("key_name", key_name))
        ).one_or_none()
        if row is None:
            raise Refused("unknown_key", key_name=key_name)
        if _state(row.valid_from, row.valid_to, row.revoked_at, journal.at) != "valid":
            raise Refused("key_ended", key_name=key_name)
        return row


def _state(
    valid_from: datetime, valid_to: datetime, revoked_at: datetime | None, at: datetime
) -> str:
    if revoked_at is not None and revoked_at <= at:
        return "revoked"
    if at < valid_from:
        return "not_yet_valid"
    return "valid" if at < valid_to else "expired"
