"""Source specs: the shipped ones, an operator's own, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mingdan.errors import InputRefused
from mingdan.settings import Settings
from mingdan.usage.specs import load_source, shipped, sources

GOOD = """
name = "mine"
title = "Mine"
usage_type = "sms"
direction = "out"

[file]
pattern = "*.csv"
encoding = "utf-8"
delimiter = ","
header = true
names = ["id", "number", "time"]

[time]
column = "time"
format = "YYYYMMDDhhmmss"
zone = "Asia/Shanghai"

[columns]
record_id = "id"
served_msisdn = "number"
"""


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_sources_are_those_documented() -> None:
    assert sorted(shipped()) == [
        "collegemsg",
        "collegemsg_received",
        "ggsn",
        "msc",
        "nus_sms",
        "sichuan_sms",
        "sichuan_voice",
        "smsc",
        "tap",
    ]
    required = {name for name, source in shipped().items() if source.required}
    assert required == {"smsc", "msc", "ggsn"}
    self_held = {name for name, source in shipped().items() if source.self_held}
    assert self_held == set(shipped()) - {"smsc", "msc", "ggsn", "tap"}


def test_a_well_formed_spec_is_read(tmp_path: Path) -> None:
    source = load_source(write(tmp_path, GOOD))
    assert source.file.names == ("id", "number", "time")
    assert source.columns.record_id == ("id",)
    assert source.used == {"id", "number", "time"}


@pytest.mark.parametrize(
    ("replaced", "by", "words"),
    [
        ('encoding = "utf-8"', 'encoding = "gbk"', ["file.encoding", "'gb18030'", "'gbk'"]),
        ('direction = "out"', 'direction = "up"', ["direction", "'out' or 'in'", "'up'"]),
        ('usage_type = "sms"', "", ["usage_type", "columns.usage_type"]),
        ('delimiter = ","', "", ["file: format delimited", "delimiter missing"]),
        ('delimiter = ","', 'delimeter = ","', ["file.delimeter", "unknown key", "delimiter"]),
        ('format = "YYYYMMDDhhmmss"', 'format = "%Y"', ["time.format", "'YYYYMMDDhhmmss'"]),
        ('zone = "Asia/Shanghai"', "", ["time", "zone", "offset_column"]),
        ('zone = "Asia/Shanghai"', 'zone = "China"', ["time", "'China'", "IANA"]),
        ('served_msisdn = "number"', "", ["columns", "served_msisdn or served_imsi"]),
        ('served_msisdn = "number"', 'served_msisdn = "nummer"', ["nummer", "id, number, time"]),
        (
            '"id", "number", "time"',
            '"id", "id", "number", "time"',
            ["file", "names", "more than once"],
        ),
        ('name = "mine"', 'name = "other"', ["name", "'mine'"]),
        ('record_id = "id"', 'text = "id"', ["columns.text", "text_licensed"]),
        ('title = "Mine"', 'title = "Mine', ["mine.toml"]),
        ('title = "Mine"', "bad_rows_limit = 7\ntitle = 'Mine'", ["bad_rows_limit", "7"]),
        ("[columns]", '[codes.direction]\n1 = "out"\n[columns]', ["codes.direction"]),
    ],
)
def test_a_wrong_spec_names_file_key_and_what_is_allowed(
    tmp_path: Path, replaced: str, by: str, words: list[str]
) -> None:
    assert replaced in GOOD
    path = write(tmp_path, GOOD.replace(replaced, by))
    with pytest.raises(InputRefused) as refused:
        load_source(path)
    for word in [str(path), *words]:
        assert word in str(refused.value)


def test_an_operators_own_spec_stands_beside_and_replaces_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    own = GOOD.replace('"mine"', '"smsc"').replace("Mine", "Our SMS centre")
    write(tmp_path, own, "smsc.toml")
    known = sources(Settings(sources=tmp_path))
    assert set(shipped()) < set(known)
    assert known["mine"].title == "Mine"
    assert known["smsc"].title == "Our SMS centre"
    assert shipped()["smsc"].title != "Our SMS centre"


def test_a_folder_of_specs_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="MINGDAN_SOURCES"):
        sources(Settings(sources=tmp_path / "none"))


def test_required_sources_are_read_from_one_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().required_sources is None
    monkeypatch.setenv("MINGDAN_REQUIRED_SOURCES", "")
    assert Settings().required_sources == []
    monkeypatch.setenv("MINGDAN_REQUIRED_SOURCES", "smsc, msc")
    assert Settings().required_sources == ["smsc", "msc"]
