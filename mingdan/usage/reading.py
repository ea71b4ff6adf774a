"""A delivered file as lines, whatever form it has.

Here: which reader reads which form. Not here: the readers (`text.py` and `lines.py`,
`columnar.py`) and what a line means (`records.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mingdan.usage.columnar import read_rows
from mingdan.usage.lines import Lines, split_block
from mingdan.usage.packed import Limits
from mingdan.usage.source import Source
from mingdan.usage.text import read_blocks


def read_lines(path: Path, source: Source, limits: Limits) -> Iterator[tuple[Lines, int]]:
    """The file's lines in blocks, each with how many good lines can follow at most.

    Raises FileRefused, as soon as a fault of the file as a whole is seen.
    """
    if source.file.format == "parquet":
        yield from read_rows(path, source, limits)
        return
    shortest = sum(source.file.widths) or len(source.file.names)
    for block in read_blocks(path, source, limits):
        # a good line has all its delimiters or its width: no file holds more of them than this
        yield split_block(block, source), block.left // shortest
