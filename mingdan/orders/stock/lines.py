"""What may stand on a line of a stock file: every check a line passes on its own.

Here: from a line's fields to a row of stock, or the refusal of the line. Not
here: repeats within the file and against the store (`imports.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from mingdan.calendar import business_day, day_start
from mingdan.identifiers import mask_number
from mingdan.orders import checks
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine
from mingdan.orders.stock import numbering, segments
from mingdan.reference import load

Values = dict[str, Any]
_SERVICE_LENGTH = range(3, 19)
"""Digits of a service number that is a number of the store: with extensions it may have 20."""
_ICCID_LENGTH = range(19, 21)
_CARD_LENGTH = range(8, 21)
_SEGMENT_PATHS = {"planned": ["planned"], segments.OFFERED: ["planned", segments.OFFERED]}
_LONGEST_VALIDITY = 3660
_MOST_CAPACITY = 4096


@dataclass(frozen=True)
class Context:
    """What lines are checked against; `operator` is whose resources they must be."""

    at: datetime
    operator: str
    sort: Callable[[str], str | None]
    groups: frozenset[str]
    ported_in: bool = False

    @property
    def day(self) -> date:
        return business_day(self.at)


def number(fields: dict[str, str], context: Context) -> Values:
    """A mobile or M2M number (11 or 13 digits, without 86), with its group."""
    digits = numbering.plain("number", fields["number"])
    plan = numbering.issued(digits)
    if plan is None or plan.kind not in ("mobile", "iot"):
        raise Refused("prefix_unknown", number=mask_number(digits))
    if plan.operator != context.operator and not context.ported_in:
        shown = mask_number(digits)
        raise Refused("prefix_of_other", number=shown, operator=plan.operator)
    stored = "86" + digits
    group = fields.get("group") or context.sort(stored)
    if group is not None and group not in context.groups:
        raise Refused("unknown_group", group=checks.words("group", group))
    return _number_row(stored, plan.kind, group, context)


def sms_port(fields: dict[str, str], context: Context) -> Values:
    """短信端口号: a port from 106, with the licence it is used under."""
    digits = _service_number(fields, "sms_port")
    row = next((r for r in load.rows("sms_port") if digits.startswith(r["prefix"])), None)
    if row is not None and row["operator"] != context.operator and not context.ported_in:
        shown = mask_number(digits)
        raise Refused("prefix_of_other", number=shown, operator=row["operator"])
    return _number_row(digits, "sms_port", None, context) | _licence(fields, context)


def access_number(fields: dict[str, str], context: Context) -> Values:
    """特殊接入号: a short or special access number (95..., 96..., 400...), with its licence."""
    digits = _service_number(fields, "access_number")
    return _number_row(digits, "access_number", None, context) | _licence(fields, context)


def segment(fields: dict[str, str], context: Context) -> Values:
    """万号段: seven digits (nine for M2M), the whole of it one operator's."""
    prefix = numbering.plain("prefix", fields["prefix"])
    plan = numbering.issued(prefix + "0" * segments.TAIL)
    if plan is None or plan.kind not in ("mobile", "iot"):
        raise Refused("prefix_unknown", number=prefix)
    if plan.operator != context.operator:
        raise Refused("prefix_of_other", number=prefix, operator=plan.operator)
    state = fields.get("state") or segments.OFFERED
    if state not in _SEGMENT_PATHS:
        raise Refused("field_not_accepted", field="state", problem="is not planned or active")
    area = fields.get("area_code") or None
    return {
        "prefix": prefix,
        "kind": plan.kind,
        "operator": plan.operator,
        "area_code": None if area is None else numbering.plain("area_code", area),
        "state": machine("segment").walk(None, *_SEGMENT_PATHS[state]),
        "changed_at": context.at,
    }


def sim(fields: dict[str, str], context: Context) -> Values:
    """A SIM card: ICCID with its check digit, IMSI of our network, capacity in KB, STK."""
    iccid = numbering.with_check_digit("iccid", fields["iccid"], _ICCID_LENGTH)
    if not iccid.startswith("8986"):
        raise Refused("field_not_accepted", field="iccid", problem="is not a card of China (8986)")
    issuer = numbering.card_issuer(iccid)
    if issuer not in (None, context.operator):
        raise Refused("issuer_of_other", iccid=mask_number(iccid), operator=issuer)
    imsi = numbering.plain("imsi", fields["imsi"])
    if len(imsi) != 15:
        raise Refused("field_not_accepted", field="imsi", problem="has not 15 digits")
    if numbering.network(imsi) != context.operator:
        raise Refused("imsi_of_other", imsi=mask_number(imsi), network=imsi[:5])
    return {
        "iccid": iccid,
        "imsi": imsi,
        "state": machine("sim").walk(None, "in_stock"),
        "until": None,
        "subscription_id": None,
        "changed_at": context.at,
        "capacity_k": _whole("capacity_k", fields["capacity_k"], _MOST_CAPACITY),
        "stk": _flag("stk", fields["stk"]),
    }


