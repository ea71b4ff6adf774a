"""The command that takes a completed order back (冲正), made from what is on record of it.

Here: one maker for each way back there is (`reference/order_lifecycle.csv`), with
what later changes stand in its way. Not here: whether the order may be taken back
at all (`reversal.py`), customers' data (`party_inverses.py`), accounts
(`account_inverses.py`), and the money.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from mingdan.identifiers import mask_number
from mingdan.orders import commands as c
from mingdan.orders import model as m
from mingdan.orders.lifecycle import account_inverses, party_inverses
from mingdan.orders.lifecycle.model import Archive
from mingdan.orders.lifecycle.taken import Inverse, Taken
from mingdan.orders.offers.model import SubscriptionFeature, SubscriptionOffering
from mingdan.orders.refusals import Refused
from mingdan.orders.stock.model import HandsetHolding
from mingdan.reference import load


def _resume(taken: Taken) -> Inverse:
    return Inverse(c.Resume(**taken.frame, reason=taken.done["reason"]))


def _suspend(taken: Taken) -> Inverse:
    done, record = taken.done, taken.record
    if len(done["direction"]) != 1:
        raise Refused(
            "not_reversible", order_type=record.order_type, advice="suspend each direction again"
        )
    return Inverse(c.Suspend(**taken.frame, reason=done["reason"], direction=done["direction"][0]))


def _transfer_back(taken: Taken) -> Inverse:
    former, _ = taken.done["relatedParty"]
    h = m.SubscriptionHolding
    taken.still(_last(taken, h, h.subscription_id == taken.record.subscription_id))
    return Inverse(c.TransferOwner(**taken.frame, party=_party(taken, former)))


def _former_number(taken: Taken) -> Inverse:
    taken.still(_holding(taken, "msisdn"))
    old = str(taken.done["msisdn"][0])
    return Inverse(c.ChangeNumber(**taken.frame, msisdn=old), frozenset({old}))


def _former_sim(taken: Taken) -> Inverse:
    taken.still(_holding(taken, "imsi"))
    iccid, imsi = str(taken.done["iccid"][0]), str(taken.done["imsi"][0])
    command = c.SwapSim(**taken.frame, iccid=iccid, imsi=imsi, reason="swap")
    return Inverse(command, frozenset({iccid}))


def _former_features(taken: Taken) -> Inverse:
    f = SubscriptionFeature
    for code in taken.done["add"]:
        of = (f.subscription_id == taken.record.subscription_id) & (f.feature_code == code)
        taken.still(_last(taken, f, of))
    add, remove = tuple(taken.done["remove"]), tuple(taken.done["add"])
    return Inverse(c.ChangeFeature(**taken.frame, add=add, remove=remove))


def _former_offer(taken: Taken) -> Inverse:
    o = SubscriptionOffering
    taken.still(_last(taken, o, o.subscription_id == taken.record.subscription_id))
    if datetime.fromisoformat(taken.done["from"]) > taken.frame["at"]:
        return Inverse(c.CancelOfferChange(**taken.frame))
    return Inverse(c.ChangeOffer(**taken.frame, product_code=taken.done["productOffering"][0]))


def _offer_change_again(taken: Taken) -> Inverse:
    """The change that was yet to come, while it still is."""
    start = datetime.fromisoformat(taken.done["from"])
    if start <= taken.frame["at"]:
        taken.later(start)
    o = SubscriptionOffering
    taken.still(_last(taken, o, o.subscription_id == taken.record.subscription_id))
    code = taken.done["productOffering"][0]
    return Inverse(c.ChangeOffer(**taken.frame, product_code=code, when="next_cycle"))


def _terminate(taken: Taken) -> Inverse:
    """An opening, unless the subscription has lived since: then it is a 销号 like any other."""
    o, a = m.ProductOrder, Archive
    real = [r["code"] for r in load.rows("order_type") if r["event"] == "productOrder"]
    undone = select(a.order_id).where(a.reversed_by.is_not(None))
    undoing = select(a.reversed_by).where(a.reversed_by.is_not(None))
    later = taken.connection.execute(
        select(o.completion_date)
        .where(
            o.subscription_id == taken.record.subscription_id,
            o.order_id != taken.record.order_id,
            o.state == "completed",
            o.order_type.in_(real),
            o.order_id.not_in(undone),
            o.order_id.not_in(undoing),
        )
        .order_by(o.completion_date)
        .limit(1)
    ).scalar_one_or_none()
    if later is not None:
        taken.later(later)
    return Inverse(c.Terminate(**taken.frame))


def _reinstate(taken: Taken) -> Inverse:
    h, s = m.SubscriptionHolding, m.SimCard
    last = taken.connection.execute(
        select(h.party_id, h.order_id, h.valid_from)
        .where(h.subscription_id == taken.record.subscription_id, h.superseded_at.is_(None))
        .order_by(h.valid_from.desc())
        .limit(1)
    ).one()
    taken.still(last)
    number, iccid = str(taken.done["msisdn"][0]), str(taken.done["iccid"][0])
    imsi = taken.connection.execute(select(s.imsi).where(s.iccid == iccid)).scalar_one()
    command = c.Reinstate(
        **taken.frame,
        termination_id=taken.record.order_id,
        party=_party(taken, last.party_id),
        msisdn=number,
        imsi=imsi,
        iccid=iccid,
    )
    return Inverse(command, frozenset({number, iccid}))


def _return_device(taken: Taken) -> Inverse:
    imei = _present_device(taken)
    return Inverse(c.ReturnDevice(**taken.frame, imei=imei))


def _former_device(taken: Taken) -> Inverse:
    imei, old = _present_device(taken), str(taken.done["productSerialNumber"][0])
    command = c.SwapDevice(**taken.frame, imei=old, old_imei=imei)
    return Inverse(command, frozenset({old}))


def _return_cards(taken: Taken) -> Inverse:
    frame = {name: value for name, value in taken.frame.items() if name != "subscription_ref"}
    return Inverse(c.ReturnCards(**frame, sale_ref=taken.record.order_ref))


def _former_data(taken: Taken) -> Inverse:
    return Inverse(party_inverses.inverse(taken.connection, taken.record, taken.frame))


def _party(taken: Taken, party_id: int) -> c.PartyData:
    p = m.Party
    row = taken.connection.execute(
        select(
            p.party_ref, p.party_type, p.name, p.document_type, p.document_number, p.contact
        ).where(p.party_id == party_id)
    ).one()
    return c.PartyData(**row._mapping)


def _present_device(taken: Taken) -> str:
    imei, h = str(taken.done["productSerialNumber"][1]), HandsetHolding
    holder = taken.connection.execute(
        select(h.order_id).where(h.imei == imei, h.valid_to.is_(None))
    ).scalar_one_or_none()
    if holder != taken.record.order_id:
        raise Refused(
            "handset_not_held",
            imei=mask_number(imei),
            subscription_ref=taken.record.subscription_ref,
        )
    return imei


def _holding(taken: Taken, kind: str) -> Any:
    h = m.NumberHolding
    of = (h.subscription_id == taken.record.subscription_id) & (h.key_kind == kind)
    return _last(taken, h, of)


def _last(taken: Taken, table: Any, where: Any) -> Any:
    """`order_id` and `valid_from` of what is believed to last."""
    return taken.connection.execute(
        select(table.order_id, table.valid_from).where(
            where, table.superseded_at.is_(None), table.valid_to.is_(None)
        )
    ).one_or_none()


MAKERS: dict[str, Callable[[Taken], Inverse]] = {
    "resume": _resume,
    "suspend": _suspend,
    "transfer_owner": _transfer_back,
    "change_number": _former_number,
    "swap_sim": _former_sim,
    "change_feature": _former_features,
    "change_offer": _former_offer,
    "change_offer_next_cycle": _offer_change_again,
    "split_account": account_inverses.former_account,
    "merge_account": account_inverses.former_account,
    "account_change_again": account_inverses.change_again,
    "terminate": _terminate,
    "reinstate": _reinstate,
    "return_device": _return_device,
    "swap_device": _former_device,
    "modify_party": _former_data,
    "return_cards": _return_cards,
}
"""`reversal` of `reference/order_lifecycle.csv` -> what makes the command."""
