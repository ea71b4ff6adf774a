"""A partner's list as a STIX 2.1 bundle: indicators whose pattern names a phone number.

Here: which property of an indicator is which field of an entry. Not here: what the
fields mean (`partner_lists.py`) and files (`forms.py`).

| STIX | entry |
|---|---|
| `id` | `entry_id`; of several versions the newest `modified` counts |
| `revoked` | `action`: `withdraw` if true, else `add` |
| `labels`, exactly one of them a reason code of ours | `category` |
| `pattern`, `[phone-number:value = '+8613800138000']` | `number` |
| `external_references` with `source_name` `legal_basis`: its `external_id` | `legal_basis` |
| `valid_from` | `observed_at` |
| `valid_until` | `valid_until` |

Bundles are read by a grammar of our own: a pattern language that can say `LIKE`
and `AND` has no place in naming one number. Source: OASIS STIX 2.1, 4.7 Indicator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, NoReturn

from mingdan.reports.delivered import CONTROL, Flaw, Unreadable
from mingdan.reports.policy import Caps

_NUMBER = re.compile(r"\[\s*phone-number:value\s*=\s*'([^'\\]{1,64})'\s*\]")
_BESIDE = frozenset(("identity", "marking-definition", "relationship"))
"""Objects that may stand beside indicators and are no entries."""
_STRINGS = ("id", "pattern", "modified", "valid_from", "valid_until")


def entries(
    content: bytes, caps: Caps, reasons: Collection[str]
) -> tuple[int, Iterator[tuple[bytes, dict[str, str] | Flaw]]]:
    """The number of a bundle's entries, and each: its JSON, and its fields or a Flaw.

    `reasons` are the codes a label may name. Raises Unreadable if it is no bundle
    or has too many objects.
    """
    try:
        bundle = json.loads(content, parse_constant=_refuse)
        objects = bundle["objects"] if bundle["type"] == "bundle" else None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unreadable("not_stix", head=content[: caps.max_line_bytes]) from error
    if not isinstance(objects, list):
        raise Unreadable("not_stix", head=content[: caps.max_line_bytes])
    if len(objects) > caps.max_rows:
        raise Unreadable("too_many_rows", len(objects))
    wanted = [each for each in objects if not _is_beside(each)]
    newest: dict[Any, str] = {}
    for each in wanted:
        if (version := _version(each)) is not None:
            newest[version[0]] = max(version[1], newest.get(version[0], ""))
    return len(wanted), ((_raw(each), _entry(each, newest, reasons)) for each in wanted)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _is_beside(thing: Any) -> bool:
    return isinstance(thing, dict) and thing.get("type") in _BESIDE


def _version(thing: Any) -> tuple[str, str] | None:
    if not isinstance(thing, dict):
        return None
    key, modified = thing.get("id"), thing.get("modified")
    return (key, modified) if isinstance(key, str) and isinstance(modified, str) else None


def _raw(thing: Any) -> bytes:
    return json.dumps(thing, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")


def _entry(thing: Any, newest: dict[Any, str], reasons: Collection[str]) -> dict[str, str] | Flaw:
    if not isinstance(thing, dict) or thing.get("type") != "indicator":
        return Flaw("unknown_object", "type")
    for name in _STRINGS:
        value = thing.get(name, "")
        if not isinstance(value, str) or CONTROL.search(value):
            return Flaw("bad_object", name)
    if thing.get("spec_version") != "2.1":
        return Flaw("bad_object", "spec_version")
    if thing.get("modified", "") != newest.get(thing.get("id"), ""):
        return Flaw("older_version", "modified")
    named = _NUMBER.fullmatch(thing.get("pattern", ""))
    if named is None or thing.get("pattern_type") != "stix":
        return Flaw("bad_pattern", "pattern")
    revoked = thing.get("revoked", False)
    if not isinstance(revoked, bool):
        return Flaw("bad_object", "revoked")
    return {
        "entry_id": thing.get("id", ""),
        "action": "withdraw" if revoked else "add",
        "category": _one(
            [
                label
                for label in _listed(thing, "labels")
                if isinstance(label, str) and label in reasons
            ]
        ),
        "number": named[1],
        "legal_basis": _one(
            [
                reference.get("external_id")
                for reference in _listed(thing, "external_references")
                if isinstance(reference, dict) and reference.get("source_name") == "legal_basis"
            ]
        ),
        "observed_at": thing.get("valid_from", ""),
        "valid_until": thing.get("valid_until", ""),
    }


def _listed(thing: dict[str, Any], name: str) -> list[Any]:
    found = thing.get(name, [])
    return found if isinstance(found, list) else []


def _one(found: list[Any]) -> str:
    """The one value there is; none or several say nothing, and the field is refused as empty."""
    return found[0] if len(found) == 1 and isinstance(found[0], str) else ""
