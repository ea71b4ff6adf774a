"""`mingdan partner register`, `interface`, `access` and `serve` as people and scripts use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mingdan.cli.main import app
from tests.cli.test_partner import LIGHT
from tests.orders.support import sqlite_url

Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in an installation of its own; `code` is the exit code expected."""
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MINGDAN_ORDERS_URL", sqlite_url(tmp_path))
    monkeypatch.setenv("MINGDAN_ACTOR", "li")
    monkeypatch.setenv("COLUMNS", "250")

    def called(*arguments: str, code: int = 0, plain: bool = False) -> Any:
        asked = arguments if plain else (*arguments, "--json")
        monkeypatch.setattr(sys, "argv", ["mingdan", *asked])
        with pytest.raises(SystemExit) as ended:
            app()
        said = capsys.readouterr()
        assert int(ended.value.code or 0) == code, said.err
        return said.out + said.err if plain or not said.out else json.loads(said.out)

    return called


def partner(run: Run) -> None:
    run("partner", "register", "shop", "--kind", "marketing_channel", "--title", "Shop",
        "--title-zh", "小店", "--contact", "王小明")  # fmt: skip
    run("partner", "agreement", "propose", "shop", "A1", "--purpose", "sale",
        "--legal-basis", "contract", "--from", "2020-01-01", "--until", "2090-01-01")  # fmt: skip
    run("partner", "agreement", "decide", "A1", "--approve", "--as", "wang")
    run("partner", "interface", "open", "88001", "--partner", "shop", "--reason", "first")


def test_a_partner_is_taken_on_given_a_key_and_let_go(run: Run) -> None:
    partner(run)
    run("interface", "permit", "88001", "OPEN", "--hours", "1-7 08:00-20:00")
    assert run("interface", "may", "88001", "OPEN", "--at", "2090-01-01 07:59", code=1)
    asked = ("interface", "may", "88001", "OPEN", "--at")
    assert run(*asked, "2089-11-01 12:00") == {"allowed": True}
    assert run(*asked, "2089-11-01 21:00", code=1)["code"] == "out_of_hours"
    assert run(*asked, "2091-01-01 12:00", code=1)["code"] == "agreement_not_in_force"

    made = run("interface", "key", "create", "88001", "--days", "30")
    assert made["key"].startswith(f"mdk_{made['key_name']}_")
    listed = run("interface", "key", "list", "88001")
    assert [(key["key_name"], key["state"]) for key in listed] == [(made["key_name"], "valid")]
    assert made["key"] not in json.dumps(listed)
    newer = run("interface", "key", "rotate", made["key_name"])
    run("interface", "key", "revoke", newer["key_name"], "--reason", "leaked")
    again = run("interface", "key", "revoke", newer["key_name"], "--reason", "x", code=1)
    assert again["code"] == "key_ended"
    run("interface", "limit", "88001", "--requests", "60", "--burst", "5")

    number = run("partner", "request-offer", "shop", "--product", "PREPAID", "--wish", "autumn",
                 "--from", "2020-01-01", "--until", "2090-01-01")["number"]  # fmt: skip
    own = run("partner", "decide-offer", number, "--approve", "--reason", "x", code=1)
    assert own["code"] == "same_person"
    run("partner", "decide-offer", number, "--approve", "--reason", "fits", "--as", "wang")
    assert run("partner", "offers", "shop")[0]["status"] == "approved"

    run("partner", "interface", "replace", "88001", "88100", "--reason", "new scheme")
    taken = run("interface", "open", "88001", "--reason", "ours", code=1)
    assert taken["code"] == "interface_taken"
    shown = run("partner", "registry")
    assert [(p["code"], p["interfaces"], p["contact"]) for p in shown] == [
        ("shop", ["88100"], "王**")
    ]
    run("partner", "change", "shop", "--title-zh", "大店", "--status", "suspended",
        "--reason", "audit")  # fmt: skip
    assert run("interface", "may", "88100", "OPEN", code=1)["code"] == "interface_closed"
    assert run("partner", "remove", "shop", "--reason", "over")["status"] == "ended"
    periods = run("interface", "history", "88001")
    assert [(p["partner"], p["reason"]) for p in periods] == [("shop", "new scheme")]
    assert run("partner", "change", "nobody", "--title", "x", code=1)["code"] == "unknown_partner"
    assert "unknown_partner" in run(
        "partner", "change", "nobody", "--title", "x", code=1, plain=True
    )


