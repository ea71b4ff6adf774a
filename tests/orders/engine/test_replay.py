"""The two logs rebuild every table, exactly, in a store of either kind."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, text

from mingdan.errors import InputRefused
from mingdan.orders import payload
from mingdan.orders import replay as replaying
from mingdan.orders.commands import (
    BuyDevice,
    ChangeNumber,
    ChangeOffer,
    Charge,
    MergeAccount,
    Pay,
    Protect,
    Refund,
    Resume,
    SplitAccount,
    Suspend,
    SwapDevice,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.orders.comparison import differences
from mingdan.orders.database import Database
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.model import OrderEvent
from mingdan.orders.money.vouchers import VoucherDesk
from mingdan.orders.replay import replay
from mingdan.orders.store import OrderStore
from tests.orders.care.test_journalled import a_day_of_care
from tests.orders.lifecycle.ways import COUNTER, at_once, cancel, pay, place, provision, whole
from tests.orders.money.test_vouchers import CLERK, batch
from tests.orders.stock.support import phone, phones, taken
from tests.orders.support import (
    PEPPER,
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
    sqlite_url,
    young,
)
from tests.orders.test_histories import DRAWS, SIZES, Draw, Sizes

LIFE = [
    opening(1),
    opening(2),
    order(ChangeNumber, "number", at(1), msisdn=msisdn(9)),
    order(SwapSim, "swap", at(2), imsi=imsi(9), iccid=iccid(9), reason="swap"),
    order(Charge, "bill", at(3), amount_fen=700, due_at=at(4)),
    order(Suspend, "stop", at(5), reason="arrears"),
    order(Pay, "pay", at(6), amount_fen=1000),
    order(Suspend, "lost", at(7), reason="lost"),
    order(Resume, "found", at(8), reason="lost"),
    order(TransferOwner, "over", at(9), party=person(3)),
    order(Protect, "vip", at(10), party_ref="P3", scope="all", until=at(90), maker="a",
          checker="b"),
    order(Terminate, "end", at(11), subscription_ref="S2"),
    # learnt late: splits what was believed
    order(ChangeNumber, "late", at(0.5), recorded_at=at(12), msisdn=msisdn(8)),
]  # fmt: skip


def rebuilt(source: str, target: str) -> list[str]:
    """Tables that differ after replaying `source` into `target`."""
    old, new = Database(source), Database(target)
    try:
        replay(old, new)
        return [each.table for each in differences(old, new)]
    finally:
        old.close()
        new.close()


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_life_is_rebuilt_in_either_kind(own_url: str, into: str, tmp_path: Path) -> None:
    with OrderStore.open(own_url) as store:
        done(store, *LIFE[:5])
        for command in LIFE[5:]:
            done(store, command)
    target = sqlite_url(tmp_path) if into == "sqlite" else postgresql_url()
    assert rebuilt(own_url, target) == []
    with OrderStore.open(target) as store:
        assert store.apply(LIFE).repeated == len(LIFE)
        done(store, opening(5))


def test_every_room_is_rebuilt(own_url: str, tmp_path: Path) -> None:
    with OrderStore.open(own_url) as store:
        a_day_of_care(store, tmp_path / "landing")
        desk = OrderDesk(store)
        whole(desk, opening(2), at(1))
        at_once(desk, opening(3), at(1), 1000)
        at_once(desk, order(Suspend, "stop", at(2), subscription_ref="S3", reason="lost"), at(2))
        place(desk, opening(4), at(2))
        pay(desk, place(desk, opening(5), at(2)), at(2))
        cancel(desk, "open-5", at(3))
        pay(desk, place(desk, opening(6), at(2)), at(2))
        provision(desk, "open-6", at(3), "failed")
        for command in (
            order(Charge, "b", at(4), amount_fen=300, due_at=at(9)),
            order(Pay, "p", at(5), amount_fen=900),
            order(Refund, "r", at(6), payment_ref="p", amount_fen=100),
            order(MergeAccount, "m", at(7), with_subscription_ref="S2"),
            order(SplitAccount, "n", at(8)),
            order(ChangeOffer, "o", at(8), subscription_ref="S2", product_code="POSTPAID_5G"),
        ):
            done(store, command)
        taken(store, "handset", phones(1, 2, 3, 4))
        buy, swap = {"imei": phone(1)}, {"imei": phone(2), "old_imei": phone(1)}
        at_once(desk, order(BuyDevice, "buy", at(8), **buy), at(8), 199_900)
        at_once(desk, order(SwapDevice, "exchange", at(9), **swap), at(9), 150_900)
        place(desk, order(BuyDevice, "wait", at(9), imei=phone(3)), at(9))
        pay(desk, place(desk, order(BuyDevice, "gone", at(9), imei=phone(4)), at(9)), at(9))
        cancel(desk, "gone", at(9))
        desk.reverse("exchange", "exchange-back", actor=COUNTER, at=at(9, hours=1))
        number = order(ChangeNumber, "c", at(), subscription_ref="S3", msisdn=msisdn(73))
        at_once(desk, number, at(9), 1000)
        desk.reverse("c", "c-back", actor=COUNTER, at=at(9, hours=1))
        vouchers = VoucherDesk(store, PEPPER)
        vouchers.make(batch(), tmp_path / "pins.csv", actor=CLERK, at=at(8))
        store.restrict(at(9).date(), [])
    assert rebuilt(own_url, sqlite_url(tmp_path)) == []


def test_many_chunks_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = sqlite_url(tmp_path)
    with OrderStore.open(source) as store:
        done(store, *LIFE)
    monkeypatch.setattr(replaying, "CHUNK", 2)
    assert rebuilt(source, sqlite_url(tmp_path)) == []


def test_a_packed_payload_says_the_same(
    own_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payload, "PACKED_FROM", 0)
    with OrderStore.open(own_url) as store:
        done(store, *LIFE)
        with store.database.reading() as connection:
            kept = connection.execute(select(OrderEvent.payload)).scalars().all()
    assert {each["v"] for each in kept if each} == {payload.PACKED}
    assert rebuilt(own_url, sqlite_url(tmp_path)) == []


def test_a_row_the_log_does_not_know_is_found(own_url: str, tmp_path: Path) -> None:
    with OrderStore.open(own_url) as store:
        done(store, *LIFE[:3])
        with store.database.writing() as connection:
            connection.execute(text("UPDATE party SET contact = 'x' WHERE party_ref = 'P1'"))
            connection.execute(text("UPDATE msisdn SET state = 'blocked' WHERE number LIKE '%9'"))
    assert rebuilt(own_url, sqlite_url(tmp_path)) == ["party", "msisdn"]


def test_only_an_empty_store_is_replayed_into(tmp_path: Path) -> None:
    source, target = sqlite_url(tmp_path), sqlite_url(tmp_path)
    with OrderStore.open(target) as store:
        done(store, opening(1))
    with pytest.raises(InputRefused, match="not empty"):
        rebuilt(source, target)


def test_a_store_filled_before_the_log_is_rebuilt_from_its_baseline(
    own_url: str, tmp_path: Path
) -> None:
    with OrderStore.open(own_url) as store:
        done(store, *LIFE[:6])
    database = Database(own_url)
    database.downgrade("0008")
    database.migrate()
    database.close()
    with OrderStore.open(own_url) as store:
        done(store, *LIFE[6:])
    assert rebuilt(own_url, sqlite_url(tmp_path)) == []


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DRAWS, SIZES)
def test_any_history_is_rebuilt_from_sqlite(draws: list[Draw], batch: Sizes) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("mingdan.orders.store.BATCH", batch[0])
        patch.setattr("mingdan.orders.intake.PART", batch[1])
        url = sqlite_url(Path(folder))
        with OrderStore.open(url, policy=young(0)) as store:
            store.apply([draw.command(serial) for serial, draw in enumerate(draws)])
        assert rebuilt(url, sqlite_url(Path(folder))) == []


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(DRAWS)
def test_any_history_is_rebuilt_from_postgresql(draws: list[Draw]) -> None:
    url = emptied_postgresql_url()
    with OrderStore.open(url, policy=young(0)) as store:
        store.apply([draw.command(serial) for serial, draw in enumerate(draws)])
    with tempfile.TemporaryDirectory() as folder:
        assert rebuilt(url, sqlite_url(Path(folder))) == []


def test_a_payload_of_the_first_version_says_the_same() -> None:
    accounts, ends = [[7, 10], [8, 20]], [[3, "suspended", None]]
    one = {"v": 1, "after": 0, "new": {"billing_account": accounts}, "changed": {"product": ends}}
    two = {
        "v": 2,
        "after": 0,
        "new": {"billing_account": [7, 10, 8, 20]},
        "changed": {"product": [3, "suspended", None]},
    }
    said = replaying._of_payload(one)
    assert [(name, key) for name, key, _, _ in said] == [
        ("billing_account", (7,)),
        ("billing_account", (8,)),
        ("product", (3,)),
    ]
    assert replaying._of_payload(two) == said
