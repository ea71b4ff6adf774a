"""客户资料修改: staged, committed, taken back; who may; and what nobody may read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from mingdan.orders import jsonl
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.permissions import Permissions
from mingdan.orders.commands import ModifyParty
from mingdan.orders.comparison import differences
from mingdan.orders.database import Database
from mingdan.orders.http.reads import content
from mingdan.orders.journal import Journal
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.model import Archive, StagedOrder
from mingdan.orders.model import ProductOrderItem
from mingdan.orders.offers.customers import BUSINESSES, CustomerDesk
from mingdan.orders.offers.model import PartyChange
from mingdan.orders.offers.party_forms import (
    AccountChange,
    ChangeView,
    ContactChange,
    NameChange,
    PartyRequest,
    PasswordChange,
    Proof,
)
from mingdan.orders.policy import Policy
from mingdan.orders.reconcile import reconcile
from mingdan.orders.refusals import Refused
from mingdan.orders.replay import replay
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import events, residue, rows
from tests.orders.support import (
    PEPPER,
    at,
    done,
    msisdn,
    opening,
    person,
    refusal,
    resident_id,
    sqlite_url,
)

CLERK = Actor("counter", "counter", "li")
DOCUMENT = Proof(document_type="resident_id", document_number=resident_id(1))
QUICK = Policy.shipped().with_values(password_scrypt_log2_n=10)


@pytest.fixture
def desk(url: str) -> Iterator[CustomerDesk]:
    with OrderStore.open(url, policy=QUICK) as store:
        done(store, opening(1, party=person(1, name="张三", contact="13900139000")))
        done(store, opening(2, party=person(2, name="李四")))
        yield CustomerDesk(store, PEPPER)


@pytest.fixture
def small_desk(tmp_path: Path) -> Iterator[CustomerDesk]:
    """The same on SQLite, where the kind of database makes no difference."""
    with OrderStore.open(sqlite_url(tmp_path), policy=QUICK) as store:
        done(store, opening(1, party=person(1, name="张三", contact="13900139000")))
        done(store, opening(2, party=person(2, name="李四")))
        yield CustomerDesk(store, PEPPER)


def name(ref: str = "n1", **values: Any) -> NameChange:
    return NameChange(
        **{"request_ref": ref, "party_ref": "P1", "proof": DOCUMENT} | {"name": "张山"} | values
    )


def contact(ref: str = "c1", **values: Any) -> ContactChange:
    plain: dict[str, Any] = {"request_ref": ref, "party_ref": "P1", "proof": DOCUMENT}
    return ContactChange(**plain | {"contact": "13900139111"} | values)


def account(ref: str = "a1", **values: Any) -> AccountChange:
    plain: dict[str, Any] = {"request_ref": ref, "party_ref": "P1", "proof": DOCUMENT}
    return AccountChange(**plain | {"subscription_ref": "S1", "bill_medium": "sms"} | values)


def password(ref: str = "p1", value: str = "830715", **values: Any) -> PasswordChange:
    plain: dict[str, Any] = {"request_ref": ref, "party_ref": "P1", "proof": DOCUMENT}
    return PasswordChange(**plain | {"password": value} | values)


def refused(call: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(Refused) as found:
        call(*arguments, **{"actor": CLERK, "at": at(1)} | options)
    return found.value.code


def stored(desk: CustomerDesk, query: str) -> list[tuple[Any, ...]]:
    with desk._database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_name_is_staged_and_then_changed(desk: CustomerDesk) -> None:
    staged = desk.stage(name(), actor=CLERK, at=at(1))
    assert (staged.state, staged.fields) == ("acknowledged", ("name",))
    assert staged.until == at(2)
    assert stored(desk, "SELECT name FROM party WHERE party_ref = 'P1'") == [("张三",)]
    done_ = desk.commit("n1", actor=CLERK, at=at(1.5))
    assert (done_.state, done_.decided_by) == ("completed", "counter:counter:li")
    assert stored(desk, "SELECT name FROM party WHERE party_ref = 'P1'") == [("张山",)]
    # a retry of either step is answered as before
    assert desk.commit("n1", actor=CLERK, at=at(9)).repeated
    assert desk.stage(name(), actor=CLERK, at=at(9)).repeated
    assert [view.request_ref for view in desk.history("P1", actor=CLERK, at=at(9))] == ["n1"]


def test_the_new_name_is_the_one_for_new_orders(url: str) -> None:
    with OrderStore.open(url, policy=QUICK) as store:
        done(store, opening(1, party=person(1, name="张三")))
        CustomerDesk(store, PEPPER).change(name(), actor=CLERK, at=at(1))
        again = opening(5, when=at(2), party=person(1, name="张三"))
        assert refusal(store, again) == "party_mismatch"
        done(store, opening(5, when=at(2), party=person(1, name="张山")))


def test_taken_back_nothing_is_left(desk: CustomerDesk) -> None:
    before = stored(desk, "SELECT * FROM party ORDER BY party_id")
    desk.stage(name(), actor=CLERK, at=at(1))
    assert desk.cancel("n1", actor=CLERK, at=at(1)).state == "cancelled"
    assert desk.cancel("n1", actor=CLERK, at=at(1)).repeated
    assert refused(desk.commit, "n1") == "change_not_staged"
    assert stored(desk, "SELECT * FROM party ORDER BY party_id") == before
    desk.change(name("n2"), actor=CLERK, at=at(1))
    assert refused(desk.cancel, "n2") == "change_not_staged"


def test_staged_data_are_dead_by_the_clock(desk: CustomerDesk) -> None:
    staged = desk.stage(name(), actor=CLERK, at=at(1))
    assert refused(desk.stage, name("n2"), at=staged.until - timedelta(seconds=1)) == (
        "staged_change_exists"
    )
    assert refused(desk.commit, "n1", at=staged.until) == "change_expired"
    assert desk.history("P1", actor=CLERK, at=staged.until)[0].expired
    # a dead one gives way to the next
    desk.change(name("n2"), actor=CLERK, at=staged.until)
    states = {view.request_ref: view.state for view in desk.history("P1", actor=CLERK, at=at(9))}
    assert states == {"n1": "cancelled", "n2": "completed"}


def test_contact_and_account_data(desk: CustomerDesk) -> None:
    desk.change(contact(), actor=CLERK, at=at(1))
    desk.change(contact("c2", contact=None), actor=CLERK, at=at(2))
    assert stored(desk, "SELECT contact FROM party WHERE party_ref = 'P1'") == [(None,)]
    desk.change(account(), actor=CLERK, at=at(1))
    desk.change(
        account("a2", name="某某（北京）有限公司", bill_medium="paper", bill_address="北京市1号"),
        actor=CLERK,
        at=at(2),
    )
    found_ = stored(desk, "SELECT name, bill_medium, bill_address FROM billing_account_data")
    assert found_ == [("某某（北京）有限公司", "paper", "北京市1号")]
    # every value that ever was is in the history
    found = stored(desk, "SELECT content FROM party_change WHERE request_ref = 'a2'")[0][0]
    kept = json.loads(found) if isinstance(found, str) else found
    assert kept["bill_medium"] == ["sms", "paper"]


def test_the_password_is_nowhere_and_the_right_one_opens(desk: CustomerDesk) -> None:
    desk.change(password(), actor=CLERK, at=at(1))
    desk.check_password("P1", "830715", actor=CLERK, at=at(2))
    desk.check_password("P1", "８３０７１５", actor=CLERK, at=at(2))
    for table in ("party_change", "party_credential", "entity_event", "access_log"):
        assert "830715" not in str(stored(desk, f"SELECT * FROM {table}"))  # noqa: S608
    kept = stored(desk, "SELECT verifier FROM party_credential")[0][0]
    assert kept.startswith("scrypt$1024$8$1$")
    # without the key outside the database even the right password opens nothing
    with OrderStore.open(desk._database.engine.url.render_as_string(hide_password=False)) as store:
        stranger = CustomerDesk(store, b"q" * 32)
        assert refused(stranger.check_password, "P1", "830715") == "password_wrong"
    assert "830715" not in repr(password())


def test_a_new_password_ends_the_old_one(desk: CustomerDesk) -> None:
    desk.change(password(), actor=CLERK, at=at(1))
    by_old = password("p2", "402918", proof=Proof(password="830715"))
    desk.change(by_old, actor=CLERK, at=at(2))
    assert refused(desk.check_password, "P1", "830715") == "password_wrong"
    desk.check_password("P1", "402918", actor=CLERK, at=at(3))
    assert refused(desk.stage, password("p2", "771203")) == "change_ref_reused"


def test_guesses_are_counted_and_locked_for_a_while(desk: CustomerDesk) -> None:
    desk.change(password(), actor=CLERK, at=at(1))
    for guess in range(4):
        assert refused(desk.check_password, "P1", f"11122{guess}") == "password_wrong"
    desk.check_password("P1", "830715", actor=CLERK, at=at(1))
    codes = [refused(desk.check_password, "P1", f"11122{guess}") for guess in range(5)]
    assert codes == ["password_wrong"] * 4 + ["password_locked"]
    later = at(1) + timedelta(minutes=30)
    just_before = later - timedelta(seconds=1)
    assert refused(desk.check_password, "P1", "830715", at=just_before) == "password_locked"
    desk.check_password("P1", "830715", actor=CLERK, at=later)
    # guessing by way of a change of data is counted just the same
    by_guess = [contact(f"c{n}", proof=Proof(password=f"99887{n}")) for n in range(5)]
    codes = [refused(desk.stage, each, at=at(5)) for each in by_guess]
    assert codes == ["password_wrong"] * 4 + ["password_locked"]


def test_guesses_sent_at_once_are_not_more_guesses(desk: CustomerDesk) -> None:
    desk.change(password(), actor=CLERK, at=at(1))

    def guess(serial: int) -> str:
        return refused(desk.check_password, "P1", str(100200 + serial))

    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(guess, range(12)))
    assert codes.count("password_wrong") == 4
    assert codes.count("password_locked") == 8


WEAK = ["12345", "123456", "987654", "111111", "112211", "1234567890123", "abcdef", "", "83 07"]


@pytest.mark.parametrize("value", [*WEAK, resident_id(1)[6:12], msisdn(1)[-6:], "83٠715", None])
def test_weak_passwords_are_refused(small_desk: CustomerDesk, value: Any) -> None:
    assert refused(small_desk.stage, password(value=value)) == "password_weak"
    assert stored(small_desk, "SELECT * FROM party_change") == []


@pytest.mark.parametrize(
    ("code", "request_"),
    [
        ("unknown_party", name(party_ref="P9")),
        ("unknown_party", name(party_ref="' OR 1=1 --")),
        ("invalid_value", name(party_ref="")),
        ("invalid_value", name(ref="")),
        ("invalid_value", name(ref="x" * 201)),
        ("proof_missing", name(proof=Proof())),
        ("proof_missing", name(proof=Proof(password="830715"))),
        ("password_missing", contact(proof=Proof(password="830715"))),
        ("party_mismatch", name(proof=Proof(document_number=resident_id(2)))),
        ("document_party_type", name(proof=Proof(document_type="uscc", document_number="1"))),
        ("unknown_document_type", name(proof=Proof(document_type="x", document_number="1"))),
        ("name_unacceptable", name(name="张\u200b山")),
        ("name_unacceptable", name(name="张" * 101)),
        ("name_unacceptable", name(name="'; DROP TABLE party; --")),
        ("invalid_value", name(name="")),
        ("nothing_changed", name(name="张三")),
        ("nothing_changed", contact(contact="13900139000")),
        ("invalid_value", contact(contact="x" * 201)),
        ("invalid_value", contact(contact="\x00")),
        ("unknown_subscription", account(subscription_ref="S9")),
        ("not_the_holder", account(subscription_ref="S2")),
        ("invalid_value", account(bill_medium="pigeon")),
        ("invalid_value", account(bill_medium="paper")),
        ("name_unacceptable", account(name="Аpple中国")),
    ],
)
def test_a_refused_change_leaves_nothing(
    small_desk: CustomerDesk, code: str, request_: PartyRequest
) -> None:
    assert refused(small_desk.stage, request_) == code
    assert stored(small_desk, "SELECT * FROM party_change") == []
    assert stored(small_desk, "SELECT name, contact FROM party ORDER BY party_id") == [
        ("张三", "13900139000"),
        ("李四", None),
    ]


def test_an_unknown_change_and_a_used_reference(desk: CustomerDesk) -> None:
    assert refused(desk.commit, "n9") == "unknown_change"
    assert refused(desk.cancel, "'; --") == "unknown_change"
    desk.stage(name(), actor=CLERK, at=at(1))
    assert refused(desk.stage, name(name="张珊")) == "change_ref_reused"
    assert refused(desk.stage, contact("n1")) == "change_ref_reused"
    other = Proof(document_number=resident_id(2))
    assert refused(desk.stage, name(party_ref="P2", proof=other)) == "change_ref_reused"


@pytest.mark.parametrize("make", [name, contact, account, password])
def test_each_kind_needs_its_own_permission(url: str, make: Any) -> None:
    with OrderStore.open(url, policy=QUICK) as store:
        done(store, opening(1, party=person(1, name="张三")))
        desk = CustomerDesk(store, PEPPER)
        staged = desk.stage(make("early"), actor=CLERK, at=at(1))
        boss = Actor("manager", "back_office", "wang")
        business = BUSINESSES[type(make())]
        Permissions(store).permit(
            "counter", "counter", business, when="never", valid_from=at(1), actor=boss, at=at(1)
        )
        for other in (name, contact, account, password):
            if other is not make:
                desk.change(other(f"fine-{other.__name__}"), actor=CLERK, at=at(1.1))
        assert refused(desk.stage, make("x"), at=at(1.2)) == "business_not_permitted"
        assert refused(desk.commit, staged.request_ref, at=at(1.2)) == "business_not_permitted"


def test_every_change_says_who_in_the_log(desk: CustomerDesk) -> None:
    desk.change(name(), actor=CLERK, at=at(1))
    with desk._database.reading() as connection:
        logged = connection.execute(
            select(EntityEvent.event_type, EntityEvent.actor)
            .where(EntityEvent.entity.in_(("party", "party_change")))
            .order_by(EntityEvent.seq)
        ).all()
    assert [row.event_type for row in logged] == [
        "PartyChangeCreateEvent",
        "PartyAttributeValueChangeEvent",
        "PartyChangeStateChangeEvent",
    ]
    assert {row.actor for row in logged} == {"counter:counter:li"}


def test_every_change_is_an_order_like_all_others(desk: CustomerDesk) -> None:
    store = desk._store
    orders = OrderDesk(store)
    desk.stage(name(), actor=CLERK, at=at(1))
    view = orders.get("n1")
    assert (view.order_type, view.state, view.due_fen) == ("MODIFY_PARTY_NAME", "inProgress", 0)
    assert view.reserved_until == at(2)
    assert orders.complete("n1", actor=CLERK, at=at(1.1)).state == "completed"
    assert stored(desk, "SELECT name FROM party WHERE party_ref = 'P1'") == [("张山",)]
    assert events(store, view.order_id) == ["acknowledged", "inProgress", "completed"]
    desk.stage(contact(), actor=CLERK, at=at(2))
    orders.cancel("c1", "changed his mind", actor=CLERK, at=at(2))
    desk.stage(account(), actor=CLERK, at=at(2))
    assert orders.expire(actor=CLERK, at=at(3)) == 1
    desk.change(password(), actor=CLERK, at=at(3))
    states = {each.request_ref: each.state for each in desk.history("P1", actor=CLERK, at=at(9))}
    assert states == {"n1": "completed", "c1": "cancelled", "a1": "cancelled", "p1": "completed"}
    assert {ref: orders.get(ref).state for ref in states} == states
    assert stored(desk, "SELECT contact FROM party WHERE party_ref = 'P1'") == [("13900139000",)]
    assert residue(store) == {}
    told = str(rows(store, Archive, StagedOrder, ProductOrderItem))
    for secret in ("张山", "13900139111", "scrypt$", "830715"):
        assert secret not in told
    assert reconcile(store, at(9)) == []


def test_what_is_staged_is_shown_to_no_partner(desk: CustomerDesk) -> None:
    store = desk._store
    desk.stage(name(), actor=CLERK, at=at(1))
    desk.stage(password(), actor=CLERK, at=at(1))
    desk.stage(account(bill_medium="paper", bill_address="北京市1号"), actor=CLERK, at=at(1))
    with store.database.reading() as connection:
        for ref in ("n1", "p1", "a1"):
            shown = str(content(connection, OrderDesk(store).get(ref), clear=True))
            for secret in ("张山", "scrypt", "北京市1号"):
                assert secret not in shown


def test_a_change_staged_before_it_was_an_order_gives_way(desk: CustomerDesk) -> None:
    staged = {
        "party_id": 1, "business": "MODIFY_PARTY_NAME", "state": "acknowledged",
        "content": {"name": ["张三", "张四"]}, "staged_at": at(), "staged_by": "x",
        "until": at(0.5),
    }  # fmt: skip
    with desk._database.writing() as connection:
        Journal(connection, at(), "x").insert(PartyChange, request_ref="old", **staged)
    assert refused(desk.commit, "old") == "change_expired"
    desk.change(name(), actor=CLERK, at=at(1))
    states = {view.request_ref: view.state for view in desk.history("P1", actor=CLERK, at=at(9))}
    assert states == {"old": "cancelled", "n1": "completed"}


def test_nobody_goes_round_the_desk_that_identifies_the_customer(desk: CustomerDesk) -> None:
    command = ModifyParty(
        order_ref="x", at=at(1), party_ref="P1", kind="name", values={"name": "张山"}
    )
    assert refused(OrderDesk(desk._store).place, command) == "unknown_business"
    assert refused(OrderDesk(desk._store).run, command) == "unknown_business"
    assert desk._store.apply([command]).refused[0].code == "unknown_business"
    found, bad = jsonl.read([b'{"command": "modify_party", "order_ref": "x"}'])
    assert (found, len(bad)) == ({}, 1)


def test_changes_are_rebuilt_from_the_logs(desk: CustomerDesk, tmp_path: Path) -> None:
    desk.change(name(), actor=CLERK, at=at(1))
    desk.change(account(), actor=CLERK, at=at(1))
    desk.change(password(), actor=CLERK, at=at(1))
    desk.stage(contact(), actor=CLERK, at=at(1))
    target = Database(sqlite_url(tmp_path))
    replay(desk._database, target)
    assert [each.table for each in differences(desk._database, target)] == []
    target.close()


def test_one_of_many_at_once_is_staged(desk: CustomerDesk) -> None:
    def stage(serial: int) -> ChangeView | str:
        try:
            return desk.stage(name(f"n{serial}"), actor=CLERK, at=at(1))
        except Refused as found:
            return found.code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(stage, range(8)))
    assert answers.count("staged_change_exists") == 7