def prepaid_card(fields: dict[str, str], context: Context) -> Values:
    """预付费卡: face value in fen, validity in days from first use, last day of sale."""
    card_no = numbering.plain("card_no", fields["card_no"])
    if len(card_no) not in _CARD_LENGTH:
        raise Refused("field_not_accepted", field="card_no", problem="has not 8 to 20 digits")
    iccid = fields.get("iccid") or None
    if iccid is not None:
        iccid = numbering.with_check_digit("iccid", iccid, _ICCID_LENGTH)
    sell_by = _day_after("sell_by", fields["sell_by"])
    if sell_by <= context.at:
        raise Refused("field_not_accepted", field="sell_by", problem="has passed")
    return {
        "card_no": card_no,
        "iccid": iccid,
        "face_value_fen": _whole("face_value_fen", fields["face_value_fen"], checks.MOST_FEN),
        "validity_days": _whole("validity_days", fields["validity_days"], _LONGEST_VALIDITY),
        "sell_by": sell_by,
        "state": machine("prepaid_card").walk(None, "in_stock"),
        "activated_at": None,
        "expires_at": None,
        "changed_at": context.at,
    }


def handset(fields: dict[str, str], context: Context) -> Values:
    """A handset: IMEI with its check digit, a known model, where it stands."""
    imei = numbering.with_check_digit("imei", fields["imei"], range(15, 16))
    if not imei.strip("0"):
        raise Refused("field_not_accepted", field="imei", problem="is all zeros")
    model = load.by("handset_model", "code").get(fields["model"])
    if model is None or model["valid_from"] > context.day.isoformat():
        raise Refused("unknown_model", model=checks.words("model", fields["model"]))
    usage = fields.get("usage") or "inShop"
    row = load.by("handset_usage", "usage").get(usage)
    if row is None:
        known = ", ".join(load.by("handset_usage", "usage"))
        raise Refused("field_not_accepted", field="usage", problem=f"is none of {known}")
    return {
        "imei": imei,
        "model": model["code"],
        "state": row["state"],
        "usage": usage,
        "until": None,
        "changed_at": context.at,
    }


CHECKS: dict[str, Callable[[dict[str, str], Context], Values]] = {
    "number": number,
    "sms_port": sms_port,
    "access_number": access_number,
    "segment": segment,
    "sim": sim,
    "prepaid_card": prepaid_card,
    "handset": handset,
}


def segment_numbers(row: Values, context: Context) -> list[Values]:
    """The ten thousand numbers of a segment; those of a planned one are blocked."""
    path = ["available"] if row["state"] == segments.OFFERED else ["available", "blocked"]
    state = machine("msisdn").walk(None, *path)
    return [
        _number_row(stored, row["kind"], context.sort(stored), context) | {"state": state}
        for stored in ("86" + digits for digits in segments.numbers_of(row["prefix"]))
    ]


def _number_row(stored: str, kind: str, group: str | None, context: Context) -> Values:
    return {
        "number": stored,
        "state": machine("msisdn").walk(None, "available"),
        "until": None,
        "subscription_id": None,
        "changed_at": context.at,
        "kind": kind,
        "group_code": group,
        "licence_no": None,
        "licensed_until": None,
    }


def _service_number(fields: dict[str, str], kind: str) -> str:
    digits = numbering.plain("number", fields["number"])
    plan = numbering.issued(digits)
    if plan is None or plan.kind != kind:
        raise Refused("prefix_unknown", number=mask_number(digits))
    if len(digits) not in _SERVICE_LENGTH:
        raise Refused("field_not_accepted", field="number", problem="is longer than 18 digits")
    return digits


def _licence(fields: dict[str, str], context: Context) -> Values:
    until = fields.get("licensed_until") or None
    ends = None if until is None else _day_after("licensed_until", until)
    if ends is not None and ends <= context.at:
        raise Refused("field_not_accepted", field="licensed_until", problem="has passed")
    return {"licence_no": checks.words("licence_no", fields["licence_no"]), "licensed_until": ends}


def _day_after(field: str, text: str) -> datetime:
    """The end of a day: its licence or sale lasts through it, in Asia/Shanghai."""
    try:
        day = date.fromisoformat(text) if text.isascii() else None
        if day is not None:
            return day_start(date.fromordinal(day.toordinal() + 1))
    except (ValueError, OverflowError):
        pass
    raise Refused("field_not_accepted", field=field, problem="is not a day such as 2027-12-31")


def _whole(field: str, text: str, most: int) -> int:
    digits = numbering.plain(field, text)
    if len(digits) > 15 or not 1 <= int(digits) <= most:
        raise Refused("field_not_accepted", field=field, problem=f"is not from 1 to {most}")
    return int(digits)


def _flag(field: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise Refused("field_not_accepted", field=field, problem="is not yes or no")
    return text == "yes"
