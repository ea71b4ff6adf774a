"""What a clerk meets at the counter's commands: the work list, looks that are logged, answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mingdan.cli import account, customer, interface, kb, offer, order, partner, ticket
from mingdan.errors import InputRefused, WrongUsage
from mingdan.identifiers import mask_number
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, msisdn, opening, person, resident_id, sqlite_url

MANAGER = Actor("manager", "manager", "wang.wei")


@pytest.fixture(autouse=True)
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation with two customers, and a clerk at its counter."""
    made = sqlite_url(tmp_path)
    monkeypatch.setenv("MINGDAN_ORDERS_URL", made)
    monkeypatch.setenv("MINGDAN_ACTOR", "li.na")
    monkeypatch.setenv("COLUMNS", "200")
    with OrderStore.open(made) as store:
        done(store, opening(1), opening(2))
    return made


def run(command: Any, *arguments: str) -> Result:
    return CliRunner().invoke(command.app, [*arguments])


def ok(command: Any, *arguments: str) -> str:
    result = run(command, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def looks(url: str) -> list[tuple[str, str, str, tuple[str, ...]]]:
    with OrderStore.open(url) as store:
        found = AccessLog(store).read(actor=MANAGER, at=at(99))
    return [(each.role, each.name, each.purpose, each.subjects) for each in found]


def test_the_work_list_says_what_each_order_waits_for() -> None:
    placed = ("--at", "2026-10-02 09:00")
    ok(order, "change-number", "S1", "--msisdn", msisdn(7), "--order-ref", "c1", *placed)
    ok(order, "suspend", "S2", "--reason", "lost", "--order-ref", "s2", *placed)
    request = {"command": "suspend", "order_ref": "s1", "subscription_ref": "S1", "reason": "lost"}
    typed = CliRunner().invoke(order.app, ["place", "-", *placed], input=json.dumps(request))
    assert typed.exit_code == 0, typed.output
    listed = json.loads(ok(order, "list", "--json"))
    assert [(each["order_ref"], each["state"]) for each in listed] == [
        ("c1", "pending"),
        ("s1", "inProgress"),
    ]
    shown = ok(order, "list", "--at", "2026-10-02 10:00")
    assert "pay-for, 1000 fen" in shown
    assert "provision or complete" in shown
    assert msisdn(7)[2:] not in shown
    assert "expire" in ok(order, "list", "--at", "2026-10-09 10:00", "--business", "CHANGE_NUMBER")
    assert "s1" not in ok(order, "list", "--state", "pending", "--json")
    assert isinstance(run(order, "list", "--state", "nonsense").exception, InputRefused)
    ok(order, "provision", "s1", "done", *placed)
    ok(order, "complete", "s1", *placed)
    assert "s1" not in ok(order, "list", "--json")


def test_every_look_is_logged(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ok(order, "show", "S1")
    opened = json.loads(ok(ticket, "open", "voice", "--number", msisdn(1)[2:], "--text", "打不出",
                           "--json"))  # fmt: skip
    ok(ticket, "show", opened["ticket_ref"])
    who = ("subscription:1", "party:1")
    assert looks(url) == [
        ("hotline", "li.na", "ticket show", tuple(sorted(who))),
        ("counter", "li.na", "order show", tuple(sorted(who))),
    ]
    monkeypatch.delenv("MINGDAN_ACTOR")
    monkeypatch.setenv("LOGNAME", "night")
    ok(order, "show", "S2", "--json")
    assert looks(url)[0] == ("system", "night", "order show", ("party:2", "subscription:2"))


def test_who_may_not_look_is_shown_nothing(url: str) -> None:
    for role in ("partner", "nobody"):
        refused = run(order, "show", "S1", "--role", role, "--json")
        assert refused.exit_code == 1
        assert set(json.loads(refused.output)) == {"code", "reason", "reason_zh"}
    assert looks(url) == []


def test_a_question_is_taken_down_and_answered(tmp_path: Path) -> None:
    fee = tmp_path / "fee.txt"
    fee.write_text("停机保号每月收费五元。", "utf-8")
    ok(kb, "write", "suspend-fee", "--title", "停机保号收费", "--file", str(fee))
    ok(kb, "publish", "suspend-fee", "--version", "1", "--as", "wang.wei", "--role", "manager")
    asked = ("ask", "停机保号怎么收费", "--subscription", "S1", "--ref", "q1")
    assert "question q1 open" in ok(customer, *asked)
    assert "inProgress" in ok(customer, "answer", "q1", "--working")
    answered = json.loads(ok(customer, "answer", "q1", "--article", "suspend-fee", "--json"))
    assert (answered["status"], answered["article_ref"]) == ("completed", "suspend-fee@1")
    assert answered["values"] == {}
    assert isinstance(run(customer, "answer", "q1").exception, InputRefused)
    assert isinstance(run(customer, "answer", "q9").exception, InputRefused)
    assert isinstance(run(customer, *asked).exception, InputRefused)


def test_a_price_is_put_on_the_list_for_days_to_come() -> None:
    names = ("--name", "SIM card", "--name-zh", "SIM卡工本费")
    price = ("add-price", "POSTPAID", "OPEN", "sim_fee", "--amount-fen", "700", *names)
    by = ("--as", "wang.wei", "--at", "2026-10-02 09:00")
    assert "700 fen from 2026-10-03" in ok(offer, *price, "--from", "2026-10-03", *by)
    for day, fen in (("2026-10-02", 1000), ("2026-10-03", 700)):
        quoted = json.loads(ok(offer, "quote", "POSTPAID", "OPEN", "--at", day, "--json"))
        assert quoted["fen"] == fen
    for day in ("2026-10-02", "2026-10-03"):
        assert isinstance(run(offer, *price, "--from", day, *by).exception, InputRefused)
    assert isinstance(run(offer, *price, "--from", "soon", *by).exception, WrongUsage)
    denied = run(offer, *price, "--from", "2026-12-01", *by, "--role", "counter", "--json")
    assert json.loads(denied.output)["code"] == "business_not_permitted"


def test_a_service_password_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = run(customer, "check-password", "P1", "--password", "830715", "--json")
    assert json.loads(missing.output)["code"] == "password_missing"
    ok(customer, "set-password", "P1", "--new-password", "830715",
       "--document-number", resident_id(1))  # fmt: skip
    monkeypatch.setenv("MINGDAN_PASSWORD", "830715")
    assert ok(customer, "check-password", "P1") == "the password is right\n"
    wrong = run(customer, "check-password", "P1", "--password", "402918", "--json")
    assert (wrong.exit_code, json.loads(wrong.output)["code"]) == (1, "password_wrong")
    monkeypatch.delenv("MINGDAN_PASSWORD")
    assert isinstance(run(customer, "check-password", "P1").exception, WrongUsage)


def test_a_change_of_account_is_called_off() -> None:
    arranged = ("merge", "S2", "--with", "S1", "--from", "2099-01-01")
    assert "account 1 pays from 2099-01-01" in ok(account, *arranged)
    assert "yet to come" in ok(account, "show", "S2")
    off = ("cancel-change", "S2", "--order-ref", "off")
    assert "account 2 pays" in ok(account, *off)
    assert "nothing was done again" in ok(account, *off)
    assert "yet to come" not in ok(account, "show", "S2")
    refused = run(account, "cancel-change", "S2", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.output)["code"] == "no_pending_account_change"


def test_an_account_is_shared_from_the_next_cycle_on() -> None:
    now = ("--at", "2026-10-05 09:00")
    said = ok(account, "merge", "S2", "--with", "S1", "--next-cycle", *now)
    assert "account 1 pays from 2026-11-01 00:00:00 on" in said
    both = run(account, "split", "S2", "--next-cycle", "--from", "2026-12-01", *now)
    assert isinstance(both.exception, WrongUsage)


def test_a_transfer_needs_the_present_holder() -> None:
    new = ("transfer", "S1", "--party", "P9", "--name", person(9).name,
           "--document-number", resident_id(9))  # fmt: skip
    assert "holder_not_verified" in str(run(order, *new).exception)
    wrong = run(order, *new, "--holder-document", resident_id(2))
    assert "holder_not_verified" in str(wrong.exception)
    assert "completed" in ok(order, *new, "--holder-document", resident_id(1))


def test_an_interface_is_asked_for_in_its_own_role() -> None:
    assert "counter may do OPEN through counter" in ok(interface, "may", "counter", "OPEN")
    assert "unknown_interface" in str(run(interface, "may", "88001", "OPEN").exception)
    assert run(interface, "may", "counter", "OPEN", "--for", "hotline", "--json").exit_code == 1


def test_nobody_is_found_in_one_form_everywhere() -> None:
    for command, arguments in (
        (order, ("show", "S404")),
        (order, ("suspend", "S404", "--reason", "lost")),
        (order, ("pay", "S404", "--amount-fen", "5")),
        (account, ("show", "S404")),
    ):
        said = run(command, *arguments, "--json")
        assert said.exit_code == 1
        answer = json.loads(said.output)
        assert (answer["code"], answer["reason_zh"]) == (
            "no_such_subscription",
            "没有号码、编号或键为S404的用户",
        )
        assert "no_such_subscription" in str(run(command, *arguments).exception)


def test_a_file_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    for command in ("place", "apply"):
        failed = run(order, command, str(tmp_path / "nothing"))
        assert isinstance(failed.exception, WrongUsage)
        assert "No such file" in str(failed.exception)
        assert "Errno" not in str(failed.exception)


def test_partners_are_listed_for_people() -> None:
    made = ("register", "shop", "--kind", "marketing_channel", "--title", "Shop", "--title-zh",
            "小店")  # fmt: skip
    ok(partner, *made)
    before = ok(partner, "registry")
    assert "[]" not in before
    assert "name zh" in before


def test_an_imei_is_masked_as_it_is() -> None:
    assert mask_number("861234567890119") == "861**********19"
    assert mask_number("8613800138000") == "138******00"
    assert mask_number("861440123456789") == "144********89"
