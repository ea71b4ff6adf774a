"""Openings judged as columns leave the rows and answers they leave one by one."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from mingdan.orders import checks, intake
from mingdan.orders.commands import AnyCommand, Applied, ChangeNumber, Charge, Pay
from mingdan.orders.openings import Openings
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused
from mingdan.orders.schema import METADATA
from mingdan.orders.store import OrderStore
from tests.orders.engine.test_replay import rebuilt
from tests.orders.support import (
    at,
    done,
    emptied_postgresql_url,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    postgresql_url,
    resident_id,
    sqlite_url,
    young,
)

OWN = {"seq", "item_id", "holding_id", "transaction_id", "payload"}
"""Columns that say only in which order rows were written."""
FIRM = person(
    50,
    party_type="organization",
    name="北京某某科技有限公司",
    document_type="business_licence",
    document_number="91110108MA01ABCD1X",
)
ODD = [
    {"msisdn": "+86 138-0000-0077"},
    {"msisdn": "１３８００００００７８"},
    {"msisdn": "13800000079", "party": person(7, contact="13900000000")},
    {"msisdn": "12345"},
    {"msisdn": msisdn(1)},
    {"imsi": "46000"},
    {"imsi": imsi(1)},
    {"iccid": "898600abcdef12345678"},
    {"iccid": iccid(1)},
    {"iccid": 7},
    {"party": person(1)},
    {"party": person(2, party_ref="P2-again")},
    # Of one who has as many subscriptions as he may have, under another name.
    {"party": person(60, party_ref="P60-again")},
    {"party": person(9, document_number=resident_id(9)[:-1] + "Z")},
    {"party": person(9, document_number="110101199003321235")},
    {"party": person(9, document_number="999999199003011237")},
    {"party": person(9, document_number="110101900301123")},
    {"party": person(9, document_type="passport", document_number="E12345678", name="Ann Lee")},
    {"party": person(9, document_type="nothing")},
    {"party": person(9, name="张\u200b三")},
    {"party": person(9, name="")},
    {"party": person(9, contact="\n")},
    {"party": FIRM},
    {"product_code": "NONE"},
    {"product_code": None},
    {"subscription_ref": "S1"},
    {"subscription_ref": "x" * 300},
    {"when": at(-9000)},
]


def commands(odd: list[int]) -> list[AnyCommand]:
    """Openings, plain but for those with something odd about them, and other orders between."""
    found: list[AnyCommand] = []
    for serial in range(3, 3 + 2 * len(odd)):
        values: dict[str, Any] = ODD[odd[serial // 2 - 2]] if serial % 2 else {}
        values = {"party": person(100 + serial), "when": at(1, hours=serial)} | values
        found.append(opening(serial, **values))
    later = {"subscription_ref": "S4", "amount_fen": 500}
    number = order(ChangeNumber, "number", at(3), msisdn=msisdn(4))
    return [
        *found,
        order(Charge, "bill", at(2), due_at=at(3), **later),
        order(Pay, "pay", at(2), **later),
        number,
        opening(90, party=person(190), when=at(4), order_ref="number"),
        opening(91, party=person(191), when=at(4)),
        opening(91, party=person(191), when=at(5)),
        opening(92, party=person(191), when=at(5), order_ref="open-91"),
    ]


def loaded(url: str, load: list[AnyCommand], *, plain: bool) -> tuple[Applied, Any, int]:
    """The answer, every table, and how many openings were judged as columns."""
    counted = 0
    write_down = intake.write_down

    def counting(rows: Any, found: Openings, keys: Any) -> Any:
        nonlocal counted
        counted += len(found)
        return write_down(rows, found, keys)

    with pytest.MonkeyPatch.context() as patch, OrderStore.open(url, policy=young(0)) as store:
        done(store, opening(1), opening(2))
        done(store, *(opening(n, party=person(60)) for n in range(160, 165)))
        patch.setattr(intake, "PART", 5)
        patch.setattr(intake, "write_down", counting)
        if not plain:
            patch.setattr(intake, "alone", lambda found, _: [False] * len(found))
        applied = store.apply(load)
        with store.database.reading() as connection:
            tables = {
                table.name: sorted(
                    map(tuple, connection.execute(select(*_compared(table))).all()), key=repr
                )
                for table in METADATA.sorted_tables
            }
    return applied, tables, counted


def _compared(table: Any) -> list[Any]:
    return [column for column in table.columns if column.name not in OWN]


def assert_same(one: str, other: str, odd: list[int]) -> int:
    applied, tables, counted = loaded(one, commands(odd), plain=True)
    expected, wanted, none = loaded(other, commands(odd), plain=False)
    assert none == 0
    assert applied == expected
    for name, rows in wanted.items():
        assert tables[name] == rows, name
    return counted


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_everything_odd_is_answered_as_by_itself(kind: str, tmp_path: Path) -> None:
    if kind == "sqlite":
        one, other = sqlite_url(tmp_path), sqlite_url(tmp_path)
    else:
        one, other = postgresql_url(), postgresql_url()
    counted = assert_same(one, other, list(range(len(ODD))))
    # The plain ones between the odd, and the odd ones whose form is plain as well.
    assert len(ODD) - 2 <= counted <= len(ODD) + 4
    assert rebuilt(one, sqlite_url(tmp_path)) == []


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, len(ODD) - 1), min_size=2, max_size=9))
def test_any_load_is_answered_as_by_itself(odd: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_same(sqlite_url(Path(folder)), sqlite_url(Path(folder)), odd)


def test_a_load_may_meet_what_it_did_before() -> None:
    load = [opening(n) for n in range(1, 30)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "PART", 4)
        with OrderStore.open(emptied_postgresql_url(), policy=young(0)) as store:
            assert store.apply(load[:20]).completed == 20
            again = store.apply(load)
            assert (again.completed, again.repeated) == (9, 20)
            assert again.subscription_ids == {f"S{n}": n for n in range(1, 30)}


@pytest.mark.parametrize("name", ["check_documents", "only_from_stock"])
def test_a_policy_that_changes_during_a_load_is_obeyed(name: str, tmp_path: Path) -> None:
    policy = young(0).with_values(**{name: False})
    ((first, _),) = policy.values[name]
    policy = Policy(policy.values | {name: ((first, False), (at(0.5), True))})
    documents = {n: resident_id(n) for n in range(2, 8)}
    if name == "check_documents":
        documents = {
            n: text[:-1] + ("1" if text[-1] == "0" else "0") for n, text in documents.items()
        }
    load = [
        opening(n, when=at(n % 2), party=person(n, document_number=text))
        for n, text in documents.items()
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "PART", 2)
        with OrderStore.open(sqlite_url(tmp_path), policy=policy) as store:
            applied = store.apply(load)
    # Before it nothing is verified or wanted from stock; after it these are refused.
    assert {each.order_ref for each in applied.refused} == {"open-3", "open-5", "open-7"}


def test_a_request_has_the_digest_of_its_whole_content() -> None:
    party = person(3, contact="it's", name='"')
    content = ["o", "S3", party, "POSTPAID", msisdn(3), imsi(3), iccid(3)]
    whole = repr(("Open", content)).encode()
    expected = hashlib.blake2b(whole, digest_size=16).hexdigest()
    assert intake.digest(opening(3, party=party, order_ref="o")) == expected


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.builds(
            "{}{}{}{}".format,
            st.sampled_from(["110101", "310115", "999999", "460321"]),
            st.sampled_from(["19900301", "20230229", "21000101", "19000101"]),
            st.sampled_from(["001", "123", "999"]),
            st.sampled_from("0123456789X"),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_resident_ids_are_judged_alike_one_by_one_and_together(numbers: list[str]) -> None:
    def sound(number: str) -> bool:
        try:
            checks.document(person(1, document_number=number), verify=True)
        except Refused:
            return False
        return True

    assert checks.resident_ids(numbers) == [sound(number) for number in numbers]
