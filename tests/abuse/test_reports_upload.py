"""Abuse of what is uploaded to us: each file here must be set aside, never taken."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest

from mingdan.night import Night
from mingdan.reports.intake import take
from mingdan.reports.policy import policy
from mingdan.reports.tables import PARTNER_ENTRIES, REPORTS_QUARANTINE
from tests.reports.world import DAY, World, entry


@pytest.fixture
def world(night: Night) -> World:
    made = World(night)
    made.person("8613800000001", 11, 1)
    made.person("8613800000002", 12, 2)
    made.write()
    made.complaints()
    return made


def upload(world: World, content: bytes) -> tuple[list[str], list[tuple[int, str]]]:
    """What was taken of an upload and what was set aside why."""
    world.entries().write_bytes(content)
    take(world.night, DAY)
    lake = world.night.lake
    taken = lake.scan(PARTNER_ENTRIES, [DAY]).collect()["entry_id"].to_list()
    aside = lake.scan(REPORTS_QUARANTINE, [DAY]).select("line", "reason").collect().rows()
    return taken, aside


def text(*lines: str) -> str:
    header = "entry_id,action,category,number,legal_basis,observed_at,valid_until"
    return "\n".join([header, *lines]) + "\n"


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("entries.csv", text(entry("8613800000001")))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (zipped, "bad_header"),
        (lambda: text(entry("8613800000001")).encode("utf-16"), "bad_header"),
        (lambda: b"", "empty_file"),
        (lambda: text(entry("8613800000001")).replace(",category", ",类别").encode(), "bad_header"),
        (lambda: text(entry("8613800000001")).replace(",", ";").encode(), "bad_header"),
    ],
)
def test_another_kind_of_file(world: World, make: Callable[[], bytes], reason: str) -> None:
    assert upload(world, make()) == ([], [(0, reason)])


def test_a_50_mb_line_is_neither_kept_nor_held(world: World) -> None:
    """Its neighbours are taken, its head is kept, and memory stays at a fraction of it."""
    path = world.entries()
    with path.open("wb") as file:
        file.write(text(entry("8613800000001")).encode())
        for _ in range(50):
            file.write(b"8" * 1_000_000)
        file.write(b"\n" + entry("8613800000002", ref="E2").encode() + b"\n")
    tracemalloc.start()
    take(world.night, DAY)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    lake = world.night.lake
    assert lake.scan(PARTNER_ENTRIES, [DAY]).collect()["entry_id"].to_list() == ["E1", "E2"]
    (bad,) = lake.scan(REPORTS_QUARANTINE, [DAY]).collect().to_dicts()
    assert (bad["line"], bad["reason"]) == (3, "line_too_long")
    assert bad["raw"] == b"8" * policy().caps.max_line_bytes
    assert peak < 20_000_000


def test_more_lines_than_agreed_are_counted_and_not_parsed(world: World) -> None:
    rows = policy().caps.max_rows + 1
    content = text().encode() + (entry("8613800000001").encode() + b"\n") * rows
    world.entries().write_bytes(content)
    facts = take(world.night, DAY).facts
    assert facts["entries_received"] == facts["entries_quarantined"] == rows
    aside = world.night.lake.scan(REPORTS_QUARANTINE, [DAY]).select("line", "reason").collect()
    assert aside.rows() == [(0, "too_many_rows")]


def test_an_unclosed_quote_takes_no_other_line_with_it(world: World) -> None:
    lines = ('"E0,add', entry("8613800000001"), entry("8613800000002", ref="E2"))
    assert upload(world, text(*lines).encode()) == (["E1", "E2"], [(2, "bad_quoting")])


def test_gb18030_is_not_guessed(world: World) -> None:
    """诈骗 in GB18030 is valid UTF-8: the grammar, not the decoder, refuses it."""
    line = entry("8613800000001").replace("fraud", "诈骗").encode("gb18030")
    other = entry("8613800000001", ref="E2").replace("fraud", "欺诈").encode("gb18030")
    content = text().encode() + line + b"\n" + other + b"\n"
    assert upload(world, content) == ([], [(2, "unknown_category"), (3, "not_utf8")])


def test_full_width_digits_are_folded_before_they_are_judged(world: World) -> None:
    full = str.maketrans("0123456789", "０１２３４５６７８９")
    taken = text(entry("8613800000001".translate(full)))
    assert upload(world, taken.encode()) == (["E1"], [])
    hidden = text(entry("96110".translate(full)), entry("8613800000001", ref="E2"))
    assert upload(world, hidden.encode()) == ([], [(2, "service_number"), (3, "file_stopped")])


def test_red_list_poisoning(world: World) -> None:
    """A list that slips a protected number among others is not believed at all."""
    world.protect("party", 2)
    world.write()
    content = text(entry("8613800000001"), entry("8613800000002", ref="E2"))
    assert upload(world, content.encode()) == ([], [(2, "file_stopped"), (3, "protected_number")])


@pytest.mark.parametrize("formula", ["=1+1", "+cmd", "-2", "@SUM(1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_formulas_start_no_field(world: World, formula: str) -> None:
    taken, aside = upload(world, text(entry("8613800000001", ref=formula)).encode())
    assert taken == []
    assert aside[0][1] in ("bad_id", "control_character")


def test_duplicate_and_conflicting_entries(world: World) -> None:
    lines = (
        entry("8613800000001"),
        entry("8613800000001"),
        entry("8613800000002", ref="E2"),
        entry("8613800000002", ref="E2", action="withdraw"),
    )
    aside = [(3, "duplicate_id"), (4, "conflict"), (5, "conflict")]
    assert upload(world, text(*lines).encode()) == (["E1"], aside)


def test_carriage_returns_and_nul_do_not_split_lines(world: World) -> None:
    line = entry("8613800000001").encode()
    content = text().encode() + line + b"\rE2,add\n" + line.replace(b"E1", b"E\x00") + b"\n"
    assert upload(world, content) == ([], [(2, "control_character"), (3, "control_character")])


def test_a_partner_folder_cannot_point_elsewhere(world: World) -> None:
    """The folder's name is looked up, never used as a path or trusted."""
    outside = world.landing / "partners" / "..police_demo" / DAY.isoformat()
    outside.mkdir(parents=True)
    (outside / "entries.csv").write_text(text(entry("8613800000001")), encoding="utf-8")
    take(world.night, DAY)
    lake = world.night.lake
    assert lake.scan(PARTNER_ENTRIES, [DAY]).collect().height == 0
    aside = lake.scan(REPORTS_QUARANTINE, [DAY]).collect()["reason"].to_list()
    assert aside == ["unknown_partner"]


def test_competitors_cannot_list_a_number_by_complaining(world: World) -> None:
    """However many complain, complaints alone stay at watch."""
    from mingdan.reports.tables import REPORT_ASSERTIONS
    from tests.reports.world import complaint

    world.complaints(
        *(
            complaint("13800000001", str(8613900000000 + i), ref=f"C{i}", category="fraud")
            for i in range(500)
        )
    )
    take(world.night, DAY)
    rows = world.night.lake.scan(REPORT_ASSERTIONS, [DAY]).collect().to_dicts()
    assert [(row["level"], row["score"]) for row in rows] == [("watch", 80)]


def test_the_list_of_another_day_is_not_read(world: World) -> None:
    world.entries(entry("8613800000001"), day=DAY + timedelta(1))
    take(world.night, DAY)
    assert world.night.lake.scan(PARTNER_ENTRIES, [DAY]).collect().height == 0