def test_leave_out_of_hours_is_asked_for_and_given(run: Run) -> None:
    run("interface", "permit", "counter", "OPEN", "--for", "counter", "--hours", "1-7 09:00-18:00")
    times = ("--from", "2089-11-01 19:00", "--until", "2089-11-01 22:00")
    number = run("access", "ask", "counter", "OPEN", "--for", "counter", *times,
                 "--reason", "concert")["request_no"]  # fmt: skip
    asked = ("interface", "may", "counter", "OPEN", "--for", "counter", "--at", "2089-11-01 20:00")
    assert run(*asked, code=1)["code"] == "out_of_hours"
    assert run("access", "decide", number, "--approve", code=1)["code"] == "same_person"
    run("access", "decide", number, "--approve", "--as", "wang")
    assert run(*asked) == {"allowed": True}
    assert run("access", "requests")[0]["checker"] == "wang"
    bad = run("access", "ask", "counter", "OPEN", "--for", "counter", "--from", "soon",
              "--until", "later", "--reason", "x", code=2)  # fmt: skip
    assert "--from is an instant" in bad


def test_the_access_log_is_shown_and_proved(run: Run) -> None:
    assert run("access", "log") == []
    assert run("access", "verify") == {"rows": 0, "anchor": None}
    gone = run("access", "verify", "--anchor", "3:" + "0" * 64, code=1)
    assert gone["code"] == "log_broken"
    assert "ROW:DIGEST" in run("access", "verify", "--anchor", "x", code=2)
    refused = run("access", "log", "--role", "counter", code=1)
    assert refused["code"] == "business_not_permitted"


def test_tables_for_people(run: Run) -> None:
    partner(run)
    made = run("interface", "key", "create", "88001", plain=True)
    assert "X-API-Key: mdk_" in made
    assert "cannot be shown again" in made
    for word, *arguments in (
        ("88001", "interface", "history"),
        ("88001", "interface", "key", "list"),
        ("88001", "partner", "registry"),
        ("sale", "partner", "agreement", "list", "shop"),
        ("OUT_OF_HOURS", "interface", "permissions"),
    ):
        assert word in run(*arguments, plain=True)
    assert run("partner", "offers", plain=True) == "Offer requests: none\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104
def test_the_service_listens_to_this_machine_unless_told_otherwise(run: Run, host: str) -> None:
    said = run("serve", "orders", "--host", host, code=2, plain=True)
    assert "--allow-remote" in said


COMMANDS = [
    *(["partner", name] for name in ("register", "change", "remove", "registry", "request-offer",
                                     "decide-offer", "offers")),
    *(["partner", "agreement", name] for name in ("propose", "decide", "end", "list")),
    *(["partner", "interface", name] for name in ("open", "close", "replace", "history")),
    *(["interface", name] for name in ("open", "close", "replace", "history", "permit", "limit",
                                       "permissions", "may")),
    *(["interface", "key", name] for name in ("create", "rotate", "revoke", "list")),
    *(["access", name] for name in ("ask", "decide", "requests", "log", "verify")),
    ["serve", "orders"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_an_example(run: Run, command: list[str]) -> None:
    out = run(*command, "--help", plain=True)
    assert "Example:" in out
    name = command[-1]
    assert f"mingdan {' '.join(command)}" in out or f"mingdan interface {name}" in out
    assert "--json" in out or command == ["serve", "orders"]


def test_the_light_install_says_what_the_registry_needs() -> None:
    for arguments in (["partner", "--help"], ["partner", "register", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", LIGHT, *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Needs the extra `pipeline`" in done.stdout
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, "partner", "register"],
        capture_output=True,
        text=True,
        env={**os.environ},
        check=False,
    )
    assert done.returncode == 2
    assert "mingdan[pipeline]" in done.stderr
