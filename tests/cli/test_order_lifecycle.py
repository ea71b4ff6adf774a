"""`mingdan order place` and what follows it: what is printed, never printed, and the exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mingdan.cli.order import app
from mingdan.errors import InputRefused, WrongUsage
from tests.orders.support import iccid, imsi, msisdn, resident_id, sqlite_url

AT = ("--at", "2026-10-02 09:00")
LATER = ("--at", "2026-10-05 09:00")


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINGDAN_ORDERS_URL", sqlite_url(tmp_path))
    monkeypatch.setenv("MINGDAN_ACTOR", "wang.wei")


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(app, [*arguments], **options)


def ok(*arguments: str, **options: Any) -> str:
    result = run(*arguments, **options)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def request(serial: int = 1, **values: Any) -> str:
    party = {
        "party_ref": f"P{serial}", "party_type": "individual", "name": "张三丰",
        "document_type": "resident_id", "document_number": resident_id(serial),
    }  # fmt: skip
    plain = {
        "command": "open", "order_ref": f"o{serial}", "subscription_ref": f"S{serial}",
        "party": party, "product_code": "POSTPAID", "msisdn": msisdn(serial),
        "imsi": imsi(serial), "iccid": iccid(serial),
    }  # fmt: skip
    return json.dumps(plain | values)


def test_an_order_from_acceptance_to_completion() -> None:
    output = ok("place", "-", *AT, input=request())
    assert "order o1 OPEN: pending" in output
    assert "to be paid: 1000 fen" in output
    assert "held until 2026-10-03 09:00:00+08:00" in output
    paying = ("pay-for", "o1", "--amount-fen", "1000", "--correlator", "c1", *AT)
    assert "inProgress" in ok(*paying)
    assert "nothing was done again" in ok(*paying)
    ok("provision", "o1", "held", "--reason", "line down", *AT)
    ok("provision", "o1", "solved", *AT)
    ok("provision", "o1", "done", *AT)
    output += ok("complete", "o1", *AT)
    found = json.loads(ok("status", "o1", "--json"))
    assert (found["state"], found["product_status"]) == ("completed", "active")
    assert found["charges"][0]["code"] == "sim_fee"
    assert found["notices"] == ["欢迎使用后付费套餐！您的号码138******01已于2026-10-02 09:00开通。"]
    output += ok("status", "o1")
    for secret in ("张三丰", resident_id(1), msisdn(1)[2:], imsi(1), iccid(1)):
        assert secret not in output


def test_at_once_with_its_payment_and_under_a_key(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(request(), "utf-8")
    placing = ("place", str(path), "--at-once", "--amount-fen", "1000", "--correlator", "c",
               "--idempotency-key", "k", *AT)  # fmt: skip
    assert "completed" in ok(*placing)
    assert "as before" in ok(*placing)
    assert "order o1" in ok("status", "--idempotency-key", "k")


def test_cancelling_asking_denying_reversing_and_running_out() -> None:
    for serial in (1, 2):
        ok("place", "-", *AT, input=request(serial))
    assert "assessingCancellation" in ok("cancel", "o1", "--reason", "slow", "--ask", *AT)
    assert "pending" in ok("cancel", "o1", "--reason", "soon", "--deny", *AT)
    assert "cancelled" in ok("cancel", "o1", "--reason", "too slow", *AT)
    assert "cancelled: 1" in ok("expire", *LATER)
    assert json.loads(ok("expire", "--json", *LATER)) == {"cancelled": 0}
    ok("place", "-", "--at-once", "--amount-fen", "1000", "--correlator", "c", *LATER,
       input=request(3))  # fmt: skip
    stop = {"command": "suspend", "order_ref": "x", "subscription_ref": "S3", "reason": "lost"}
    ok("place", "-", "--at-once", *LATER, input=json.dumps(stop))
    assert "RESUME: completed" in ok("reverse", "x", "--order-ref", "y", *LATER)


def test_refusals_say_why_in_both_languages() -> None:
    result = run("complete", "none", *AT)
    assert isinstance(result.exception, InputRefused)
    assert "订单none不存在" in str(result.exception)
    result = run("place", "-", "--json", *AT, input=request(product_code="GOLD"))
    assert result.exit_code == 1
    assert json.loads(result.output)["code"] == "unknown_product"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"command": "fly"}', "\udcff", request(age=1)])
def test_what_is_no_request_is_refused(text: str) -> None:
    result = run("place", "-", *AT, input=text.encode("utf-8", "surrogateescape"))
    assert isinstance(result.exception, InputRefused)


def test_wrong_usage() -> None:
    for arguments in (
        ("place", "-", "--amount-fen", "1", "--correlator", "c", *AT),
        ("place", "-", "--at-once", "--amount-fen", "1", *AT),
        ("cancel", "o1", "--reason", "x", "--ask", "--deny", *AT),
        ("status",),
        ("status", "o1", "--idempotency-key", "k"),
        ("complete", "o1", "--at", "soon"),
    ):
        result = run(*arguments, input=request())
        assert isinstance(result.exception, WrongUsage), arguments


OPENING = (
    "open", "--subscription", "S1", "--party", "P1", "--name", "张三丰",
    "--document-number", resident_id(1), "--product", "POSTPAID", "--msisdn", msisdn(1),
    "--imsi", imsi(1), "--iccid", iccid(1), "--order-ref", "o1",
)  # fmt: skip


def test_an_order_taken_by_somebody_passes_the_gate_and_can_be_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("MINGDAN_ACTOR", "MINGDAN_ROLE"):
        monkeypatch.delenv(name, raising=False)
    by = ("--as", "li.na")
    assert isinstance(run(*OPENING, "--amount-fen", "1000").exception, WrongUsage)
    closed = run(*OPENING, *by, "--role", "hotline", "--json")
    assert (closed.exit_code, json.loads(closed.output)["code"]) == (1, "business_not_permitted")
    assert "to be paid: 1000 fen" in ok(*OPENING, *AT, *by)
    ok("cancel", "o1", "--reason", "another number", *AT, *by)
    again = (*OPENING[:-1], "o2")
    assert "receipt R2026" in ok(*again, "--amount-fen", "1000", *AT, *by)
    assert "TERMINATE: completed" in ok("terminate", "S1", "--order-ref", "end", *LATER, *by)
    back = ok("reverse", "end", "--order-ref", "back", *LATER, *by)
    assert "REINSTATE: completed" in back
    assert json.loads(ok("show", "S1", "--json"))["status"] == "active"


def test_an_order_by_nobody_is_put_on_record_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINGDAN_ACTOR")
    assert "order o1 completed, subscription 1" in ok(*OPENING, *AT)
    back = run("reverse", "o1", "--order-ref", "back", "--as", "li.na", *AT)
    assert "order_state" in str(back.exception)
