"""The customer service knowledge base (客服信息库): articles and reply templates.

Here: writing, publishing by a second person, retiring, finding, replying. Not
here: the full-text index (`index.py`). A version's words are never changed and
no version is ever removed: what was answered by last year can be read today.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, select, true

from mingdan.orders import checks
from mingdan.orders.access.actor import Actor
from mingdan.orders.care import index, words
from mingdan.orders.care import versions as v
from mingdan.orders.care.desk import Desk
from mingdan.orders.care.model import KbArticle, KbVersion
from mingdan.orders.care.terms import asked, snippet
from mingdan.orders.care.versions import Draft, Hit, Version
from mingdan.orders.journal import Journal
from mingdan.orders.refusals import Refused
from mingdan.orders.states import machine

PHRASE = 1.5
"""How much more a result is worth that has the very phrase asked for."""


class KnowledgeBase(Desk):
    """The knowledge base of an open order store."""

    def write(self, draft: Draft, *, actor: Actor, at: datetime) -> Version:
        """Write a new version as `draft`; an earlier draft is retired unpublished.

        The same words as the newest version's, as long as that is draft or
        published, are that version. Raises Refused (invalid_value).
        """
        ref = words.code("article_ref", draft.article_ref)
        values = v.checked(draft)
        at = checks.instant("at", at)
        maker = checks.words("maker", actor.name)
        with self._writing(actor, "KNOWLEDGE", at, f"kb_article:{ref}") as connection:
            journal = Journal(connection, at, str(actor))
            article_id = v.article_key(journal, ref, draft.kind)
            versions = v.rows_of(connection, KbVersion.article_id == article_id)
            at = v.not_before(at, versions)
            last = versions[-1] if versions else None
            if last is not None and last.state != "retired" and v.same(last, values):
                return v.version(last)
            for row in versions:
                if row.state == "draft":
                    v.move(journal, row, "retired", retired_at=at)
            head = f"{values['title']}\n{values['keywords']}"
            version_id = journal.insert(
                KbVersion,
                article_id=article_id,
                version_no=1 if last is None else last.version_no + 1,
                **values,
                terms=index.size(head, values["body"]),
                state=machine("kb").walk(None, "draft"),
                maker=maker,
                drafted_at=at,
            )
            index.add(connection, version_id, head, values["body"])
            return v.version(v.rows_of(connection, KbVersion.version_id == version_id)[0])

    def publish(
        self, article_ref: str, *, actor: Actor, at: datetime, version_no: int | None = None
    ) -> Version:
        """Put the draft in force; what was in force is retired at the same instant.

        `version_no`: the draft that was looked at; another one by now is refused.
        Raises Refused (kb_unknown, kb_no_version, same_person).
        """
        ref, at = words.code("article_ref", article_ref), checks.instant("at", at)
        checker = checks.words("checker", actor.name)
        with self._writing(actor, "KNOWLEDGE_PUBLISH", at, f"kb_article:{ref}") as connection:
            versions = v.known(connection, ref)
            at = v.not_before(at, versions)
            journal = Journal(connection, at, str(actor))
            wanted = [row for row in versions if version_no in (None, row.version_no)]
            if version_no is not None and any(row.state == "published" for row in wanted):
                return v.version(wanted[0])
            draft = v.in_state(wanted, "draft", ref)
            words.two_people(draft.maker, checker)
            for row in versions:
                if row.state == "published":
                    v.move(journal, row, "retired", retired_at=at)
            v.move(journal, draft, "published", checker=checker, published_at=at)
            return v.version(v.rows_of(connection, KbVersion.version_id == draft.version_id)[0])

    def retire(self, article_ref: str, *, actor: Actor, at: datetime) -> Version:
        """Take the published version out of force; without one, withdraw the draft.

        Raises Refused (kb_unknown, kb_no_version).
        """
        ref, at = words.code("article_ref", article_ref), checks.instant("at", at)
        with self._writing(actor, "KNOWLEDGE_PUBLISH", at, f"kb_article:{ref}") as connection:
            versions = v.known(connection, ref)
            at = v.not_before(at, versions)
            states = {row.state for row in versions}
            withdrawn = "draft" if "draft" in states and "published" not in states else "published"
            row = v.in_state(versions, withdrawn, ref)
            v.move(Journal(connection, at, str(actor)), row, "retired", retired_at=at)
            return v.version(v.rows_of(connection, KbVersion.version_id == row.version_id)[0])

    def history(self, article_ref: str) -> tuple[Version, ...]:
        """Every version of an article, the first one first. Raises Refused (kb_unknown)."""
        ref = words.code("article_ref", article_ref)
        with self._database.reading() as connection:
            return tuple(v.version(row) for row in v.known(connection, ref))

    def show(self, article_ref: str, *, at: datetime, version_no: int | None = None) -> Version:
        """The version in force at `at`, or the one of that number whatever its state.

        Raises Refused (kb_unknown, kb_no_version).
        """
        ref, at = words.code("article_ref", article_ref), checks.instant("at", at)
        with self._database.reading() as connection:
            v.known(connection, ref)
            chosen = KbArticle.article_ref == ref
            chosen &= v.in_force(at) if version_no is None else KbVersion.version_no == version_no
            found = v.rows_of(connection, chosen)
        if not found:
            sought = "published" if version_no is None else f"no. {version_no}"
            raise Refused("kb_no_version", article_ref=ref, state=sought)
        return v.version(found[-1])

    def search(
        self,
        query: str,
        *,
        at: datetime,
        kind: Literal["article", "template"] | None = None,
        category: str | None = None,
        every_version: bool = False,
        limit: int = 10,
    ) -> tuple[Hit, ...]:
        """Versions in force at `at` that speak of `query`, best first.

        `every_version`: drafts and retired versions, too. Chinese needs no blanks.
        """
        text, at = checks.words("query", query), checks.instant("at", at)
        among: ColumnElement[bool] = true() if every_version else v.in_force(at)
        if kind is not None:
            ids = select(KbArticle.article_id).where(KbArticle.kind == kind)
            among = and_(among, KbVersion.article_id.in_(ids))
        if category is not None:
            among = and_(among, KbVersion.category == category)
        wanted = asked(text)
        with self._database.reading() as connection:
            scores = dict(index.ranked(connection, wanted, among)[: 3 * limit])
            rows = v.rows_of(connection, KbVersion.version_id.in_(scores))
        phrase = _flat(text).strip()
        for row in rows:
            if any(phrase in _flat(part) for part in (row.title, row.keywords, row.body)):
                scores[row.version_id] *= PHRASE
        rows.sort(key=lambda row: (-scores[row.version_id], row.article_ref, -row.version_no))
        return tuple(_hit(row, scores[row.version_id], frozenset(wanted)) for row in rows[:limit])

    def reply(self, article_ref: str, values: Mapping[str, str], *, at: datetime) -> str:
        """The template in force at `at` with its slots filled.

        Values are put in as they are, never looked into. Raises Refused
        (kb_unknown, kb_no_version; kb_slots if one is missing or unknown).
        """
        template = self.show(article_ref, at=at)
        if template.kind != "template" or set(template.slots) != set(values):
            slots = ", ".join(template.slots) or "-"
            raise Refused("kb_slots", article_ref=template.article_ref, slots=slots)
        given = {slot: words.block(slot, value, words.NOTE) for slot, value in values.items()}
        return v.SLOT.sub(lambda slot: given[slot.group(1)], template.body)


def _hit(row: Row[Any], score: float, wanted: frozenset[str]) -> Hit:
    passage, places = snippet(row.body, wanted)
    return Hit(v.version(row), round(score, 6), passage, places)


def _flat(text: str) -> str:
    """Full-width and capital letters folded, to look for a phrase in."""
    return unicodedata.normalize("NFKC", text).casefold()
