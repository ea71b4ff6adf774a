"""The orders that can be placed, one model per business (TMF622 ProductOrder_Create).

Here: the whole requests, told apart by `category`, and the command each stands
for. Not here: their parts (`requests.py`) and what the command does.
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from mingdan.orders import commands as c
from mingdan.orders.http import requests as r


class _Order(r.Shape):
    """Common to all. `external_id`: your own name of the order, unique among yours."""

    external_id: r.Reference | None = None
    reservation: Annotated[int, Field(ge=1, le=2**53)] | None = None
    """A reservation of yours (`POST /reservation`) this order uses up."""

    def command(self, order_ref: str, channel: str, at: datetime) -> c.AnyCommand:
        """The command this request stands for."""
        common = {"order_ref": order_ref, "channel": channel, "at": at, "recorded_at": at}
        return self._command(common)

    @abstractmethod
    def _command(self, common: dict[str, Any]) -> c.AnyCommand: ...

    @property
    def product_code(self) -> str | None:
        """The offering it asks for, if it asks for one."""
        return None


_One = Field(min_length=1, max_length=1)


class OpenOrder(_Order):
    """开户"""

    category: Literal["OPEN"]
    related_party: Annotated[list[r.RelatedParty], _One]
    product_order_item: Annotated[list[r.OpenItem], _One]

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


class ChangeNumberOrder(_Order):
    """改号"""

    category: Literal["CHANGE_NUMBER"]
    product_order_item: Annotated[list[r.NumberItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.ChangeNumber(
            **common,
            subscription_ref=product.id,
            msisdn=product.product_characteristic.msisdn,
        )


class SimOrder(_Order):
    """换卡 (SIM_SWAP), 补卡 (SIM_REPLACE)"""

    category: Literal["SIM_SWAP", "SIM_REPLACE"]
    product_order_item: Annotated[list[r.SimItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.SwapSim(
            **common,
            subscription_ref=product.id,
            imsi=product.product_characteristic.imsi,
            iccid=product.product_characteristic.iccid,
            reason="swap" if self.category == "SIM_SWAP" else "replace",
        )


class TransferOrder(_Order):
    """过户"""

    category: Literal["TRANSFER_OWNER"]
    related_party: Annotated[list[r.RelatedParty], _One]
    product_order_item: Annotated[list[r.ModifyItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        return c.TransferOwner(
            **common,
            subscription_ref=self.product_order_item[0].product.id,
            party=self.related_party[0].data(),
        )


class SuspendOrder(_Order):
    """停机"""

    category: Literal["SUSPEND"]
    product_order_item: Annotated[list[r.BlockItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.Suspend(
            **common,
            subscription_ref=product.id,
            reason=product.product_characteristic.suspend_reason,
            direction=product.product_characteristic.suspend_direction,
        )


class ResumeOrder(_Order):
    """复机"""

    category: Literal["RESUME"]
    product_order_item: Annotated[list[r.BlockLiftedItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.Resume(
            **common,
            subscription_ref=product.id,
            reason=product.product_characteristic.suspend_reason,
        )


class TerminateOrder(_Order):
    """销号"""

    category: Literal["TERMINATE"]
    product_order_item: Annotated[list[r.DeleteItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        return c.Terminate(**common, subscription_ref=self.product_order_item[0].product.id)


class FeatureOrder(_Order):
    """功能变更"""

    category: Literal["CHANGE_FEATURE"]
    product_order_item: Annotated[list[r.FeatureItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        product = self.product_order_item[0].product
        return c.ChangeFeature(
            **common,
            subscription_ref=product.id,
            add=tuple(product.product_characteristic.add),
            remove=tuple(product.product_characteristic.remove),
        )


class OfferOrder(_Order):
    """优惠变更"""

    category: Literal["CHANGE_OFFER"]
    product_order_item: Annotated[list[r.OfferItem], _One]

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


class OfferChangeCancelledOrder(_Order):
    """A 优惠变更 yet to come does not take effect."""

    category: Literal["CANCEL_OFFER_CHANGE"]
    product_order_item: Annotated[list[r.ModifyItem], _One]

    def _command(self, common: dict[str, Any]) -> c.AnyCommand:
        return c.CancelOfferChange(**common, subscription_ref=self.product_order_item[0].product.id)


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
    | OfferChangeCancelledOrder,
    Field(discriminator="category"),
]
