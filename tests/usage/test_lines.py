"""Lines of a file: every fault of form is named and keeps its bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mingdan.usage import text
from mingdan.usage.lines import split_block
from mingdan.usage.packed import FileRefused
from mingdan.usage.source import FileForm, Source
from mingdan.usage.specs import shipped
from mingdan.usage.text import read_blocks
from tests.usage.feeds import LIMITS, SMSC_HEADER, ggsn_line, smsc_line


def plain(source: Source, **changes: object) -> Source:
    """A source with another file form, e.g. uncompressed."""
    form = {**source.file.model_dump(), **changes}
    return source.model_copy(update={"file": FileForm.model_validate(form)})


def split(
    tmp_path: Path, source: Source, content: bytes
) -> tuple[int, list[tuple[int, str]], list[bytes], list[str | None]]:
    """Rows, faults, their bytes, and the ids of the good lines."""
    path = tmp_path / "file"
    path.write_bytes(content)
    rows, faults, raw = 0, [], []
    ids: list[tuple[int, str | None]] = []
    for block in read_blocks(path, source, LIMITS):
        lines = split_block(block, source)
        rows += lines.rows
        faults += [(fault.line, fault.reason) for fault in lines.faults]
        raw += [lines.delivered(fault.line) for fault in lines.faults]
        for part in lines.parts:
            ids += zip(part.numbers, part.fields[source.columns.record_id[0]], strict=True)
    return rows, faults, raw, [name for _, name in sorted(ids)]


@pytest.fixture
def smsc() -> Source:
    return plain(shipped()["smsc"], compression="none")


def test_lines_with_faults_keep_the_bytes_they_were_delivered_in(
    tmp_path: Path, smsc: Source
) -> None:
    good = [smsc_line(n).encode("gb18030") for n in (1, 2)]
    cut = smsc_line(3).encode("gb18030")[:30]
    long = (smsc_line(4) + ",多").encode("gb18030")
    garbled = smsc_line(5).replace("主叫发送", "?").encode().replace(b"?", b"\xff\xfe\x81")
    content = b"\n".join([SMSC_HEADER.encode("gb18030"), good[0], cut, b"", garbled, long, good[1]])
    rows, faults, raw, ids = split(tmp_path, smsc, content)
    assert rows == 5
    assert sorted(faults) == [(3, "too_few_fields"), (5, "undecodable"), (6, "too_many_fields")]
    assert sorted(raw) == sorted([cut, garbled, long])
    assert ids == ["1", "2"]


def test_windows_line_ends_and_blank_lines_are_no_faults(tmp_path: Path, smsc: Source) -> None:
    lines = [SMSC_HEADER, smsc_line(1), "", smsc_line(2), "", ""]
    rows, faults, _, ids = split(tmp_path, smsc, "\r\n".join(lines).encode("gb18030"))
    assert (rows, faults, ids) == (2, [], ["1", "2"])


def test_a_delimiter_inside_a_gb18030_character_is_no_delimiter(tmp_path: Path) -> None:
    # the second byte of 瘄 is 0x7C, the bar
    source = plain(
        shipped()["ggsn"], compression="none", encoding="gb18030", names=("id", "name", "msisdn",
        "imsi", "imei", "start", "duration_s", "up_bytes", "down_bytes", "cell", "fee_fen"),
    )  # fmt: skip
    character = b"\x89\x7c".decode("gb18030")
    line = ggsn_line(1).replace("|", f"|{character}|", 1).encode("gb18030")
    assert b"\x7c" in character.encode("gb18030")
    assert split(tmp_path, source, line + b"\n")[1:] == ([], [], ["1"])


def test_a_byte_order_mark_is_taken_only_where_declared(tmp_path: Path) -> None:
    ggsn = plain(shipped()["ggsn"], compression="none")
    content = b"\xef\xbb\xbf" + ggsn_line(1).encode()
    assert split(tmp_path, ggsn, content)[3] == ["1"]
    assert split(tmp_path, ggsn, content[3:])[3] == ["1"]
    with pytest.raises(FileRefused, match=r"byte order mark.*utf-8-sig"):
        split(tmp_path, plain(ggsn, encoding="utf-8"), content)


def test_quoted_fields_may_hold_delimiters_but_not_line_ends(tmp_path: Path) -> None:
    source = plain(shipped()["nus_sms"], quote='"')
    content = 'id,sender,recipient,time\n1,"a,b",c,t\n2,"open,c,t\n"3""x",a,c,t\n4,a,c\n'
    rows, faults, raw, ids = split(tmp_path, source, content.encode())
    assert rows == 4
    assert faults == [(3, "bad_quote"), (5, "too_few_fields")]
    assert raw == [b'2,"open,c,t', b"4,a,c"]
    assert ids == ["1", '3"x']


@pytest.mark.parametrize("size", [64, 257, 1000, 1 << 20])
def test_a_file_reads_alike_whatever_the_size_of_a_block(
    tmp_path: Path, smsc: Source, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    lines = [SMSC_HEADER, *(smsc_line(n) if n % 7 else f"{n},坏" for n in range(60))]
    content = "\n".join(lines).encode("gb18030")
    whole = split(tmp_path, smsc, content)
    assert (whole[0], len(whole[1])) == (60, 9)
    monkeypatch.setattr(text, "BLOCK_BYTES", size)
    if size < len(SMSC_HEADER.encode("gb18030")):
        smsc = smsc.model_copy(update={"max_line_bytes": 200})
    assert split(tmp_path, smsc, content) == whole


@pytest.mark.parametrize("count", [1, 2, 7, 61, 62])
def test_a_file_reads_alike_however_many_lines_a_block_has(
    tmp_path: Path, smsc: Source, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    lines = [SMSC_HEADER, *(smsc_line(n) if n % 7 else f"{n},坏" for n in range(60)), ""]
    content = "\r\n".join(lines).encode("gb18030")
    whole = split(tmp_path, smsc, content)
    assert (whole[0], len(whole[1])) == (60, 9)
    monkeypatch.setattr(text, "BLOCK_LINES", count)
    path = tmp_path / "file"
    blocks = list(read_blocks(path, smsc, LIMITS))
    assert max(block.raw.count(b"\n") for block in blocks) == min(count, 61)
    assert split(tmp_path, smsc, content) == whole


def test_a_line_without_end_is_refused_before_it_fills_memory(
    tmp_path: Path, smsc: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "BLOCK_BYTES", 1000)
    content = SMSC_HEADER.encode("gb18030") + b"\n" + b"1" * 1_000_000
    with pytest.raises(FileRefused, match="longer than max_line_bytes = 65536"):
        split(tmp_path, smsc, content)


def test_a_long_line_is_named(tmp_path: Path, smsc: Source) -> None:
    lines = [SMSC_HEADER, smsc_line(1), smsc_line(2, cell="9" * 70_000), smsc_line(3)]
    with pytest.raises(FileRefused, match="line 3 is longer"):
        split(tmp_path, smsc, "\n".join(lines).encode("gb18030"))


def test_a_lost_header_does_not_put_numbers_into_the_error(tmp_path: Path, smsc: Source) -> None:
    with pytest.raises(FileRefused) as refused:
        split(tmp_path, smsc, smsc_line(1).encode("gb18030"))
    assert "the header changed" in str(refused.value)
    assert "13800138000" not in str(refused.value)
    assert "460001234567890" not in str(refused.value)
