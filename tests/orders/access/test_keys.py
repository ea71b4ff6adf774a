"""API keys: shown once, kept as digests, ended by the clock, by rotation or at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from mingdan.orders.access.actor import Actor
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.schema import METADATA
from mingdan.orders.store import OrderStore
from tests.orders.access.support import BOSS, MAKER, PEPPER, bearer, channel, keys, refused
from tests.orders.support import at


def test_a_key_says_who_sends_it(store: OrderStore) -> None:
    channel(store)
    made = keys(store).create("88001", role="partner", actor=MAKER, at=at())
    assert bearer(store, made.key) == Actor("partner", "88001", f"key-{made.key_name}")
    assert made.valid_to == at(365)
    assert made.key not in repr(made)
    own = keys(store).create("counter", role="counter", days=2, actor=MAKER, at=at())
    assert bearer(store, own.key, at(1.99)) == Actor("counter", "counter", f"key-{own.key_name}")
    assert bearer(store, own.key, at(2)) is None
    assert bearer(store, own.key, at(-1)) is None


def test_nothing_else_opens(store: OrderStore) -> None:
    channel(store)
    key = keys(store).create("88001", role="partner", actor=MAKER, at=at()).key
    other = keys(store).create("88001", role="partner", actor=MAKER, at=at()).key
    for wrong in (
        "",
        "mdk_",
        key[:-1],
        key + "x",
        key.upper(),
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        key[:16] + other[16:],
        "mdk_' OR 1=1 --_" + key[17:],
        key + "\x00",
        "ｍｄｋ" + key[3:],
        "钥" * 50,
    ):
        assert bearer(store, wrong) is None
    with store.database.reading() as connection:
        assert ApiKeys(store, b"q" * 32).bearer(connection, key, at()) is None
        assert ApiKeys(store, PEPPER).bearer(connection, key, at()) is not None


def test_the_secret_is_nowhere_in_the_database(store: OrderStore) -> None:
    channel(store)
    key = keys(store).create("88001", role="partner", actor=MAKER, at=at()).key
    secret = key.split("_", 2)[2]
    with store.database.reading() as connection:
        rows = [row for table in METADATA.sorted_tables for row in connection.execute(
            table.select())]  # fmt: skip
    assert len(rows) > 5
    assert not [row for row in rows if secret in repr(row)]


def test_a_rotated_key_works_a_while_longer(store: OrderStore) -> None:
    channel(store)
    old = keys(store).create("88001", role="partner", days=30, actor=MAKER, at=at())
    new = keys(store).rotate(old.key_name, actor=MAKER, at=at(10))
    assert new.valid_to == at(40)
    assert bearer(store, old.key, at(10.9)) is not None
    assert bearer(store, old.key, at(11)) is None
    assert bearer(store, new.key, at(39)) is not None
    states = [key.state for key in keys(store).list("88001", actor=MAKER, at=at(12))]
    assert states == ["expired", "valid"]
    late = refused(keys(store).rotate, old.key_name, actor=MAKER, at=at(12))
    assert late == "key_ended"
    # rotating shortens, it never lengthens
    soon = keys(store).create("88001", role="partner", days=1, actor=MAKER, at=at(20))
    keys(store).rotate(soon.key_name, actor=MAKER, at=at(20.5))
    assert bearer(store, soon.key, at(21)) is None


def test_a_revoked_key_is_dead_at_once(store: OrderStore) -> None:
    channel(store)
    made = keys(store).create("88001", role="partner", actor=MAKER, at=at())
    keys(store).revoke(made.key_name, reason="leaked", actor=MAKER, at=at(1))
    assert bearer(store, made.key, at(1)) is None
    for call in (keys(store).rotate, lambda name, **v: keys(store).revoke(name, reason="x", **v)):
        assert refused(call, made.key_name, actor=MAKER, at=at(1)) == "key_ended"
        assert refused(call, "none", actor=MAKER, at=at(1)) == "unknown_key"
    shown = keys(store).list(actor=MAKER, at=at(1))
    assert [(key.state, key.reason) for key in shown] == [("revoked", "leaked")]


def test_a_closed_interface_takes_its_keys_along(store: OrderStore) -> None:
    channel(store)
    made = keys(store).create("88001", role="partner", actor=MAKER, at=at())
    interfaces = Interfaces(store)
    interfaces.close("88001", reason="x", actor=MAKER, at=at(1))
    interfaces.open("88001", partner="shop", reason="x", actor=MAKER, at=at(1) + timedelta(hours=1))
    assert bearer(store, made.key, at(2)) is None


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"interface_no": "nowhere"}, "unknown_interface"),
        ({"role": "god"}, "unknown_role"),
        ({"role": "manager"}, "business_not_permitted"),
        ({"interface_no": "counter"}, "business_not_permitted"),
        ({"days": 0}, "invalid_value"),
        ({"days": -1}, "invalid_value"),
        ({"days": 366}, "invalid_value"),
        ({"actor": Actor("counter", "counter", "x")}, "business_not_permitted"),
        ({"at": at(400)}, "agreement_not_in_force"),
    ],
)
def test_keys_that_are_not_made(
    sqlite_store: OrderStore, values: dict[str, object], code: str
) -> None:
    channel(sqlite_store)
    plain = {"interface_no": "88001", "role": "partner", "actor": BOSS, "at": at()}
    assert refused(keys(sqlite_store).create, **plain | values) == code
    with sqlite_store.database.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM api_key")).scalar() == 0


def test_a_short_pepper_is_no_pepper(sqlite_store: OrderStore) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ApiKeys(sqlite_store, b"short")
