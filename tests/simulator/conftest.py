"""One small simulated world, and its files read back by the contract's own words."""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from mingdan.simulator.world import Simulated, World, simulate

WORLD = World(subscribers=500, days=10, seed=3, last_day=date(2026, 10, 20))


@dataclass(frozen=True)
class Line:
    """A delivered usage line: where it stands and its fields."""

    source: str
    day: str
    file: str
    fields: list[str]
    decoded: bool


@dataclass(frozen=True)
class Small:
    """The world on disk."""

    out: Path
    done: Simulated

    def truth(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.out / "truth" / f"{name}.parquet")

    def lines(self, source: str) -> Iterator[Line]:
        """Every data line of a source, delivery day by delivery day."""
        for path in sorted((self.out / "landing" / "usage" / source).rglob("*")):
            if path.is_file():
                yield from read(path, source)


def read(path: Path, source: str) -> Iterator[Line]:
    raw = path.read_bytes()
    if source != "msc":
        raw = gzip.decompress(raw)
    if source == "ggsn":
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    encoding = "gb18030" if source == "smsc" else "utf-8"
    rows = raw.splitlines()
    for row in rows if source == "ggsn" else rows[1:]:
        try:
            text, decoded = row.decode(encoding), True
        except UnicodeDecodeError:
            text, decoded = row.decode(encoding, "replace"), False
        fields = next(csv.reader([text], delimiter="|" if source == "ggsn" else ","))
        yield Line(source, path.parent.name, path.name, fields, decoded)


def tree(folder: Path) -> dict[str, str]:
    """Digest of every file by its path; not of the order store, whose content counts."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith("orders.db")
    }


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    out = tmp_path_factory.mktemp("world") / "data"
    return Small(out, simulate(WORLD, out))
