"""客户资料修改: name, contact, account and password, each a business of its own.

Here: the desk that identifies the customer and places the order (`ModifyParty`)
that stages a change (预输入), completes it or cancels it. Not here: what a change
does (`party_changes.py`), and a customer's document and type, which never change.

A staged change touches no customer row. It is dead from its `until` on, by the
clock. Every change stays on record with what was before and after it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, select

from mingdan.orders import checks
from mingdan.orders import model as m
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.gate import allow
from mingdan.orders.commands import ModifyParty, PartyData
from mingdan.orders.journal import Journal
from mingdan.orders.lifecycle import acceptance, cancelling, completion, views
from mingdan.orders.lifecycle.acceptance import Acceptance
from mingdan.orders.offers import credentials, party_changes, party_effects, party_rows
from mingdan.orders.offers.model import PartyChange
from mingdan.orders.offers.party_forms import (
    AccountChange,
    ChangeView,
    ContactChange,
    NameChange,
    PartyRequest,
    PasswordChange,
)
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore

BUSINESSES: dict[type[PartyRequest], str] = {
    NameChange: "MODIFY_PARTY_NAME",
    ContactChange: "MODIFY_PARTY_CONTACT",
    AccountChange: "MODIFY_PARTY_ACCOUNT",
    PasswordChange: "MODIFY_PARTY_PASSWORD",
}
"""Request -> its order type, which is the permission it needs at the gate."""
KINDS: dict[str, Literal["name", "contact", "account", "password"]] = {
    "MODIFY_PARTY_NAME": "name",
    "MODIFY_PARTY_CONTACT": "contact",
    "MODIFY_PARTY_ACCOUNT": "account",
    "MODIFY_PARTY_PASSWORD": "password",
}
HISTORY = "MODIFY_PARTY_HISTORY"
CHECK = "CHECK_PARTY_PASSWORD"


class CustomerDesk:
    """Customers' data in an open store; `pepper` is the passwords' key, not in the database.

    Every call may raise Refused as the gate does, and `invalid_value`.
    """

    def __init__(self, store: OrderStore, pepper: bytes) -> None:
        if len(pepper) < 32:
            raise ValueError("the pepper of passwords has at least 32 bytes")
        self._store = store
        self._database = store.database
        self._policy = store.policy
        self._pepper = pepper

    def stage(
        self,
        request: PartyRequest,
        *,
        actor: Actor,
        at: datetime,
        idempotency_key: str | None = None,
    ) -> ChangeView:
        """Take a change down without doing it: state `acknowledged` until a time limit (policy).

        The same request again (by its `request_ref`, or the same interface's
        `idempotency_key`) is answered as before, once the customer is identified
        again. Raises Refused: unknown_party, proof_missing, party_mismatch
        (document), password_wrong, password_locked, password_missing,
        name_unacceptable, password_weak, unknown_subscription, not_the_holder,
        nothing_changed, staged_change_exists, change_ref_reused,
        idempotency_key_reused.
        """
        at, business = checks.instant("at", at), BUSINESSES[type(request)]
        ref = checks.words("request_ref", request.request_ref)
        with self._database.reading() as connection:
            allow(connection, actor=actor, business=business, at=at)
            party = party_rows.party_of(connection, request.party_ref)
        self._identify(party, request, actor, at)
        known = self._again(request, business, party, at, _keyed(actor, idempotency_key))
        if known is not None:
            return known
        with self._database.reading() as connection:
            values = party_effects.entered(connection, self._policy, self._pepper, request, at)
            waiting = party_rows.waiting(connection, party.party_id, business)
        command = ModifyParty(
            order_ref=ref,
            at=at,
            channel=actor.interface_no,
            party_ref=party.party_ref,
            kind=KINDS[business],
            values=values,
            subscription_ref=getattr(request, "subscription_ref", None),
        )
        with self._database.writing() as connection:
            refs = [ref] if waiting is None else [ref, waiting.request_ref]
            self._lock(connection, party.party_ref, command.subscription_ref, refs)
            if party_rows.change_row(connection, ref) is not None:
                raise Refused("change_ref_reused", request_ref=ref)
            self._make_room(Journal(connection, at, str(actor)), party, business, waiting)
            asked = Acceptance(
                command=command,
                actor=actor,
                at=at,
                key=idempotency_key,
                money=None,
                at_once=False,
            )
            acceptance.accept(self._store, connection, asked)
            return party_rows.view(_known(connection, ref), at)

    def commit(self, request_ref: str, *, actor: Actor, at: datetime) -> ChangeView:
        """Make a staged change real: state `completed`, the customer's rows change now.

        A change committed before is answered as then. Raises Refused:
        unknown_change, change_not_staged, change_expired.
        """
        return self._decide(request_ref, "completed", actor, at)

    def cancel(self, request_ref: str, *, actor: Actor, at: datetime) -> ChangeView:
        """Take a staged change back: state `cancelled`, nothing was changed.

        A change cancelled before is answered as then. Raises Refused:
        unknown_change, change_not_staged.
        """
        return self._decide(request_ref, "cancelled", actor, at)

    def change(self, request: PartyRequest, *, actor: Actor, at: datetime) -> ChangeView:
        """Stage and commit in a row, for a customer who confirms at once."""
        staged = self.stage(request, actor=actor, at=at)
        if staged.state != "acknowledged":
            return staged
        return self.commit(request.request_ref, actor=actor, at=at)

    def history(self, party_ref: str, *, actor: Actor, at: datetime) -> tuple[ChangeView, ...]:
        """Every change of a customer's data, the newest first. Raises Refused: unknown_party."""
        at, c = checks.instant("at", at), PartyChange
        with self._database.reading() as connection:
            allow(connection, actor=actor, business=HISTORY, at=at)
            party = party_rows.party_of(connection, party_ref)
            rows = connection.execute(
                select(c.__table__, m.Party.party_ref)
                .join(m.Party, m.Party.party_id == c.party_id)
                .where(c.party_id == party.party_id)
                .order_by(c.staged_at.desc(), c.change_id.desc())
            )
            return tuple(party_rows.view(row, at) for row in rows)

    def check_password(self, party_ref: str, password: str, *, actor: Actor, at: datetime) -> None:
        """Return if it is the customer's password; wrong ones are counted.

        Raises Refused: unknown_party, password_missing, password_wrong,
        password_locked.
        """
        at = checks.instant("at", at)
        with self._database.reading() as connection:
            allow(connection, actor=actor, business=CHECK, at=at)
        self._right(party_ref, password, actor, at)

    def _again(
        self,
        request: PartyRequest,
        business: str,
        party: Row[Any],
        at: datetime,
        key: tuple[str, str] | None,
    ) -> ChangeView | None:
        """The answer to a request that was taken down before, under this reference or key."""
        with self._database.reading() as connection:
            before = None if key is None else views.by_key(connection, *key)
            ref = request.request_ref if before is None else before.order_ref
            row = party_rows.change_row(connection, ref)
        if row is None and before is None:
            return None
        same = row is not None and (row.party_id, row.business) == (party.party_id, business)
        if row is None or not same or not party_effects.same(row.content, request, self._pepper):
            if before is not None:
                raise Refused("idempotency_key_reused")
            raise Refused("change_ref_reused", request_ref=request.request_ref)
        return party_rows.view(row, at, repeated=True)

    def _identify(self, party: Row[Any], request: PartyRequest, actor: Actor, at: datetime) -> None:
        """By the document; for anything but a name the present password will do."""
        proof = request.proof
        if proof.document_number is not None:
            shown = PartyData(
                party_ref=party.party_ref,
                party_type=party.party_type,
                name=party.name,
                document_type=proof.document_type or party.document_type,
                document_number=proof.document_number,
            )
            document = (shown.document_type, checks.document(shown, verify=False))
            if document != (party.document_type, party.document_number):
                raise Refused("party_mismatch", party_ref=party.party_ref, field="document")
        elif proof.password is not None and not isinstance(request, NameChange):
            self._right(party.party_ref, proof.password, actor, at)
        else:
            raise Refused("proof_missing")

    def _right(self, party_ref: str, password: str, actor: Actor, at: datetime) -> None:
        credentials.check(
            self._database,
            self._policy,
            self._pepper,
            party_ref=party_ref,
            password=password,
            actor=str(actor),
            at=at,
        )

    def _make_room(
        self, journal: Journal, party: Row[Any], business: str, waiting: Row[Any] | None
    ) -> None:
        """One staged change of a kind at a time; a dead one (`waiting`) gives way."""
        found = party_rows.waiting(journal.connection, party.party_id, business)
        if found is None:
            return
        if waiting is None or found.change_id != waiting.change_id or journal.at < found.until:
            raise Refused("staged_change_exists", party_ref=party.party_ref)
        _end(journal, found.request_ref, "expired")

    def _decide(self, request_ref: str, wanted: str, actor: Actor, at: datetime) -> ChangeView:
        at = checks.instant("at", at)
        with self._database.writing() as connection:
            row = _known(connection, request_ref)
            order = views.by_ref(connection, request_ref)
            subscription_ref = None if order is None else order.subscription_ref
            self._lock(connection, row.party_ref, subscription_ref, [request_ref])
            row = _known(connection, request_ref)
            allow(connection, actor=actor, business=row.business, at=at)
            if row.state == wanted:
                return party_rows.view(row, at, repeated=True)
            if row.state != "acknowledged":
                raise Refused("change_not_staged", request_ref=request_ref, state=row.state)
            if wanted == "cancelled":
                journal = Journal(connection, at, str(actor))
                _end(journal, request_ref, "taken back")
            elif at >= row.until:
                raise Refused("change_expired", request_ref=request_ref, until=row.until)
            else:
                completion.complete(self._store, connection, request_ref, actor, at)
            return party_rows.view(_known(connection, request_ref), at)

    def _lock(
        self, connection: Connection, party_ref: str, subscription_ref: object, refs: list[str]
    ) -> None:
        """All at once, or two who hold some of each other's would wait for each other."""
        keys = [f"parties:{party_ref}", *(f"orders:{ref}" for ref in refs)]
        if subscription_ref is not None:
            keys.append(f"subscriptions:{subscription_ref}")
        self._database.lock(connection, "customers", keys)


def _keyed(actor: Actor, key: str | None) -> tuple[str, str] | None:
    return None if key is None else (actor.interface_no, key)


def _end(journal: Journal, request_ref: str, reason: str) -> None:
    order = views.by_ref(journal.connection, request_ref)
    if order is None:
        # Staged before such changes were orders.
        party_changes.give_up(journal, request_ref)
    else:
        cancelling.cancel(journal, order, reason)


def _known(connection: Connection, request_ref: str) -> Row[Any]:
    row = party_rows.change_row(connection, request_ref)
    if row is None:
        raise Refused("unknown_change", request_ref=request_ref)
    return row
