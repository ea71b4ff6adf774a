"""A partner's copy: what it takes, what it answers, and for how long."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.cli.main import app
from mingdan.errors import InputRefused, WrongUsage
from mingdan.lists.client.copy import Copy
from mingdan.lists.client.home import Home
from mingdan.lists.client.match import Matcher, receipt, status
from mingdan.lists.refusals import NotForUs, WrongChannel
from tests.lists.channels import body
from tests.lists.pairs import Pair, live, now, number

LISTS = st.lists(
    st.dictionaries(st.integers(1, 6), st.sampled_from(["fraud", "spam_sms"]), max_size=6),
    min_size=1,
    max_size=4,
)


def answers(pair: Pair, *numbers: int, clock: datetime | None = None) -> list[str]:
    matcher = Matcher(pair.home, clock or now())
    try:
        return [one.outcome for one in matcher.answers([number(at) for at in numbers])]
    finally:
        matcher.close()


@settings(max_examples=6, deadline=None)
@given(lists=LISTS, skip=st.integers(0, 3))
def test_any_way_to_a_release_gives_the_same_copy(
    lists: list[dict[int, str]], skip: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """full(n) = full(m) + the changes after it, in the partner's database too."""
    made = Pair(tmp_path_factory.mktemp("pair"))
    fixed = {reason: live(reason) for reason in ("fraud", "spam_sms")}
    for at, rows in enumerate(lists):
        made.release({number(one): fixed[reason] for one, reason in rows.items()})
        if at >= skip:
            made.sync()
    made.sync()
    by_changes = made.held()
    made.home.copy.unlink()
    assert made.sync().by == "snapshot"
    assert made.held() == by_changes
    assert len(by_changes) == len(lists[-1])


def test_a_customer_is_found_until_taken_back(pair: Pair) -> None:
    assert answers(pair, 1, 2, 3) == ["listed", "listed", "not_listed"]
    pair.release({number(2): live("spam_sms")})
    pair.sync()
    assert answers(pair, 1, 2) == ["not_listed", "listed"]


