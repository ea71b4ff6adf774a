"""What can be asked of the service: the exact form of orders (TMF622's shape).

Here: one model per business, and the command it stands for. Not here: whether a
request is in order beyond its form (`mingdan.orders.businesses`), answers
(`answers.py`) and reservations. Names are TM Forum's where it has one.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from mingdan.orders import commands as c
from mingdan.orders.commands import Direction, SuspendReason

Text = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
ItemId = Literal["1"]


class Shape(BaseModel):
    """Nothing but what is named, and no value bent to another type."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, alias_generator=to_camel, populate_by_name=True
    )


class OfferingRef(Shape):
    """`id`: a product code (`reference/product.csv`)."""

    id: Annotated[Code, Field(examples=["POSTPAID"])]


class ProductRef(Shape):
    """`id`: your own reference of the subscription."""

    id: Text


class Identification(Shape):
    """TMF632 individualIdentification; types are those of `reference/document_type.csv`."""

    identification_type: Annotated[Code, Field(examples=["resident_id"])]
    identification_id: Text


class RelatedParty(Shape):
    """The customer (TMF632) who is to hold the subscription."""

    id: Text
    role: Literal["customer"]
    party_type: Literal["individual", "organization"]
    formatted_name: Text
    identification: Identification
    contact_medium: Text | None = None

    def data(self) -> c.PartyData:
        return c.PartyData(
            party_ref=self.id,
            party_type=self.party_type,
            name=self.formatted_name,
            document_type=self.identification.identification_type,
            document_number=self.identification.identification_id,
            contact=self.contact_medium,
        )


class PresentHolder(Shape):
    """Who holds the subscription now, with the document shown."""

    role: Literal["presentHolder"]
    identification: Identification


class NumberAndSim(Shape):
    msisdn: Text
    imsi: Text
    iccid: Text


class NumberOnly(Shape):
    msisdn: Text


class SimOnly(Shape):
    imsi: Text
    iccid: Text


class Block(Shape):
    suspend_reason: SuspendReason
    suspend_direction: Direction = "both"


class BlockLifted(Shape):
    suspend_reason: SuspendReason


class Features(Shape):
    """Codes of `reference/feature.csv`."""

    add: Annotated[list[Code], Field(max_length=20)] = []
    remove: Annotated[list[Code], Field(max_length=20)] = []


class Moment(Shape):
    effective: Literal["now", "next_cycle"] = "now"


Instant = Annotated[AwareDatetime, Field(strict=False, examples=["2026-12-01T00:00:00+08:00"])]


class From(Shape):
    """`effective_from`: with an offset and not in the past; at once if it is left out."""

    effective_from: Instant | None = None


class Joined(From):
    """`with_product`: your reference of the subscription whose account is to pay."""

    with_product: Text


class OpenProduct(ProductRef):
    product_characteristic: NumberAndSim


class NumberProduct(ProductRef):
    product_characteristic: NumberOnly


class SimProduct(ProductRef):
    product_characteristic: SimOnly


class BlockProduct(ProductRef):
    product_characteristic: Block


class BlockLiftedProduct(ProductRef):
    product_characteristic: BlockLifted


class FeatureProduct(ProductRef):
    product_characteristic: Features


class OfferProduct(ProductRef):
    product_characteristic: Moment = Moment()


class MergeProduct(ProductRef):
    product_characteristic: Joined


class SplitProduct(ProductRef):
    product_characteristic: From = From()


class OpenItem(Shape):
    id: ItemId = "1"
    action: Literal["add"]
    product_offering: OfferingRef
    product: OpenProduct


class NumberItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: NumberProduct


class SimItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: SimProduct


class BlockItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: BlockProduct


class BlockLiftedItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: BlockLiftedProduct


class FeatureItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: FeatureProduct


class OfferItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product_offering: OfferingRef
    product: OfferProduct


class MergeItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: MergeProduct


class SplitItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: SplitProduct


class ModifyItem(Shape):
    id: ItemId = "1"
    action: Literal["modify"]
    product: ProductRef


class DeleteItem(Shape):
    id: ItemId = "1"
    action: Literal["delete"]
    product: ProductRef
