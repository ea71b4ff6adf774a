"""`mingdan account` and `mingdan voucher`: a story, refusals, and no PIN anywhere."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mingdan.cli import account, voucher
from mingdan.cli.main import COMMANDS
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.commands import Charge, Terminate
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, msisdn, opening, order, sqlite_url

AS = ("--as", "li.na")


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Two postpaid subscriptions and a prepaid one; `S1` owes 500 fen."""
    url = sqlite_url(tmp_path)
    monkeypatch.setenv("MINGDAN_ORDERS_URL", url)
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    with OrderStore.open(url) as store:
        done(
            store,
            opening(1),
            opening(2),
            opening(3, product_code="PREPAID"),
            order(Charge, "b1", at(1), amount_fen=500, due_at=at(2)),
        )
    return url


def run(app: Any, *arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(app, [*arguments], **options)


def ok(app: Any, *arguments: str, **options: Any) -> str:
    result = run(app, *arguments, **options)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_both_are_commands() -> None:
    assert {"account", "voucher"} <= set(COMMANDS)


def test_an_account_at_the_counter(installation: str) -> None:
    number = msisdn(1)[2:]
    paid = ("pay", number, "--amount-fen", "700", "--correlator", "p1", *AS)
    assert "700 fen paid, receipt R" in ok(account.app, *paid)
    assert "nothing was done again" in ok(account.app, *paid)
    back = ok(account.app, "refund", "S1", "--payment", "p1", "--amount-fen", "50", *AS, "--json")
    assert json.loads(back)["balance_fen"] == 150
    ok(account.app, "merge", "S2", "--with", "S1", *AS)
    shown = json.loads(ok(account.app, "show", "S2", "--json"))
    assert shown["accounts"][0]["members"] == ["S1", "S2"]
    assert "pays for" in ok(account.app, "show", "S2")
    assert "pays from" in ok(account.app, "split", "S2", "--from", "2099-01-01", *AS)
    ok(account.app, "pay", "S3", "--amount-fen", "100", *AS)
    assert "used" in ok(account.app, "deduct", "S3", "--amount-fen", "30", *AS)
    assert "suspended" in ok(account.app, "freeze", "S3", *AS)
    assert "active" in ok(account.app, "freeze", "S3", "--release", *AS)
    with OrderStore.open(installation) as store:
        done(store, order(Terminate, "end", at(9), subscription_ref="S3"))
    assert "70 fen given back, 0 fen still owed" in ok(account.app, "settle", "S3", *AS)
    assert "Mismatches (fen): none" in ok(account.app, "check")
    with OrderStore.open(installation) as store, store.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER receipt_receipt")
        connection.exec_driver_sql("UPDATE receipt SET amount_fen = 701 WHERE correlator = 'p1'")
    assert run(account.app, "check", "--json").exit_code == 1
    assert isinstance(run(account.app, "check").exception, InputRefused)


@pytest.mark.parametrize(
    "line",
    [
        ("pay", "S1", "--amount-fen", "-1", *AS),
        ("pay", "S1", "--amount-fen", "1", "--currency", "USD", *AS),
        ("pay", "S404", "--amount-fen", "1", *AS),
        ("refund", "S1", "--payment", "none", "--amount-fen", "1", *AS),
        ("split", "S1", *AS),
        ("settle", "S1", *AS),
        ("deduct", "S1", "--amount-fen", "1", *AS),
    ],
)
def test_a_refusal_has_a_reason(installation: str, line: tuple[str, ...]) -> None:
    result = run(account.app, *line)
    assert isinstance(result.exception, InputRefused)
    assert str(result.exception)


def test_a_refusal_for_a_script(installation: str) -> None:
    result = run(account.app, "split", "S1", *AS, "--json")
    assert (result.exit_code, json.loads(result.output)["code"]) == (1, "account_unchanged")


def test_a_voucher_from_making_to_redemption(
    installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "b1.csv"
    said = [
        ok(
            voucher.app, "make", "B1", "--quantity", "3", "--face-value-fen", "5000",
            "--validity-days", "90", "--expires", "2099-01-01", "--out", str(out), *AS,
        )
    ]  # fmt: skip
    with out.open(encoding="ascii", newline="") as file:
        pairs = [(row["serial"], row["pin"]) for row in csv.DictReader(file)]
    assert out.stat().st_mode & 0o777 == 0o600
    said.append(ok(voucher.app, "sell", "B1", "--quantity", "2", "--price-fen", "4900", *AS))
    assert pairs[0][0] in said[-1]
    said.append(ok(voucher.app, "freeze", pairs[1][0], "--reason", "stolen", *AS))
    said.append(ok(voucher.app, "unfreeze", pairs[1][0], *AS))
    said.append(ok(voucher.app, "void", pairs[1][0], "--reason", "torn", *AS))
    with pytest.raises(WrongUsage, match="MINGDAN_VOUCHER_PIN"):
        run(voucher.app, "redeem", "S1", *AS, catch_exceptions=False)
    monkeypatch.setenv("MINGDAN_VOUCHER_PIN", pairs[0][1])
    line = ("redeem", "S1", "--correlator", "r1", *AS)
    said.append(ok(voucher.app, *line))
    assert "5000 fen topped up; balance 4500 fen" in said[-1]
    assert "nothing was done again" in ok(voucher.app, *line)
    again = run(voucher.app, "redeem", "S1", *AS)
    assert isinstance(again.exception, InputRefused)
    said += [str(again.exception), ok(voucher.app, "show", pairs[0][0])]
    said.append(ok(voucher.app, "show", "B1", "--batch", "--json"))
    assert json.loads(said[-1])["states"] == {"available": 1, "used": 1, "void": 1}
    assert not any(pin in text for _, pin in pairs for text in said)
    assert "--pin" not in ok(voucher.app, "redeem", "--help")


def test_expired_vouchers_are_booked(installation: str, tmp_path: Path) -> None:
    out = tmp_path / "old.csv"
    ok(
        voucher.app, "make", "OLD", "--quantity", "2", "--face-value-fen", "5000",
        "--validity-days", "90", "--expires", "2026-11-01", "--out", str(out),
        "--at", "2026-10-02 09:00", *AS,
    )  # fmt: skip
    ok(
        voucher.app, "sell", "OLD", "--quantity", "2", "--price-fen", "4900",
        "--at", "2026-10-03 09:00", *AS,
    )  # fmt: skip
    line = ("expire", "--as-of", "2026-11-01", "--at", "2026-11-02 09:00", *AS)
    (booked,) = json.loads(ok(voucher.app, *line, "--json"))
    assert (booked["batch_ref"], booked["paid_fen"]) == ("OLD", 9800)
    assert "OLD" not in ok(voucher.app, *line)


def test_a_batch_from_elsewhere(installation: str, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("serial,pin\nAB000001,123456789012345678\n", "ascii")
    line = ("import", "P7", str(path), "--face-value-fen", "100", "--validity-days", "9",
            "--expires", "2099-01-01", *AS)  # fmt: skip
    assert "P7" in ok(voucher.app, *line)
    result = run(voucher.app, *line)
    assert isinstance(result.exception, InputRefused)
    assert "123456789012345678" not in str(result.exception)
