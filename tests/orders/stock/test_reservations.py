"""Reservations: held for one, dead past their time, given back and used up."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from mingdan.orders import model as m
from mingdan.orders.commands import ChangeNumber, SwapSim, Terminate
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.stock import reservations as r
from mingdan.orders.stock.model import ResourceReservation
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, iccid, imsi, msisdn, opening, order, refusal


def reserve(
    store: OrderStore,
    serial: int = 1,
    *,
    when: datetime | None = None,
    minutes: int = 30,
    number: bool = True,
    sim: bool = True,
    order_id: int | None = None,
) -> int:
    now = when or at()
    with store.database.writing() as connection:
        return r.reserve(
            Journal(connection, now, "test"),
            at=now,
            until=now + timedelta(minutes=minutes),
            number=msisdn(serial) if number else None,
            iccid=iccid(serial) if sim else None,
            imsi=imsi(serial) if sim else None,
            order_id=order_id,
            reserved_for="order",
        )


def release(store: OrderStore, key: int, when: datetime) -> None:
    with store.database.writing() as connection:
        r.release(Journal(connection, when, "test"), key, at=when, reason="cancelled")


def states(store: OrderStore, serial: int = 1) -> tuple[str | None, str | None]:
    with store.database.reading() as connection:
        number = select(m.Msisdn.state).where(m.Msisdn.number == msisdn(serial))
        sim = select(m.SimCard.state).where(m.SimCard.iccid == iccid(serial))
        return connection.execute(number).scalar(), connection.execute(sim).scalar()


def refused(store: OrderStore, serial: int = 1, **values: object) -> str:
    with pytest.raises(Refused) as raised:
        reserve(store, serial, **values)  # type: ignore[arg-type]
    return raised.value.code


def test_what_is_reserved_is_nobody_elses(store: OrderStore) -> None:
    reserve(store)
    assert states(store) == ("reserved", "reserved")
    assert refused(store) == "number_reserved"
    assert refused(store, number=False) == "sim_unavailable"
    assert refusal(store, opening(1, when=at(hours=0.2))) == "number_reserved"
    other = opening(1, when=at(hours=0.2), msisdn=msisdn(2))
    assert refusal(store, other) == "sim_unavailable"


def test_past_its_time_a_reservation_is_dead_without_a_sweeper(store: OrderStore) -> None:
    first = reserve(store, minutes=30)
    assert refused(store, when=at(hours=0.499)) == "number_reserved"
    second = reserve(store, when=at(hours=0.5))
    assert second != first
    done(store, opening(1, when=at(hours=1)))
    assert states(store) == ("in_service", "in_use")
    with store.database.reading() as connection:
        found = connection.execute(
            select(ResourceReservation.state, ResourceReservation.reason).order_by(
                ResourceReservation.reservation_id
            )
        ).all()
    assert [tuple(row) for row in found] == [("cancelled", "expired"), ("inProgress", None)]


def test_given_back_it_is_free_again_and_a_second_time_changes_nothing(store: OrderStore) -> None:
    key = reserve(store)
    release(store, key, at(hours=0.1))
    assert states(store) == ("available", "in_stock")
    reserve(store, when=at(hours=0.2))
    release(store, key, at(hours=0.3))
    assert states(store) == ("reserved", "reserved"), "the second one still holds it"
    with pytest.raises(Refused, match="unknown_reservation"):
        release(store, 99, at())


def test_a_late_release_takes_nothing_from_who_has_it_now(store: OrderStore) -> None:
    key = reserve(store)
    done(store, opening(1, when=at(1)))
    release(store, key, at(2))
    assert states(store) == ("in_service", "in_use")


def test_a_number_in_service_resting_or_withdrawn_is_not_reserved(store: OrderStore) -> None:
    done(store, opening(1))
    assert refused(store, when=at(1)) == "number_in_use"
    assert refused(store, when=at(1), number=False) == "sim_in_use"
    done(store, order(Terminate, "end", at(2)))
    assert refused(store, when=at(3)) == "number_ageing"
    assert refused(store, when=at(3), number=False) == "sim_unavailable"
    assert refused(store, when=at(91.9), sim=False) == "number_ageing"
    reserve(store, when=at(92), sim=False)
    assert states(store)[0] == "reserved"


def test_all_or_nothing(store: OrderStore) -> None:
    done(store, opening(1))

    def reserve_both() -> None:
        with store.database.writing() as connection:
            r.reserve(
                Journal(connection, at(1), "test"), at=at(1), until=at(2), number=msisdn(7),
                iccid=iccid(1), order_id=None, reserved_for="order",
            )  # fmt: skip

    with pytest.raises(Refused, match="sim_in_use"):
        reserve_both()
    assert states(store, 7) == (None, None)


@pytest.mark.parametrize("until", [at(), at(-1), datetime(2300, 1, 1, tzinfo=at().tzinfo)])
def test_an_end_that_is_no_end_is_refused(sqlite_store: OrderStore, until: datetime) -> None:
    with sqlite_store.database.writing() as connection, pytest.raises(Refused, match="until"):
        r.reserve(
            Journal(connection, at(), "test"), at=at(), until=until, number=msisdn(1),
            iccid=None, order_id=None, reserved_for="order",
        )  # fmt: skip


def test_a_sim_nobody_knows_needs_its_imsi(sqlite_store: OrderStore) -> None:
    def hold(card: str, its: str | None) -> int:
        with sqlite_store.database.writing() as connection:
            return r.reserve(
                Journal(connection, at(), "test"), at=at(), until=at(1), number=None, iccid=card,
                imsi=its, order_id=None, reserved_for="order",
            )  # fmt: skip

    with pytest.raises(Refused, match="sim_not_in_stock"):
        hold(iccid(1), None)
    hold(iccid(1), imsi(1))
    with pytest.raises(Refused, match="sim_mismatch"):
        hold(iccid(1), imsi(2))
    with pytest.raises(Refused, match="sim_mismatch"):
        hold(iccid(2), imsi(1))


def test_reservations_of_an_order_and_what_they_hold(store: OrderStore) -> None:
    keys = [reserve(store, serial, order_id=7) for serial in (1, 2)]
    with store.database.reading() as connection:
        assert r.of_order(connection, 7) == keys
        found = r.held_for(connection, 7, at(hours=0.2))
        assert found == ({msisdn(1), msisdn(2)}, {iccid(1), iccid(2)}, frozenset())
        assert r.held_for(connection, 7, at(1)) == (frozenset(),) * 3
    with store.database.writing() as connection:
        r.complete(Journal(connection, at(), "test"), keys[0], at=at())
    with store.database.reading() as connection:
        assert r.of_order(connection, 7) == keys[1:]


def test_the_sweeper_only_notes_what_is_dead(store: OrderStore) -> None:
    reserve(store, 1, minutes=10)
    reserve(store, 2, minutes=60)
    with store.database.writing() as connection:
        assert r.sweep(Journal(connection, at(hours=0.5), "test"), at=at(hours=0.5)) == 1
    assert states(store, 1) == ("available", "in_stock")
    assert states(store, 2) == ("reserved", "reserved")


def test_a_change_of_number_or_sim_may_not_take_a_reserved_one(store: OrderStore) -> None:
    done(store, opening(1))
    reserve(store, 2, when=at(1))
    soon = at(1, hours=0.1)
    assert refusal(store, order(ChangeNumber, "c", soon, msisdn=msisdn(2))) == "number_reserved"
    swap = order(SwapSim, "s", soon, imsi=imsi(2), iccid=iccid(2), reason="swap")
    assert refusal(store, swap) == "sim_unavailable"
    done(store, order(ChangeNumber, "c2", at(2), msisdn=msisdn(2)))
    later = order(SwapSim, "s2", at(2, hours=1), imsi=imsi(2), iccid=iccid(2), reason="swap")
    done(store, later)
    assert states(store, 2) == ("in_service", "in_use")
