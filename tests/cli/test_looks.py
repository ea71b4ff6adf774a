"""Looking at customers' things at the command line leaves a row in the access log."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from mingdan.classes.tables import LABELS
from mingdan.cli import account, appeal, care_classes, kb, ticket
from mingdan.lake import Lake
from mingdan.orders.access.actor import Actor
from mingdan.orders.access.log import AccessLog, Look
from mingdan.orders.store import OrderStore
from tests.orders.support import at, done, msisdn, opening, sqlite_url

MANAGER = Actor("manager", "manager", "wang.wei")
NUMBER = msisdn(1)[2:]


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    made = sqlite_url(tmp_path)
    with OrderStore.open(made) as store:
        done(store, opening(1, when=at(0)), opening(2, when=at(0)), opening(3, when=at(0)))
    monkeypatch.setenv("MINGDAN_ORDERS_URL", made)
    monkeypatch.setenv("MINGDAN_DATA", str(tmp_path / "data"))
    return made


def looked(url: str, room: Any, *line: str) -> Look:
    """The row that a command leaves."""
    result = CliRunner().invoke(room.app, [*line])
    assert result.exit_code == 0, (result.output, result.exception)
    with OrderStore.open(url) as store:
        return max(AccessLog(store).read(actor=MANAGER, at=at(99)), key=lambda look: look.seq)


@pytest.mark.parametrize("line", [("list",), ("list", "--open", "--number", NUMBER)])
def test_a_list_of_tickets(url: str, line: tuple[str, ...]) -> None:
    opened = ["open", "spam_sms", "--number", NUMBER, "--text", "x", "--as", "li.na"]
    assert CliRunner().invoke(ticket.app, opened).exit_code == 0
    found = looked(url, ticket, *line, "--as", "zhao.min")
    assert (found.name, found.purpose, found.what) == (
        "zhao.min",
        "ticket list",
        "tickets (masked)",
    )
    assert found.subjects == ("party:1", "subscription:1")


def test_appeals(url: str) -> None:
    opened = ["open", "blacklist:fraud", "--number", NUMBER, "--text", "x", "--as", "li.na"]
    assert CliRunner().invoke(appeal.app, opened).exit_code == 0
    found = looked(url, appeal, "list", "--open", "--as", "zhao.min")
    assert (found.name, found.purpose, found.what) == (
        "zhao.min", "appeal list", "appeals (masked)",
    )  # fmt: skip
    assert found.subjects == ("party:1",)
    found = looked(url, appeal, "show", "TT00000001", "--as", "zhao.min")
    assert (found.purpose, found.subjects) == ("appeal show", ("party:1",))


def test_nothing_of_care_is_done_ahead_of_the_clock(url: str) -> None:
    """A mistyped year would keep somebody listed until then."""
    opened = ["open", "blacklist:fraud", "--number", NUMBER, "--text", "x", "--as", "li.na"]
    assert CliRunner().invoke(appeal.app, opened).exit_code == 0
    for room, line in (
        (appeal, ["decide", "TT00000001", "misused", "--text", "x"]),
        (ticket, ["assign", "TT00000001", "--to", "zhao.min"]),
        (care_classes, ["assign", "redlist:spam", "P1", "--reason", "x"]),
        (kb, ["retire", "billing"]),
    ):
        said = CliRunner().invoke(room.app, [*line, "--as", "wang.wei", "--at", "2099-01-01"])
        assert said.exit_code == 1
        assert "future_effect" in str(said.exception)


def test_an_appeal_against_what_nobody_has_is_taken_and_said_so(url: str, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "data" / "lake")
    lake.write(LABELS, date(2026, 10, 2), pl.DataFrame(schema=lake.schema(LABELS)))
    opened = ["open", "blacklist:fraud", "--party", "P1", "--text", "x", "--as", "li.na"]
    said = CliRunner().invoke(appeal.app, opened)
    assert said.exit_code == 0
    assert "why it stands: mingdan explain 1" in said.stdout
    assert "no label blacklist:fraud as of the night of 2026-10-02" in said.stderr


def test_overdue_tickets_of_nobody(url: str) -> None:
    found = looked(url, ticket, "overdue", "--as", "zhao.min")
    assert (found.purpose, found.subjects) == ("ticket overdue", ())


def test_an_account_and_who_shares_it(url: str) -> None:
    found = looked(url, account, "show", NUMBER, "--as", "li.na")
    assert (found.name, found.role, found.purpose) == ("li.na", "counter", "account show")
    assert found.subjects == ("subscription:1",)
    merge = ["merge", "S2", "--with", "S1", "--as", "li.na"]
    assert CliRunner().invoke(account.app, merge).exit_code == 0
    assert looked(url, account, "show", NUMBER).subjects == ("subscription:1", "subscription:2")


def test_what_is_not_there_was_not_seen(url: str) -> None:
    assert CliRunner().invoke(account.app, ["show", "13899999999"]).exit_code != 0
    with OrderStore.open(url) as store:
        assert AccessLog(store).read(actor=MANAGER, at=at(99)) == []
