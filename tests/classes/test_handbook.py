"""docs/classes.md says what the shipped policy says."""

from __future__ import annotations

from pathlib import Path

from mingdan.classes.handbook import refresh
from mingdan.senders.rules import load

PAGE = Path(__file__).parents[2] / "docs" / "classes.md"


def test_the_page_is_up_to_date() -> None:
    """If not: python -m mingdan.classes.handbook docs/classes.md"""
    page = PAGE.read_text(encoding="utf-8")
    assert refresh(page) == page


def test_every_rule_stands_on_the_page() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for rule in load().rules:
        assert f"| `{rule.ref}` |" in page
        assert rule.when.text in page


def test_a_stale_table_is_written_anew() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert refresh(page.replace("| `smoothing` | 30 |", "| `smoothing` | 31 |")) == page
