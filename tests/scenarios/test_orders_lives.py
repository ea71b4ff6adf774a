"""What happens to people, numbers and SIMs, told as stories, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from mingdan.calendar import known_at, naive_utc
from mingdan.orders.commands import (
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
from mingdan.orders.model import Restriction as Restricted
from mingdan.orders.restrictions import Restriction
from mingdan.orders.store import OrderStore
from tests.orders.support import (
    PEPPER,
    at,
    done,
    iccid,
    imsi,
    msisdn,
    opening,
    order,
    person,
    refusal,
    sqlite_url,
    store,
    url,
    young,
)

__all__ = ["store", "url"]
LATER = at(400)


def standing(store: OrderStore, day: date, ref: str = "S1") -> dict[str, object]:
    frame = store.subscriptions(known_at(day), day, pepper=PEPPER)
    return frame.row(by_predicate=pl.col("external_id") == ref, named=True)


def holders(store: OrderStore, number: str) -> list[tuple[int, object, object]]:
    frame = store.number_holdings(LATER).filter(pl.col("key") == int(number))
    return frame.select("subscription_id", "valid_from", "valid_to").rows()


def test_a_number_given_up_is_issued_again_only_after_it_has_rested(store: OrderStore) -> None:
    first = done(store, opening(1), order(Terminate, "end", at(10))).subscription_ids["S1"]

    again = opening(2, when=at(99), msisdn=msisdn(1))
    assert refusal(store, again) == "number_ageing"
    second = done(store, opening(2, when=at(100), msisdn=msisdn(1))).subscription_ids["S2"]

    assert holders(store, msisdn(1)) == [
        (first, naive_utc(at()), naive_utc(at(10))),
        (second, naive_utc(at(100)), None),
    ]


def test_an_operator_may_let_numbers_rest_for_another_time(url: str) -> None:
    with OrderStore.open(url, policy=young(7)) as store:
        done(store, opening(1), order(Terminate, "end", at(10)))
        assert refusal(store, opening(2, when=at(16), msisdn=msisdn(1))) == "number_ageing"
        done(store, opening(2, when=at(17), msisdn=msisdn(1)))


def test_a_changed_number_rests_and_the_subscription_goes_on(store: OrderStore) -> None:
    key = done(
        store, opening(1), order(ChangeNumber, "new", at(3), msisdn=msisdn(50))
    ).subscription_ids["S1"]

    assert holders(store, msisdn(1)) == [(key, naive_utc(at()), naive_utc(at(3)))]
    assert holders(store, msisdn(50)) == [(key, naive_utc(at(3)), None)]
    assert store.current_numbers([key], at(2)) == {key: msisdn(1)}
    assert store.current_numbers([key], at(3)) == {key: msisdn(50)}
    assert refusal(store, opening(2, when=at(4), msisdn=msisdn(1))) == "number_ageing"
    assert refusal(store, opening(2, when=at(4), msisdn=msisdn(50))) == "number_in_use"


def test_a_number_changed_at_once_was_never_held(store: OrderStore) -> None:
    key = done(
        store, opening(1), order(ChangeNumber, "typo", at(), msisdn=msisdn(50))
    ).subscription_ids["S1"]
    assert holders(store, msisdn(1)) == []
    assert holders(store, msisdn(50)) == [(key, naive_utc(at()), None)]
    done(store, opening(2, when=at(1), msisdn=msisdn(1)))


def test_ownership_passes_at_noon(store: OrderStore) -> None:
    noon = at(5, hours=3)
    applied = done(store, opening(1), order(TransferOwner, "sold", noon, party=person(2)))
    key = applied.subscription_ids["S1"]

    frame = store.subscription_holdings(LATER)
    assert frame.select("subscription_id", "party_id", "valid_from", "valid_to").rows() == [
        (key, applied.party_ids["P1"], naive_utc(at()), naive_utc(noon)),
        (key, applied.party_ids["P2"], naive_utc(noon), None),
    ]
    assert standing(store, date(2026, 10, 5))["party_id"] == applied.party_ids["P1"]
    assert standing(store, date(2026, 10, 6))["party_id"] == applied.party_ids["P2"]
    assert holders(store, msisdn(1)) == [(key, naive_utc(at()), None)]


def test_a_debtor_may_not_hand_the_subscription_on(store: OrderStore) -> None:
    done(store, opening(1), order(Charge, "bill", at(1), amount_fen=5800, due_at=at(10)))
    sale = order(TransferOwner, "sold", at(11), party=person(2))
    assert refusal(store, sale) == "arrears_unpaid"

    done(store, order(Pay, "paid", at(12), amount_fen=5800))
    late = order(TransferOwner, "sold late", at(11.5), recorded_at=at(13), party=person(2))
    assert refusal(store, late) == "arrears_unpaid", "on that day it was still owed"
    done(store, order(TransferOwner, "sold again", at(13), party=person(2)))


def test_a_bill_not_yet_due_is_no_debt(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Charge, "old", at(1), amount_fen=100, due_at=at(5)),
        order(Suspend, "owes", at(6), reason="arrears"),
        order(Charge, "new", at(7), amount_fen=100, due_at=at(20)),
        order(Pay, "the old one", at(8), amount_fen=100),
        order(TransferOwner, "sold", at(9), party=person(2)),
    )
    row = standing(store, date(2026, 10, 11))
    assert (row["status"], row["arrears_fen"]) == ("active", 0)
    assert standing(store, date(2026, 10, 22))["arrears_fen"] == 100


def test_a_swapped_sim_takes_the_number_along(store: OrderStore) -> None:
    key = done(
        store,
        opening(1),
        order(SwapSim, "swap", at(2), imsi=imsi(70), iccid=iccid(70), reason="swap"),
    ).subscription_ids["S1"]

    assert holders(store, imsi(1)) == [(key, naive_utc(at()), naive_utc(at(2)))]
    assert holders(store, imsi(70)) == [(key, naive_utc(at(2)), None)]
    assert holders(store, msisdn(1)) == [(key, naive_utc(at()), None)]
    stolen = order(SwapSim, "back", at(3), imsi=imsi(1), iccid=iccid(1), reason="swap")
    assert refusal(store, stolen) == "sim_unavailable"


def test_a_replacement_for_a_lost_sim_lifts_the_block_for_loss_only(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Suspend, "lost", at(1), reason="lost"),
        order(Suspend, "fraud", at(2), reason="fraud"),
        order(SwapSim, "new", at(3), imsi=imsi(70), iccid=iccid(70), reason="replace"),
    )
    assert standing(store, date(2026, 10, 3))["suspend_reasons"] == "fraud,lost"
    assert standing(store, date(2026, 10, 4))["suspend_reasons"] == "fraud"


def test_paying_arrears_never_lifts_a_fraud_block(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Charge, "bill", at(0, hours=1), amount_fen=5800, due_at=at(5)),
        order(Suspend, "owes", at(8), reason="arrears", direction="out"),
        order(Suspend, "fraud", at(9), reason="fraud"),
    )
    day = date(2026, 10, 11)
    before = standing(store, day)
    assert (before["status"], before["suspend_reasons"]) == ("suspended", "arrears,fraud")
    assert (before["arrears_fen"], before["arrears_days"]) == (5800, 5)

    assert refusal(store, order(Resume, "please", at(10.9), reason="arrears")) == "arrears_unpaid"
    done(store, order(Pay, "half", at(11), amount_fen=3000))
    half = standing(store, date(2026, 10, 12))
    assert (half["arrears_fen"], half["suspend_reasons"]) == (2800, "arrears,fraud")

    done(store, order(Pay, "rest", at(12), amount_fen=2800))
    after = standing(store, date(2026, 10, 13))
    assert (after["status"], after["suspend_reasons"]) == ("suspended", "fraud")
    assert (after["arrears_fen"], after["arrears_days"]) == (0, 0)

    done(store, order(Resume, "cleared", at(13), reason="fraud"))
    assert standing(store, date(2026, 10, 14))["status"] == "active"


def test_a_bar_on_messages_is_a_block_but_no_suspension(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Suspend, "bar", at(1), reason="spam", direction="sms_out"),
        order(Suspend, "bar more", at(2), reason="spam", direction="both"),
    )
    first, second = (standing(store, date(2026, 10, day)) for day in (2, 3))
    assert (first["status"], first["suspend_reasons"]) == ("active", "spam")
    assert (second["status"], second["suspend_reasons"]) == ("suspended", "spam")
    done(store, order(Resume, "all", at(3), reason="spam"))
    assert standing(store, date(2026, 10, 4))["suspend_reasons"] == ""


def test_the_same_order_twice_is_carried_out_once(store: OrderStore) -> None:
    first = done(store, opening(1))
    again = store.apply([opening(1), opening(1, when=at(3))])
    assert (again.completed, again.repeated, again.refused) == (0, 2, [])
    assert again.subscription_ids == first.subscription_ids
    assert again.party_ids == first.party_ids

    other = opening(9, order_ref="open-1")
    assert refusal(store, other) == "order_ref_reused"
    assert store.order_events(at(-1), LATER).height == 3


def test_five_numbers_a_document_and_not_one_more(store: OrderStore) -> None:
    five = [opening(n, party=person(1)) for n in range(1, 6)]
    done(store, *five)
    assert refusal(store, opening(6, party=person(1), when=at(1))) == "cap_reached"
    twin = person(1, party_ref="another record")
    assert refusal(store, opening(6, party=twin, when=at(1))) == "cap_reached"
    old_form = resident_of_15_digits(twin.document_number)
    assert (
        refusal(
            store,
            opening(6, party=person(1, party_ref="old", document_number=old_form), when=at(1)),
        )
        == "cap_reached"
    )

    sale = order(TransferOwner, "buy", at(2), subscription_ref="S7", party=person(1))
    done(store, opening(7, when=at(1)))
    assert refusal(store, sale) == "cap_reached"

    done(store, order(Terminate, "less", at(3), subscription_ref="S3"))
    done(store, opening(6, party=person(1), when=at(4)))
    assert standing(store, date(2026, 10, 6), "S6")["party_cards"] == 5


def resident_of_15_digits(number: str) -> str:
    return number[:6] + number[8:17]


def test_before_the_cap_became_law_there_was_none(store: OrderStore) -> None:
    then = at(-4000)
    done(store, *[opening(n, party=person(1), when=then) for n in range(1, 8)])
    assert refusal(store, opening(9, party=person(1))) == "cap_reached"


def test_a_company_has_no_cap(store: OrderStore) -> None:
    company = person(
        1, party_type="organization", document_type="uscc", document_number="91440300MA5000013C"
    )
    policy = store._policy.with_values(check_documents=False)
    store._policy = policy
    done(store, *[opening(n, party=company, product_code="BUSINESS") for n in range(1, 9)])


def test_the_blacklisted_get_no_new_service_under_any_record(store: OrderStore) -> None:
    applied = done(store, opening(1), opening(3))
    bad = Restriction(
        subject_type="party",
        subject_id=applied.party_ids["P1"],
        effect="no_new_subscription",
        class_code="blacklist",
        reason_code="fraud",
    )
    night = date(2026, 10, 1)
    assert store.restrict(night, [bad]) == 1
    assert store.restrict(night, [bad]) == 1
    assert store.restrictions(applied.party_ids["P1"]) == [bad]

    assert refusal(store, opening(2, party=person(1), when=at(1))) == "party_restricted"
    twin = person(1, party_ref="another record")
    assert refusal(store, opening(2, party=twin, when=at(1))) == "party_restricted"
    buys = order(TransferOwner, "buy", at(1), subscription_ref="S3", party=person(1))
    assert refusal(store, buys) == "party_restricted"
    older = done(store, opening(8, party=person(3, party_ref="younger record"), when=at(1)))
    worse = replace(bad, subject_id=older.party_ids["younger record"])
    store.restrict(night, [bad, worse])
    assert refusal(store, opening(9, party=person(3), when=at(1))) == "party_restricted"

    assert store.restrict(night + timedelta(days=2), []) == 0
    assert store.restrict(night, [bad]) == 0, "an older night changes nothing"
    done(store, opening(2, party=person(1), when=at(2)))


def test_a_night_written_back_twice_ends_as_if_written_once(tmp_path: Path) -> None:
    def effect(subject: int) -> Restriction:
        return Restriction(
            subject_type="party",
            subject_id=subject,
            effect="no_new_subscription",
            class_code="blacklist",
            reason_code="fraud",
        )

    def written(*nights: tuple[int, list[int]]) -> set[tuple[object, ...]]:
        with OrderStore.open(sqlite_url(tmp_path)) as store:
            for night, subjects in nights:
                store.restrict(date(2026, 10, night), [effect(each) for each in subjects])
            with store._database.reading() as connection:
                r = Restricted
                rows = connection.execute(select(r.subject_id, r.first_night, r.ended_night))
                return {tuple(row) for row in rows}

    once = written((1, [1, 2]), (2, [2]))
    assert len(once) == 2
    assert written((1, [1, 2]), (2, [3]), (2, [2])) == once
    assert written((1, [1, 2]), (2, [2]), (2, [2])) == once


def test_a_protection_is_known_from_when_it_was_decided(store: OrderStore) -> None:
    applied = done(store, opening(1))
    until = at(100)
    vip = order(
        Protect, "vip", at(1), party_ref="P1", scope="spam", until=until, maker="manager",
        checker="director",
    )  # fmt: skip
    done(store, vip)
    alone = order(
        Protect, "alone", at(2), party_ref="P1", scope="all", until=until, maker="m", checker="m"
    )
    assert refusal(store, alone) == "same_person"
    assert store.protections(at(0.5)).height == 0
    assert store.protections(at(2)).rows() == [
        (
            "party",
            applied.party_ids["P1"],
            "spam",
            naive_utc(at(1)),
            naive_utc(until),
            "manager",
            "director",
        )
    ]


def test_the_end_takes_all_along_but_the_debt(store: OrderStore) -> None:
    done(
        store,
        opening(1),
        order(Charge, "bill", at(1), amount_fen=5800, due_at=at(5)),
        order(Suspend, "owes", at(6), reason="arrears"),
        order(Terminate, "end", at(8)),
    )
    last = standing(store, date(2026, 10, 10))
    assert (last["status"], last["suspend_reasons"]) == ("terminated", "")
    assert last["terminated_at"] == naive_utc(at(8))
    assert (last["arrears_fen"], last["party_cards"]) == (5800, 0)
    assert (
        refusal(store, order(Suspend, "more", at(9), reason="fraud")) == "subscription_terminated"
    )
    used = opening(2, when=at(200), iccid=iccid(1), imsi=imsi(1))
    assert refusal(store, used) == "sim_unavailable"
    done(store, order(Pay, "at last", at(20), amount_fen=5800))
    assert standing(store, date(2026, 10, 21))["arrears_fen"] == 0


def test_the_evening_of_the_day_counts_not_the_hour_of_the_night_run(store: OrderStore) -> None:
    day = date(2026, 10, 3)
    half_past_midnight = at(2, hours=15.5)
    done(store, opening(1), order(Terminate, "end", half_past_midnight))
    assert standing(store, day)["status"] == "active"
    assert standing(store, day + timedelta(days=1))["status"] == "terminated"


def test_a_holder_of_after_midnight_is_tomorrows(store: OrderStore) -> None:
    day = date(2026, 10, 3)
    half_past_midnight = at(2, hours=15.5)
    sale = order(TransferOwner, "sold", half_past_midnight, party=person(2))
    stop = order(Suspend, "stop", half_past_midnight, reason="lost")
    parties = done(store, opening(1), sale, stop).party_ids
    tonight, tomorrow = standing(store, day), standing(store, day + timedelta(days=1))
    assert (tonight["party_id"], tonight["status"]) == (parties["P1"], "active")
    assert (tomorrow["party_id"], tomorrow["status"]) == (parties["P2"], "suspended")


@pytest.mark.parametrize("product", ["SP_PORT", "M2M", "CALL_CENTRE"])
def test_things_and_services_have_numbers_of_their_own(store: OrderStore, product: str) -> None:
    numbers = {"SP_PORT": "10690001234", "M2M": "861440012345678", "CALL_CENTRE": "4008001234"}
    line = opening(1, product_code=product, msisdn=numbers[product])
    assert isinstance(line, Open)
    key = done(store, line).subscription_ids["S1"]
    assert store.current_numbers([key], at(1)) == {key: numbers[product]}
    kinds = {"SP_PORT": "service_port", "M2M": "m2m", "CALL_CENTRE": "call_centre"}
    assert standing(store, date(2026, 10, 1))["sender_kind"] == kinds[product]
    person_line = opening(2, msisdn="10690001235")
    assert refusal(store, person_line) == "number_invalid"
