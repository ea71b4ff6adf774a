"""What was entered, as JSON: staged before payment, masked in the archive.

Here: the two forms and the way back. Not here: where they are kept (`model.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from mingdan.identifiers import mask_document, mask_name, mask_number
from mingdan.orders import commands as c
from mingdan.orders.jsonl import COMMANDS, INTERNAL

_MASKS: dict[str, Callable[[str], str]] = {
    "name": mask_name,
    "document_number": mask_document,
    "holder_document": mask_document,
    "contact": mask_name,
    "msisdn": mask_number,
    "imsi": mask_number,
    "iccid": mask_number,
    "imei": mask_number,
    "old_imei": mask_number,
    "card_no": mask_number,
    "bill_address": mask_name,
    "verifier": lambda _: "*",
}


def staged(command: c.Command) -> dict[str, Any]:
    """Every field of a command; instants as ISO text."""
    found: dict[str, Any] = _plain(command)
    return found


def command_of(name: str, values: dict[str, Any], at: datetime) -> c.AnyCommand:
    """The command that was staged under `name`, to take effect and be recorded at `at`."""
    dated = values | {"at": at, "recorded_at": at}
    command: c.AnyCommand = _reader(name).validate_python(dated)
    return command


def masked(command: c.Command) -> dict[str, Any]:
    """What was asked for, without what identifies a person."""
    return {
        name: _masked(name, value)
        for name, value in staged(command).items()
        if name not in ("at", "recorded_at")
    }


def _masked(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(key, part) for key, part in value.items()}
    if isinstance(value, str) and name in _MASKS:
        return _MASKS[name](value)
    return value


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        value = vars(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else value


@cache
def _reader(name: str) -> TypeAdapter[Any]:
    return TypeAdapter((COMMANDS | INTERNAL)[name])
