"""Any bytes at all: a usage file is refused, or every line of it is accounted for."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.usage.lines import split_block
from mingdan.usage.packed import FileRefused
from mingdan.usage.records import Window, read_records
from mingdan.usage.source import FileForm, Source
from mingdan.usage.specs import shipped
from mingdan.usage.text import read_blocks
from tests.usage.feeds import DAY, LIMITS, MSC_HEADER, SMSC_HEADER, ggsn_line, msc_line, smsc_line

SAMPLES = {
    "msc": (MSC_HEADER + "\n", msc_line("1")),
    "smsc": (SMSC_HEADER + "\n", smsc_line("1")),
    "ggsn": ("", ggsn_line("1")),
    "collegemsg": ("", "1 2 1793462400"),
    "sichuan_sms": ("phone_no_m,opposite_no_m,calltype_id,request_datetime\n", "a,b,1,2026-11-01"),
}


def account(source: Source, content: bytes) -> None:
    """Read a file and check that no line is lost, none counted twice."""
    received = kept = 0
    lines_seen: list[int] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        for block in read_blocks(path, source, LIMITS):
            lines = split_block(block, source)
            records, aside = read_records(lines, source, Window.of(DAY, 7, source), "file")
            received += lines.rows
            kept += records.height + aside.height
            lines_seen += [*records["source_line"], *aside["line"]]
            delivered = content.split(b"\n")
            for line, raw in aside.select("line", "raw").iter_rows():
                assert delivered[line - 1] == raw
    assert received == kept == len(set(lines_seen))
    assert received <= content.count(b"\n") + 1


def uncompressed(name: str) -> Source:
    source = shipped()[name]
    form = FileForm.model_validate({**source.file.model_dump(), "compression": "none"})
    return source.model_copy(update={"file": form})


_field = st.one_of(
    st.text(max_size=20),
    st.integers(-(10**25), 10**25).map(str),
    st.sampled_from(["", "0", "-0", "９", "+86", "00", "1e9", "NaN", "9999-12-31 23:59:59",
                     "0000-00-00 00:00:00", "99991231235959", "00000101000000",
                     "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"]),
)  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_value_in_any_field_is_read_or_set_aside(name: str, data: st.DataObject) -> None:
    header, sample = SAMPLES[name]
    source = uncompressed(name)
    lines = []
    for _ in range(data.draw(st.integers(1, 5))):
        values = sample.split(source.file.delimiter)
        for _ in range(data.draw(st.integers(1, 4))):
            values[data.draw(st.integers(0, len(values) - 1))] = data.draw(_field)
        lines.append(source.file.delimiter.join(values))
    content = (header + "\n".join(lines)).encode(source.file.encoding, "replace")
    try:
        account(source, content)
    except FileRefused as refused:
        assert "NUL byte" in str(refused) or "empty file" in str(refused)  # noqa: PT017


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=60, deadline=None)
@given(body=st.binary(max_size=300), cut=st.integers(0, 400))
def test_any_bytes_after_the_header_are_refused_or_accounted_for(
    name: str, body: bytes, cut: int
) -> None:
    header, sample = SAMPLES[name]
    source = uncompressed(name)
    head = (header + sample + "\n").encode(source.file.encoding)
    try:
        account(source, head[:cut] + body)
    except FileRefused:
        return
