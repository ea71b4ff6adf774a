"""Hostile values in every field: refused or kept as they are, never obeyed."""

from __future__ import annotations

import dataclasses
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mingdan.orders.commands import AnyCommand, Pay, Protect, Suspend, SwapSim, TransferOwner
from mingdan.orders.store import OrderStore
from tests.orders.support import (
    at,
    done,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    postgresql_url,
    refusal,
    sqlite_url,
    store,
    url,
)

__all__ = ["store", "url"]
HOSTILE = [
    "'; DROP TABLE party; --",
    '"); DELETE FROM order_event; --',
    "%s %(x)s {0} {x} $1 ?",
    "\\N",
    "\t",
    "a\x00b",
    "\ud800",
    "１２３",
    "𠮷野家",
    "x" * 100_000,
    "",
    " ",
    "\u202e\u200b",
    "NULL",
    "9" * 40,
    "-1",
    "1e9",
]
COMMANDS: list[AnyCommand] = [
    opening(5),
    order(SwapSim, "swap", at(1), imsi=imsi(70), iccid=iccid(70), reason="swap"),
    order(TransferOwner, "sale", at(1), party=person(6)),
    order(Suspend, "stop", at(1), reason="lost"),
    order(Pay, "paid", at(1), amount_fen=100),
    order(Protect, "vip", at(1), party_ref="P1", scope="all", until=at(9), maker="a", checker="b"),
]


def variants(command: AnyCommand, text: str) -> list[AnyCommand]:
    """The command with `text` in each of its text fields in turn."""
    changed: list[AnyCommand] = []
    for field in dataclasses.fields(command):
        value = getattr(command, field.name)
        if isinstance(value, str):
            changed.append(dataclasses.replace(command, **{field.name: text}))
        elif field.name == "party":
            for inner in dataclasses.fields(value):
                spoilt: Any = {inner.name: text}
                party = dataclasses.replace(value, **spoilt)
                changed.append(dataclasses.replace(command, party=party))  # type: ignore[call-arg]
    return changed


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_any_field(store: OrderStore, text: str) -> None:
    done(store, opening(1))
    for command in COMMANDS:
        for variant in variants(command, text):
            applied = store.apply([variant])
            assert applied.completed + applied.repeated + len(applied.refused) == 1
    done(store, opening(2, when=at(3)))
    numbers = store.number_holdings(at(3))
    assert {int(msisdn(1)), int(msisdn(2))} <= set(numbers["key"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(max_size=40), postgresql=st.booleans())
def test_any_text_is_kept_exactly_or_refused(text: str, postgresql: bool) -> None:
    with OrderStore.open(_shared(postgresql=postgresql)) as store:
        serial = 1 + len(store.outbox(limit=10**6).events)
        command = opening(serial, subscription_ref=text)
        applied = store.apply([command])
        if applied.completed:
            key = applied.subscription_ids[text]
            assert store.show(key, at(1))["subscription_ref"] == text
        else:
            assert applied.refused[0].code in ("invalid_value", "subscription_exists")


@cache
def _shared(*, postgresql: bool) -> str:
    return postgresql_url() if postgresql else sqlite_url(Path(tempfile.mkdtemp()))


def test_a_bad_document_opens_nothing(store: OrderStore) -> None:
    wrong = person(1, document_number=person(1).document_number[:-1] + "0")
    if wrong == person(1):
        wrong = person(1, document_number=person(1).document_number[:-1] + "1")
    assert refusal(store, opening(1, party=wrong)) == "document_invalid"
    unborn = person(1, document_number="11010120260230001X")
    assert refusal(store, opening(1, party=unborn)) == "document_invalid"
    nowhere = person(1, document_number="000000199003011015")
    assert refusal(store, opening(1, party=nowhere)) == "document_invalid"
    assert store.outbox().events == ()
