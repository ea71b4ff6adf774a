"""One request of every business, for the service's own documentation.

Here: what `/openapi.json` shows. Not here: the models (`order_requests.py`). The
customer, the numbers and the serials are nobody's.
"""

from __future__ import annotations

from typing import Any

from fastapi.openapi.models import Example

from mingdan.reference import load

_SHOWN = {"identificationType": "resident_id", "identificationId": "11010519491231002X"}
_HOLDER = {
    "id": "P1",
    "role": "customer",
    "partyType": "individual",
    "formattedName": "张三",
    "identification": _SHOWN,
}
_KNOWN = {"id": "P1", "role": "customer", "identification": _SHOWN}
_SIM = {"imsi": "460001234567890", "iccid": "89860012345678901235"}
_MODIFIED: dict[str, dict[str, Any]] = {
    "CHANGE_NUMBER": {"msisdn": "13800138001"},
    "SIM_SWAP": _SIM,
    "SIM_REPLACE": _SIM,
    "SUSPEND": {"suspendReason": "lost", "suspendDirection": "both"},
    "RESUME": {"suspendReason": "lost"},
    "CHANGE_FEATURE": {"add": ["call_waiting"], "remove": []},
    "MERGE_ACCOUNT": {"withProduct": "S2", "effectiveFrom": "2026-12-01T00:00:00+08:00"},
    "SPLIT_ACCOUNT": {},
}
_DATA: dict[str, dict[str, Any]] = {
    "MODIFY_PARTY_NAME": {"formattedName": "张山"},
    "MODIFY_PARTY_CONTACT": {"contactMedium": "010-65551234"},
    "MODIFY_PARTY_ACCOUNT": {"billMedium": "sms"},
    "MODIFY_PARTY_PASSWORD": {"password": "830715"},
}


def examples() -> dict[str, Example]:
    """`category` -> its example, named in both languages."""
    names = load.by("order_type", "code")
    return {
        category: Example(
            summary=f"{names[category]['name_zh']} {names[category]['name_en']}",
            value={"category": category} | body,
        )
        for category, body in _bodies().items()
    }


def _bodies() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {
        "OPEN": {
            "externalId": "order-17",
            "relatedParty": [_HOLDER],
            **_item(
                "add",
                {"id": "S1", "productCharacteristic": {"msisdn": "13800138000"} | _SIM},
                productOffering={"id": "POSTPAID"},
            ),
        },
        "TRANSFER_OWNER": {
            "relatedParty": [_HOLDER, {"role": "presentHolder", "identification": _SHOWN}],
            **_item("modify", {"id": "S1"}),
        },
        "TERMINATE": _item("delete", {"id": "S1"}),
        "CHANGE_OFFER": _item(
            "modify",
            {"id": "S1", "productCharacteristic": {"effective": "next_cycle"}},
            productOffering={"id": "POSTPAID_5G"},
        ),
        "CANCEL_OFFER_CHANGE": _item("modify", {"id": "S1"}),
        "CANCEL_ACCOUNT_CHANGE": _item("modify", {"id": "S1"}),
        "BUY_DEVICE": _item("add", {"id": "S1", "productSerialNumber": "353322110000018"}),
        "SWAP_DEVICE": _item(
            "modify",
            {
                "id": "S1",
                "productSerialNumber": "353322110000026",
                "productCharacteristic": {
                    "oldProductSerialNumber": "353322110000018",
                    "oldIs": "damaged",
                },
            },
        ),
        "PREPAID_CARD_SALE": _item("add", {"productSerialNumber": "10000000001"}),
        "VOUCHER_SALE": _item(
            "add",
            {"productCharacteristic": {"voucherBatch": "2026-11", "priceFen": 5000}},
            quantity=10,
        ),
    }
    for category, has in _MODIFIED.items():
        found[category] = _item("modify", {"id": "S1", "productCharacteristic": has})
    for category, has in _DATA.items():
        product: dict[str, Any] = {"productCharacteristic": has}
        if category == "MODIFY_PARTY_ACCOUNT":
            product["id"] = "S1"
        found[category] = {"relatedParty": [_KNOWN], **_item("modify", product)}
    return found


def _item(action: str, product: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"productOrderItem": [{"action": action, "product": product} | more]}
