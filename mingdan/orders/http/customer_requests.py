"""客户资料修改: orders that change a customer's data.

Here: the whole requests with their parts, and the request of the customer desk
each stands for. Not here: how the customer is identified and what may be changed
(`mingdan.orders.offers.customers`). Who shows no document gives the present
password; another name needs the document.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Literal

from mingdan.orders.http import requests as r
from mingdan.orders.http.order_base import ONE, Order
from mingdan.orders.offers.party_forms import (
    AccountChange,
    ContactChange,
    Medium,
    NameChange,
    PartyRequest,
    PasswordChange,
    Proof,
)


class KnownParty(r.Shape):
    """The customer on record, and by what he was identified: document or `password`."""

    id: r.Text
    role: Literal["customer"]
    identification: r.Identification | None = None
    password: r.Text | None = None

    def proof(self) -> Proof:
        shown = self.identification
        return Proof(
            document_type=None if shown is None else shown.identification_type,
            document_number=None if shown is None else shown.identification_id,
            password=self.password,
        )


class NewName(r.Shape):
    formatted_name: r.Text


class NewContact(r.Shape):
    """null: no contact any more."""

    contact_medium: r.Text | None


class NewBilling(r.Shape):
    """`bill_name`: whom bills are made out to; the customer if it is left out."""

    bill_name: r.Text | None = None
    bill_medium: Medium = "none"
    bill_address: r.Text | None = None


class NewPassword(r.Shape):
    password: r.Text


class NameProduct(r.Shape):
    product_characteristic: NewName


class ContactProduct(r.Shape):
    product_characteristic: NewContact


class BillingProduct(r.ProductRef):
    product_characteristic: NewBilling


class PasswordProduct(r.Shape):
    product_characteristic: NewPassword


class NameItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["modify"]
    product: NameProduct


class ContactItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["modify"]
    product: ContactProduct


class BillingItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["modify"]
    product: BillingProduct


class PasswordItem(r.Shape):
    id: r.ItemId = "1"
    action: Literal["modify"]
    product: PasswordProduct


class CustomerOrder(Order):
    """Common to all: whose data, and what identifies him."""

    related_party: Annotated[list[KnownParty], ONE]

    @property
    def party_ref(self) -> str:
        return self.related_party[0].id

    def request(self, order_ref: str) -> PartyRequest:
        """The request of the customer desk this stands for."""
        party = self.related_party[0]
        return self._request(
            {"request_ref": order_ref, "party_ref": party.id, "proof": party.proof()}
        )

    @abstractmethod
    def _request(self, common: dict[str, Any]) -> PartyRequest: ...


class NameChangeOrder(CustomerOrder):
    """更名"""

    category: Literal["MODIFY_PARTY_NAME"]
    product_order_item: Annotated[list[NameItem], ONE]

    def _request(self, common: dict[str, Any]) -> PartyRequest:
        has = self.product_order_item[0].product.product_characteristic
        return NameChange(**common, name=has.formatted_name)


class ContactChangeOrder(CustomerOrder):
    """联系方式修改"""

    category: Literal["MODIFY_PARTY_CONTACT"]
    product_order_item: Annotated[list[ContactItem], ONE]

    def _request(self, common: dict[str, Any]) -> PartyRequest:
        has = self.product_order_item[0].product.product_characteristic
        return ContactChange(**common, contact=has.contact_medium)


class AccountChangeOrder(CustomerOrder):
    """帐户资料修改: how the account of one of the customer's subscriptions is billed"""

    category: Literal["MODIFY_PARTY_ACCOUNT"]
    product_order_item: Annotated[list[BillingItem], ONE]

    @property
    def subscription_refs(self) -> tuple[str, ...]:
        return (self.product_order_item[0].product.id,)

    def _request(self, common: dict[str, Any]) -> PartyRequest:
        product = self.product_order_item[0].product
        has = product.product_characteristic
        return AccountChange(
            **common,
            subscription_ref=product.id,
            name=has.bill_name,
            bill_medium=has.bill_medium,
            bill_address=has.bill_address,
        )


class PasswordChangeOrder(CustomerOrder):
    """服务密码"""

    category: Literal["MODIFY_PARTY_PASSWORD"]
    product_order_item: Annotated[list[PasswordItem], ONE]

    def _request(self, common: dict[str, Any]) -> PartyRequest:
        has = self.product_order_item[0].product.product_characteristic
        return PasswordChange(**common, password=has.password)
