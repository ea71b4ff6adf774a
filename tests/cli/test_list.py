"""`mingdan list` and its keys, as three holders of root keys, an operator and a partner type it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mingdan.cli.main import app
from tests.cli.test_partner import LIGHT
from tests.lists.channels import publish, token
from tests.lists.pairs import live


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """A command line in an empty folder; gives its exit code, and keeps what it printed."""
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MINGDAN_PARTNER_HOME", str(tmp_path / "bank"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["mingdan", *arguments])
        with pytest.raises(SystemExit) as done:
            app()
        call.said = "".join(capsys.readouterr())  # type: ignore[attr-defined]
        return int(done.value.code or 0)

    return call


def test_the_whole_ceremony(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """As docs/operator.md and docs/partner.md tell it, command by command."""
    for at in (1, 2, 3):
        assert run("list", "keys", "make", f"r{at}.pem") == 0
    named = [word for at in (1, 2, 3) for word in ("--add", f"r{at}.pem.pub")]
    assert run("list", "keys", "propose", "bank_demo", *named) == 0
    draft = "bank_demo.root.json"
    assert run("list", "keys", "sign", draft, "--key", "r1.pem") == 0
    assert run("list", "keys", "install", "bank_demo", draft) == 1
    assert "lacks signatures: 1 of the keys" in run.said
    assert run("list", "keys", "sign", draft, "--key", "r2.pem") == 0
    assert run("list", "keys", "install", "bank_demo", draft) == 0

    assert run("partner", "keys") == 0
    fingerprint = run.said.split("telephone: ")[1].splitlines()[0]
    assert run("list", "keys", "accept", "bank_demo", "card.json", "--expect", "0000") == 2
    assert run("list", "keys", "accept", "bank_demo", "card.json", "--expect", fingerprint) == 0
    assert run("list", "keys", "hand-over", "bank_demo") == 0
    root = run.said.split("directly: ")[1].strip()
    served = str(tmp_path / "data" / "channels" / "c7f3a91d5b20")
    assert run("partner", "join", "hand-over.age", "--url", served, "--root", "0" * 64) == 1
    assert run("partner", "join", "hand-over.age", "--url", served, "--root", root) == 0

    assert run("partner", "sync") == 1, "nothing has been delivered"
    publish(
        tmp_path / "data" / "releases" / "bank_demo",
        {token(1): live()},
        {"channel": "c7f3a91d5b20"},
    )
    assert run("list", "renew") == 0
    assert run("partner", "sync") == 0
    assert "Release 1" in run.said
    assert run("partner", "receipt") == 0
    assert run("list", "receipts", "bank_demo", "receipt.json") == 0
    assert "bank_demo holds release 1" in run.said
    assert run("list", "renew") == 0
    assert run("list", "channels", "--json") == 0
    (row,) = json.loads(run.said)
    assert (row["seq"], row["confirmed"], row["alarms"]) == (1, 1, [])

    assert run("list", "keys", "propose", "bank_demo", "--rotate", "timestamp") == 0
    for at in (2, 3):
        assert run("list", "keys", "sign", draft, "--key", f"r{at}.pem") == 0
    assert run("list", "keys", "install", "bank_demo", draft) == 0
    assert run("partner", "sync") == 0
    assert run("list", "keys", "show", "bank_demo") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("list", "keys", "propose", "nobody"), 2, "there are: bank_demo"),
        (("list", "keys", "propose", "police_demo"), 1, "has no channel"),
        (("list", "keys", "propose", "bank_demo"), 1, "2 root keys must sign together"),
        (("list", "keys", "propose", "bank_demo", "--rotate", "root"), 2, "no such role: root"),
        (("list", "keys", "sign", "none.json", "--key", "k"), 1, "not a root"),
        (("list", "keys", "accept", "bank_demo", "none.json"), 1, "none.json does not exist"),
        (("list", "keys", "hand-over", "bank_demo"), 1, "has no root yet"),
        (("list", "receipts", "bank_demo", "none.json"), 1, "cannot be read"),
        (("list", "answer", "bank_demo", "none.ask"), 1, "cannot be read"),
        (("list", "show", "13800138000"), 1, "no installation"),
    ],
)
def test_what_cannot_be_done_says_why(  # type: ignore[no-untyped-def]
    run,
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    assert run(*arguments) == code
    assert said in " ".join(run.said.split())


def test_a_root_is_signed_on_the_light_install(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """Where root keys are, there is neither an installation nor a pipeline."""
    for at in (1, 2):
        run("list", "keys", "make", f"r{at}.pem")
    run("list", "keys", "propose", "bank_demo", "--add", "r1.pem.pub", "--add", "r2.pem.pub")
    arguments = ["list", "keys", "sign", "bank_demo.root.json", "--key", "r1.pem"]
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "signatures: 1" in done.stdout
