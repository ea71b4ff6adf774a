"""Versions of articles: what they are, and how their rows are read and moved.

Here: the typed draft, version and hit, and the rows behind them. Not here: who
may do what with them (`knowledge.py`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, or_, select

from mingdan.orders import checks
from mingdan.orders.care import words
from mingdan.orders.care.model import KbArticle, KbVersion
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine

KINDS = frozenset({"article", "template"})
SLOT = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wrote. A template's body has slots in braces: `{number}`."""

    article_ref: str
    title: str
    body: str
    kind: Literal["article", "template"] = "article"
    category: str = "general"
    keywords: str = ""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an article; instants in UTC."""

    article_ref: str
    kind: str
    version_no: int
    category: str
    title: str
    body: str
    keywords: str
    state: str
    maker: str
    checker: str | None
    drafted_at: datetime
    published_at: datetime | None
    retired_at: datetime | None

    @property
    def slots(self) -> tuple[str, ...]:
        """What a template needs to become a reply, each once, in order."""
        return tuple(dict.fromkeys(SLOT.findall(self.body)))


@dataclass(frozen=True)
class Hit:
    """A version found, the passage that shows why, and where in it the words stand."""

    version: Version
    score: float
    snippet: str
    marks: tuple[tuple[int, int], ...]


def checked(draft: Draft) -> dict[str, Any]:
    """The draft's texts in their one form. Raises Refused (invalid_value)."""
    checks.one_of("kind", draft.kind, KINDS)
    keywords = draft.keywords
    return {
        "category": words.code("category", draft.category),
        "title": checks.words("title", draft.title),
        "body": words.block("body", draft.body, words.BODY),
        "keywords": checks.words("keywords", keywords) if keywords else "",
    }


def article_key(journal: Journal, ref: str, kind: str) -> int:
    """The article of that reference, made if there is none yet."""
    found = journal.connection.execute(
        select(KbArticle.article_id, KbArticle.kind).where(KbArticle.article_ref == ref)
    ).one_or_none()
    if found is None:
        key: int = journal.insert(KbArticle, article_ref=ref, kind=kind, recorded_at=journal.at)
        return key
    if found.kind != kind:
        raise Refused("invalid_value", field="kind", problem=f"{ref} is a {found.kind}")
    return int(found.article_id)


def known(connection: Connection, ref: str) -> list[Row[Any]]:
    """Its versions, the first one first. Raises Refused (kb_unknown)."""
    found = rows_of(connection, KbArticle.article_ref == ref)
    if not found:
        raise Refused("kb_unknown", article_ref=ref)
    return found


def rows_of(connection: Connection, chosen: ColumnElement[bool]) -> list[Row[Any]]:
    """Versions that `chosen` holds for, by article and number."""
    a, v = KbArticle, KbVersion
    return list(
        connection.execute(
            select(a.article_ref, a.kind, *v.__table__.columns)
            .join(a, a.article_id == v.article_id)
            .where(chosen)
            .order_by(a.article_ref, v.version_no)
        )
    )


def in_force(at: datetime) -> ColumnElement[bool]:
    """Whether a version was what customer service answered by at `at`."""
    v = KbVersion
    return and_(v.published_at <= at, or_(v.retired_at.is_(None), v.retired_at > at))


def in_state(rows: list[Row[Any]], state: str, ref: str) -> Row[Any]:
    """The one in `state`. Raises Refused (kb_no_version)."""
    for row in rows:
        if row.state == state:
            return row
    raise Refused("kb_no_version", article_ref=ref, state=state)


def not_before(at: datetime, rows: list[Row[Any]]) -> datetime:
    """A clock that lags a little is moved up to what is on record."""
    stamps: list[datetime] = [
        stamp for row in rows for stamp in (row.drafted_at, row.published_at) if stamp
    ]
    return max([at, *stamps])


def move(journal: Journal, row: Row[Any], state: str, **values: Any) -> None:
    """Another state, if it may follow."""
    machine("kb").walk(row.state, state)
    journal.update(KbVersion, row.version_id, state=state, **values)


def same(row: Row[Any], values: dict[str, Any]) -> bool:
    """Whether a version has exactly these words."""
    return all(getattr(row, name) == value for name, value in values.items())


def version(row: Row[Any]) -> Version:
    """The row as callers see it."""
    return Version(**{name: getattr(row, name) for name in Version.__dataclass_fields__})
