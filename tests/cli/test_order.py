"""`mingdan order`: what it prints, what it never prints, and how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mingdan.cli.order import app
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.store import OrderStore
from tests.orders.support import iccid, imsi, msisdn, resident_id, sqlite_url

DOCUMENT = resident_id(1)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = sqlite_url(tmp_path)
    monkeypatch.setenv("MINGDAN_ORDERS_URL", url)
    monkeypatch.setenv("COLUMNS", "200")
    return url


def run(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(app, [*arguments], **options)


def ok(*arguments: str) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def open_line(*more: str, serial: int = 1) -> list[str]:
    return [
        "open", "--subscription", f"S{serial}", "--party", f"P{serial}", "--name", "张三丰",
        "--document-number", resident_id(serial), "--product", "POSTPAID",
        "--msisdn", msisdn(serial)[2:], "--imsi", imsi(serial), "--iccid", iccid(serial),
        "--at", "2026-10-01 09:00", *more,
    ]  # fmt: skip


def test_a_life_at_the_counter(installation: str) -> None:
    number = msisdn(1)[2:]
    assert "completed, subscription 1" in ok(*open_line())
    ok("suspend", number, "--reason", "lost", "--at", "2026-10-02 09:00")
    ok("swap-sim", "S1", "--imsi", imsi(5), "--iccid", iccid(5), "--reason", "replace")
    ok("suspend", "S1", "--reason", "fraud", "--direction", "out")
    ok("resume", "S1", "--reason", "fraud")
    ok("change-number", "S1", "--msisdn", "13900139000")
    ok("bill", "S1", "--amount-fen", "100", "--due", "2026-10-20", "--at", "2026-10-10")
    ok("pay", "S1", "--amount-fen", "100")
    ok(
        "transfer", "13900139000", "--party", "P2", "--name", "李四", "--document-number",
        resident_id(2),
    )  # fmt: skip
    ok("protect", "P2", "--scope", "all", "--until", "2099-01-01", "--maker", "a", "--checker", "b")
    shown = json.loads(ok("show", "13900139000", "--json"))
    assert shown["status"] == "active"
    assert [each["order_type"] for each in shown["orders"]] == [
        "OPEN",
        "SUSPEND",
        "BILL",
        "SIM_REPLACE",
        "SUSPEND",
        "RESUME",
        "CHANGE_NUMBER",
        "PAY",
        "TRANSFER_OWNER",
    ]
    assert [(each["name"], each["to"] is None) for each in shown["holders"]] == [
        ("张**", False),
        ("李*", True),
    ]
    ok("terminate", "S1")
    assert json.loads(ok("show", "S1", "--json"))["status"] == "terminated"


def test_nothing_printed_identifies_a_person(installation: str) -> None:
    output = ok(*open_line()) + ok(*open_line("--json", "--order-ref", "again", serial=2))
    output += ok("show", "S1") + ok("show", "1", "--json") + ok("show", msisdn(2), "--json")
    for again in (open_line("--json"), open_line("--json", "--order-ref", "new")):
        output += run(*again).output
    for secret in ("张三丰", DOCUMENT, msisdn(1)[2:], imsi(1), iccid(1)):
        assert secret not in output


def test_repeating_an_order_ref_is_safe(installation: str) -> None:
    first = json.loads(ok(*open_line("--order-ref", "web-1", "--json")))
    assert first == {
        "order_ref": "web-1",
        "state": "completed",
        "repeated": False,
        "subscription_id": 1,
        "party_id": 1,
    }
    assert json.loads(ok(*open_line("--order-ref", "web-1", "--json"))) == first | {
        "repeated": True
    }
    assert "completed before; nothing was done again" in ok(*open_line("--order-ref", "web-1"))


def test_a_refusal_is_exit_code_1_in_both_languages(installation: str) -> None:
    ok(*open_line())
    result = run("resume", "S1", "--reason", "lost", "--json")
    assert result.exit_code == 1
    answer = json.loads(result.output)
    assert (answer["state"], answer["code"]) == ("rejected", "not_blocked")
    assert answer["reason"] == "subscription S1 is not blocked for lost"
    assert "停机" in answer["reason_zh"]
    assert isinstance(run("resume", "S1", "--reason", "lost").exception, InputRefused)
    assert isinstance(run("show", "S99").exception, InputRefused)
    assert isinstance(run("terminate", "13800138111").exception, InputRefused)


@pytest.mark.parametrize(
    "arguments",
    [
        ["suspend", "S1", "--reason", "lost", "--at", "yesterday"],
        ["bill", "S1", "--amount-fen", "1", "--due", "soon"],
        ["apply", "/nowhere.jsonl"],
    ],
)
def test_wrong_usage_is_told(installation: str, arguments: list[str]) -> None:
    ok(*open_line())
    assert isinstance(run(*arguments).exception, WrongUsage)


def test_the_program_exits_as_promised(installation: str, tmp_path: Path) -> None:
    def program(*arguments: str) -> tuple[int, str]:
        code = "import sys; from mingdan.cli.main import app; sys.argv[0] = 'mingdan'; app()"
        done = subprocess.run(
            [sys.executable, "-c", code, "order", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert program("show", "S1")[0] == 1
    assert program("suspend", "S1")[0] == 2
    code, output = program("terminate", "13800138111")
    assert code == 1
    assert "13800138111" not in output
    assert "138******11" in output


def test_an_own_policy_is_obeyed(installation: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    shipped = Path("mingdan/orders/policy.toml").read_text("utf-8")
    policy.write_text(shipped.replace("value = 90", "value = 0", 1), "utf-8")
    ok(*open_line())
    ok("terminate", "S1", "--policy", str(policy))
    again = open_line("--msisdn", msisdn(1)[2:], serial=2)
    again[again.index("--at") + 1] = "2026-10-03 09:00"
    assert run(*again).exit_code == 1, "held until just now"
    del again[again.index("--at") : again.index("--at") + 2]
    ok(*again)


def lines(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects)


def opening_line(serial: int, **values: Any) -> dict[str, Any]:
    return {
        "command": "open",
        "order_ref": f"o{serial}",
        "at": "2026-10-01T09:00:00+08:00",
        "subscription_ref": f"S{serial}",
        "party": {
            "party_ref": f"P{serial}",
            "party_type": "individual",
            "name": "张三丰",
            "document_type": "resident_id",
            "document_number": resident_id(serial),
        },
        "product_code": "PREPAID",
        "msisdn": msisdn(serial),
        "imsi": imsi(serial),
        "iccid": iccid(serial),
    } | values


def test_a_file_of_orders_with_an_error_report_by_line(installation: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    at = "2026-10-02T09:00:00+08:00"
    stop = {"command": "suspend", "order_ref": "s", "at": at, "reason": "lost"}
    file.write_text(
        "\ufeff"
        + lines(opening_line(1), stop | {"subscription_ref": "S1"})
        + "\n"
        + lines(
            opening_line(2, msisdn=msisdn(1)),
            stop | {"order_ref": "t", "subscription_ref": "S1", "colour": "red"},
            stop | {"order_ref": "s", "subscription_ref": "S2"},
            {"command": "dance", "order_ref": "d"},
            opening_line(3, at="tomorrow"),
            opening_line(1),
        )
        + "{broken\n[]\n",
        "utf-8",
    )
    file.write_bytes(file.read_bytes() + b'{"command": "\xff"}\n')
    result = run("apply", str(file), "--json")
    assert result.exit_code == 1
    answer = json.loads(result.output)
    assert (answer["lines"], answer["completed"], answer["repeated"]) == (11, 2, 1)
    report = {each["line"]: (each["order_ref"], each["code"]) for each in answer["refused"]}
    assert report == {
        4: ("o2", "number_in_use"),
        5: ("t", "not_a_command"),
        6: ("s", "not_a_command"),
        7: ("d", "not_a_command"),
        8: ("o3", "not_a_command"),
        10: (None, "not_a_command"),
        11: (None, "not_a_command"),
        12: (None, "not_a_command"),
    }
    reasons = {each["line"]: each["reason"] for each in answer["refused"]}
    assert reasons[5] == "unknown fields: colour"
    assert reasons[6] == "order_ref is on line 2 with other content"
    assert reasons[8].startswith("at: ")
    assert "张三丰" not in result.output
    table = run("apply", str(file)).output
    assert "Refused lines" in table
    assert "0 completed, 3 repeated, 8 refused" in table


def test_a_clean_file_can_be_run_twice(installation: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_text(lines(*[opening_line(n) for n in range(1, 9)]), "utf-8")
    assert "8 completed, 0 repeated, 0 refused" in ok("apply", str(file))
    assert "0 completed, 8 repeated, 0 refused" in ok("apply", str(file))
    with OrderStore.open(installation) as store:
        assert store.subscription_key(msisdn(8)) == 8


def test_orders_can_be_piped_in(installation: str) -> None:
    result = run("apply", "-", "--json", input=lines(opening_line(1)))
    assert json.loads(result.output)["completed"] == 1


def test_every_command_has_an_example_in_its_help() -> None:
    for name in app.registered_commands:
        assert name.callback is not None
        assert "mingdan order" in (name.callback.__doc__ or "")
