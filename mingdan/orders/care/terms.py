"""Words of a text as the full-text index knows them, and the passage that shows them.

Here: Chinese by pairs of characters (bigrams), everything else by words; the
same on every database. Not here: the index (`index.py`).

Chinese has no blanks, and a dictionary of words ages; every pair of neighbouring
characters is a term, so any two characters that stand side by side are found.
Single characters are terms too, for a search of one character.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

LONGEST_TERM = 64
"""Characters of a term; the rest of a longer word is dropped, in text and search alike."""
_HAN = (
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@dataclass(frozen=True)
class Run:
    """Neighbouring characters of one kind, and where each stands in the text."""

    characters: str
    places: tuple[int, ...]
    chinese: bool


def terms(text: str) -> Counter[str]:
    """Every term of `text` with its count: pairs, single characters, words."""
    found: Counter[str] = Counter()
    for run in runs(text):
        if run.chinese:
            found.update(run.characters)
            found.update(_pairs(run.characters))
        else:
            found[run.characters[:LONGEST_TERM]] += 1
    return found


def asked(query: str) -> list[str]:
    """The terms a search is for, each once: pairs where there are any, else the character."""
    found: dict[str, None] = {}
    for run in runs(query):
        if not run.chinese:
            found[run.characters[:LONGEST_TERM]] = None
        elif len(run.characters) == 1:
            found[run.characters] = None
        else:
            found |= dict.fromkeys(_pairs(run.characters))
    return list(found)


def runs(text: str) -> Iterator[Run]:
    """The text's letters and digits, full-width folded and in small letters."""
    characters: list[str] = []
    places: list[int] = []
    kind = False

    def taken() -> Iterator[Run]:
        if characters:
            yield Run("".join(characters), tuple(places), kind)

    for place, original in enumerate(text):
        for character in _folded(original):
            chinese = _chinese(character)
            if not (chinese or character.isalnum()) or (characters and chinese != kind):
                yield from taken()
                characters, places = [], []
            if chinese or character.isalnum():
                kind = chinese
                characters.append(character)
                places.append(place)
    yield from taken()


def marks(text: str, wanted: frozenset[str]) -> list[tuple[int, int]]:
    """Where terms of `wanted` stand in `text`: `[start, end)`, in order, not touching."""
    found: list[tuple[int, int]] = []
    for run in runs(text):
        for start, end in _matches(run, wanted):
            if found and start <= found[-1][1]:
                found[-1] = (found[-1][0], max(end, found[-1][1]))
            else:
                found.append((start, end))
    return found


def snippet(
    text: str, wanted: frozenset[str], *, width: int = 60
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The passage of at most `width` characters with most of `wanted`, and the marks in it.

    Line ends become blanks; `…` stands where something was left out.
    """
    flat = text.replace("\n", " ").replace("\t", " ")
    found = marks(flat, wanted)
    start = _best(found, width, len(flat))
    end = min(len(flat), start + width)
    lead = "…" if start else ""
    shift = len(lead) - start
    inside = tuple(
        (max(a, start) + shift, min(b, end) + shift) for a, b in found if a < end and b > start
    )
    return lead + flat[start:end] + ("…" if end < len(flat) else ""), inside


def _best(found: list[tuple[int, int]], width: int, length: int) -> int:
    best, start = 0, 0
    for first, _ in found:
        inside = sum(b - a for a, b in found if a >= first and b <= first + width)
        if inside > best:
            # a little of what stands before helps to understand the passage
            best, start = inside, max(0, first - width // 6)
    return min(start, max(0, length - width))


def _matches(run: Run, wanted: frozenset[str]) -> Iterator[tuple[int, int]]:
    if not run.chinese:
        if run.characters[:LONGEST_TERM] in wanted:
            yield run.places[0], run.places[-1] + 1
        return
    for index, character in enumerate(run.characters):
        if run.characters[index : index + 2] in wanted and index + 1 < len(run.characters):
            yield run.places[index], run.places[index + 1] + 1
        elif character in wanted:
            yield run.places[index], run.places[index] + 1


def _pairs(characters: str) -> list[str]:
    return [characters[i : i + 2] for i in range(len(characters) - 1)]


@lru_cache(maxsize=16384)
def _folded(character: str) -> str:
    return unicodedata.normalize("NFKC", character).casefold()


@lru_cache(maxsize=16384)
def _chinese(character: str) -> bool:
    number = ord(character)
    return any(first <= number <= last for first, last in _HAN)
