"""The businesses (业务): one function each, checks first, then effects.

Here: what a command asks for and what its completion (竣工) changes, in memory.
Not here: single values (`checks.py`), the database (`working_set.py`,
`flush.py`). A function raises `Refused` before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mingdan.orders import commands as c
from mingdan.orders.batch import Batch, Work
from mingdan.orders.businesses.account import charge, pay, protect, top_up
from mingdan.orders.businesses.blocks import resume, suspend
from mingdan.orders.businesses.cards import return_cards, sell_card, sell_vouchers
from mingdan.orders.businesses.customers import modify_party
from mingdan.orders.businesses.ending import terminate
from mingdan.orders.businesses.features import change_feature
from mingdan.orders.businesses.handsets import buy_device, return_device, swap_device
from mingdan.orders.businesses.offers import cancel_offer_change, change_offer
from mingdan.orders.businesses.opening import open_subscription, transfer_owner
from mingdan.orders.businesses.refunding import refund
from mingdan.orders.businesses.reinstating import reinstate
from mingdan.orders.businesses.resources import change_number, swap_sim
from mingdan.orders.businesses.sharing import (
    cancel_account_change,
    merge_account,
    split_account,
)

BUSINESSES: dict[type[c.Command], Callable[[Batch, Work, Any], None]] = {
    c.Open: open_subscription,
    c.ChangeNumber: change_number,
    c.SwapSim: swap_sim,
    c.TransferOwner: transfer_owner,
    c.Suspend: suspend,
    c.Resume: resume,
    c.Terminate: terminate,
    c.Charge: charge,
    c.Pay: pay,
    c.TopUp: top_up,
    c.Refund: refund,
    c.MergeAccount: merge_account,
    c.SplitAccount: split_account,
    c.CancelAccountChange: cancel_account_change,
    c.Protect: protect,
    c.ChangeFeature: change_feature,
    c.ChangeOffer: change_offer,
    c.CancelOfferChange: cancel_offer_change,
    c.BuyDevice: buy_device,
    c.SwapDevice: swap_device,
    c.ReturnDevice: return_device,
    c.ModifyParty: modify_party,
    c.SellCard: sell_card,
    c.SellVouchers: sell_vouchers,
    c.ReturnCards: return_cards,
    c.Reinstate: reinstate,
}