class TestFreshness:
    """An answer says how old it is; time runs out and never back."""

    def state(self, pair: Pair, clock: datetime) -> tuple[object, object]:
        row = status(pair.home, clock)
        return row["freshness"], row["why"]

    @pytest.fixture
    def today(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
        """A release whose night was this morning."""
        made = Pair(tmp_path)
        monkeypatch.setattr("tests.lists.channels.FIRST", now().date() - timedelta(1))
        made.release({number(1): live(days=3)})
        made.sync()
        return made

    def test_fresh_then_stale_without_another_sync(self, today: Pair) -> None:
        assert self.state(today, now()) == ("FRESH", "")
        assert self.state(today, now() + timedelta(days=3)) == ("STALE", "not synced since")

    def test_an_entry_ends_even_if_nobody_syncs_again(self, today: Pair) -> None:
        assert answers(today, 1, clock=now() + timedelta(days=2)) == ["listed"]
        assert answers(today, 1, clock=now() + timedelta(days=4)) == ["not_listed"]

    def test_a_clock_set_back_brings_nothing_back(self, today: Pair) -> None:
        assert answers(today, 1, clock=now() + timedelta(days=4)) == ["not_listed"]
        assert answers(today, 1, clock=now()) == ["not_listed"], "it has been later than that"
        assert self.state(today, now()) == ("STALE", "the clock was set back")

    def test_a_publisher_that_fell_asleep_is_stale_though_signed(self, pair: Pair) -> None:
        """The timestamps go on being renewed, but the last night was weeks ago."""
        assert self.state(pair, now()) == ("STALE", "not synced since")

    def test_never_synced(self, tmp_path: Path) -> None:
        made = Pair(tmp_path)
        assert self.state(made, now()) == ("STALE", "never synced")
        with pytest.raises(InputRefused, match="holds no list yet"):
            answers(made, 1)


class TestJoining:
    def test_a_hand_over_for_somebody_else(self, pair: Pair, tmp_path: Path) -> None:
        other = Home(tmp_path / "other")
        other.make_card()
        from mingdan.lists.seal import seal

        sealed = seal(pair.handover().text().encode(), [other.card().age])
        with pytest.raises(NotForUs):
            pair.home.join(sealed, None)

    def test_one_folder_is_one_channel(self, pair: Pair, tmp_path: Path) -> None:
        second = Pair(tmp_path / "second", channel="anotherchannel")
        with pytest.raises(WrongChannel, match="a folder of its own"):
            second.join(pair.home)

    def test_the_first_needs_to_know_where(self, pair: Pair, tmp_path: Path) -> None:
        fresh = Home(tmp_path / "fresh")
        with pytest.raises(WrongUsage, match="joined no channel"):
            _ = fresh.trust

    def test_the_next_epoch_needs_its_key(self, pair: Pair) -> None:
        pair.partner = pair.agreed(token_epoch=2)
        pair.release({number(1): live()})
        pair.sync()
        with pytest.raises(InputRefused, match="key of epoch 2 has not been handed over"):
            answers(pair, 1)
        pair.join()
        assert answers(pair, 1) == ["listed"]

    def test_keys_are_private_and_made_once(self, pair: Pair) -> None:
        assert pair.home.identity.stat().st_mode & 0o077 == 0
        assert pair.home.receipt_key.stat().st_mode & 0o077 == 0
        with pytest.raises(InputRefused, match="never overwritten"):
            pair.home.make_card()


class TestCommands:
    """As a partner types them, on the light install."""

    @pytest.fixture
    def run(self, pair: Pair, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
        def call(*arguments: str) -> int:
            monkeypatch.setattr(sys, "argv", ["mingdan", "partner", *arguments])
            monkeypatch.setenv("MINGDAN_PARTNER_HOME", str(pair.home.path))
            with pytest.raises(SystemExit) as done:
                app()
            return int(done.value.code or 0)

        return call

    @pytest.mark.parametrize("kind", ["csv", "parquet"])
    def test_a_file_of_customers(self, pair: Pair, run, tmp_path: Path, kind: str) -> None:  # type: ignore[no-untyped-def]
        file, out = tmp_path / f"customers.{kind}", tmp_path / "hits.csv"
        phones = ["+86 138-0000-0001", number(2), "８６13800000003", "none", ""]
        if kind == "csv":
            file.write_text("\ufeffid,phone\n" + "".join(f"x,{one}\n" for one in phones), "utf-8")
        else:
            import polars as pl

            pl.DataFrame({"phone": phones}).write_parquet(file)
        assert run("match", str(file), "--column", "phone", "--out", str(out)) == 0
        rows = list(csv.DictReader(out.open()))
        assert [(row["number"], row["reason_code"]) for row in rows] == [
            (number(1), "fraud"),
            (number(2), "spam_sms"),
        ]
        assert {row["freshness"] for row in rows} == {"STALE"}
        bad = list(csv.DictReader(out.with_name("hits.csv.rejected.csv").open()))
        first = 5 if kind == "csv" else 4
        assert [row["line"] for row in bad] == [str(first), str(first + 1)]
        assert run("match", str(file), "--column", "phone", "--out", str(out), "--all") == 0
        assert len(list(csv.DictReader(out.open()))) == 3

    @pytest.mark.parametrize(
        ("name", "content", "code"),
        [
            ("a.csv", b"other\n1\n", 1),
            ("a.csv", b"msisdn\n\xff\xfe\n", 1),
            ("a.csv", b'msisdn\n"never closed', 1),
            ("a.csv", b"msisdn\n" + b"1" * 5000, 1),
            ("a.csv", b"msisdn,msisdn\n1,2\n", 1),
            ("a.parquet", b"not parquet", 1),
            ("a.xlsx", b"", 2),
        ],
    )
    def test_a_file_that_cannot_be_read(  # type: ignore[no-untyped-def]
        self, run, tmp_path: Path, name: str, content: bytes, code: int
    ) -> None:
        (tmp_path / name).write_bytes(content)
        assert run("match", str(tmp_path / name), "--out", str(tmp_path / "hits")) == code

    def test_status_and_receipt(self, pair: Pair, run, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
        assert run("status", "--json") == 1, "a stale copy is a failure to a script"
        assert json.loads(capsys.readouterr().out)["seq"] == 1
        assert run("receipt", "--out", str(tmp_path / "r.json")) == 0
        assert "payload" in (tmp_path / "r.json").read_text()

    def test_sync_says_why_not(self, pair: Pair, run, capsys) -> None:  # type: ignore[no-untyped-def]
        assert run("sync") == 0
        pair.restore({})
        pair.place.served.mkdir(exist_ok=True)
        assert run("sync") == 1
        assert "timestamp.json does not exist" in capsys.readouterr().err

    def test_on_the_light_install(self, pair: Pair, tmp_path: Path) -> None:
        from tests.cli.test_partner import LIGHT

        file = tmp_path / "customers.csv"
        file.write_text(f"msisdn\n{number(1)}\n")
        for arguments in (["sync"], ["match", str(file), "--out", str(tmp_path / "h.csv")]):
            done = subprocess.run(
                [sys.executable, "-c", LIGHT, "partner", *arguments],
                capture_output=True,
                text=True,
                env={**os.environ, "MINGDAN_PARTNER_HOME": str(pair.home.path)},
                check=False,
            )
            assert done.returncode == 0, done.stderr


def test_a_copy_that_is_no_database(pair: Pair) -> None:
    pair.home.copy.write_bytes(b"rubbish" * 1000)
    with pytest.raises(InputRefused, match="damaged"):
        pair.sync()


def test_the_disk_is_full_while_applying(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite refuses in the middle of a transaction: the copy is as it was."""
    before = pair.held()
    pair.release({number(at): live() for at in range(1, 2000)})
    real = Copy.__init__

    def small(self: Copy, path: Path) -> None:
        real(self, path)
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        self.connection.execute(f"PRAGMA max_page_count = {pages + 5}")

    with monkeypatch.context() as patch:
        patch.setattr(Copy, "__init__", small)
        with pytest.raises(InputRefused, match=r"full.*stays as it was"):
            pair.sync()
    assert pair.held() == before
    assert pair.sync().position.seq == 2


def test_a_receipt_is_of_what_is_held(pair: Pair) -> None:
    from mingdan.lists.receipts import RECEIPT, read_statement

    told = read_statement(RECEIPT, receipt(pair.home, now()).encode(), pair.home.card().receipt_key)
    manifest = json.loads((pair.releases / "000001" / "manifest.json").read_text())
    assert (told["seq"], told["state_sha256"]) == (1, manifest["state_sha256"])
    assert datetime.fromisoformat(told["at"]) <= datetime.now(UTC)
    assert body(pair.releases / "000001", "snapshot.csv.gz")
