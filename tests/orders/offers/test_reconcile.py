"""Reconciliation: silent on a sound store, and loud about each thing that is spoilt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from mingdan.calendar import business_day
from mingdan.night import Night
from mingdan.orders import commands as c
from mingdan.orders.access.actor import Actor
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.reconcile import CHECKS, mismatches, reconcile, reconcile_night
from mingdan.orders.store import OrderStore
from mingdan.orders.tables import RECONCILIATION
from mingdan.reference import load
from tests.orders.offers.support import card, features, opened
from tests.orders.support import at, done, iccid, imsi, msisdn, opening, order, person

CLERK = Actor("counter", "counter", "li")
LATER = at(40)


def codes(store: OrderStore, when: Any = LATER) -> list[str]:
    return [each.code for each in reconcile(store, when)]


def lives(store: OrderStore) -> None:
    """Every kind of order there is, late ones too, and orders on their way."""
    opened(store, 1)
    done(
        store,
        opening(2),
        opening(3, party=person(2)),
        order(c.Charge, "bill", at(1), amount_fen=5800, due_at=at(2)),
        order(c.Suspend, "arrears", at(3), reason="arrears", direction="both"),
        order(c.Pay, "pay", at(4), amount_fen=6000),
        order(c.ChangeNumber, "number", at(5), msisdn=msisdn(50)),
        order(c.SwapSim, "swap", at(5), imsi=imsi(50), iccid=iccid(50), reason="swap"),
        order(c.Suspend, "bar", at(6), reason="spam", direction="sms_out"),
        order(c.Suspend, "fraud", at(6), reason="fraud", direction="out"),
        order(c.TransferOwner, "sold", at(7), subscription_ref="S3", party=person(4)),
        order(c.Terminate, "end", at(8), subscription_ref="S2"),
        order(c.Suspend, "same", at(9), subscription_ref="S3", reason="lost", direction="both"),
        order(c.Resume, "back", at(9), subscription_ref="S3", reason="lost"),
    )
    late = {"subscription_ref": "S3", "reason": "customer_request", "recorded_at": at(15)}
    done(
        store,
        order(c.Suspend, "late", at(10), direction="both", **late),
        order(c.Resume, "late2", at(11), **late),
    )
    features(store, "S3", at(16), add=("data", "international_call"))
    frame = {"order_ref": "offer", "at": at(16), "subscription_ref": "S3", "when": "next_cycle"}
    done(store, c.ChangeOffer(**frame, product_code="BUSINESS"))
    card(store, 8)
    card(store, 9)
    desk = OrderDesk(store)
    desk.place(opening(8, party=person(8)), actor=CLERK, at=at(39.999))
    desk.place(opening(9, party=person(9)), actor=CLERK, at=at(39.999))
    desk.pay("open-9", 1000, "till-1", CLERK, at(39.9995))
    desk.cancel("open-9", "changed his mind", actor=CLERK, at=at(39.9996))


def test_a_sound_store_is_silent(store: OrderStore) -> None:
    lives(store)
    assert reconcile(store, LATER) == []


SPOILT = [
    ("UPDATE msisdn SET state = 'aging', subscription_id = NULL WHERE number = '{0}'",
     ["held_number_not_in_service"]),
    ("UPDATE msisdn SET subscription_id = 1 WHERE number = '{2}'", ["held_number_not_in_service"]),
    ("UPDATE msisdn SET state = 'in_service' WHERE number = '{1}'", ["number_without_holder"]),
    ("UPDATE sim_card SET state = 'lost' WHERE iccid = '{3}'", ["held_sim_not_in_use"]),
    ("UPDATE sim_card SET state = 'in_use' WHERE iccid = '{4}'", ["sim_without_holder"]),
    ("UPDATE product SET status = 'active' WHERE subscription_id = 1", ["status_differs"]),
    ("UPDATE product SET status = 'suspended' WHERE subscription_id = 3", ["status_differs"]),
    ("UPDATE product SET status = 'active' WHERE subscription_id = 2", ["ended_not_terminated"]),
    ("UPDATE product_order SET state = 'held' WHERE order_ref = 'swap'", ["order_event_differs"]),
    ("UPDATE sim_card SET stk = NULL, capacity_k = 8 WHERE iccid = '{5}'",
     ["feature_without_card"]),
    (("UPDATE subscription SET terminated_at = NULL, termination_recorded_at = NULL"
     " WHERE subscription_id = 2"),
     ["active_without_holder", "active_without_number", "active_without_sim", "status_differs",
      "termination_without_end"]),
    (("UPDATE party SET document_number = (SELECT document_number FROM party WHERE party_id = 1)"
     " WHERE party_id = 2"), ["names_differ"]),
    ("UPDATE payment SET amount_fen = amount_fen - 1", ["money_differs"]),
]  # fmt: skip


def test_each_spoilt_row_is_found(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        lives(store)
        features(store, "S3", at(17), add=("volte",))
        numbers = (msisdn(50), msisdn(2), msisdn(3), iccid(50), iccid(2), iccid(3))
        for statement, expected in SPOILT:
            with store.database.engine.connect() as connection, connection.begin() as spoilt:
                _unguard(connection, "payment", postgresql=store.database.is_postgresql)
                assert connection.execute(text(statement.format(*numbers))).rowcount
                found = mismatches(connection, LATER)
                assert sorted({each.code for each in found}) == sorted(expected), statement
                for each in found:
                    assert each.repair
                    assert each.repair_zh
                    assert each.expected != each.found
                spoilt.rollback()
        assert reconcile(store, LATER) == []


def _unguard(connection: Any, table: str, *, postgresql: bool) -> None:
    """Facts guard themselves; this is the hand of a careless repairer."""
    if postgresql:
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        return
    triggers = text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table")
    for name in connection.execute(triggers, {"table": table}).scalars().all():
        connection.execute(text(f"DROP TRIGGER {name}"))


def test_what_is_reserved_and_what_is_dead(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        desk = OrderDesk(store)
        view = desk.place(opening(1), actor=CLERK, at=at(0))
        assert view.reserved_until is not None
        just_before = view.reserved_until - timedelta(seconds=1)
        assert codes(store, just_before) == []
        assert codes(store, view.reserved_until) == ["order_dead"]
        with store.database.writing() as connection:
            connection.execute(text("UPDATE msisdn SET state = 'available'"))
        assert codes(store, just_before) == ["reservation_not_reserved"]
        with store.database.writing() as connection:
            connection.execute(text("UPDATE msisdn SET state = 'reserved'"))
            connection.execute(text("UPDATE resource_reservation SET state = 'completed'"))
        found = codes(store, just_before)
        assert found == ["reserved_without_reservation"] * 2
        desk.pay("open-1", 1000, "till-1", CLERK, at(0))
        desk.provision("open-1", "done", actor=CLERK, at=at(0))
        assert "provisioned_and_dead" in codes(store, at(1))


def test_a_block_without_a_debt(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        done(store, opening(1), order(c.Suspend, "s", at(1), reason="arrears", direction="both"))
        assert codes(store) == ["arrears_block_without_debt"]
        due = order(c.Charge, "b", at(2), amount_fen=100, due_at=at(3))
        done(store, due)
        assert codes(store) == []
        # decided by the clock: before its due date the bill is no debt
        assert codes(store, at(2.5)) == ["arrears_block_without_debt"]


def test_a_feature_an_offer_excludes(own_url: str) -> None:
    with OrderStore.open(own_url) as store:
        opened(store, 1)
        features(store, "S1", at(1), add=("international_call",))
        with store.database.writing() as connection:
            if store.database.is_postgresql:
                # Its guards do not let that happen.
                connection.execute(text("ALTER TABLE product DISABLE TRIGGER USER"))
            connection.execute(text("UPDATE product SET offering_code = 'PREPAID'"))
        assert codes(store) == ["feature_not_for_product"]


def test_the_nights_list_is_in_the_lake_and_the_same_again(night: Night) -> None:
    day = business_day(LATER)
    opened(night.orders, 1)
    sound = reconcile_night(night, day)
    assert sound.facts == {"mismatches": 0, "faults": 0}
    with night.orders.database.writing() as connection:
        connection.execute(text("UPDATE product SET status = 'suspended'"))
    first = reconcile_night(night, day)
    assert first.facts == {"mismatches": 1, "faults": 1}
    assert reconcile_night(night, day).partitions == first.partitions
    (row,) = night.lake.scan(RECONCILIATION, [day]).collect().to_dicts()
    assert (row["code"], row["subscription_id"]) == ("status_differs", 1)
    assert row["repair_zh"] == "按停机原因重新停复机"


def test_every_code_is_worded_and_every_check_runs() -> None:
    rows = load.by("reconciliation", "code")
    for row in rows.values():
        assert row["severity"] in ("fault", "note")
        assert all(row[name] for name in ("area", "en", "zh", "repair_en", "repair_zh"))
    assert len(CHECKS) == 15
