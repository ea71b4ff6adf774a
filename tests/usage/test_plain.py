"""Lines read in one pass give what the slow way gives, field by field."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.usage import lines as module
from mingdan.usage.lines import split_block
from mingdan.usage.plain import integer_columns, read_plain
from mingdan.usage.records import Window, read_records
from mingdan.usage.source import Source
from mingdan.usage.specs import shipped
from mingdan.usage.text import Block
from tests.usage.feeds import DAY, msc_line

SOURCE = shipped()["msc"]
WINDOW = Window.of(DAY, 7, SOURCE)

_odd = st.sampled_from(
    ["", "0", "00", "-0", "-1", "+5", " 5", "5 ", "５", "1.0", "1e3", "9" * 19, "0755", "10086",
     "+8613900139000", "013900139000", "x", "\\N", "NULL", "nan", "true", '"1"', "a b", "多"]
)  # fmt: skip


def columns(data: bytes) -> tuple[pl.DataFrame, np.ndarray]:
    lengths = np.array([len(line) for line in data.splitlines(keepends=True)], np.int64)
    return read_plain(data, lengths, SOURCE)


def read(data: bytes) -> tuple[pl.DataFrame, pl.DataFrame]:
    lines = split_block(Block(data, 1), SOURCE)
    return read_records(lines, SOURCE, WINDOW, "file")


def in_texts(data: bytes, lengths: np.ndarray, source: Source) -> tuple[pl.DataFrame, np.ndarray]:
    """In the place of `read_plain`: no line is plain."""
    schema = dict.fromkeys(source.file.names, pl.String())
    return pl.DataFrame(schema=schema), np.zeros(lengths.size, np.bool_)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.integers(0, 11), _odd, max_size=3), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_quick_way_and_the_slow_way_read_alike(
    rows: list[dict[int, str]], ends: bool, newline: str
) -> None:
    lines = []
    for number, changes in enumerate(rows):
        cells = msc_line(number).split(",")
        for place, value in changes.items():
            cells[place : place + 1] = [value]  # at 11: one field too many
        lines.append(",".join(cells))
    data = (newline.join(lines) + (newline if ends else "")).encode()
    quick = read(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read_plain", in_texts)
        slow = read(data)
    for one, other in zip(quick, slow, strict=True):
        key = "source_line" if "source_line" in one.columns else "line"
        assert one.sort(key).equals(other.sort(key))


def test_nearly_every_line_is_plain_and_only_those_are() -> None:
    good = [msc_line(n) for n in range(50)]
    bad = [msc_line("x", seconds="061"), msc_line("x") + ",", msc_line("x").rsplit(",", 1)[0]]
    _, plain = columns("\n".join([*good, *bad]).encode())
    assert plain.tolist() == [True] * 50 + [False] * 3


def test_a_column_that_also_is_a_text_is_read_as_text() -> None:
    assert "served_msisdn" in integer_columns(SOURCE)
    also = SOURCE.columns.model_copy(update={"record_id": ("served_msisdn",)})
    assert "served_msisdn" not in integer_columns(SOURCE.model_copy(update={"columns": also}))
    assert not integer_columns(shipped()["sichuan_sms"]) & {"phone_no_m", "opposite_no_m"}
