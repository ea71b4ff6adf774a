"""Handsets, prepaid cards and vouchers: orders for what is handed over the counter.

Here: the whole requests with their parts, and the command each stands for. Not
here: what may be sold (`mingdan.orders.businesses`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from mingdan.orders import commands as c
from mingdan.orders.http import requests as r
from mingdan.orders.http.order_base import ONE, CommandOrder, SubscriptionOrder

Serial = Annotated[r.Text, Field(examples=["353322110000018"])]
Fen = Annotated[int, Field(gt=0, le=10**12)]


class DeviceProduct(r.ProductRef):
    """`product_serial_number`: the handset's IMEI."""

    product_serial_number: Serial


class OldDevice(r.Shape):
    """`old_product_serial_number`: the IMEI of the handset that is handed back."""

    old_product_serial_number: Serial
    old_is: Literal["returned", "damaged"] = "returned"


class SwappedProduct(DeviceProduct):
    product_characteristic: OldDevice


class BuyDeviceItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["add"]
    product: DeviceProduct


class SwapDeviceItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["modify"]
    product: SwappedProduct


class CardProduct(r.Shape):
    """`product_serial_number`: what is printed on the card."""

    product_serial_number: Serial


class CardItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["add"]
    product: CardProduct


class Batch(r.Shape):
    """`price_fen`: of one voucher."""

    voucher_batch: r.Text
    price_fen: Fen


class VoucherProduct(r.Shape):
    product_characteristic: Batch


class VoucherItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["add"]
    quantity: Annotated[int, Field(ge=1, le=10_000)]
    product: VoucherProduct


class BuyDeviceOrder(SubscriptionOrder):
    """购买: a handset for a subscription in service"""

    category: Literal["BUY_DEVICE"]
    product_order_item: Annotated[list[BuyDeviceItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.BuyDevice(
            **common, subscription_ref=product.id, imei=product.product_serial_number
        )


class SwapDeviceOrder(SubscriptionOrder):
    """换机身: another handset for one the subscription has"""

    category: Literal["SWAP_DEVICE"]
    product_order_item: Annotated[list[SwapDeviceItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.SwapDevice(
            **common,
            subscription_ref=product.id,
            imei=product.product_serial_number,
            old_imei=product.product_characteristic.old_product_serial_number,
            old_is=product.product_characteristic.old_is,
        )


class CardSaleOrder(CommandOrder):
    """售卡: a prepaid card (预付费卡) at its face value"""

    category: Literal["PREPAID_CARD_SALE"]
    product_order_item: Annotated[list[CardItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.SellCard(**common, card_no=product.product_serial_number)


class VoucherSaleOrder(CommandOrder):
    """充值卡: vouchers of a batch, the lowest serials"""

    category: Literal["VOUCHER_SALE"]
    product_order_item: Annotated[list[VoucherItem], ONE]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        item = self.product_order_item[0]
        has = item.product.product_characteristic
        return c.SellVouchers(
            **common,
            batch_ref=has.voucher_batch,
            quantity=item.quantity,
            price_fen=has.price_fen,
        )
