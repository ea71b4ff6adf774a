"""What a source of usage files is: one TOML specification per source.

Here: the typed specification and its checks. Not here: where specifications
are found (`specs.py`), reading files (`delivery.py`, `text.py`) and turning
fields into records (`records.py`). docs/sources.md is the guide to writing one.

Nothing about a file is guessed: encoding, delimiter, header, codes and time
form are declared, and a file that is otherwise is refused.
"""

from __future__ import annotations

import fnmatch
from functools import cached_property
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    model_validator,
)

UsageType = Literal["sms", "voice", "data"]
Direction = Literal["out", "in"]
Encoding = Literal["utf-8", "utf-8-sig", "gb18030"]
"""`utf-8-sig` takes a file with or without a byte order mark; `utf-8` refuses the mark."""
TimeForm = Literal[
    "YYYYMMDDhhmmss",
    "YYYY-MM-DD hh:mm:ss",
    "YYYY/MM/DD hh:mm:ss",
    "YYYY.MM.DD hh:mm:ss",
    "YYYY.MM.DD hh:mm",
    "ISO8601",
    "epoch_s",
]
"""`ISO8601` carries its offset (`2026-11-01T08:00:00+08:00`), `epoch_s` is UTC seconds."""

_LOCAL_FORMS = frozenset(get_args(TimeForm)) - {"ISO8601", "epoch_s"}


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class FileForm(_Part):
    """How a delivered file is written."""

    pattern: str = Field(min_length=1)
    """File names it is delivered under, with `*` and `?`."""
    format: Literal["delimited", "fixed_width", "parquet"] = "delimited"
    """Lines with a delimiter, lines of columns with a width (定长), or Parquet."""
    encoding: Encoding = "utf-8"
    """Of lines; there is no default to rely on, it must be given."""
    compression: Literal["none", "gzip", "zstd"] = "none"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """Between the fields of a delimited line; must be given."""
    quote: Literal["none", '"'] = "none"
    """CDR feeds do not quote: an unterminated quote would swallow the rest of the file."""
    header: bool = False
    """Whether the first line of a delimited file holds `names`; must be given."""
    any_order: bool = False
    """With a header: its names may stand in any order, columns are taken by name."""
    widths: tuple[PositiveInt, ...] = ()
    """Bytes of each column of a fixed-width line, as delivered; blanks around a value fall away."""
    names: tuple[str, ...] = Field(min_length=1)
    """Every column of the file, in order, read or not. Of Parquet: in any order."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        repeated = sorted({name for name in self.names if self.names.count(name) > 1})
        if repeated:
            raise ValueError(f"names holds {', '.join(repeated)} more than once")
        missing = [name for name in _NEEDED[self.format] if name not in self.model_fields_set]
        if missing:
            raise ValueError(f"format {self.format}: {', '.join(sorted(missing))} missing")
        known = _NEEDED[self.format] | _ALLOWED[self.format]
        strange = [
            name
            for name, field in FileForm.model_fields.items()
            if name not in known and getattr(self, name) != field.default
        ]
        if strange:
            raise ValueError(f"format {self.format} has no {', '.join(strange)}")
        if self.widths and len(self.widths) != len(self.names):
            raise ValueError(f"{len(self.widths)} widths for {len(self.names)} names")
        if self.any_order and not self.header:
            raise ValueError("any_order needs header = true: without names there is only the order")
        return self

    def takes(self, name: str) -> bool:
        return fnmatch.fnmatchcase(name, self.pattern)


_NEEDED: dict[str, frozenset[str]] = {
    "delimited": frozenset({"pattern", "names", "encoding", "delimiter", "header"}),
    "fixed_width": frozenset({"pattern", "names", "encoding", "widths"}),
    "parquet": frozenset({"pattern", "names"}),
}
_ALLOWED: dict[str, frozenset[str]] = {
    "delimited": frozenset({"format", "compression", "quote", "any_order"}),
    "fixed_width": frozenset({"format", "compression"}),
    "parquet": frozenset({"format"}),
}


class TimeForms(_Part):
    """When the event began, and by which clock."""

    column: str
    format: Annotated[tuple[TimeForm, ...], BeforeValidator(_one_or_more)] = Field(min_length=1)
    """One form, or several tried in this order."""
    zone: str | None = None
    """IANA zone of a local time that carries no offset, e.g. Asia/Shanghai."""
    offset_column: str | None = None
    """Column with the offset from UTC (`+0800`, `+08:00`) of a local time."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise ValueError(
                    f"zone {self.zone!r} is not an IANA time zone such as Asia/Shanghai"
                ) from None
        local = any(form in _LOCAL_FORMS for form in self.format)
        if local and (self.zone is None) == (self.offset_column is None):
            raise ValueError(
                "a local time needs either zone (e.g. Asia/Shanghai) or offset_column, not both"
            )
        if not local and self.offset_column is not None:
            raise ValueError("offset_column is only for local times; this form knows its offset")
        return self


