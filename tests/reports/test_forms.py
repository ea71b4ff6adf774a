"""Partners' lists in every form agreed on: the same entries, whatever carries them."""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mingdan.errors import InputRefused
from mingdan.night import Night
from mingdan.reports.forms import HEADER
from mingdan.reports.intake import take
from mingdan.reports.partners import load_partners
from mingdan.reports.tables import PARTNER_ENTRIES, REPORTS_QUARANTINE
from tests.reports.world import DAY, World, entry, iso, own_partners

LINES = (entry("8613800000001"), entry("8613800000002", ref="E2", category="spam_sms"))


@pytest.fixture(autouse=True)
def _complaints_arrive(world: World) -> None:
    world.complaints()
    world.write()


def agree(world: World, intake: str) -> None:
    """Police and operator agree on the form of the list."""
    shipped = Path("mingdan/reports/partners.toml").read_text(encoding="utf-8")
    head, police, bank = shipped.split("[[partner]]")
    police = police.replace(
        "[partner.agreement]", f"[partner.intake]\n{intake}\n\n[partner.agreement]"
    )
    own_partners(world, "[[partner]]".join([head, police, bank]))


def deliver(world: World, name: str, content: bytes) -> None:
    path = world.landing / "partners" / "police_demo" / DAY.isoformat() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def taken(night: Night) -> list[tuple[Any, ...]]:
    rows = night.lake.scan(PARTNER_ENTRIES, [DAY]).collect()
    return rows.select("category", "action", "legal_basis", "observed_at", "party_id").rows()


def set_aside(night: Night) -> list[tuple[Any, ...]]:
    rows = night.lake.scan(REPORTS_QUARANTINE, [DAY]).collect()
    return rows.select("line", "reason", "field").rows()


@pytest.fixture
def as_csv(night: Night, world: World) -> list[tuple[Any, ...]]:
    """What the two lines give as plain CSV."""
    world.entries(*LINES)
    take(night, DAY)
    found = taken(night)
    assert len(found) == 2
    (world.landing / "partners" / "police_demo" / DAY.isoformat() / "entries.csv").unlink()
    return found


def parquet(rows: list[dict[str, Any]], path: Path, **options: Any) -> bytes:
    pl.DataFrame(rows).write_parquet(path, **options)
    return path.read_bytes()


def fields() -> list[dict[str, Any]]:
    return [dict(zip(HEADER, line.split(","), strict=True)) for line in LINES]


def test_parquet_holds_the_same_entries(
    night: Night, world: World, as_csv: list[Any], tmp_path: Path
) -> None:
    agree(world, 'form = "parquet"')
    deliver(world, "entries.parquet", parquet(fields()[::-1], tmp_path / "p"))
    assert take(night, DAY).facts["entries_received"] == 2
    assert sorted(taken(night)) == sorted(as_csv)


def test_parquet_may_hold_instants_as_such(
    night: Night, world: World, as_csv: list[Any], tmp_path: Path
) -> None:
    agree(world, 'form = "parquet"')
    frame = pl.DataFrame(fields()).with_columns(
        pl.col("observed_at", "valid_until").str.to_datetime(time_zone="Asia/Shanghai")
    )
    frame.write_parquet(tmp_path / "p")
    deliver(world, "entries.parquet", (tmp_path / "p").read_bytes())
    take(night, DAY)
    assert taken(night) == as_csv


def indicator(number: str, *, ref: str = "E1", **changes: Any) -> dict[str, Any]:
    plain = {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid5(uuid.NAMESPACE_URL, ref)}",
        "created": "2026-11-07T04:00:00.000Z",
        "modified": "2026-11-07T04:00:00.000Z",
        "labels": ["fraud"],
        "pattern": f"[phone-number:value = '{number}']",
        "pattern_type": "stix",
        "valid_from": iso(DAY - timedelta(3)),
        "valid_until": iso(DAY + timedelta(90)),
        "external_references": [{"source_name": "legal_basis", "external_id": "anti_fraud_law"}],
    }
    return plain | changes


