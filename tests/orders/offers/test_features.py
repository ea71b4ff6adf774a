"""功能变更: what a feature needs, what it excludes, and when a subscription had it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from mingdan.orders.commands import ChangeFeature, SwapSim, Terminate, TransferOwner
from mingdan.orders.journal_model import EntityEvent
from mingdan.orders.offers.features import feature
from mingdan.orders.offers.features import features as catalogue
from mingdan.orders.offers.model import SubscriptionFeature
from mingdan.orders.offers.reading import features_of
from mingdan.orders.store import OrderStore
from mingdan.reference import load
from tests.orders.offers.support import card, features, opened
from tests.orders.support import at, done, iccid, imsi, opening, order, person, refusal


def had(store: OrderStore, when: Any, known: Any = None) -> set[str]:
    with store.database.reading() as connection:
        return {held.code for held in features_of(connection, 1, at=when, known_at=known or when)}


def test_features_begin_and_end_and_end_with_the_subscription(store: OrderStore) -> None:
    opened(store)
    features(store, "S1", at(1), add=("data", "caller_id"))
    features(store, "S1", at(3), add=("mms",), remove=("caller_id",))
    assert had(store, at(0.5)) == set()
    assert had(store, at(2)) == {"data", "caller_id"}
    assert had(store, at(4)) == {"data", "mms"}
    done(store, order(Terminate, "end", at(6)))
    assert had(store, at(5), at(7)) == {"data", "mms"}
    assert had(store, at(6)) == set()


def test_what_was_known_is_known_for_ever(store: OrderStore) -> None:
    opened(store)
    late = order(ChangeFeature, "late", at(1), add=("data",), recorded_at=at(9))
    done(store, late)
    assert had(store, at(2), at(8)) == set()
    assert had(store, at(2), at(9)) == {"data"}


def test_the_stk_menu_needs_an_stk_card(store: OrderStore) -> None:
    opened(store, 1, stk=False)
    assert refusal(store, order(ChangeFeature, "x", at(1), add=("stk_menu",))) == (
        "feature_needs_stk"
    )
    card(store, 5)
    swap = {"imsi": imsi(5), "iccid": iccid(5), "reason": "swap"}
    done(store, order(SwapSim, "swap", at(2), **swap))
    features(store, "S1", at(3), add=("stk_menu",))
    # and the card it is on may not be given up for one that has no menu
    plain = {"imsi": imsi(6), "iccid": iccid(6), "reason": "replace"}
    assert refusal(store, order(SwapSim, "back", at(4), **plain)) == "feature_needs_stk"
    features(store, "S1", at(5), remove=("stk_menu",))
    done(store, order(SwapSim, "back", at(6), **plain))


def test_a_card_an_order_brought_in_is_not_known_to_be_stk(store: OrderStore) -> None:
    done(store, opening(1))
    assert refusal(store, order(ChangeFeature, "x", at(1), add=("stk_menu",))) == (
        "feature_needs_stk"
    )


def test_a_small_card_is_too_small(store: OrderStore) -> None:
    card(store, 1, capacity_k=8)
    done(store, opening(1))
    assert refusal(store, order(ChangeFeature, "x", at(1), add=("data", "volte"))) == (
        "feature_needs_capacity"
    )


def test_prepaid_excludes_international(store: OrderStore) -> None:
    opened(store, product_code="PREPAID")
    abroad = order(ChangeFeature, "x", at(1), add=("international_call",))
    assert refusal(store, abroad) == "feature_not_for_product"
    features(store, "S1", at(1), add=("data", "caller_id"))


def test_features_that_need_or_exclude_each_other(store: OrderStore) -> None:
    opened(store)

    def refused(**change: tuple[str, ...]) -> str:
        return refusal(store, order(ChangeFeature, "x", at(2), **change))

    assert refused(add=("international_roaming",)) == "feature_requires"
    features(store, "S1", at(1), add=("international_roaming", "international_call"))
    assert refused(add=("call_barring",)) == "feature_excluded"
    assert refused(remove=("international_call",)) == "feature_required_by"
    features(
        store,
        "S1",
        at(3),
        add=("call_barring",),
        remove=("international_call", "international_roaming"),
    )
    assert had(store, at(4)) == {"call_barring"}


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("invalid_value", {}),
        ("invalid_value", {"add": ("data",), "remove": ("data",)}),
        ("invalid_value", {"add": "data"}),
        ("invalid_value", {"add": ("",)}),
        ("invalid_value", {"add": ("d" * 201,)}),
        ("unknown_feature", {"add": ("'; DROP TABLE subscription_feature; --",)}),
        ("unknown_feature", {"add": ("ｄａｔａ",)}),
        ("unknown_feature", {"add": ("dаta",)}),
        ("feature_not_active", {"remove": ("mms",)}),
        ("feature_active", {"add": ("data",)}),
        ("feature_not_on_sale", {"add": ("stk_menu", "stk_bank")}),
        ("feature_not_for_product", {"add": ("data",), "subscription_ref": "S2"}),
        ("unknown_subscription", {"add": ("data",), "subscription_ref": "S9"}),
        ("later_order", {"add": ("mms",), "at": at(0.5), "recorded_at": at(2)}),
    ],
)
def test_a_refused_change_changes_nothing(
    store: OrderStore, code: str, change: dict[str, Any]
) -> None:
    opened(store)
    done(store, opening(2, product_code="CALL_CENTRE"))
    features(store, "S1", at(1), add=("data",))
    plain = order(ChangeFeature, "x", at(2))
    command = ChangeFeature(**{**vars(plain), **change})
    assert refusal(store, command) == code
    assert had(store, at(3)) == {"data"}


def test_nothing_ends_before_a_later_change(store: OrderStore) -> None:
    opened(store)
    features(store, "S1", at(5), add=("data",))
    assert refusal(store, order(Terminate, "x", at(4), recorded_at=at(6))) == "later_order"


def test_features_stay_with_the_subscription(store: OrderStore) -> None:
    opened(store)
    features(store, "S1", at(1), add=("data",))
    done(store, order(TransferOwner, "t", at(2), party=person(2)))
    assert had(store, at(3)) == {"data"}


def test_the_journal_holds_every_version(store: OrderStore) -> None:
    opened(store)
    features(store, "S1", at(1), add=("data",))
    features(store, "S1", at(2), remove=("data",))
    with store.database.reading() as connection:
        log = connection.execute(
            select(EntityEvent.event_type)
            .where(EntityEvent.entity == SubscriptionFeature.__tablename__)
            .order_by(EntityEvent.seq)
        )
        assert list(log.scalars()) == [
            "SubscriptionFeatureCreateEvent",
            "SubscriptionFeatureAttributeValueChangeEvent",
            "SubscriptionFeatureCreateEvent",
        ]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM subscription_feature",
        "UPDATE subscription_feature SET feature_code = 'mms'",
        (
            "INSERT INTO subscription_feature (subscription_id, feature_code, order_id, valid_from,"
            " recorded_at) SELECT subscription_id, feature_code, order_id, valid_from, recorded_at"
            " FROM subscription_feature"
        ),
    ],
)
def test_the_database_keeps_the_past(store: OrderStore, statement: str) -> None:
    opened(store)
    features(store, "S1", at(1), add=("data",))
    with pytest.raises(DatabaseError), store.database.writing() as connection:
        connection.execute(text(statement))


def test_the_catalogue_agrees_with_itself() -> None:
    shipped = catalogue(at())
    assert {rule.code for rule in shipped} == {row["code"] for row in load.rows("feature")}
    for rule in shipped:
        assert rule.payment_kinds <= {"prepaid", "postpaid"}
        assert not rule.requires & rule.excludes
        # whatever it needs is to be had by everybody who may have it
        for needed in rule.requires:
            other = feature(needed, at())
            assert other is not None
            assert rule.payment_kinds <= other.payment_kinds
            assert rule.sender_kinds <= other.sender_kinds
        for excluded in rule.excludes:
            other = feature(excluded, at())
            assert other is not None
            assert rule.code in other.excludes
    assert feature("mms", at(-9999)) is None
    assert min(rule.valid_from for rule in shipped) >= date(2000, 1, 1)


CODES = sorted({row["code"] for row in load.rows("feature")})
CHANGES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(CODES), max_size=3, unique=True),
        st.lists(st.sampled_from(CODES), max_size=2, unique=True),
    ),
    min_size=1,
    max_size=10,
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CHANGES)
def test_whatever_is_asked_the_features_go_together(
    sqlite_store: OrderStore, changes: list[tuple[list[str], list[str]]]
) -> None:
    store = sqlite_store
    with store.database.reading() as connection:
        serial = connection.execute(text("SELECT count(*) FROM subscription")).scalar_one() + 1
    opened(store, serial)
    for number, (add, remove) in enumerate(changes, start=1):
        ref = f"S{serial}"
        command = order(
            ChangeFeature,
            f"{ref}-{number}",
            at(number),
            subscription_ref=ref,
            add=tuple(add),
            remove=tuple(remove),
        )
        store.apply([command])
        with store.database.reading() as connection:
            held = features_of(connection, serial, at=at(number), known_at=at(number))
        codes = {each.code for each in held}
        for code in codes:
            rule = feature(code, at(number))
            assert rule is not None
            assert rule.requires <= codes
            assert not rule.excludes & codes
            assert rule.on_sale
