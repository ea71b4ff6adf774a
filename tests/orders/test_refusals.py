"""Every reason to refuse: it is given, worded, and leaves nothing behind."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mingdan.orders.commands import (
    AnyCommand,
    ChangeNumber,
    Charge,
    Open,
    Pay,
    Protect,
    Resume,
    Suspend,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.orders.model import Base
from mingdan.orders.restrictions import Restriction
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.support import (
    at,
    done,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    refusal,
    resident_id,
)

SIM = {"imsi": imsi(70), "iccid": iccid(70), "reason": "swap"}
VIP = {"party_ref": "P1", "scope": "all", "until": at(99), "maker": "a", "checker": "b"}
COMPANY = {"party_type": "organization", "document_type": "uscc"}

CASES: list[tuple[str, AnyCommand]] = [
    ("invalid_value", opening(9, order_ref="x", subscription_ref="")),
    ("invalid_value", opening(9, order_ref="x", party=person(9, name="张" * 201))),
    ("invalid_value", opening(9, order_ref="x", party=person(9, name="a\x00b"))),
    ("invalid_value", opening(9, order_ref="x", party=person(9, name="\ud800"))),
    ("invalid_value", opening(9, order_ref="x", party=person(9, party_type="robot"))),
    ("invalid_value", opening(9, order_ref="x", party=person(9, contact="\n"))),
    ("invalid_value", opening(9, order_ref="x", imsi="46000")),
    ("invalid_value", opening(9, order_ref="x", iccid="1234")),
    ("invalid_value", opening(9, order_ref="x", channel="")),
    ("invalid_value", opening(9, order_ref="x", when=datetime(2026, 10, 1))),  # noqa: DTZ001
    ("invalid_value", opening(9, order_ref="x", when=datetime.min.replace(tzinfo=at().tzinfo))),
    ("invalid_value", opening(9, order_ref="")),
    ("invalid_value", order(Pay, "x", at(5), amount_fen=0)),
    ("invalid_value", order(Pay, "x", at(5), amount_fen=-100)),
    ("invalid_value", order(Pay, "x", at(5), amount_fen=10**13)),
    ("invalid_value", order(Pay, "x", at(5), amount_fen=True)),
    ("invalid_value", order(Charge, "x", at(5), amount_fen=1, due_at=datetime(2026, 1, 1))),  # noqa: DTZ001
    ("invalid_value", order(Suspend, "x", at(5), reason="boredom")),
    ("invalid_value", order(Suspend, "x", at(5), reason="lost", direction="up")),
    ("invalid_value", order(SwapSim, "x", at(5), **SIM | {"reason": "fun"})),
    ("invalid_value", order(Protect, "x", at(5), **VIP | {"scope": "none"})),
    ("invalid_value", order(Protect, "x", at(5), **VIP | {"until": at(5)})),
    ("name_unacceptable", opening(9, order_ref="x", party=person(9, name="张\u200b三"))),
    ("name_unacceptable", opening(9, order_ref="x", party=person(9, name="Аnna"))),
    ("name_unacceptable", opening(9, order_ref="x", party=person(9, name="张" * 101))),
    ("name_unacceptable", order(TransferOwner, "x", at(5), party=person(9, name="张三\u202e"))),
    ("future_effect", opening(9, order_ref="x", when=at(6), recorded_at=at(5))),
    ("order_ref_reused", opening(9, order_ref="open-1")),
    ("subscription_exists", opening(9, order_ref="x", subscription_ref="S1")),
    ("unknown_subscription", order(Terminate, "x", at(5), subscription_ref="S99")),
    ("unknown_subscription", order(Pay, "x", at(5), subscription_ref="S99", amount_fen=1)),
    ("not_in_service", order(Suspend, "x", at(-5), recorded_at=at(5), reason="lost")),
    ("not_in_service", order(Terminate, "x", at(), recorded_at=at(5))),
    ("subscription_terminated", order(Terminate, "x", at(5), subscription_ref="S2")),
    ("later_order", order(Terminate, "x", at(0.5), recorded_at=at(5))),
    ("unknown_party", order(Protect, "x", at(5), **VIP | {"party_ref": "P99"})),
    ("party_mismatch", opening(9, order_ref="x", party=person(1, document_number=resident_id(9)))),
    ("party_mismatch", opening(9, order_ref="x", party=person(1, name="李四"))),
    ("same_owner", order(TransferOwner, "x", at(5), party=person(1))),
    ("party_restricted", opening(9, order_ref="x", party=person(3))),
    ("unknown_document_type", opening(9, order_ref="x", party=person(9, document_type="library"))),
    ("document_invalid", opening(9, order_ref="x", party=person(9, document_number="11010119900301"
                                                                "1012"))),
    ("document_invalid", opening(9, order_ref="x", party=person(9, document_number="123"))),
    ("document_invalid", opening(9, order_ref="x", party=person(9, document_number="9" * 18))),
    ("document_invalid", opening(9, order_ref="x", party=person(9, document_number="A" * 18,
                                                                **COMPANY))),
    ("document_party_type", opening(9, order_ref="x", party=person(9, document_type="uscc"))),
    ("cap_reached", opening(9, order_ref="x", when=at(5), party=person(4))),
    ("unknown_product", opening(9, order_ref="x", product_code="FREE_BEER")),
    ("product_not_on_sale", opening(9, order_ref="x", when=at(-14000))),
    ("number_invalid", opening(9, order_ref="x", msisdn="12345")),
    ("number_invalid", opening(9, order_ref="x", msisdn="8618888888888888888888")),
    ("number_invalid", order(ChangeNumber, "x", at(5), msisdn="10690001234")),
    ("number_in_use", opening(9, order_ref="x", msisdn=msisdn(3))),
    ("number_in_use", opening(9, order_ref="x", msisdn="+86 138-0000-0003")),
    ("number_in_use", opening(9, order_ref="x", msisdn="１３８０００００００３")),
    ("number_ageing", opening(9, order_ref="x", when=at(5), msisdn=msisdn(2))),
    ("number_reserved", opening(9, order_ref="x", when=at(5), msisdn=msisdn(60))),
    ("number_unavailable", opening(9, order_ref="x", when=at(5), msisdn=msisdn(61))),
    ("number_unchanged", order(ChangeNumber, "x", at(5), msisdn=msisdn(1))),
    ("sim_in_use", opening(9, order_ref="x", iccid=iccid(3), imsi=imsi(3))),
    ("sim_in_use", opening(9, order_ref="x", imsi=imsi(3))),
    ("sim_unavailable", opening(9, order_ref="x", iccid=iccid(2), imsi=imsi(2))),
    ("sim_mismatch", opening(9, order_ref="x", iccid=iccid(62))),
    ("sim_mismatch", opening(9, order_ref="x", iccid=iccid(2), imsi=imsi(9))),
    ("sim_unchanged", order(SwapSim, "x", at(5), **SIM | {"imsi": imsi(1), "iccid": iccid(1)})),
    ("arrears_unpaid", order(Resume, "x", at(5), reason="arrears", subscription_ref="S3")),
    ("arrears_unpaid", order(TransferOwner, "x", at(5), party=person(9), subscription_ref="S3")),
    ("already_blocked", order(Suspend, "x", at(5), reason="arrears", subscription_ref="S3")),
    ("not_blocked", order(Resume, "x", at(5), reason="fraud", subscription_ref="S3")),
    ("not_blocked", order(Resume, "x", at(1), recorded_at=at(5), reason="arrears",
                          subscription_ref="S3")),
    ("protection_exists", order(Protect, "x", at(1), recorded_at=at(5), **VIP)),
    ("same_person", order(Protect, "x", at(5), **VIP | {"checker": "a"})),
]  # fmt: skip


@pytest.fixture
def town(store: OrderStore) -> OrderStore:
    """A store in which everything that can be refused has a cause."""
    done(
        store,
        *[opening(n) for n in (1, 2, 3, 4)],
        *[opening(40 + n, party=person(4)) for n in range(1, 5)],
        order(Suspend, "stop and", at(1), reason="lost"),
        order(Resume, "go", at(2), reason="lost"),
        order(Terminate, "end", at(1), subscription_ref="S2"),
        order(Charge, "bill", at(), subscription_ref="S3", amount_fen=100, due_at=at(1)),
        order(Suspend, "stop", at(2), subscription_ref="S3", reason="arrears"),
        order(Protect, "vip", at(1), **VIP),
    )
    party = store.apply([opening(3)]).party_ids["P3"]
    store.restrict(
        date(2026, 10, 1),
        [
            Restriction(
                subject_type="party",
                subject_id=party,
                effect="no_new_subscription",
                class_code="blacklist",
                reason_code="fraud",
            )
        ],
    )
    instant = "'2027-01-01'" if store._database.is_postgresql else "1800000000000000"
    with store._database.writing() as connection:
        for number, state, until in ((60, "reserved", instant), (61, "blocked", "NULL")):
            connection.execute(
                text(
                    "INSERT INTO msisdn (number, state, until, changed_at) SELECT"  # noqa: S608
                    f" '{msisdn(number)}', '{state}', {until}, min(changed_at) FROM msisdn"
                )
            )
        connection.execute(
            text(
                "INSERT INTO sim_card (iccid, imsi, state, changed_at) SELECT"  # noqa: S608
                f" '{iccid(62)}', '{imsi(62)}', 'in_stock', min(changed_at) FROM sim_card"
            )
        )
    return store


def everything(store: OrderStore) -> dict[str, list[Any]]:
    with store._database.reading() as connection:
        return {
            name: sorted(connection.execute(table.select()).all(), key=repr)
            for name, table in Base.metadata.tables.items()
        }


def test_each_is_refused_and_leaves_nothing_behind(town: OrderStore) -> None:
    before = everything(town)
    found = [(code, refusal(town, command)) for code, command in CASES]
    assert [got for _, got in found] == [code for code, _ in CASES]
    assert everything(town) == before


def test_every_reason_there_is_has_a_case() -> None:
    """Here for the core's, in its own tests for each room's."""
    told = "".join(path.read_text("utf-8") for path in Path("tests").rglob("*.py"))
    codes = {row["code"] for row in load.rows("refusal")}
    assert {code for code, _ in CASES} <= codes
    assert [code for code in sorted(codes) if not re.search(rf"\b{code}\b", told)] == []


def test_the_guide_lists_every_reason() -> None:
    guide = Path("docs/orders.md").read_text("utf-8")
    for row in load.rows("refusal"):
        assert f"| `{row['code']}` | {row['en']} | {row['zh']} |" in guide


def test_bad_commands_do_not_spoil_good_ones_in_their_batch(town: OrderStore) -> None:
    good = [opening(n, when=at(6)) for n in (80, 81)]
    bad = [command for _, command in CASES]
    applied = town.apply([good[0], *bad, good[1]])
    assert applied.completed == 2
    assert len(applied.refused) == len(bad)


def test_no_refusal_shows_a_number_name_or_document(town: OrderStore) -> None:
    for _, command in CASES:
        if isinstance(command, Open | ChangeNumber):
            for refused in town.apply([command]).refused:
                assert command.msisdn[-9:] not in refused.reason + refused.reason_zh
                assert msisdn(2)[2:] not in refused.reason + refused.reason_zh
            if isinstance(command, Open) and len(command.party.document_number) > 5:
                assert command.party.document_number not in refused.reason + refused.reason_zh


def test_a_reservation_past_its_time_is_dead_though_nobody_swept_it(town: OrderStore) -> None:
    done(town, opening(90, when=at(120), msisdn=msisdn(60)))


def test_a_sim_from_stock_can_be_issued(town: OrderStore) -> None:
    done(town, opening(91, when=at(6), iccid=iccid(62), imsi=imsi(62)))
