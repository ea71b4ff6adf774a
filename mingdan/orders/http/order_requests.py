"""The orders that can be placed, one model per business (TMF622 ProductOrder_Create).

Here: the whole requests about subscriptions, told apart by `category`, and the
command each stands for. Not here: their parts (`requests.py`), what is handed over
the counter (`counter_requests.py`), customers' data (`customer_requests.py`), and
what the command does.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mingdan.orders import commands as c
from mingdan.orders.http import requests as r
from mingdan.orders.http.counter_requests import (
    BuyDeviceOrder,
    CardSaleOrder,
    SwapDeviceOrder,
    VoucherSaleOrder,
)
from mingdan.orders.http.customer_requests import (
    AccountChangeOrder,
    ContactChangeOrder,
    NameChangeOrder,
    PasswordChangeOrder,
)
from mingdan.orders.http.order_base import ONE, CommandOrder, SubscriptionOrder


class OpenOrder(CommandOrder):
    """开户"""

    category: Literal["OPEN"]
    related_party: Annotated[list[r.RelatedParty], ONE]
    product_order_item: Annotated[list[r.OpenItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        item = self.product_order_item[0]
        has = item.product.product_characteristic
        return c.Open(
            **common,
            subscription_ref=item.product.id,
            party=self.related_party[0].data(),
            product_code=item.product_offering.id,
            msisdn=has.msisdn,
            imsi=has.imsi,
            iccid=has.iccid,
        )

    @property
    def product_code(self) -> str | None:
        return self.product_order_item[0].product_offering.id


class ChangeNumberOrder(SubscriptionOrder):
    """改号"""

    category: Literal["CHANGE_NUMBER"]
    product_order_item: Annotated[list[r.NumberItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.ChangeNumber(
            **common,
            subscription_ref=product.id,
            msisdn=product.product_characteristic.msisdn,
        )


class SimOrder(SubscriptionOrder):
    """换卡 (SIM_SWAP), 补卡 (SIM_REPLACE)"""

    category: Literal["SIM_SWAP", "SIM_REPLACE"]
    product_order_item: Annotated[list[r.SimItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.SwapSim(
            **common,
            subscription_ref=product.id,
            imsi=product.product_characteristic.imsi,
            iccid=product.product_characteristic.iccid,
            reason="swap" if self.category == "SIM_SWAP" else "replace",
        )


class TransferOrder(SubscriptionOrder):
    """过户: the new holder and the present one."""

    category: Literal["TRANSFER_OWNER"]
    related_party: Annotated[tuple[r.RelatedParty, r.PresentHolder], Field(strict=False)]
    product_order_item: Annotated[list[r.ModifyItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        return c.TransferOwner(
            **common,
            subscription_ref=self.product_order_item[0].product.id,
            party=self.related_party[0].data(),
            holder_document=self.related_party[1].identification.identification_id,
        )


class SuspendOrder(SubscriptionOrder):
    """停机"""

    category: Literal["SUSPEND"]
    product_order_item: Annotated[list[r.BlockItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.Suspend(
            **common,
            subscription_ref=product.id,
            reason=product.product_characteristic.suspend_reason,
            direction=product.product_characteristic.suspend_direction,
        )


class ResumeOrder(SubscriptionOrder):
    """复机"""

    category: Literal["RESUME"]
    product_order_item: Annotated[list[r.BlockLiftedItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.Resume(
            **common,
            subscription_ref=product.id,
            reason=product.product_characteristic.suspend_reason,
        )


class TerminateOrder(SubscriptionOrder):
    """销号"""

    category: Literal["TERMINATE"]
    product_order_item: Annotated[list[r.DeleteItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        return c.Terminate(**common, subscription_ref=self.product_order_item[0].product.id)


class FeatureOrder(SubscriptionOrder):
    """功能变更"""

    category: Literal["CHANGE_FEATURE"]
    product_order_item: Annotated[list[r.FeatureItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.ChangeFeature(
            **common,
            subscription_ref=product.id,
            add=tuple(product.product_characteristic.add),
            remove=tuple(product.product_characteristic.remove),
        )


class OfferOrder(SubscriptionOrder):
    """优惠变更"""

    category: Literal["CHANGE_OFFER"]
    product_order_item: Annotated[list[r.OfferItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        item = self.product_order_item[0]
        return c.ChangeOffer(
            **common,
            subscription_ref=item.product.id,
            product_code=item.product_offering.id,
            when=item.product.product_characteristic.effective,
        )

    @property
    def product_code(self) -> str | None:
        return self.product_order_item[0].product_offering.id


class OfferChangeCancelledOrder(SubscriptionOrder):
    """A 优惠变更 yet to come does not take effect."""

    category: Literal["CANCEL_OFFER_CHANGE"]
    product_order_item: Annotated[list[r.ModifyItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        return c.CancelOfferChange(**common, subscription_ref=self.product_order_item[0].product.id)


class MergeOrder(SubscriptionOrder):
    """合帐"""

    category: Literal["MERGE_ACCOUNT"]
    product_order_item: Annotated[list[r.MergeItem], ONE]

    @property
    def subscription_refs(self) -> tuple[str, ...]:
        product = self.product_order_item[0].product
        return (product.id, product.product_characteristic.with_product)

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.MergeAccount(
            **common,
            subscription_ref=product.id,
            with_subscription_ref=product.product_characteristic.with_product,
            effective_from=product.product_characteristic.effective_from,
        )


class SplitOrder(SubscriptionOrder):
    """分帐"""

    category: Literal["SPLIT_ACCOUNT"]
    product_order_item: Annotated[list[r.SplitItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.SplitAccount(
            **common,
            subscription_ref=product.id,
            effective_from=product.product_characteristic.effective_from,
        )


class AccountChangeCancelledOrder(SubscriptionOrder):
    """A 合帐 or 分帐 yet to come does not take effect."""

    category: Literal["CANCEL_ACCOUNT_CHANGE"]
    product_order_item: Annotated[list[r.ModifyItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        return c.CancelAccountChange(
            **common, subscription_ref=self.product_order_item[0].product.id
        )


ProductOrderCreate = Annotated[
    OpenOrder
    | ChangeNumberOrder
    | SimOrder
    | TransferOrder
    | SuspendOrder
    | ResumeOrder
    | TerminateOrder
    | FeatureOrder
    | OfferOrder
    | OfferChangeCancelledOrder
    | MergeOrder
    | SplitOrder
    | AccountChangeCancelledOrder
    | BuyDeviceOrder
    | SwapDeviceOrder
    | CardSaleOrder
    | VoucherSaleOrder
    | NameChangeOrder
    | ContactChangeOrder
    | AccountChangeOrder
    | PasswordChangeOrder,
    Field(discriminator="category"),
]
