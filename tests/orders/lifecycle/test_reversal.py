"""冲正: each business there and back, what stands in its way, and the money."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from mingdan.calendar import naive_utc
from mingdan.orders import model as m
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.commands import (
    BuyDevice,
    CancelOfferChange,
    ChangeFeature,
    ChangeNumber,
    ChangeOffer,
    Charge,
    MergeAccount,
    Pay,
    SplitAccount,
    Suspend,
    SwapDevice,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.orders.lifecycle.desk import OrderDesk
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.balances import accounts
from mingdan.orders.money.model import Receipt
from mingdan.orders.money.requests import MergeRequest
from mingdan.orders.offers.customers import CustomerDesk
from mingdan.orders.offers.party_forms import (
    AccountChange,
    ContactChange,
    NameChange,
    PasswordChange,
    Proof,
)
from mingdan.orders.policy import Policy
from mingdan.orders.reconcile import reconcile
from mingdan.orders.refusals import Refused
from mingdan.orders.restrictions import Restriction
from mingdan.orders.stock.desk import StockDesk
from mingdan.orders.store import OrderStore
from tests.orders.lifecycle.ways import COUNTER, at_once, everything, place, refused, rows, whole
from tests.orders.stock.support import phone, phones, taken
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
    resident_id,
    sqlite_url,
)

NEW_SIM = {"imsi": imsi(70), "iccid": iccid(70)}
DOCUMENT = Proof(document_type="resident_id", document_number=resident_id(1))


def next_month(ref: str) -> ChangeOffer:
    return ChangeOffer(
        order_ref=ref, at=at(), subscription_ref="S1", product_code="POSTPAID_5G",
        when="next_cycle",
    )  # fmt: skip


def back(desk: OrderDesk, ref: str, days: float, **values: Any) -> Any:
    return desk.reverse(ref, f"back-{ref}", actor=COUNTER, at=at(days), **values)


def why(desk: OrderDesk, ref: str, days: float) -> str:
    return refused(desk.reverse, ref, "no", actor=COUNTER, at=at(days))


def number(store: OrderStore, serial: int, days: float = 3) -> object:
    return StockDesk(store).show("number", msisdn(serial), actor=SYSTEM, at=at(days))["state"]


def sim(store: OrderStore, serial: int, days: float = 3) -> object:
    return StockDesk(store).show("sim", iccid(serial), actor=SYSTEM, at=at(days))["state"]


def sound(store: OrderStore) -> None:
    """Nothing differs, and no account holds or owes anything."""
    assert reconcile(store, at(9)) == []
    with store.database.reading() as connection:
        keys = set(connection.execute(select(m.BillingAccount.account_id)).scalars())
        assert {each.balance() for each in accounts(connection, keys).values()} == {0}
        assert {each.arrears(at(2)) for each in accounts(connection, keys).values()} == {0}


def test_a_change_of_number_goes_back_to_the_resting_one(
    desk: OrderDesk, store: OrderStore
) -> None:
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, order(ChangeNumber, "x", at(), msisdn=msisdn(70)), at(1), 1000)
    assert (number(store, 1), number(store, 70)) == ("aging", "in_service")
    view = back(desk, "x", 1.5)
    assert (view.order_type, view.state) == ("CHANGE_NUMBER", "completed")
    assert (number(store, 1), number(store, 70)) == ("in_service", "aging")
    assert store.subscription_key(msisdn(1)) == 1
    assert back(desk, "x", 1.6).repeated
    assert why(desk, "x", 1.6) == "already_reversed"
    assert why(desk, "back-x", 1.6) == "not_reversible", "that would be a free change"
    sound(store)


def test_a_number_in_other_hands_or_changed_again_is_not_taken_back(
    desk: OrderDesk, store: OrderStore
) -> None:
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, order(ChangeNumber, "x", at(), msisdn=msisdn(70)), at(1), 1000)
    at_once(desk, order(ChangeNumber, "y", at(), msisdn=msisdn(71)), at(1.1), 1000)
    assert why(desk, "x", 1.2) == "later_order"
    with OrderStore.open(
        store.database.engine.url.render_as_string(hide_password=False),
        policy=Policy.shipped().with_values(ageing_days=0),
    ) as quick:
        hasty = OrderDesk(quick)
        at_once(hasty, opening(2), at(1), 1000)
        at_once(hasty, order(ChangeNumber, "z", at(), subscription_ref="S2", msisdn=msisdn(72)),
                at(1), 1000)  # fmt: skip
        at_once(hasty, opening(3, msisdn=msisdn(2)), at(1.1), 1000)
        before = everything(quick)
        assert why(hasty, "z", 1.2) == "number_in_use"
        assert everything(quick) == before


def test_a_swap_of_sims_goes_back_to_the_old_card(desk: OrderDesk, store: OrderStore) -> None:
    at_once(desk, opening(1), at(), 1000)
    whole(desk, order(SwapSim, "x", at(), **NEW_SIM, reason="swap"), at(1))
    assert (sim(store, 1), sim(store, 70)) == ("replaced", "in_use")
    assert back(desk, "x", 1.5).order_type == "SIM_SWAP"
    assert (sim(store, 1), sim(store, 70)) == ("in_use", "replaced")
    # what was handed back is for nobody else
    other = opening(2, imsi=imsi(70), iccid=iccid(70))
    assert refused(place, desk, other, at(2)) == "sim_unavailable"
    sound(store)


def test_a_lost_sim_is_put_back_into_use_only_once_it_is_found(
    desk: OrderDesk, store: OrderStore
) -> None:
    at_once(desk, opening(1), at(), 1000)
    whole(desk, order(SwapSim, "x", at(), **NEW_SIM, reason="replace"), at(1))
    with pytest.raises(Refused) as refusal:
        back(desk, "x", 1.5)
    assert refusal.value.code == "sim_unavailable"
    assert "lost" in refusal.value.reason
    assert sim(store, 70) == "in_use"
    StockDesk(store).set_state("sim", iccid(1), "replaced", actor=SYSTEM, at=at(1.6))
    other = opening(2, imsi=imsi(1), iccid=iccid(1))
    assert refused(place, desk, other, at(1.7)) == "sim_unavailable", "found, for nobody else"
    assert back(desk, "x", 1.8).order_type == "SIM_SWAP"
    assert (sim(store, 1), sim(store, 70)) == ("in_use", "replaced")
    sound(store)


def lived_in(desk: OrderDesk, store: OrderStore) -> None:
    """A subscription with a feature, another offer and a block."""
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, order(ChangeFeature, "f", at(), add=("call_waiting",)), at(0.1))
    at_once(desk, order(ChangeOffer, "o", at(), product_code="POSTPAID_5G"), at(0.2))
    at_once(desk, order(Suspend, "s", at(), reason="lost"), at(0.3))


def test_a_subscription_that_was_ended_goes_on_as_it_was(
    desk: OrderDesk, store: OrderStore
) -> None:
    lived_in(desk, store)
    before = store.show(1, at(0.9))
    at_once(desk, order(Terminate, "end", at()), at(1))
    assert (number(store, 1), sim(store, 1)) == ("aging", "scrapped")
    view = back(desk, "end", 1.5)
    assert (view.order_type, view.subscription_ref) == ("REINSTATE", "S1")
    assert store.show(1, at(2)) | {"orders": []} == before | {"orders": []}
    assert (number(store, 1), sim(store, 1)) == ("in_service", "in_use")
    [notice] = desk.notices("back-end")
    assert "撤回" in notice.text
    sound(store)
    at_once(desk, order(Terminate, "again", at()), at(2))
    assert why(desk, "end", 1.6) == "already_reversed"


def test_a_night_between_end_and_reinstatement_stays_as_it_was_known(
    desk: OrderDesk, store: OrderStore
) -> None:
    lived_in(desk, store)
    at_once(desk, order(Terminate, "end", at()), at(1))
    day = at(1).date()

    def known(days: float) -> list[str]:
        return store.subscriptions(at(days), day, pepper=PEPPER)["status"].to_list()

    assert known(1.4) == ["terminated"]
    back(desk, "end", 1.5)
    assert (known(1.4), known(1.6)) == (["terminated"], ["suspended"])
    events = store.order_events(at(1.4), at(1.6)).filter(order_type="REINSTATE")
    assert set(events["effective_at"]) == {naive_utc(at(1))}, "nights since then are put right"


@pytest.mark.parametrize("taken", ["number", "cap", "blacklist", "late"])
def test_a_subscription_does_not_go_on_over_what_came_since(
    desk: OrderDesk, store: OrderStore, taken: str
) -> None:
    url = store.database.engine.url.render_as_string(hide_password=False)
    policy = Policy.shipped().with_values(ageing_days=0, subscriptions_per_person=1)
    with OrderStore.open(url, policy=policy) as strict:
        hasty = OrderDesk(strict)
        at_once(hasty, opening(1), at(), 1000)
        at_once(hasty, order(Terminate, "end", at()), at(1))
        if taken == "number":
            at_once(hasty, opening(2, msisdn=msisdn(1)), at(1.1), 1000)
            at_once(hasty, order(Terminate, "e2", at(), subscription_ref="S2"), at(1.2))
        elif taken == "cap":
            at_once(hasty, opening(3, party=person(1)), at(1.1), 1000)
        elif taken == "blacklist":
            blacklisted(strict, 1)
        before = everything(strict)
        days = 2.1 if taken == "late" else 1.5
        assert (
            why(hasty, "end", days)
            == {
                "number": "number_in_use",
                "cap": "cap_reached",
                "blacklist": "party_restricted",
                "late": "reversal_too_late",
            }[taken]
        )
        assert everything(strict) == before


def test_accounts_part_and_join_again(desk: OrderDesk, store: OrderStore) -> None:
    shared = Policy.shipped().with_values(account_shared_across_parties=True)
    url = store.database.engine.url.render_as_string(hide_password=False)
    with OrderStore.open(url, policy=shared) as family:
        orders, money = OrderDesk(family), AccountDesk(family)
        for serial in (1, 2, 3):
            at_once(orders, opening(serial), at(), 1000)
        join = MergeRequest(order_ref="m", subscription_ref="S2", with_subscription_ref="S1")
        money.merge(join, actor=COUNTER, at=at(1))
        assert paying(money, 1.1) == ["S1", "S2"]
        assert back(orders, "m", 1.2).order_type == "SPLIT_ACCOUNT"
        assert paying(money, 1.3) == ["S1"]
        at_once(orders, order(MergeAccount, "m2", at(), subscription_ref="S2",
                              with_subscription_ref="S1"), at(1.4))  # fmt: skip
        at_once(orders, order(SplitAccount, "x", at(), subscription_ref="S2"), at(1.5))
        assert why(orders, "m2", 1.6) == "later_order"
        assert back(orders, "x", 1.6).order_type == "MERGE_ACCOUNT"
        assert paying(money, 1.7) == ["S1", "S2"]
        later = MergeRequest(order_ref="m3", subscription_ref="S3", with_subscription_ref="S1",
                             effective_from=at(5))  # fmt: skip
        money.merge(later, actor=COUNTER, at=at(1.8))
        assert back(orders, "m3", 1.9).order_type == "CANCEL_ACCOUNT_CHANGE"
        assert paying(money, 6) == ["S1", "S2"]
        sound(family)


def test_an_offer_change_called_off_is_arranged_again(desk: OrderDesk, store: OrderStore) -> None:
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, next_month("n"), at(1))
    at_once(desk, order(CancelOfferChange, "u", at()), at(1.1))
    assert back(desk, "u", 1.2).order_type == "CHANGE_OFFER"
    assert store.show(1, at(40))["product"] == "POSTPAID_5G"
    assert why(desk, "n", 1.3) == "later_order", "it is there by another order now"
    sound(store)
    # once the cycle has begun it is too late
    at_once(desk, order(CancelOfferChange, "v", at()), at(30.3))
    assert why(desk, "v", 30.7) == "later_order"


def test_features_end_and_begin_again(desk: OrderDesk, store: OrderStore) -> None:
    at_once(desk, opening(1), at(), 1000)
    first = order(ChangeFeature, "f", at(), add=("call_waiting",))
    at_once(desk, first, at(0.5))
    at_once(desk, order(ChangeFeature, "x", at(), remove=("call_waiting",)), at(1))
    assert back(desk, "x", 1.2).order_type == "CHANGE_FEATURE"
    assert store.show(1, at(2))["features"] == ["call_waiting"]
    assert why(desk, "f", 1.3) == "later_order", "it is there by another order now"
    sound(store)


def test_an_offer_goes_back_to_the_one_before(desk: OrderDesk, store: OrderStore) -> None:
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, order(ChangeOffer, "x", at(), product_code="POSTPAID_5G"), at(1))
    assert back(desk, "x", 1.2).order_type == "CHANGE_OFFER"
    at_once(desk, next_month("y"), at(2))
    assert back(desk, "y", 2.2).order_type == "CANCEL_OFFER_CHANGE"
    at_once(desk, order(ChangeOffer, "z", at(), product_code="POSTPAID_5G"), at(3))
    done(store, order(ChangeOffer, "w", at(3.2), product_code="POSTPAID"))
    assert why(desk, "z", 3.3) == "later_order"
    sound(store)


@pytest.mark.parametrize(("product", "fen"), [("POSTPAID", 1000), ("PREPAID", 6000)])
def test_an_opening_is_taken_back_with_all_its_money(
    desk: OrderDesk, store: OrderStore, product: str, fen: int
) -> None:
    view = whole(desk, opening(1, product_code=product), at())
    assert view.paid_fen == fen
    assert back(desk, "open-1", 0.5).order_type == "TERMINATE"
    assert (number(store, 1), sim(store, 1)) == ("aging", "scrapped")
    money = {row[2]: row[4] for row in rows(store, Receipt)["receipt"]}
    assert money["order"] == fen
    assert money["order_refund"] + money.get("refund", 0) == -fen
    sound(store)
    assert place(desk, opening(2, party=person(1)), at(1)).state == "pending"


def test_nothing_is_taken_back_under_an_order_on_its_way(
    desk: OrderDesk, store: OrderStore
) -> None:
    at_once(desk, opening(1), at(), 1000)
    place(desk, order(ChangeNumber, "x", at(), msisdn=msisdn(70)), at(0.1))
    before = everything(store)
    assert why(desk, "open-1", 0.2) == "order_in_transit"
    assert everything(store) == before
    desk.cancel("x", "changed his mind", actor=COUNTER, at=at(0.3))
    assert back(desk, "open-1", 0.4).state == "completed"
    sound(store)


def test_of_many_at_once_one_takes_it_back(url: str) -> None:
    with OrderStore.open(url) as store:
        at_once(OrderDesk(store), opening(1), at(), 1000)

    def take(serial: int) -> str:
        with OrderStore.open(url) as mine:
            try:
                ref = f"back-{serial}"
                return OrderDesk(mine).reverse("open-1", ref, actor=COUNTER, at=at(0.5)).state
            except Refused as refusal:
                return refusal.code

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(take, range(4)))
    assert said == [*["already_reversed"] * 3, "completed"]
    with OrderStore.open(url) as store:
        sound(store)


def test_an_opening_that_was_lived_in_is_not_taken_back(desk: OrderDesk, store: OrderStore) -> None:
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, order(Suspend, "s", at(), reason="customer_request"), at(0.1))
    assert why(desk, "open-1", 0.2) == "later_order"
    back(desk, "s", 0.2)
    # what was taken back does not count
    assert back(desk, "open-1", 0.3).state == "completed"
    whole(desk, opening(2, product_code="PREPAID"), at())
    done(store, order(Charge, "calls", at(0.1), subscription_ref="S2", amount_fen=300,
                      due_at=at(9)))  # fmt: skip
    before = everything(store)
    assert why(desk, "open-2", 0.2) == "refund_exceeds_balance"
    assert everything(store) == before


def test_a_transfer_back_is_free_of_labels_and_money(desk: OrderDesk, store: OrderStore) -> None:
    at_once(desk, opening(1), at(), 1000)
    at_once(desk, order(TransferOwner, "t", at(), party=person(2)), at(1))
    assert back(desk, "t", 1.5).order_type == "TRANSFER_OWNER"
    assert store.subscription_holdings(at(9)).sort("valid_from")["party_id"].to_list() == [1, 2, 1]
    sound(store)


def test_a_handset_comes_back_and_the_money_goes_back(desk: OrderDesk, store: OrderStore) -> None:
    at_once(desk, opening(1), at(), 1000)
    taken(store, "handset", phones(1, 2))
    at_once(desk, order(BuyDevice, "buy", at(), imei=phone(1)), at(1), 199_900)
    assert back(desk, "buy", 1.5).order_type == "RETURN_DEVICE"
    assert handset(store, 1) == ("unavailable", "returned", None)
    sound(store)
    StockDesk(store).set_state("handset", phone(1), "inShop", actor=SYSTEM, at=at(2))
    again = order(BuyDevice, "again", at(), imei=phone(1))
    assert at_once(desk, again, at(2), 199_900).state == "completed"
    exchange = order(SwapDevice, "swap", at(), imei=phone(2), old_imei=phone(1))
    at_once(desk, exchange, at(2.1), 150_900)
    assert why(desk, "again", 2.2) == "handset_not_held"
    assert back(desk, "swap", 2.3).order_type == "SWAP_DEVICE"
    assert handset(store, 1) == ("unavailable", None, 1)
    assert handset(store, 2) == ("unavailable", "returned", None)
    sound(store)


def test_a_swapped_handset_that_is_for_sale_again_stays_there(
    desk: OrderDesk, store: OrderStore
) -> None:
    at_once(desk, opening(1), at(), 1000)
    taken(store, "handset", phones(1, 2))
    at_once(desk, order(BuyDevice, "buy", at(), imei=phone(1)), at(1), 199_900)
    exchange = order(SwapDevice, "swap", at(), imei=phone(2), old_imei=phone(1))
    at_once(desk, exchange, at(1.1), 150_900)
    done(store, opening(2))
    StockDesk(store).set_state("handset", phone(1), "inShop", actor=SYSTEM, at=at(1.2))
    sold = order(BuyDevice, "b2", at(), subscription_ref="S2", imei=phone(1))
    at_once(desk, sold, at(1.3), 199_900)
    assert why(desk, "swap", 1.4) == "handset_unavailable"


def test_customers_data_get_their_old_values_back(store: OrderStore) -> None:
    with OrderStore.open(
        store.database.engine.url.render_as_string(hide_password=False),
        policy=Policy.shipped().with_values(password_scrypt_log2_n=10),
    ) as quick:
        done(quick, opening(1, party=person(1, name="张三", contact="13900139000")))
        desk, orders = CustomerDesk(quick, PEPPER), OrderDesk(quick)
        frame: dict[str, Any] = {"party_ref": "P1", "proof": DOCUMENT}
        before = rows(quick, m.Party)
        for request in (
            NameChange(request_ref="n", name="张山", **frame),
            ContactChange(request_ref="c", contact=None, **frame),
            AccountChange(request_ref="a", subscription_ref="S1", bill_medium="sms", **frame),
            PasswordChange(request_ref="p", password="830715", **frame),
            PasswordChange(request_ref="q", password="402918", **frame),
        ):
            desk.change(request, actor=COUNTER, at=at(1))
        assert why(orders, "p", 1.2) == "later_change"
        for ref, kind in (("n", "NAME"), ("c", "CONTACT"), ("a", "ACCOUNT"), ("q", "PASSWORD")):
            assert back(orders, ref, 1.3).order_type == f"MODIFY_PARTY_{kind}"
        assert rows(quick, m.Party) == before
        desk.check_password("P1", "830715", actor=COUNTER, at=at(2))
        states = {each.state for each in desk.history("P1", actor=COUNTER, at=at(2))}
        assert states == {"completed"}
        desk.change(NameChange(request_ref="n2", name="张珊", **frame), actor=COUNTER, at=at(2))
        desk.change(NameChange(request_ref="n3", name="张杉", **frame), actor=COUNTER, at=at(2))
        assert why(orders, "n2", 2.1) == "later_change"
        assert reconcile(quick, at(9)) == []


def test_a_first_password_has_nothing_to_go_back_to(tmp_path: Any) -> None:
    policy = Policy.shipped().with_values(password_scrypt_log2_n=10)
    with OrderStore.open(sqlite_url(tmp_path), policy=policy) as store:
        done(store, opening(1))
        request = PasswordChange(request_ref="p", party_ref="P1", password="830715", proof=DOCUMENT)
        CustomerDesk(store, PEPPER).change(request, actor=COUNTER, at=at(1))
        assert why(OrderDesk(store), "p", 1.1) == "not_reversible"


def test_what_has_no_way_back_says_what_to_do_instead(desk: OrderDesk, store: OrderStore) -> None:
    done(store, opening(1))
    desk.place(order(Pay, "pay", at(), amount_fen=500), actor=SYSTEM, at=at(1))
    with pytest.raises(Refused) as refusal:
        desk.reverse("pay", "no", actor=SYSTEM, at=at(1.1))
    assert refusal.value.code == "not_reversible"
    assert "refund it" in refusal.value.reason
    assert why(desk, "open-1", 0.5) == "order_state", "bulk orders have no way back"


def blacklisted(store: OrderStore, party_id: int) -> None:
    """A label in force that keeps the party from new service."""
    label = Restriction(
        subject_type="party",
        subject_id=party_id,
        effect="no_new_subscription",
        class_code="blacklist",
        reason_code="fraud",
    )
    store.restrict(at(1).date(), [label])


def paying(desk: AccountDesk, days: float) -> list[str]:
    """Who pays from the account of S1."""
    [account] = desk.show("S1", at=at(days)).accounts
    return list(account.members)


def handset(store: OrderStore, serial: int) -> tuple[object, object, object]:
    shown = StockDesk(store).show("handset", phone(serial), actor=SYSTEM, at=at(5))
    return shown["state"], shown["usage"], shown["subscription_id"]
