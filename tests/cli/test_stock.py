"""`mingdan number`, `sim` and `handset`: what they print, hide and exit with."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from mingdan.cli import handset, number, order, sim
from mingdan.cli.main import COMMANDS
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.store import OrderStore
from tests.orders.stock.support import card, mobile, network_id, numbers, phone, phones, sims, table
from tests.orders.support import done, opening, sqlite_url

AT = ["--at", "2026-10-02 09:00"]


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = sqlite_url(tmp_path)
    monkeypatch.setenv("MINGDAN_ORDERS_URL", url)
    monkeypatch.setenv("MINGDAN_ACTOR", "li.na")
    monkeypatch.setenv("COLUMNS", "200")
    return url


def run(app: typer.Typer, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, *AT])


def ok(app: typer.Typer, *arguments: str) -> str:
    result = run(app, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def file(folder: Path, content: bytes) -> str:
    path = folder / "stock.csv"
    path.write_bytes(content)
    return str(path)


def test_the_commands_are_there() -> None:
    assert {"number", "sim", "handset"} <= set(COMMANDS)


def test_numbers_from_file_to_counter(installation: str, tmp_path: Path) -> None:
    assert "3 of 3 lines taken" in ok(number.app, "import", file(tmp_path, numbers(1, 2, 3)))
    found = json.loads(ok(number.app, "find", "--pattern", "0002", "--json"))
    assert [each["number"] for each in found] == [mobile(2)]
    held = json.loads(ok(number.app, "reserve", mobile(2), "--minutes", "5", "--json"))
    assert (held["live"], held["number"]) == (True, "138******02")
    shown = ok(number.app, "show", mobile(2))
    assert "reserved" in shown
    assert mobile(2) not in shown
    assert "cancelled" in ok(number.app, "release", mobile(2))
    assert "0 reservations" in ok(number.app, "release", "--expired", "--role", "back_office")
    assert "blocked" in ok(number.app, "state", mobile(2), "blocked")
    history = ok(number.app, "history", mobile(2))
    assert history.count("MsisdnStateChangeEvent") == 3
    assert mobile(2) not in history


def test_a_file_that_is_refused_says_which_lines(installation: str, tmp_path: Path) -> None:
    path = file(tmp_path, table("number", mobile(1), "13012345678", "１3800000001"))
    result = run(number.app, "import", path)
    assert isinstance(result.exception, InputRefused)
    assert "2 of 3 lines" in str(result.exception)
    assert "import_refused" in str(result.exception)
    assert "prefix_of_other" in result.output
    assert "13012345678" not in result.output
    report = run(number.app, "import", path, "--json")
    assert report.exit_code == 1
    assert [each["line"] for each in json.loads(report.output)["refused"]] == [3, 4]
    aside = tmp_path / "bad.csv"
    partial = run(number.app, "import", path, "--partial", "--quarantine", str(aside))
    assert partial.exit_code == 1
    assert "1 of 3 lines taken" in partial.output
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert aside.read_text("utf-8").splitlines()[1].endswith(",13012345678")
    again = run(number.app, "import", path, "--partial", "--quarantine", str(aside))
    assert isinstance(again.exception, WrongUsage), "a file that is there is never written over"
    assert "before; nothing was taken again" in run(number.app, "import", path, "--partial").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "nowhere.csv"],
        ["import", "x.csv", "--kind", "fax"],
        ["release"],
        ["release", "13800000001", "--expired"],
        ["group", "X", "--name", "x", "--name-zh", "x", "--category", "x", "--valid-from", "soon"],
    ],
)
def test_wrong_usage(installation: str, arguments: list[str]) -> None:
    assert isinstance(run(number.app, *arguments).exception, WrongUsage)


def test_segments_and_groups(installation: str, tmp_path: Path) -> None:
    ok(number.app, "group", "LUCKY", "--name", "168", "--name-zh", "一路发", "--category", "gold",
       "--pattern", "168$", "--valid-from", "2026-01-01")  # fmt: skip
    ok(number.app, "import", file(tmp_path, table("prefix", "1380013")), "--kind", "segment")
    found = json.loads(ok(number.app, "find", "--group", "LUCKY", "--json"))
    assert {each["number"][-3:] for each in found} == {"168"}
    assert "10,000 numbers" in ok(number.app, "segment", "1380013", "frozen")
    assert "none" in ok(number.app, "find")


def test_a_refusal_is_exit_code_1_in_both_languages(installation: str) -> None:
    plain = run(number.app, "show", mobile(9))
    assert isinstance(plain.exception, InputRefused)
    assert "不在号码库中" in str(plain.exception)
    as_json = run(number.app, "show", mobile(9), "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.output)["code"] == "number_not_in_stock"
    denied = run(number.app, "state", mobile(9), "blocked", "--role", "hotline", "--json")
    assert json.loads(denied.output)["code"] == "business_not_permitted"


def test_sims_and_prepaid_cards(installation: str, tmp_path: Path) -> None:
    ok(sim.app, "import", file(tmp_path, sims(1)))
    shown = ok(sim.app, "show", card(1))
    assert "capacity k" in shown
    for secret in (card(1), network_id(1)):
        assert secret not in shown
    cards = table(
        "card_no,iccid,face_value_fen,validity_days,sell_by",
        f"12345678,{card(1)},5000,90,2027-1-1",
        f"12345678,{card(1)},5000,90,2027-01-01",
    )
    path = file(tmp_path, cards)
    assert run(sim.app, "import", path, "--kind", "prepaid-card", "--partial").exit_code == 1
    assert "to be paid: 5000 fen" in ok(sim.app, "sell-card", "12345678", "--order-ref", "w")
    assert "reserved" in str(run(sim.app, "sell-card", "12345678").exception)
    ok(order.app, "cancel", "w", "--reason", "too dear")
    sold = ok(sim.app, "sell-card", "12345678", "--amount-fen", "5000")
    assert "PREPAID_CARD_SALE: completed" in sold
    assert "sold" in ok(sim.app, "show", "12345678", "--kind", "prepaid-card")
    assert "void" in ok(sim.app, "state", "12345678", "void", "--kind", "prepaid-card")
    assert "PrepaidCardStateChangeEvent" in ok(
        sim.app, "history", "12345678", "--kind", "prepaid-card"
    )
    for found in (ok(sim.app, "show", "12345678"), ok(sim.app, "history", "12345678")):
        assert "void" in found
    for unknown, code in ((card(9), "sim_not_in_stock"), ("87654321", "card_not_in_stock")):
        assert code in str(run(sim.app, "show", unknown).exception)
    assert isinstance(run(sim.app, "show", "1", "--kind", "credit").exception, WrongUsage)


def test_a_handset_over_the_counter(installation: str, tmp_path: Path) -> None:
    with OrderStore.open(installation) as store:
        done(store, opening(1, msisdn=mobile(1)))
    ok(handset.app, "import", file(tmp_path, phones(1, 2)))
    assert "199900" in ok(handset.app, "price", mobile(1), phone(1))
    sold = ok(handset.app, "sell", mobile(1), phone(1), "--amount-fen", "199900")
    assert "BUY_DEVICE: completed" in sold
    assert phone(1) not in sold
    swap: list[Any] = ["swap", mobile(1), phone(1), phone(2), "--amount-fen", "150900",
                       "--order-ref", "s1", "--damaged", "--json"]  # fmt: skip
    later = ["--at", "2026-10-03 09:00"]
    result = CliRunner().invoke(handset.app, [*swap, *later])
    assert result.exit_code == 0, result.output
    charges = json.loads(result.output)["charges"]
    assert {each["code"]: each["amount_fen"] for each in charges} == {
        "HANDSET_5G": 149900, "handling": 1000,
    }  # fmt: skip
    assert "damaged" in ok(handset.app, "show", phone(1))
    assert "inTransit" in ok(handset.app, "state", phone(1), "inTransit")
    assert "held" in ok(handset.app, "history", phone(2))
    held = ok(handset.app, "of", mobile(1))
    assert held.count("HANDSET_5G") == 2
    assert phone(2) not in held


def test_every_command_has_help_with_an_example() -> None:
    for app in (number.app, sim.app, handset.app):
        for command in app.registered_commands:
            assert command.callback is not None
            assert "Example:" in (command.callback.__doc__ or "")
