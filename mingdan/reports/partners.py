"""Partners and what is agreed with each: who may tell us what, who may be told what.

Here: the partners as data and whether an agreement is in force. Not here: the
intake of their lists (`intake.py`) and releases to them (`mingdan/lists`).
Whatever is not granted is refused: an agreement names what it allows.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from mingdan.errors import InputRefused, WrongUsage
from mingdan.rules.files import policy_as, policy_text
from mingdan.settings import Settings

Kind = Literal["operator", "bank", "police"]
Disclosure = Literal["match_only", "keyed", "clear"]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,30}$")]
"""Also a folder name under `landing` and `releases`, hence so narrow."""
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,39}$")]


Form = Literal["csv", "parquet", "stix"]
Encoding = Literal["utf-8", "gb18030"]
Attribute = Literal[
    "category",
    "reason_code",
    "level",
    "confidence",
    "first_seen",
    "last_seen",
    "valid_from",
    "valid_until",
    "sources",
]
"""What an entry tells beside its number (docs/list-format.md)."""
ALL_TOLD: tuple[Attribute, ...] = get_args(Attribute)
ALWAYS_TOLD: tuple[Attribute, ...] = ("valid_from", "valid_until")
"""No partner holds an entry without knowing when it ends."""


class Intake(BaseModel):
    """How a partner's list arrives: declared, never guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: Form = "csv"
    encoding: Encoding = "utf-8"
    """Of a CSV file; Parquet and STIX say themselves what they are."""

    @model_validator(mode="after")
    def _encoding_is_of_csv(self) -> Self:
        if self.form != "csv" and "encoding" in self.model_fields_set:
            raise ValueError(f"{self.form} has no encoding to declare")
        return self


class Agreement(BaseModel):
    """What is agreed with one partner; days are business days, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: str
    purpose: str
    legal_basis: str
    valid_from: date
    valid_until: date
    asserts: tuple[Reason, ...] = ()
    """Reason codes the partner may report to us."""
    receives: tuple[Reason, ...] = ()
    """Reason codes the partner may be told of."""
    disclosure: Disclosure = "match_only"
    """How numbers are shown to the partner; never more than agreed. `clear` needs the leave of
    two people beside (`mingdan partner disclosure`)."""
    columns: tuple[Attribute, ...] | None = None
    """What the partner may be told beside the number. Default: everything, but in the clear
    nothing: there each is named."""
    may_be_reexported: bool = False
    """Whether an entry resting on this partner's word alone may go to others."""
    evaluations_per_year: int = Field(default=0, ge=0)
    """Quota of `match_only`: customers the partner may ask about in any 365 days."""
    token_epoch: int = Field(default=1, ge=1)
    """Generation of the token key; a new one makes every token new."""

    @property
    def told(self) -> tuple[Attribute, ...]:
        """What stands beside the number, in the order of the format."""
        named = self.columns
        if named is None:
            named = () if self.disclosure == "clear" else ALL_TOLD
        return tuple(one for one in ALL_TOLD if one in {*named, *ALWAYS_TOLD})


class Partner(BaseModel):
    """An operator, bank or police force we exchange lists with (合作伙伴)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code
    name_zh: str
    name_en: str
    kind: Kind
    interface_number: str
    """接口编号."""
    status: Literal["active", "suspended", "ended"]
    channel: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{8,32}$")] | None = None
    """Opaque name of the channel to the partner: it says nothing of who that is."""
    intake: Intake = Intake()
    agreement: Agreement

    def hindrance(self, day: date) -> str | None:
        """Why nothing may pass on `day`, as a reason code; None if the agreement is in force."""
        if self.status != "active":
            return f"partner_{self.status}"
        if day < self.agreement.valid_from:
            return "agreement_not_yet_valid"
        if day > self.agreement.valid_until:
            return "agreement_expired"
        return None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    partner: list[Partner]


def load_partners(settings: Settings | None = None) -> dict[str, Partner]:
    """All partners by code: the operator's own (`<data>/policy/reports/partners.toml`)

    or those shipped. Raises InputRefused if the file says what it may not, or
    names a partner or a channel twice.
    """
    _, place = policy_text("reports/partners.toml", settings)
    found = policy_as(_File, "reports/partners.toml", settings).partner
    codes = [partner.code for partner in found]
    channels = [partner.channel for partner in found if partner.channel]
    for kind, values in (("partner", codes), ("channel", channels)):
        if len(set(values)) != len(values):
            raise InputRefused(f"{place}: a {kind} is named twice")
    return {partner.code: partner for partner in found}


def partner_named(code: str, settings: Settings | None = None) -> Partner:
    """The partner of that code. Raises WrongUsage, naming those there are."""
    known = load_partners(settings)
    if code not in known:
        raise WrongUsage(f"no partner {code!r}; there are: {', '.join(sorted(known))}")
    return known[code]
