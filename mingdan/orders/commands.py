"""What the order store can be asked to do: one typed command per business.

Here: the commands of the bulk interface (`OrderStore.apply`), by room in
`command_kinds`. Not here: their checks and effects (`businesses`). A subscription
is named by the ordering system's own `subscription_ref` (TMF622 externalId), a
party by `party_ref`; the store answers with its own surrogate keys.

`at` is when the business is completed (竣工) and takes effect, `recorded_at`
when the store learns of it (default: `at`); a late order has `recorded_at`
after `at`. Instants are aware; amounts are fen.
"""

from __future__ import annotations

from mingdan.orders.command_kinds.answers import (
    Applied,
    Refusal,
)
from mingdan.orders.command_kinds.counter import (
    BuyDevice,
    ReturnCards,
    ReturnDevice,
    SellCard,
    SellVouchers,
    SwapDevice,
)
from mingdan.orders.command_kinds.frame import (
    Command,
    PartyData,
)
from mingdan.orders.command_kinds.money import (
    CancelAccountChange,
    Charge,
    MergeAccount,
    Pay,
    Refund,
    SplitAccount,
    TopUp,
)
from mingdan.orders.command_kinds.offers import (
    CancelOfferChange,
    ChangeFeature,
    ChangeOffer,
    ModifyParty,
    Protect,
)
from mingdan.orders.command_kinds.subscriptions import (
    ChangeNumber,
    Direction,
    Open,
    Reinstate,
    Resume,
    Suspend,
    SuspendReason,
    SwapSim,
    Terminate,
    TransferOwner,
)

AnyCommand = (
    Open
    | ChangeNumber
    | SwapSim
    | TransferOwner
    | Suspend
    | Resume
    | Terminate
    | Charge
    | Pay
    | Refund
    | MergeAccount
    | SplitAccount
    | CancelAccountChange
    | Protect
    | ChangeFeature
    | ChangeOffer
    | CancelOfferChange
    | BuyDevice
    | SwapDevice
    | SellCard
    | SellVouchers
    | ReturnDevice
    | ReturnCards
    | Reinstate
    | ModifyParty
)

__all__ = [
    "AnyCommand",
    "Applied",
    "BuyDevice",
    "CancelAccountChange",
    "CancelOfferChange",
    "ChangeFeature",
    "ChangeNumber",
    "ChangeOffer",
    "Charge",
    "Command",
    "Direction",
    "MergeAccount",
    "ModifyParty",
    "Open",
    "PartyData",
    "Pay",
    "Protect",
    "Refund",
    "Refusal",
    "Reinstate",
    "Resume",
    "ReturnCards",
    "ReturnDevice",
    "SellCard",
    "SellVouchers",
    "SplitAccount",
    "Suspend",
    "SuspendReason",
    "SwapDevice",
    "SwapSim",
    "Terminate",
    "TopUp",
    "TransferOwner",
]