class Numbers(_Part):
    """What the numbers in the file are."""

    kind: Literal["msisdn", "opaque"] = "msisdn"
    """`msisdn`: real numbers. `opaque`: hashes or running numbers; both ends of an
    event then become ids of one space, so that who wrote back can be seen."""
    space: str | None = None
    """Name of the space of opaque ids; sources that hash alike share it. Default: the source."""


class Columns(_Part):
    """Which column of the file gives which field of a record."""

    record_id: Names = ()
    """The source's own id of a record; without one, the digest of the row is its id."""
    usage_type: str | None = None
    direction: str | None = None
    served_msisdn: str | None = None
    served_imsi: str | None = None
    served_imei: str | None = None
    other_party: str | dict[Direction, str] | None = None
    """One column, or one for each direction (`{ out = "dialledDigits", in = "callingNumber" }`)."""
    duration_s: str | None = None
    bytes: Names = ()
    """Octets; several columns (up, down) are added."""
    charge: str | None = None
    cell: str | None = None
    area: str | None = None
    message_ref: str | None = None
    text: str | None = None
    """Message text; only its digest is kept, and only with `text_licensed`."""

    def used(self) -> set[str]:
        """Every column of the file that some field reads."""
        found: set[str] = set()
        for value in (getattr(self, name) for name in type(self).model_fields):
            if isinstance(value, str):
                found.add(value)
            elif isinstance(value, dict):
                found.update(value.values())
            elif value:
                found.update(value)
        return found


class Codes(_Part):
    """What the file's code values mean; any other value is set aside as unknown_code."""

    usage_type: dict[str, UsageType] = {}
    direction: dict[str, Direction] = {}


class Source(_Part):
    """One source of usage files (话单源)."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    usage_type: UsageType | None = None
    direction: Direction | None = None
    required: bool = False
    """Whether a night without a file of it fails."""
    files_a_day: int | None = Field(default=None, ge=1)
    """Files it delivers a day; a day with fewer is pointed out. None: not known."""
    self_held: bool = False
    """The source has no orders: each served number is its own subscription."""
    charge_unit: Literal["fen", "yuan"] = "fen"
    text_licensed: bool = False
    bad_rows_limit: float | None = Field(default=None, gt=0, le=1)
    """Share of bad rows above which a file is refused; default: the setting."""
    max_line_bytes: int = Field(default=65_536, ge=64)
    clock_skew_s: int = Field(default=300, ge=0, le=3600)
    """How far the source's clock may run ahead of the end of the delivery day."""
    file: FileForm
    time: TimeForms
    numbers: Numbers = Numbers()
    columns: Columns
    codes: Codes = Codes()

    @property
    def space(self) -> str:
        """Space of the source's opaque ids."""
        return self.numbers.space or self.name

    def with_names(self, names: tuple[str, ...]) -> Source:
        """The source for a file whose columns stand in this order."""
        if names == self.file.names:
            return self
        return self.model_copy(update={"file": self.file.model_copy(update={"names": names})})

    @cached_property
    def used(self) -> frozenset[str]:
        """Columns of the file that are read."""
        times = {self.time.column, self.time.offset_column} - {None}
        return frozenset(self.columns.used() | {str(name) for name in times})

    @model_validator(mode="after")
    def _check(self) -> Self:
        for field in ("usage_type", "direction"):
            fixed = getattr(self, field) is not None
            mapped = getattr(self.columns, field) is not None
            coded = bool(getattr(self.codes, field))
            if fixed == mapped:
                raise ValueError(
                    f"{field}: give either the value for all rows or columns.{field}, not both"
                )
            if mapped != coded:
                raise ValueError(f"codes.{field} and columns.{field} go together")
        if self.columns.served_msisdn is None and self.columns.served_imsi is None:
            raise ValueError("columns: served_msisdn or served_imsi is needed")
        if self.file.any_order and not self.columns.record_id:
            raise ValueError(
                "file.any_order needs columns.record_id: the digest of a row depends on the order"
            )
        if self.columns.text is not None and not self.text_licensed:
            raise ValueError("columns.text needs text_licensed = true: texts are not ours to keep")
        unknown = sorted(self.used - set(self.file.names))
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)}: not in file.names, which are {', '.join(self.file.names)}"
            )
        return self