def bundle(*objects: Any) -> bytes:
    whole = {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": objects}
    return json.dumps(whole).encode()


def test_a_stix_bundle_holds_the_same_entries(
    night: Night, world: World, as_csv: list[Any]
) -> None:
    agree(world, 'form = "stix"')
    beside = {"type": "identity", "spec_version": "2.1", "name": "police"}
    content = bundle(
        beside, indicator("+8613800000001"), indicator("13800000002", ref="E2", labels=["spam_sms"])
    )
    deliver(world, "entries.json", content)
    facts = take(night, DAY).facts
    assert sorted(taken(night)) == sorted(as_csv)
    assert facts["entries_received"] == 2, "who published it is no entry"


def test_a_revoked_indicator_takes_its_entry_back(night: Night, world: World) -> None:
    """The newest version of an object counts, in whatever order they come."""
    agree(world, 'form = "stix"')
    revoked = indicator("+8613800000001", revoked=True, modified="2026-11-09T04:00:00.000Z")
    deliver(world, "entries.json", bundle(revoked, indicator("+8613800000001")))
    take(night, DAY)
    assert [row[:2] for row in taken(night)] == [("fraud", "withdraw")]
    assert set_aside(night) == [(2, "older_version", "modified")]


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"type": "malware"}, "unknown_object", "type"),
        ({"pattern": "[phone-number:value LIKE '+86%']"}, "bad_pattern", "pattern"),
        ({"pattern": "[phone-number:value = 'a' OR phone-number:value = 'b']"}, "bad_pattern",
         "pattern"),
        ({"pattern_type": "yara"}, "bad_pattern", "pattern"),
        ({"labels": ["fraud", "spam_sms"]}, "unknown_category", "category"),
        ({"labels": "fraud"}, "unknown_category", "category"),
        ({"labels": [{"a": 1}]}, "unknown_category", "category"),
        ({"external_references": []}, "bad_legal_basis", "legal_basis"),
        ({"external_references": [[]]}, "bad_legal_basis", "legal_basis"),
        ({"valid_until": None}, "bad_object", "valid_until"),
        ({"valid_from": "yesterday"}, "bad_time", "observed_at"),
        ({"revoked": "no"}, "bad_object", "revoked"),
        ({"spec_version": "2.0"}, "bad_object", "spec_version"),
        ({"id": "=1+1"}, "bad_id", "entry_id"),
        ({"description": "x" * 5_000}, "line_too_long", None),
    ],
)  # fmt: skip
def test_an_indicator_that_says_something_else_is_set_aside(
    night: Night, world: World, changes: dict[str, Any], reason: str, field: str | None
) -> None:
    agree(world, 'form = "stix"')
    good = indicator("+8613800000002", ref="E2")
    deliver(world, "entries.json", bundle(good, indicator("+8613800000001") | changes))
    take(night, DAY)
    assert set_aside(night) == [(2, reason, field)]
    assert len(taken(night)) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"{", "not_stix"),
        (b"[" * 100_000, "not_stix"),
        (b'{"type": "bundle"}', "not_stix"),
        (b'{"type": "bundle", "objects": {}}', "not_stix"),
        (b'{"type": "bundle", "objects": [NaN]}', "not_stix"),
        (b"\xff\xfe", "not_stix"),
    ],
)
def test_what_is_no_bundle_is_quarantined_whole(
    night: Night, world: World, content: bytes, reason: str
) -> None:
    agree(world, 'form = "stix"')
    deliver(world, "entries.json", content)
    assert take(night, DAY).facts["lists_stopped"] == f"police_demo: {reason}"
    assert set_aside(night) == [(0, reason, None)]


def test_a_broken_or_foreign_parquet_file_is_quarantined_whole(
    night: Night, world: World, tmp_path: Path
) -> None:
    agree(world, 'form = "parquet"')
    whole = parquet(fields(), tmp_path / "p")
    for content, reason in (
        (whole[:-9], "not_parquet"),
        (whole[:4] + b"\0" * 40 + whole[44:], "not_parquet"),
        (b"PAR1", "not_parquet"),
        (parquet([{"number": "1"}], tmp_path / "q"), "bad_header"),
        (parquet([fields()[0] | {"number": 1}], tmp_path / "q"), "bad_header"),
        (parquet([fields()[0] | {"number": "1" * 5_000}] * 50, tmp_path / "q"), "value_too_long"),
    ):
        deliver(world, "entries.parquet", content)
        assert take(night, DAY).facts["lists_stopped"] == f"police_demo: {reason}", reason
        assert taken(night) == []


def test_a_small_file_that_unpacks_to_a_large_one_is_not_unpacked(
    night: Night, world: World, tmp_path: Path
) -> None:
    agree(world, 'form = "parquet"')
    bomb = [fields()[0] | {"entry_id": f"E{i}", "number": "1" * 2_000} for i in range(150_000)]
    content = parquet(bomb, tmp_path / "p", compression="zstd", use_pyarrow=True,
                      pyarrow_options={"use_dictionary": False})  # fmt: skip
    assert len(content) < 3_000_000
    deliver(world, "entries.parquet", content)
    assert take(night, DAY).facts["lists_stopped"] == "police_demo: file_too_large"


def test_gb18030_is_read_where_it_is_declared(night: Night, world: World) -> None:
    agree(world, 'encoding = "gb18030"')
    wide = LINES[0].replace("8613800000001", "".join(chr(0xFF10 + int(d)) for d in "8613800000001"))
    deliver(world, "entries.csv", "\n".join([",".join(HEADER), wide]).encode("gb18030"))
    take(night, DAY)
    assert [row[-1] for row in taken(night)] == [1]
    deliver(world, "entries.csv", ",".join(HEADER).encode() + b"\nE1,add,\xff\xff,,,,\n")
    take(night, DAY)
    assert set_aside(night) == [(2, "not_gb18030", None)]


def test_a_form_that_was_not_agreed_on_is_not_read(night: Night, world: World) -> None:
    world.entries(LINES[0])
    deliver(world, "entries.json", bundle(indicator("+8613800000002", ref="E2")))
    facts = take(night, DAY).facts
    assert facts["lists_stopped"] == "police_demo: form_not_agreed"
    assert set_aside(night) == [(0, "form_not_agreed", None)]
    assert [row[-1] for row in taken(night)] == [1]


@pytest.mark.parametrize("intake", ['form = "pdf"', 'form = "stix"\nencoding = "gb18030"'])
def test_a_form_nobody_reads_cannot_be_agreed_on(night: Night, world: World, intake: str) -> None:
    agree(world, intake)
    with pytest.raises(InputRefused):
        load_partners(night.settings)


def test_days_of_a_bundle_are_instants(night: Night, world: World) -> None:
    agree(world, 'form = "stix"')
    late = indicator("+8613800000001", valid_from=iso(date(2026, 11, 12)))
    deliver(world, "entries.json", bundle(late))
    take(night, DAY)
    assert set_aside(night) == [(1, "future_time", "observed_at")]
