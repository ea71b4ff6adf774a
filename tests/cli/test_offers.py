"""`mingdan offer`, `feature`, `customer`, `diagnose`, `order reconcile`: stories and refusals."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
from typer.testing import CliRunner, Result

from mingdan.cli import customer, diagnose, feature, offer, order
from mingdan.cli.main import COMMANDS
from mingdan.cli.offer_usage import used_of_late
from mingdan.errors import InputRefused, WrongUsage
from mingdan.features.tables import DAILY_USAGE
from mingdan.lake import Lake
from mingdan.orders.store import OrderStore
from tests.orders.support import done, msisdn, opening, person, resident_id, sqlite_url

AS = ("--as", "li.na")
NAME, CONTACT, PASSWORD = "张三丰", "13900139000", "830715"
DOCUMENT = ("--document-number", resident_id(1))


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = sqlite_url(tmp_path)
    monkeypatch.setenv("MINGDAN_ORDERS_URL", url)
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "240")
    with OrderStore.open(url) as store:
        done(store, opening(1, party=person(1, name=NAME, contact=CONTACT)))
    return url


def run(app: Any, *arguments: str, **options: Any) -> Result:
    if not isinstance(app, typer.Typer):
        alone = typer.Typer()
        alone.command()(app)
        app = alone
    return CliRunner().invoke(app, [*arguments], **options)


def ok(app: Any, *arguments: str, **options: Any) -> str:
    result = run(app, *arguments, **options)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_all_are_commands() -> None:
    assert {"offer", "feature", "customer", "diagnose"} <= set(COMMANDS)


def test_offers_at_the_counter(installation: str) -> None:
    assert "后付费套餐" in ok(offer.app, "list")
    assert "10.00" in ok(offer.app, "quote", "POSTPAID", "OPEN")
    quoted = json.loads(ok(offer.app, "quote", "PREPAID", "OPEN", "--json"))
    assert quoted["fen"] == 6000
    change = ("change", msisdn(1)[2:], "--product", "POSTPAID_5G", "--next-cycle", *AS)
    assert "completed" in ok(offer.app, *change, "--order-ref", "c1")
    assert "nothing was done again" in ok(offer.app, *change, "--order-ref", "c1")
    shown = json.loads(ok(order.app, "show", "S1", "--json"))
    assert [each["product"] for each in shown["product_to_come"]] == ["POSTPAID_5G"]
    assert "POSTPAID_5G" in ok(feature.app, "show", "S1")
    assert "completed" in ok(offer.app, "change", "S1", "--cancel", *AS)
    refused = run(offer.app, "change", "S1", "--cancel", *AS, "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.output)["code"] == "no_pending_offer_change"
    assert isinstance(run(offer.app, "change", "S1", *AS).exception, WrongUsage)
    both = run(offer.app, "change", "S1", "--product", "X", "--cancel", *AS)
    assert isinstance(both.exception, WrongUsage)


def test_recommending_by_need_and_by_what_the_lake_says(installation: str, tmp_path: Path) -> None:
    said = ok(offer.app, "recommend", "--minutes", "30", "--megabytes", "500")
    assert "POSTPAID_LITE" in said
    assert "其他类型用户" in said
    lake = Lake(tmp_path / "data" / "lake", buckets=1)
    assert used_of_late(lake.root, 1) is None
    for back in range(10):
        use = dict.fromkeys(DAILY_USAGE.names, 0) | {
            "subscription_id": 1, "call_seconds_out": 600, "sms_out": 2, "data_bytes": 10**9,
        }  # fmt: skip
        frame = pl.DataFrame([use], schema=Lake.schema(DAILY_USAGE))
        with lake.staging() as folder:
            path = folder / "rows.parquet"
            frame.write_parquet(path)
            _put(lake, date(2026, 10, 20) - timedelta(days=back), path)
    used = used_of_late(lake.root, 1)
    assert used is not None
    assert (used.minutes, used.messages, used.megabytes) == (300, 60, 28610)
    assert used_of_late(lake.root, 2) is not None
    found = json.loads(ok(offer.app, "recommend", "S1", "--minutes", "10", "--json"))
    assert found["behaviour"]["minutes"] == 300
    assert found["advice"]["recommended"][0]["offer"] == "POSTPAID_5G"


def _put(lake: Lake, day: date, path: Path) -> None:
    from mingdan.lake import DataFile

    lake.replace(DAILY_USAGE, day, [DataFile(path, 1, bucket=0)])


def test_features_at_the_counter(installation: str) -> None:
    assert "STK菜单" in ok(feature.app, "show")
    ok(feature.app, "add", "S1", "data", "caller_id", *AS)
    ok(feature.app, "remove", "S1", "data", *AS)
    assert "caller_id" in ok(feature.app, "show", msisdn(1)[2:])
    refused = run(feature.app, "add", "S1", "stk_menu", *AS)
    assert isinstance(refused.exception, InputRefused)
    assert "STK卡" in str(refused.exception)
    assert "caller_id" in ok(order.app, "show", "S1")


def test_a_customers_data_at_the_counter(installation: str) -> None:
    output = ok(customer.app, "change-name", "P1", "--name", "张山", *DOCUMENT, *AS)
    output += ok(customer.app, "change-contact", "P1", *DOCUMENT, *AS)
    output += ok(
        customer.app, "change-account", "P1", "--subscription", msisdn(1), "--medium", "sms",
        *DOCUMENT, *AS,
    )  # fmt: skip
    new = {"MINGDAN_NEW_PASSWORD": PASSWORD}
    output += ok(customer.app, "set-password", "P1", *DOCUMENT, *AS, env=new)
    by_password = ("--contact", "13900139111", "--password", PASSWORD, "--stage")
    staged = json.loads(ok(customer.app, "change-contact", "P1", *by_password, *AS, "--json"))
    assert staged["state"] == "acknowledged"
    assert "completed" in ok(customer.app, "commit", staged["request_ref"], *AS)
    output += ok(customer.app, "history", "P1", *AS) + json.dumps(staged)
    output += ok(customer.app, "show", "S1", "--reason", "asked", *AS)
    for secret in (NAME, "张山", CONTACT, "13900139111", PASSWORD, resident_id(1), msisdn(1)[2:]):
        assert secret not in output
    assert "(hidden)" in output
    boss = ("--role", "manager", "--interface", "back_office", "--json")
    shown = ok(customer.app, "show", "S1", "--reason", "audit", "--field", "name", *AS, *boss)
    assert json.loads(shown)["values"] == {"name": "张山"}


def test_refusals_of_customers_data(installation: str) -> None:
    bad = run(customer.app, "change-name", "P1", "--name", "张\u200b山", *DOCUMENT, *AS)
    assert isinstance(bad.exception, InputRefused)
    wrong = ("change-name", "P1", "--name", "张山", "--document-number", resident_id(2), *AS)
    refused = run(customer.app, *wrong, "--json")
    assert (refused.exit_code, json.loads(refused.output)["code"]) == (1, "party_mismatch")
    # nobody is at the terminal to be asked for a password
    unasked = run(customer.app, "set-password", "P1", *DOCUMENT, *AS)
    assert isinstance(unasked.exception, WrongUsage)
    assert run(customer.app, "show", "S1", *AS).exit_code == 2
    away = run(customer.app, "history", "P9", *AS)
    assert isinstance(away.exception, InputRefused)


def test_a_diagnosis_and_its_ticket(installation: str) -> None:
    later = ("--at", "2026-12-01 09:00", *AS)
    assert "未发现故障" in ok(diagnose.command, msisdn(1), *later)
    ok(order.app, "suspend", "S1", "--reason", "lost", "--at", "2026-10-05 09:00")
    said = ok(diagnose.command, msisdn(1), "--open-ticket", "--flow", "suspend_resume", *later)
    assert "因挂失停机" in said
    assert "ticket TT" in said
    assert msisdn(1)[2:] not in said
    found = json.loads(ok(diagnose.command, msisdn(1), "--json", *later))
    assert found["cause"]["finding"] == "lost"
    refused = run(diagnose.command, "not a number", *later)
    assert isinstance(refused.exception, InputRefused)


def test_reconciling(installation: str) -> None:
    assert "none" in ok(order.app, "reconcile", *AS)
    with OrderStore.open(installation) as store, store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE msisdn SET state = 'available'")
    found = run(order.app, "reconcile", *AS, "--json")
    assert found.exit_code == 1
    (each,) = json.loads(found.output)
    assert (each["code"], each["subscription_id"]) == ("held_number_not_in_service", 1)
    assert msisdn(1)[2:] not in found.output
    assert run(order.app, "reconcile", *AS).exit_code == 1
    assert "none" in ok(order.app, "reconcile", "--area", "offers", *AS)
    barred = run(order.app, "reconcile", "--role", "counter", *AS)
    assert isinstance(barred.exception, InputRefused)
