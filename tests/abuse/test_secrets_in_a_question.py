"""Whoever asks about a person gets no identifier back, in whichever form it was typed.

Here: the program's answers to a caller who is wrong. Not here: masked previews of
the UI, what is printed about somebody who exists (`tests/cli`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mingdan.cli.main import app
from tests.scenarios.town import Town, citizen


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """One customer, one night."""
    town = Town(tmp_path_factory.mktemp("asked") / "data")
    town.data.mkdir()
    town.open("known", 5, "8613800001005", party=citizen(5, "司马相如"))
    town.deliver(0)
    town.sleep(0)
    return town


def ask(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
) -> tuple[int, str]:
    monkeypatch.setenv("MINGDAN_DATA", str(town.data))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(sys, "argv", ["mingdan", *arguments])
    with pytest.raises(SystemExit) as ended:
        app()
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out + shown.err


SECRETS = {
    "a number": ("13911112222", "11112222"),
    "a number with dashes": ("139-1111-2222", "1111-2222"),
    "a number in full width": ("１３９１１１１２２２２", "１１１１２２"),
    "a number with +86": ("+8613911112222", "11112222"),
    "a number as a URI": ("tel:13911112222", "11112222"),
    "a number mistyped": ("13911112222x", "11112222"),
    "an ID document ending in X": ("11010119900301102X", "19900301"),
    "a SIM": ("898600000000000000055", "00000000000"),
    "an IMSI": ("460009998887776", "999888777"),
    "a name": ("王小明", "王"),
    "a name and a number": ("王小明13911112222", "王"),
    "a name with its title": ("Mr Wang", "Wang"),
    "a mail address": ("wang@example.com", "wang"),
}


@pytest.mark.parametrize("form", SECRETS)
@pytest.mark.parametrize("command", [("explain",), ("order", "show")])
def test_who_is_not_found_is_not_spelled_out(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    form: str,
) -> None:
    typed, secret = SECRETS[form]
    code, shown = ask(town, monkeypatch, capsys, *command, typed)
    assert code == 1
    assert "refused: no subscription" in shown
    assert secret not in shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "8613800001005"),
        ("explain", "+86 138 0000 1005", "--json"),
        ("explain", "１３８００００１００５"),
        ("order", "show", "13800001005"),
        ("order", "show", "known", "--json"),
        ("runs", "--last"),
        ("runs", "--last", "--json"),
    ],
)
def test_who_is_found_is_masked(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    code, shown = ask(town, monkeypatch, capsys, *arguments)
    assert code == 0
    for secret in ("00001005", "司马相如", "0000000005", "19900301"):
        assert secret not in shown


@pytest.mark.parametrize(
    "text",
    ["1' OR 1=1 --", "1; DROP TABLE labels", "../../etc/passwd", "[red]x[/]", "", "😀", "0", "-1",
     "9" * 30, "1e3", "NaN", "%s%n", "\u202e31"],
)  # fmt: skip
def test_a_nonsense_subscription_is_one_clear_refusal(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    code, shown = ask(town, monkeypatch, capsys, "explain", "--", text)
    assert code == 1
    assert shown.startswith("refused: no subscription")
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("explain", "1", "--as-of", "1970-01-01"), 1),
        (("explain", "1", "--as-of", "2070-01-01"), 1),
        (("explain", "1", "--as-of", "2026-13-01"), 2),
        (("explain", "1", "--as-of", "２０２６-11-02"), 2),
        (("explain",), 2),
        (("runs", "2070-01-01"), 1),
        (("runs", "tomorrow"), 2),
        (("partner", "verify", "/nowhere"), 1),
        (("partner", "show", "nobody"), 2),
        (("ingest", "2070-01-01"), 1),
        (("simulate", "--out", "x", "--subscribers", "-5"), 2),
        (("simulate",), 2),
        (("order", "apply", "/nowhere.jsonl"), 2),
        (("frobnicate",), 2),
    ],
)
def test_exit_codes_tell_a_refusal_from_a_wrong_call(
    town: Town,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
) -> None:
    ended, shown = ask(town, monkeypatch, capsys, *arguments)
    assert ended == code
    assert shown.strip()
    assert "Traceback" not in shown


def test_a_simulation_into_a_used_folder_is_refused_and_changes_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before: list[Path] = sorted(town.data.rglob("*"))
    code, shown = ask(town, monkeypatch, capsys, "simulate", "--out", str(town.data))
    assert code == 1
    assert str(town.data) in shown.replace("\n", "")
    assert sorted(town.data.rglob("*")) == before
