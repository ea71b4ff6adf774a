"""What the order store can be asked to do: one typed command per business.

Here: the commands of the bulk interface (`OrderStore.apply`). Not here: their
checks and effects (`store.py`). A subscription is named by the ordering
system's own `subscription_ref` (TMF622 externalId), a party by `party_ref`;
the store answers with its own surrogate keys.

`at` is when the business is completed (竣工) and takes effect, `recorded_at`
when the store learns of it (default: `at`); a late order has `recorded_at`
after `at`. Instants are aware; amounts are fen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

SuspendReason = Literal[
    "customer_request", "lost", "arrears", "realname", "spam", "fraud", "police"
]
Direction = Literal["out", "in", "both", "sms_out"]


@dataclass(frozen=True, kw_only=True)
class PartyData:
    """A person or organization as entered at acceptance (受理)."""

    party_ref: str
    party_type: Literal["individual", "organization"]
    name: str
    document_type: str
    document_number: str
    contact: str | None = None


@dataclass(frozen=True, kw_only=True)
class Command:
    """Common to all: idempotent by `order_ref` (the second time is a no-op)."""

    order_ref: str
    at: datetime
    recorded_at: datetime | None = None
    channel: str = "counter"


@dataclass(frozen=True, kw_only=True)
class Open(Command):
    """开户: a new subscription with its number and SIM."""

    subscription_ref: str
    party: PartyData
    product_code: str
    msisdn: str
    imsi: str
    iccid: str


@dataclass(frozen=True, kw_only=True)
class ChangeNumber(Command):
    """改号: same subscription, new number; the old one begins to age."""

    subscription_ref: str
    msisdn: str


@dataclass(frozen=True, kw_only=True)
class SwapSim(Command):
    """换卡 (reason `swap`) or 补卡 (reason `replace`): new SIM, same number."""

    subscription_ref: str
    imsi: str
    iccid: str
    reason: Literal["swap", "replace"]


@dataclass(frozen=True, kw_only=True)
class TransferOwner(Command):
    """过户: another party holds the subscription from `at` on.

    `holder_document`: number of the document the present holder shows; a desk asks
    for it (policy `transfer_verifies_holder`), in bulk it is checked if it is given.
    """

    subscription_ref: str
    party: PartyData
    holder_document: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Suspend(Command):
    """停机: adds one block; blocks of several reasons stack."""

    subscription_ref: str
    reason: SuspendReason
    direction: Direction = "both"


@dataclass(frozen=True, kw_only=True)
class Resume(Command):
    """复机: lifts the block of one reason only."""

    subscription_ref: str
    reason: SuspendReason


@dataclass(frozen=True, kw_only=True)
class Terminate(Command):
    """销号: the subscription ends, its number ages before it is issued again."""

    subscription_ref: str


@dataclass(frozen=True, kw_only=True)
class Charge(Command):
    """A bill due on the account (`amount_fen` > 0) at `due_at`."""

    subscription_ref: str
    amount_fen: int
    due_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pay(Command):
    """收通信费: a payment; covers the oldest bills first."""

    subscription_ref: str
    amount_fen: int


@dataclass(frozen=True, kw_only=True)
class Refund(Command):
    """退通信费: part or all of one payment back, named by its `order_ref`.

    `account_id`: only what it brought to this account, if it went to two (合帐).
    """

    subscription_ref: str
    payment_ref: str
    amount_fen: int
    account_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class MergeAccount(Command):
    """合帐: from an instant on (default `at`) it pays from another one's account."""

    subscription_ref: str
    with_subscription_ref: str
    effective_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SplitAccount(Command):
    """分帐: from an instant on (default `at`) it pays from its own account again."""

    subscription_ref: str
    effective_from: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CancelAccountChange(Command):
    """The 合帐 or 分帐 that is yet to come does not take effect."""

    subscription_ref: str


