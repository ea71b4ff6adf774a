"""What every order over HTTP has in common.

Here: the base of the models told apart by `category`. Not here: the models
(`order_requests.py`, `counter_requests.py`, `customer_requests.py`).
"""

from __future__ import annotations

from abc import abstractmethod
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from mingdan.orders import commands as c
from mingdan.orders.http import requests as r

ONE = Field(min_length=1, max_length=1)
"""TMF622 has lists where an order of ours has one."""


class Order(r.Shape):
    """Common to all. `external_id`: your own name of the order, unique among yours."""

    external_id: r.Reference | None = None

    @property
    def product_code(self) -> str | None:
        """The offering it asks for, if it asks for one."""
        return None

    @property
    def subscription_refs(self) -> tuple[str, ...]:
        """The subscriptions it is about."""
        return ()

    @property
    def party_ref(self) -> str | None:
        """The customer whose data it is about, if it is about any."""
        return None


class CommandOrder(Order):
    """An order that is a command of the order desk.

    `reservation`: one of yours (`POST /reservation`) this order uses up.
    """

    reservation: Annotated[int, Field(ge=1, le=2**53)] | None = None

    def command(self, order_ref: str, channel: str, at: datetime) -> c.AnyCommand:
        """The command this request stands for."""
        common = {"order_ref": order_ref, "channel": channel, "at": at, "recorded_at": at}
        return self._command(common)

    @abstractmethod
    def _command(self, common: dict[str, Any]) -> c.AnyCommand: ...


class SubscriptionOrder(CommandOrder):
    """A command about one subscription, named by `productOrderItem[0].product.id`."""

    product_order_item: Annotated[list[Any], ONE]

    @property
    def subscription_refs(self) -> tuple[str, ...]:
        return (self.product_order_item[0].product.id,)
