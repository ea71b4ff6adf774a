"""Stock files: what is taken, what is refused on which line, and nothing half-way."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from mingdan.orders import model as m
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.journal import restored
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.stock.model import (
    Handset,
    NumberSegment,
    PrepaidCard,
    StockImport,
    StockImportLine,
)
from mingdan.orders.store import OrderStore
from tests.orders.stock.support import (
    card,
    mobile,
    network_id,
    numbers,
    phone,
    phones,
    sims,
    table,
    take,
    taken,
    with_luhn,
)
from tests.orders.support import at, done, opening, sqlite_url


def count(store: OrderStore, model: type[m.Base]) -> int:
    with store.database.reading() as connection:
        return connection.execute(select(func.count()).select_from(model)).scalar_one()


def problems(
    store: OrderStore, kind: str, content: bytes, **options: object
) -> list[tuple[int, str]]:
    report = take(store, kind, content, **options)
    assert not report.accepted
    assert report.taken == 0
    for each in report.refused:
        assert each.reason
        assert each.reason_zh
    return [(each.line, each.code) for each in report.refused]


def test_numbers_sims_and_handsets_come_into_stock(store: OrderStore) -> None:
    assert taken(store, "number", numbers(1, 2, 3)).taken == 3
    assert taken(store, "sim", sims(1, 2)).taken == 2
    assert taken(store, "handset", phones(1)).taken == 1
    with store.database.reading() as connection:
        rows = connection.execute(select(m.Msisdn.number, m.Msisdn.state, m.Msisdn.kind)).all()
        sim = connection.execute(select(m.SimCard.__table__)).mappings().first()
    assert {tuple(row) for row in rows} == {
        (msisdn_of(s), "available", "mobile") for s in (1, 2, 3)
    }
    assert sim is not None
    assert (sim["iccid"], sim["imsi"], sim["capacity_k"], sim["stk"], sim["state"]) == (
        card(1), network_id(1), 32, True, "in_stock",
    )  # fmt: skip


def msisdn_of(serial: int) -> str:
    return "86" + mobile(serial)


GOOD_SIM = f"{card(9)},{network_id(9)},32,yes"
BAD_SIMS = [
    (f"{card(1)[:-1]}{(int(card(1)[-1]) + 1) % 10},{network_id(1)},32,yes", "check_digit_wrong"),
    (f"{card(1)},46001{1:010d},32,yes", "imsi_of_other"),
    (f"{with_luhn('898601' + '0' * 13)},{network_id(1)},32,yes", "issuer_of_other"),
    (f"{card(1)},99900{1:010d},32,yes", "imsi_of_other"),
    (f"{card(1)},{network_id(1)[:-1]},32,yes", "field_not_accepted"),
    (f"{card(1)[:-1]},{network_id(1)},32,yes", "check_digit_wrong"),
    (f"{card(1)}0,{network_id(1)},32,yes", "field_not_accepted"),
    (f"８{card(1)[1:]},{network_id(1)},32,yes", "field_not_ascii"),
    (f"{card(1)},４{network_id(1)[1:]},32,yes", "field_not_ascii"),
    (f"{card(1)},{network_id(1)},-8,yes", "field_not_ascii"),
    (f"{card(1)},{network_id(1)},0,yes", "field_not_accepted"),
    (f"{card(1)},{network_id(1)},32,maybe", "field_not_accepted"),
    (f"{card(1)},{network_id(1)},32", "line_malformed"),
    (f"{card(1)},{network_id(1)},32,yes,more", "line_malformed"),
    ("' OR 1=1 --,460000000000001,32,yes", "field_not_ascii"),
    (f"٣{card(1)[1:]},{network_id(1)},32,yes", "field_not_ascii"),
    (f" {card(1)},{network_id(1)},32,yes", "field_not_ascii"),
    (f"{'8' * 5000},{network_id(1)},32,yes", "field_not_accepted"),
    (GOOD_SIM, "duplicate_in_file"),
    (f"{card(1)},{network_id(9)},32,yes", "duplicate_in_file"),
]


@pytest.mark.parametrize(("row", "code"), BAD_SIMS)
def test_a_sim_line_out_of_order_refuses_the_file(
    sqlite_store: OrderStore, row: str, code: str
) -> None:
    content = table("iccid,imsi,capacity_k,stk", GOOD_SIM, row)
    assert problems(sqlite_store, "sim", content) == [(3, code)]
    assert count(sqlite_store, m.SimCard) == 0
    assert count(sqlite_store, StockImport) == 0


BAD_NUMBERS = [
    ("13000000001", "prefix_of_other"),
    ("12000000001", "prefix_unknown"),
    ("1380000001", "prefix_unknown"),
    ("8613800000001", "prefix_unknown"),
    ("+8613800000001", "field_not_ascii"),
    ("１３８０００００００１", "field_not_ascii"),
    ("138-0000-0001", "field_not_ascii"),
    ("138O0000001", "field_not_ascii"),
    ("", "field_not_ascii"),
    ("'; DROP TABLE msisdn; --", "field_not_ascii"),
    ("10657123", "prefix_unknown"),
]


@pytest.mark.parametrize(("row", "code"), BAD_NUMBERS)
def test_a_number_out_of_order_refuses_the_file(
    sqlite_store: OrderStore, row: str, code: str
) -> None:
    content = table("number,group", mobile(1) + ",", row + ",")
    assert problems(sqlite_store, "number", content) == [(3, code)]
    assert count(sqlite_store, m.Msisdn) == 0


@pytest.mark.parametrize(
    ("kind", "header", "row", "code"),
    [
        ("handset", "imei,model", f"{phone(1)[:-1]}{(int(phone(1)[-1]) + 1) % 10},HANDSET_5G",
         "check_digit_wrong"),
        ("handset", "imei,model", f"{phone(1)},TOASTER", "unknown_model"),
        ("handset", "imei,model", "000000000000000,HANDSET_5G", "field_not_accepted"),
        ("handset", "imei,model,usage", f"{phone(1)},HANDSET_5G,stolen", "field_not_accepted"),
        ("handset", "imei,model", f"{phone(1)}1,HANDSET_5G", "field_not_accepted"),
        ("prepaid_card", "card_no,face_value_fen,validity_days,sell_by",
         "12345678,0,90,2027-01-01", "field_not_accepted"),
        ("prepaid_card", "card_no,face_value_fen,validity_days,sell_by",
         "12345678,-5000,90,2027-01-01", "field_not_ascii"),
        ("prepaid_card", "card_no,face_value_fen,validity_days,sell_by",
         "12345678,5000,90,2020-01-01", "field_not_accepted"),
        ("prepaid_card", "card_no,face_value_fen,validity_days,sell_by",
         "12345678,5000,90,２０２７-01-01", "field_not_accepted"),
        ("prepaid_card", "card_no,face_value_fen,validity_days,sell_by",
         "12345678,5000,90,soon", "field_not_accepted"),
        ("prepaid_card", "card_no,iccid,face_value_fen,validity_days,sell_by",
         f"12345678,{card(5)},5000,90,2027-01-01", "sim_not_in_stock"),
        ("sms_port", "number,licence_no", "13800000001,L1", "prefix_unknown"),
        ("sms_port", "number,licence_no", "106551234,L1", "prefix_of_other"),
        ("sms_port", "number,licence_no", "106571234567890123456,L1", "field_not_accepted"),
        ("access_number", "number,licence_no", "10657123,L1", "prefix_unknown"),
        ("access_number", "number,licence_no,licensed_until", "95588,L1,2020-01-01",
         "field_not_accepted"),
        ("access_number", "number,licence_no", "95588,", "invalid_value"),
        ("segment", "prefix", "1300000", "prefix_of_other"),
        ("segment", "prefix", "138000", "prefix_unknown"),
        ("segment", "prefix,state", "1380000,closed", "field_not_accepted"),
    ],
)  # fmt: skip
def test_other_lines_out_of_order(
    sqlite_store: OrderStore, kind: str, header: str, row: str, code: str
) -> None:
    assert problems(sqlite_store, kind, table(header, row)) == [(2, code)]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"", {}),
        (b"iccid,imsi\n", {}),
        (b"number,number\n13800000001,13800000001\n", {}),
        (b"number,colour\n13800000001,red\n", {}),
        ("号码\n13800000001\n".encode(), {}),
        (b"number\n\xff\xfe\n", {}),
        (b'number\n"13800000001\n', {}),
        (b"number\n13800000001\n", {"encoding": "utf-16"}),
        (b"PK\x03\x04\x00\x00", {}),
    ],
)
def test_what_is_no_such_table_is_refused_whole(
    sqlite_store: OrderStore, content: bytes, options: dict[str, str]
) -> None:
    with pytest.raises(Refused, match=r"import_unreadable|invalid_value"):
        take(sqlite_store, "number", content, **options)


def test_what_is_in_stock_is_not_taken_again(store: OrderStore) -> None:
    taken(store, "number", numbers(1))
    taken(store, "sim", sims(1))
    taken(store, "handset", phones(1))
    assert problems(store, "number", numbers(2, 1)) == [(3, "duplicate_in_stock")]
    assert problems(store, "handset", phones(2, 1)) == [(3, "duplicate_in_stock")]
    twins = table(
        "iccid,imsi,capacity_k,stk",
        f"{card(1)},{network_id(2)},8,no", f"{card(2)},{network_id(1)},8,no",
    )  # fmt: skip
    found = [(2, "duplicate_in_stock"), (3, "duplicate_in_stock")]
    assert problems(store, "sim", twins) == found


def test_the_good_lines_may_be_taken_and_the_others_set_aside(store: OrderStore) -> None:
    content = table("number", mobile(1), "13000000001", mobile(2), mobile(1))
    report = take(store, "number", content, partial=True)
    assert (report.taken, report.lines) == (2, 4)
    assert [(each.line, each.code) for each in report.refused] == [
        (3, "prefix_of_other"),
        (5, "duplicate_in_file"),
    ]
    assert count(store, m.Msisdn) == 2
    with store.database.reading() as connection:
        aside = connection.execute(
            select(StockImportLine.line, StockImportLine.content).order_by(StockImportLine.line)
        ).all()
    assert [tuple(row) for row in aside] == [(3, "13000000001"), (5, mobile(1))]
    again = take(store, "number", content, partial=True, when=at(1))
    assert again.repeated
    assert (again.import_id, again.taken, again.refused) == (
        report.import_id, report.taken, report.refused,
    )  # fmt: skip
    assert count(store, StockImport) == 1


def test_a_file_without_a_good_line_is_not_taken_even_in_part(sqlite_store: OrderStore) -> None:
    assert not take(sqlite_store, "number", table("number", "1"), partial=True).accepted
    assert not take(sqlite_store, "number", table("number"), partial=True).accepted


def test_numbers_of_other_operators_come_in_ported(sqlite_store: OrderStore) -> None:
    content = table("number", "13000000001")
    assert taken(sqlite_store, "number", content, ported_in=True).taken == 1
    other = table("number", "13000000002")
    assert taken(sqlite_store, "number", other, operator="china_unicom").taken == 1


def test_what_an_order_brought_in_becomes_known_and_keeps_its_state(store: OrderStore) -> None:
    done(store, opening(1, msisdn=mobile(1), iccid=card(1), imsi=network_id(1)))
    taken(store, "number", numbers(1, 2), when=at(1))
    taken(store, "sim", sims(1), when=at(1))
    with store.database.reading() as connection:
        n, s = m.Msisdn, m.SimCard
        number = connection.execute(
            select(n.state, n.subscription_id, n.kind, n.group_code).where(n.number == msisdn_of(1))
        ).one()
        sim = connection.execute(select(s.state, s.stk).where(s.iccid == card(1))).one()
    assert tuple(number) == ("in_service", 1, "mobile", "ORDINARY")
    assert tuple(sim) == ("in_use", True)
    wrong = table("iccid,imsi,capacity_k,stk", f"{card(1)},{network_id(7)},8,no")
    assert problems(store, "sim", wrong) == [(2, "duplicate_in_stock")]


def test_a_segment_brings_its_ten_thousand_numbers(store: OrderStore) -> None:
    taken(store, "number", table("number", "13800130005"))
    taken(store, "segment", table("prefix,area_code", "1380013,110000"), when=at(1))
    assert count(store, m.Msisdn) == 10_000
    desk = StockDesk(store)
    assert desk.show("number", "13800130005", actor=SYSTEM, at=at(1))["segment"] == (
        "1380013 (active)"
    )
    assert problems(store, "segment", table("prefix", "1380013"), when=at(2)) == [
        (2, "segment_exists")
    ]
    assert count(store, NumberSegment) == 1


def test_prepaid_cards_carry_a_sim_of_the_stock(store: OrderStore) -> None:
    taken(store, "sim", sims(1, 2))
    header = "card_no,iccid,face_value_fen,validity_days,sell_by"
    taken(store, "prepaid_card", table(header, f"12345678,{card(1)},5000,90,2027-01-01"))
    twice = table(header, f"12345679,{card(1)},5000,90,2027-01-01")
    assert problems(store, "prepaid_card", twice) == [(2, "duplicate_in_stock")]
    assert count(store, PrepaidCard) == 1


def test_a_file_in_gb18030_is_read_if_it_says_so(sqlite_store: OrderStore) -> None:
    content = "number,licence_no\n106571234,号[2026]1\n".encode("gb18030")
    with pytest.raises(Refused, match="import_unreadable"):
        take(sqlite_store, "sms_port", content)
    taken(sqlite_store, "sms_port", content, encoding="gb18030")


def test_every_row_leaves_its_image(store: OrderStore) -> None:
    taken(store, "sim", sims(*range(60)))
    taken(store, "handset", phones(1))
    with store.database.reading() as connection:
        images = connection.execute(
            select(EntityEvent.entity, EntityEvent.image).order_by(EntityEvent.seq)
        ).all()
        for model in (m.SimCard, Handset, StockImport):
            rows = connection.execute(select(model.__table__)).mappings().all()
            table_of: Any = model.__table__
            rebuilt = [
                restored(table_of, row.image) for row in images if row.entity == model.__tablename__
            ]
            as_text = [
                str([image[column.name] for column in table_of.columns]) for image in rebuilt
            ]
            assert sorted(as_text) == sorted(str(list(row.values())) for row in rows)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.integers(0, 30).map(mobile),
            st.text(max_size=15),
            st.sampled_from(["13000000000", "138 0000", "１３８０００００００１", "1" * 300]),
        ),
        max_size=12,
    )
)
def test_a_file_is_taken_wholly_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str]
) -> None:
    with OrderStore.open(sqlite_url(tmp_path_factory.mktemp("stock"))) as store:
        quoted = ['"' + row.replace('"', '""') + '"' for row in rows]
        content = "\n".join(("number", *quoted)).encode(errors="replace")
        try:
            report = take(store, "number", content)
        except Refused:
            assert count(store, m.Msisdn) == 0
            return
        good = {row for row in rows if row.isascii() and row.startswith("138") and len(row) == 11}
        if report.accepted:
            assert report.refused == ()
            assert count(store, m.Msisdn) == report.taken == len(rows) == len(good)
        else:
            assert count(store, m.Msisdn) == 0
            assert len(report.refused) == report.lines - len(good)


def test_groups_sort_what_comes_in(store: OrderStore) -> None:
    desk = StockDesk(store)
    desk.add_group(
        actor=SYSTEM, at=at(), code="LUCKY", name="Lucky 168", name_zh="一路发", category="gold",
        pattern="168$", rank=100, valid_from=date(2026, 1, 1),
    )  # fmt: skip
    rows = ["13801234567", "13801230168", "13801239999", "13801232888", "13801231919",
            "13801235501"]  # fmt: skip
    taken(store, "number", table("number", *rows))
    with store.database.reading() as connection:
        found = connection.execute(select(m.Msisdn.group_code).order_by(m.Msisdn.number)).scalars()
        assert list(found) == ["LUCKY", "REPEATS", "TRIPLE_8", "STEPS", "ORDINARY", "QUAD"]
    for code, pattern in (("LUCKY", "1$"), ("lower", "1$"), ("BAD", "(")):
        with pytest.raises(Refused, match=r"group_exists|invalid_value"):
            desk.add_group(
                actor=SYSTEM, at=at(), code=code, name="x", name_zh="x", category="gold",
                pattern=pattern, rank=1, valid_from=date(2026, 1, 1),
            )  # fmt: skip
    named = table("number,group", "13801237777,ORDINARY", "13801237778,NOBODY")
    assert problems(store, "number", named) == [(3, "unknown_group")]