@dataclass(frozen=True, kw_only=True)
class TopUp(Command):
    """充值: a voucher's value into the account. Only `money.vouchers` hands it in."""

    subscription_ref: str
    amount_fen: int
    voucher: str


@dataclass(frozen=True, kw_only=True)
class ChangeFeature(Command):
    """功能变更: features (`reference/feature.csv`) that begin and end at `at`."""

    subscription_ref: str
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChangeOffer(Command):
    """优惠变更: another offering, at `at` or from the next billing cycle on."""

    subscription_ref: str
    product_code: str
    when: Literal["now", "next_cycle"] = "now"


@dataclass(frozen=True, kw_only=True)
class CancelOfferChange(Command):
    """The offer change that is yet to come does not take effect."""

    subscription_ref: str


@dataclass(frozen=True, kw_only=True)
class BuyDevice(Command):
    """购买: a handset out of stock (IMEI) for a subscription in service."""

    subscription_ref: str
    imei: str


@dataclass(frozen=True, kw_only=True)
class SwapDevice(Command):
    """换机身: another handset for one the subscription has; the old one is handed back."""

    subscription_ref: str
    imei: str
    old_imei: str
    old_is: Literal["returned", "damaged"] = "returned"


@dataclass(frozen=True, kw_only=True)
class SellCard(Command):
    """售卡: a prepaid card (预付费卡) over the counter, at its face value."""

    card_no: str


@dataclass(frozen=True, kw_only=True)
class SellVouchers(Command):
    """充值卡: `quantity` vouchers of a batch, the lowest serials, at `price_fen` each."""

    batch_ref: str
    quantity: int
    price_fen: int


@dataclass(frozen=True, kw_only=True)
class ReturnDevice(Command):
    """退机: a bought handset comes back. Only taking the sale back (冲正) hands it in."""

    subscription_ref: str
    imei: str


@dataclass(frozen=True, kw_only=True)
class ReturnCards(Command):
    """退卡: what `sale_ref` sold comes back. Only taking the sale back (冲正) hands it in."""

    sale_ref: str


@dataclass(frozen=True, kw_only=True)
class Reinstate(Command):
    """销号撤回: the subscription goes on. Only taking a 销号 back (冲正) hands it in.

    `termination_id`: the order that ended it; `party`, `msisdn`, `imsi`, `iccid`:
    who held it and what it held then.
    """

    subscription_ref: str
    termination_id: int
    party: PartyData
    msisdn: str
    imsi: str
    iccid: str


@dataclass(frozen=True, kw_only=True)
class ModifyParty(Command):
    """客户资料修改: field -> its new value. Only `offers.customers` hands it in.

    `subscription_ref`: of a change of account data, whose account.
    """

    party_ref: str
    kind: Literal["name", "contact", "account", "password"]
    values: dict[str, str | None] = field(repr=False)
    subscription_ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class Protect(Command):
    """红名单: protect a party (all its subscriptions) in a scope until `until`."""

    party_ref: str
    scope: Literal["credit", "spam", "all"]
    until: datetime
    maker: str
    checker: str | None


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


@dataclass(frozen=True)
class Refusal:
    """A command the store did not carry out, and why (`reference/refusal.csv`)."""

    order_ref: str
    reason: str
    code: str = ""
    reason_zh: str = ""


@dataclass(frozen=True)
class Applied:
    """What came of a batch: counts, refusals, and the keys of new subscriptions."""

    completed: int
    repeated: int
    refused: list[Refusal] = field(default_factory=list)
    subscription_ids: dict[str, int] = field(default_factory=dict)
    party_ids: dict[str, int] = field(default_factory=dict)

    def plus(self, other: Applied) -> Applied:
        """Both together; of a key given twice, the later."""
        return Applied(
            completed=self.completed + other.completed,
            repeated=self.repeated + other.repeated,
            refused=self.refused + other.refused,
            subscription_ids=self.subscription_ids | other.subscription_ids,
            party_ids=self.party_ids | other.party_ids,
        )
