"""推介: the cheapest for the use, with reasons that are true, and none about the person."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingdan.orders.offers.desk import OfferDesk
from mingdan.orders.offers.features import feature
from mingdan.orders.offers.recommend import (
    KINDS,
    Behaviour,
    Needs,
    Terms,
    expected_fen,
    recommend,
)
from mingdan.orders.refusals import Refused
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.offers.support import features, opened
from tests.orders.support import at

DAY = date(2026, 10, 1)


def reasons(advice: Any, place: int = 0) -> dict[str, str]:
    return {reason.code: reason.en for reason in advice.recommended[place].reasons}


def test_little_use_wants_little(sqlite_store: OrderStore) -> None:
    advice = OfferDesk(sqlite_store).recommend(Needs(minutes=30, megabytes=500), at=at())
    best = advice.recommended[0]
    assert (best.offer, best.expected_fen) == ("POSTPAID_LITE", 1900)
    assert reasons(advice)["covers_minutes"] == "its 50 minutes cover the 30 that are needed"
    assert "预算" not in best.reasons[0].zh
    assert dict(advice.left_out)["M2M"].code == "left_line"


def test_much_use_wants_more_and_abroad_is_not_prepaid(sqlite_store: OrderStore) -> None:
    desk = OfferDesk(sqlite_store)
    abroad = Needs(minutes=450, megabytes=25_000, international=True, budget_fen=20_000)
    advice = desk.recommend(abroad, at=at())
    assert advice.recommended[0].offer == "POSTPAID_5G"
    assert {"international", "within_budget", "covers_megabytes"} <= set(reasons(advice))
    assert dict(advice.left_out)["PREPAID"].code == "left_international"


def test_behaviour_counts_where_it_is_more_than_what_was_said(sqlite_store: OrderStore) -> None:
    opened(sqlite_store)
    features(sqlite_store, "S1", at(1), add=("international_call",))
    advice = OfferDesk(sqlite_store).recommend(
        Needs(minutes=100),
        behaviour=Behaviour(minutes=480, messages=0, megabytes=28_000),
        subscription="S1",
        at=at(2),
    )
    said = reasons(advice)
    assert advice.recommended[0].offer == "POSTPAID_5G"
    assert "480 a month were used of late, more than the 100 stated" in said["behaviour"]
    assert "28000" in said["behaviour_only"]
    # 58 yuan, 280 minutes at 0.19 and 17,760 MB at 5 yuan a gigabyte, against 128 yuan
    assert said["saves"] == "69.92 yuan a month less than the present offer"
    # it has a feature that prepaid excludes, and changing the way of paying is not offered
    assert dict(advice.left_out)["PREPAID"].code == "left_change"


@pytest.mark.parametrize(
    ("code", "needs", "more"),
    [
        ("invalid_value", Needs(minutes=-1), {}),
        ("invalid_value", Needs(budget_fen=10**10), {}),
        ("invalid_value", Needs(messages=True), {}),
        ("invalid_value", Needs(payment_kind="barter"), {}),
        ("unknown_feature", Needs(), {"features": ["'; DROP TABLE product; --"]}),
        ("unknown_subscription", Needs(), {"subscription": "13911112222"}),
    ],
)
def test_needs_that_make_no_sense(
    sqlite_store: OrderStore, code: str, needs: Needs, more: Any
) -> None:
    with pytest.raises(Refused) as refused:
        OfferDesk(sqlite_store).recommend(needs, at=at(), **more)
    assert refused.value.code == code


def test_every_product_has_terms_and_every_reason_two_languages() -> None:
    products = {row["code"] for row in load.rows("product")}
    assert {row["code"] for row in load.rows("offer_terms")} == products
    for row in load.rows("recommendation_reason"):
        names = [part.split("}")[0] for part in row["en"].split("{")[1:]]
        assert row["en"].format(**dict.fromkeys(names, 1))
        assert row["zh"].format(**dict.fromkeys(names, 1))


AMOUNT = st.integers(0, 2_000)
OFFERS = st.lists(
    st.builds(
        Terms,
        code=st.sampled_from("ABCDEFGH"),
        name=st.just("n"),
        name_zh=st.just("名"),
        payment_kind=st.sampled_from(["prepaid", "postpaid"]),
        sender_kind=st.sampled_from(["person", "m2m"]),
        on_sale_from=st.sampled_from([date(2000, 1, 1), date(2027, 1, 1)]),
        monthly_fee_fen=AMOUNT,
        minutes=AMOUNT,
        messages=AMOUNT,
        megabytes=AMOUNT,
        over_minute_fen=st.integers(0, 50),
        over_message_fen=st.integers(0, 50),
        over_gigabyte_fen=AMOUNT,
        international=st.booleans(),
        known=st.booleans(),
    ),
    unique_by=lambda offer: offer.code,
    max_size=8,
)
ROAMING = feature("international_call", at())
assert ROAMING is not None
NEEDS = st.builds(
    Needs,
    minutes=st.none() | AMOUNT,
    messages=st.none() | AMOUNT,
    megabytes=st.none() | AMOUNT,
    international=st.booleans(),
    budget_fen=st.none() | AMOUNT,
    payment_kind=st.sampled_from([None, "prepaid", "postpaid"]),
    features=st.sampled_from([(), (ROAMING,)]),
)
BEHAVIOUR = st.none() | st.builds(Behaviour, minutes=AMOUNT, messages=AMOUNT, megabytes=AMOUNT)


@given(OFFERS, NEEDS, BEHAVIOUR, st.sampled_from([None, *"ABCDEFGH"]), st.randoms())
def test_no_offer_left_out_without_cause_and_none_better_passed_over(
    offers: list[Terms], needs: Needs, behaviour: Any, present: str | None, chance: Any
) -> None:
    ask: Any = {"needs": needs, "behaviour": behaviour, "present": present, "day": DAY, "most": 9}
    advice = recommend(offers, **ask)
    shuffled = list(offers)
    chance.shuffle(shuffled)
    assert recommend(shuffled, **ask) == advice
    by_code = {offer.code: offer for offer in offers}
    found = [each.offer for each in advice.recommended]
    assert sorted(found + [code for code, _ in advice.left_out]) == sorted(by_code)
    use = {kind: max(getattr(needs, kind) or 0, getattr(behaviour, kind, 0) or 0) for kind in KINDS}
    for each in advice.recommended:
        offer = by_code[each.offer]
        assert offer.known
        assert offer.on_sale_from <= DAY
        assert offer.international or not needs.international
        assert offer.payment_kind == "postpaid" or not needs.features
        assert each.expected_fen == expected_fen(offer, use) >= offer.monthly_fee_fen
        codes = [reason.code for reason in each.reasons]
        assert ("present" in codes) == (each.offer == present)
        for kind in KINDS:
            assert (f"covers_{kind}" in codes) == (0 < use[kind] <= getattr(offer, kind))
    costs = [each.expected_fen for each in advice.recommended]
    if needs.budget_fen is None:
        assert costs == sorted(costs)
    else:
        within = [fen for fen in costs if fen <= needs.budget_fen]
        assert costs[: len(within)] == sorted(within)
