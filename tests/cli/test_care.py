"""`mingdan kb`, `ticket` and `care`: what they print, never print, and how they exit."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mingdan.cli import care, kb, ticket
from mingdan.cli.main import COMMANDS
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings
from tests.orders.support import at, done, msisdn, opening, sqlite_url

NUMBER, REPORTER = msisdn(1)[2:], "13900139000"


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = sqlite_url(tmp_path)
    with OrderStore.open(url) as store:
        done(store, opening(1, when=at(0)))
    monkeypatch.setenv("MINGDAN_ORDERS_URL", url)
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MINGDAN_ACTOR", "li.na")
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def run(room: Any, *arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(room.app, [*arguments], **options)


def ok(room: Any, *arguments: str, **options: Any) -> str:
    result = run(room, *arguments, **options)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def test_the_rooms_are_commands() -> None:
    assert {"kb", "ticket", "care"} <= set(COMMANDS)


def test_an_article_at_the_desk(installation: Path) -> None:
    file = installation / "fee.txt"
    file.write_text("停机保号每月收取5元。\n[bold]不是标记[/bold]", "utf-8-sig")
    wrote = ok(kb, "write", "suspend-fee", "--title", "停机保号收费", "--file", str(file))
    assert "suspend-fee v1 draft" in wrote
    refused = run(kb, "publish", "suspend-fee")
    assert isinstance(refused.exception, InputRefused)
    assert "same_person" in str(refused.exception)
    assert "经办人" in str(refused.exception)
    ok(kb, "publish", "suspend-fee", "--version", "1", "--as", "wang.wei")
    assert "停机保号收费" in ok(kb, "search", "保号怎么收费")
    [hit] = json.loads(ok(kb, "search", "保号怎么收费", "--json"))
    assert (hit["article_ref"], hit["state"]) == ("suspend-fee", "published")
    assert "[bold]" in ok(kb, "search", "不是标记")
    assert "5元" in ok(kb, "show", "suspend-fee")
    assert json.loads(ok(kb, "history", "suspend-fee", "--json"))[0]["checker"] == "wang.wei"
    ok(kb, "retire", "suspend-fee")
    assert "nothing found" in ok(kb, "search", "保号")
    assert "suspend-fee v1 retired" in ok(kb, "search", "保号", "--all")
    assert "wang.wei" in ok(kb, "history", "suspend-fee")


def test_a_reply_from_a_template(installation: Path) -> None:
    line = ["write", "hello", "--title", "问候", "--kind", "template", "--file", "-"]
    ok(kb, *line, input="您好{name}，请稍候。")
    ok(kb, "publish", "hello", "--as", "wang.wei")
    assert ok(kb, "reply", "hello", "--value", "name=张女士") == "您好张女士，请稍候。\n"
    missing = run(kb, "reply", "hello", "--json")
    assert (missing.exit_code, json.loads(missing.output)["code"]) == (1, "kb_slots")


def test_wrong_usage(installation: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["write", "x", "--title", "t", "--file", str(installation / "none.txt")]
    assert isinstance(run(kb, *line).exception, WrongUsage)
    assert isinstance(run(kb, "search", "x", "--kind", "poem").exception, WrongUsage)
    assert isinstance(run(care, "limits", "--day", "yesterday").exception, WrongUsage)
    assert isinstance(run(ticket, "overdue", "--at", "noon").exception, WrongUsage)
    assert run(care, "flow", "x", "--of", "moon").exit_code == 2
    latin = installation / "latin.txt"
    latin.write_bytes("é".encode("latin-1"))
    assert isinstance(
        run(kb, "write", "x", "--title", "t", "--file", str(latin)).exception, InputRefused
    )
    monkeypatch.delenv("MINGDAN_ACTOR")
    assert run(ticket, "note", "TT00000001", "--text", "x").exit_code == 2


def test_a_complaint_from_the_call_to_the_nightly_job(installation: Path) -> None:
    opened = ok(
        ticket, "open", "spam_sms", "--number", NUMBER, "--reporter", REPORTER,
        "--text", "贷款广告", "--at", "2026-10-03 10:00", "--occurred", "2026-10-02 08:00",
        "--request-ref", "crm-1", "--json",
    )  # fmt: skip
    view = json.loads(opened)
    assert (view["ticket_ref"], view["subscription_id"], view["state"]) == (
        "TT00000001", 1, "acknowledged",
    )  # fmt: skip
    shown = ok(ticket, "assign", "TT00000001", "--to", "zhou.ke", "--at", "2026-10-03 11:00")
    shown += ok(ticket, "move", "TT00000001", "pending", "--note", "等截图",
                "--at", "2026-10-04 11:00")  # fmt: skip
    shown += ok(ticket, "list", "--open") + ok(ticket, "list", "--number", NUMBER, "--json")
    assert "none" in ok(ticket, "overdue", "--at", "2026-12-01")
    ok(ticket, "move", "TT00000001", "inProgress", "--at", "2026-11-20 11:00")
    shown += ok(ticket, "overdue", "--at", "2027-01-01")
    assert "TT00000001" in shown
    ok(ticket, "note", "TT00000001", "--text", "已核实")
    assert isinstance(run(ticket, "close", "TT00000001").exception, InputRefused)
    ok(ticket, "resolve", "TT00000001", "--text", "已处理")
    shown += ok(ticket, "close", "TT00000001") + ok(ticket, "show", "TT00000001")
    export = ["export", "--day", "2026-10-03"]
    assert "1 complaints of 2026-10-03" in ok(ticket, *export)
    assert "the same file as before" in ok(ticket, *export)
    folder = Settings().landing / "reports" / "complaints" / "2026-10-03"
    assert f"86{NUMBER}" in (folder / "complaints.csv").read_text()
    for secret in (NUMBER, REPORTER):
        assert secret not in opened + shown


def test_limits_and_flows(installation: Path) -> None:
    ok(care, "visit", "arrive", "A1", "--at", "2026-10-01 09:00")
    ok(care, "visit", "serve", "A1", "--at", "2026-10-01 09:11")
    ok(care, "visit", "end", "A1", "--at", "2026-10-01 09:20")
    ok(care, "visit", "arrive", "A2", "--at", "2026-10-01 09:00")
    ok(care, "visit", "end", "A2", "--unserved", "--at", "2026-10-01 09:01")
    assert "1 kept, 1 broken" in ok(care, "limits", "--day", "2026-10-01")
    lines = json.loads(ok(care, "limits", "--day", "2026-10-01", "--json"))
    assert {(x["limit"]["code"], x["kept"], x["broken"]) for x in lines} == {
        ("counter_single", 1, 0),
        ("counter_wait", 0, 1),
    }
    assert "provisioning" in ok(care, "flow", "open-1")
    assert json.loads(ok(care, "flow", "A1", "--of", "visit", "--json"))["state"] == "completed"
    assert isinstance(run(care, "flow", "TT00000009").exception, InputRefused)


def test_classes_by_hand(installation: Path) -> None:
    room = ["class"]
    ok(care, *room, "propose", "campus", "--name-zh", "校园客户", "--name-en", "campus",
       "--meaning", "新生")  # fmt: skip
    assert "none" in ok(care, *room, "list")
    ok(care, *room, "approve", "campus", "--as", "wang.wei")
    assert "校园客户" in ok(care, *room, "list")
    ok(care, *room, "assign", "campus", "P1", "--reason", "学生证")
    assert json.loads(ok(care, *room, "members", "--json"))[0]["state"] == "proposed"
    assert "approved" in ok(care, *room, "confirm", "1", "--as", "wang.wei")
    assert "P1" in ok(care, *room, "members", "campus")
    assert "campus" in ok(care, *room, "members", "--party", "P1")
    ok(care, *room, "assign", "key_account:gold", "P1", "--reason", "集团客户")
    ok(care, *room, "confirm", "2", "--as", "wang.wei")
    assert "key_account:gold" in ok(care, *room, "members", "--party", "P1")
    target = Settings().data / "policy" / "classes" / "dictionary.toml"
    for _ in range(2):
        assert "1 classes by hand" in ok(care, *room, "export", "--to", str(target))
    assert tomllib.loads(target.read_text("utf-8"))["class"][-1]["code"] == "campus"
    assert 'code = "campus"' in ok(care, *room, "export")
    other = installation / "mine.toml"
    other.write_text("mine")
    assert isinstance(run(care, *room, "export", "--to", str(other)).exception, InputRefused)
    assert other.read_text() == "mine"
    ok(care, *room, "remove", "1", "--as", "wang.wei")
    assert "none" in ok(care, *room, "members", "campus")
    ok(care, *room, "propose", "army", "--name-zh", "军人", "--name-en", "army", "--meaning", "x")
    ok(care, *room, "reject", "army", "--as", "wang.wei")
    ok(care, *room, "end", "campus", "--as", "wang.wei")
    assert "none" in ok(care, *room, "list")


@pytest.mark.parametrize("room", [kb, ticket, care])
def test_every_command_has_help_and_an_example(room: Any) -> None:
    groups = [(), *((group.name,) for group in room.app.registered_groups)]
    apps = {(): room.app} | {
        (group.name,): group.typer_instance for group in room.app.registered_groups
    }
    for prefix in groups:
        for command in apps[prefix].registered_commands:
            name = command.name or command.callback.__name__.replace("_", "-")
            assert "Example:" in ok(room, *prefix, name, "--help"), name
