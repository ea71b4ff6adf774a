"""Several at the desk at once: one gets the number, and nobody exceeds the cap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.lifecycle.payment import Money
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import COUNTER, pay, place, provision, residue
from tests.orders.support import at, iccid, imsi, msisdn, opening, person

WRITERS = 4


def together(url: str, work: Callable[[OrderDesk, int], str]) -> Counter[str]:
    """What came of the work of several writers who begin at the same time."""
    barrier = Barrier(WRITERS)

    def one(number: int) -> str:
        with OrderStore.open(url) as store:
            desk = OrderDesk(store)
            barrier.wait()
            try:
                return work(desk, number)
            except Refused as refusal:
                return refusal.code

    with ThreadPoolExecutor(WRITERS) as pool:
        return Counter(pool.map(one, range(WRITERS)))


def test_one_number_goes_to_one_order(url: str) -> None:
    def work(desk: OrderDesk, number: int) -> str:
        return place(desk, opening(number, msisdn=msisdn(99)), at()).state

    assert together(url, work) == {"pending": 1, "number_reserved": WRITERS - 1}


def test_the_last_place_under_the_cap_goes_to_one_order(url: str) -> None:
    with OrderStore.open(url) as store:
        for serial in range(90, 94):
            place(OrderDesk(store), opening(serial, party=person(1)), at())

    def work(desk: OrderDesk, number: int) -> str:
        command = opening(number, party=person(1, party_ref=f"P{number}"))
        if number % 2:
            return place(desk, command, at()).state
        money = Money(amount_fen=1000, correlator=f"c{number}")
        return "pending" * bool(desk.run(command, actor=COUNTER, at=at(), payment=money).order_id)

    assert together(url, work) == {"pending": 1, "cap_reached": WRITERS - 1}


def test_one_request_sent_by_all_is_one_order(url: str) -> None:
    def work(desk: OrderDesk, number: int) -> str:
        command = opening(1, order_ref=f"r{number}")
        return str(place(desk, command, at(), idempotency_key="k").repeated)

    assert together(url, work) == {"False": 1, "True": WRITERS - 1}


def test_an_order_is_paid_once_and_completed_or_cancelled(url: str) -> None:
    with OrderStore.open(url) as store:
        place(OrderDesk(store), opening(1), at())

    def paying(desk: OrderDesk, number: int) -> str:
        return desk.pay("open-1", 1000, f"c{number}", COUNTER, at()).state

    assert together(url, paying) == {"inProgress": 1, "payment_too_much": WRITERS - 1}
    with OrderStore.open(url) as store:
        provision(OrderDesk(store), "open-1", at())

    def ending(desk: OrderDesk, number: int) -> str:
        if number % 2:
            return desk.cancel("open-1", "no", actor=COUNTER, at=at()).state
        return desk.complete("open-1", actor=COUNTER, at=at()).state

    found = together(url, ending)
    assert sum(found.values()) == WRITERS
    assert found["completed"] in (0, WRITERS // 2)
    assert found["cancelled"] in (0, WRITERS // 2)
    assert found["order_state"] == WRITERS // 2
    with OrderStore.open(url) as store:
        assert residue(store) == {}


def test_orders_for_different_things_do_not_wait_for_each_other_for_ever(url: str) -> None:
    def work(desk: OrderDesk, number: int) -> str:
        for turn in range(3):
            # Each wants the others' numbers and SIMs in another order.
            want, sim = 1 + (number + turn) % 3, 1 + (number + 2 * turn) % 3
            command = opening(
                number, order_ref=f"r{number}-{turn}", subscription_ref=f"S{number}-{turn}",
                msisdn=msisdn(want), imsi=imsi(sim), iccid=iccid(sim),
            )  # fmt: skip
            try:
                view = pay(desk, place(desk, command, at()), at())
                desk.cancel(view.order_ref, "next", actor=COUNTER, at=at())
            except Refused as refusal:
                assert refusal.code in ("number_reserved", "sim_unavailable")  # noqa: PT017
        return "through"

    assert together(url, work) == {"through": WRITERS}
    with OrderStore.open(url) as store:
        assert residue(store) == {}
