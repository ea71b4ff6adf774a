"""The class dictionary's shape: classes, their reasons, and how labels live.

Here: typed entries of `dictionary.toml` with their checks. Not here: rules and
precedence (`policy.py`) and what a night does with them (`sql/classes/`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

_CODE = r"^[a-z][a-z0-9_]{1,39}$"
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class Stability(BaseModel):
    """How labels of a reason come and go; see the comments in `dictionary.toml`."""

    model_config = _STRICT

    mode: Literal["fact", "smoothed"]
    smoothing: int = Field(default=100, ge=1, le=100)
    watch_enter: int = Field(default=1, ge=1, le=100)
    watch_leave: int = Field(default=1, ge=1, le=100)
    watch_days: int = Field(default=1, ge=1)
    forget: int = Field(default=0, ge=0, le=100)
    publish_enter: int = Field(default=1, ge=1, le=100)
    publish_hits: int = Field(default=1, ge=1)
    short_enter: int = Field(default=1, ge=1, le=100)
    short_hits: int = Field(default=1, ge=1)
    corroborates: int = Field(default=1, ge=1, le=100)
    very_strong: int = Field(default=100, ge=1, le=100)
    publish_leave: int = Field(default=1, ge=1, le=100)
    hold_days: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Stability:
        """Two thresholds only steady a label if the one to leave lies below the one to enter."""
        if self.mode == "fact":
            if self.model_fields_set - {"mode"}:
                raise ValueError("a fact holds or does not: it takes no thresholds")
            return self
        missing = set(type(self).model_fields) - self.model_fields_set
        if missing:
            raise ValueError(f"missing: {', '.join(sorted(missing))}")
        ordered = (
            ("forget", "watch_leave"),
            ("watch_leave", "publish_leave"),
            ("publish_leave", "short_enter"),
        )
        for low, high in ordered:
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} must lie below {high}")
        for low, high in (("short_enter", "publish_enter"), ("short_hits", "publish_hits")):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} must not lie above {high}")
        return self


class Reason(BaseModel):
    """A reason, grade or scope within a class; labels are of a class and a reason."""

    model_config = _STRICT

    code: str = Field(pattern=_CODE)
    name_zh: str
    name_en: str
    stability: str
    term_days: int = Field(ge=1)
    publishable: bool = False
    legal: bool = False


class CustomerClass(BaseModel):
    """A class of the dictionary (客户类别) with its reasons, weakest grade first."""

    model_config = _STRICT

    code: str = Field(pattern=_CODE)
    name_zh: str
    name_en: str
    subject: Literal["party", "subscription"]
    meaning: str
    default: bool = False
    exclusive: bool = False
    needs_approval: bool = False
    effects: list[str] = []
    reason: list[Reason] = []

    @model_validator(mode="after")
    def _sound(self) -> CustomerClass:
        if self.default and self.reason:
            raise ValueError("the default class is what is left: it has no reasons")
        if not self.default and not self.reason:
            raise ValueError("a class needs at least one reason")
        codes = [reason.code for reason in self.reason]
        repeated = sorted({code for code in codes if codes.count(code) > 1})
        if repeated:
            raise ValueError(f"reason {repeated[0]!r} stands there twice")
        return self


class Dictionary(BaseModel):
    """The whole dictionary. `stability` is by name, referred to by reasons."""

    model_config = _STRICT

    class_: list[CustomerClass] = Field(alias="class", min_length=1)
    stability: dict[str, Stability]

    @model_validator(mode="after")
    def _sound(self) -> Dictionary:
        codes = [entry.code for entry in self.class_]
        repeated = sorted({code for code in codes if codes.count(code) > 1})
        if repeated:
            raise ValueError(f"class {repeated[0]!r} stands there twice")
        if sum(entry.default for entry in self.class_) != 1:
            raise ValueError("exactly one class is the default")
        for entry in self.class_:
            for reason in entry.reason:
                if reason.stability not in self.stability:
                    raise ValueError(
                        f"{entry.code}:{reason.code}: there is no stability {reason.stability!r}"
                    )
        return self

    def reasons(self) -> dict[str, tuple[CustomerClass, Reason]]:
        """Every label there can be, by `class:reason`."""
        return {
            f"{entry.code}:{reason.code}": (entry, reason)
            for entry in self.class_
            for reason in entry.reason
        }
