"""The full-text index of the knowledge base: one way for SQLite and PostgreSQL.

Here: `kb_term`, written with a version and rebuilt from all, and ranked search
in it. Not here: what a term is (`terms.py`) and who asks (`knowledge.py`).

Ranking is BM25: rare terms weigh more, long articles less, and a term in title
or keywords as much as several in the text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from math import log

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from mingdan.orders.care.model import KbTerm, KbVersion
from mingdan.orders.care.terms import terms

HEAD_WEIGHT = 4
SATURATION, LENGTH_SHARE = 1.2, 0.6
"""BM25's k1 and b, near their usual values; articles differ little in length."""
LEAST_SHARE = 0.34
"""Of what a search asks for and any article has, by weight, a result has at least a third."""


def add(connection: Connection, version_id: int, head: str, body: str) -> int:
    """Index one version; returns how many terms it has."""
    in_head, in_body = terms(head), terms(body)
    rows = [
        {
            "term": term,
            "version_id": version_id,
            "in_head": in_head[term],
            "in_body": in_body[term],
        }
        for term in sorted(in_head.keys() | in_body.keys())
    ]
    if rows:
        connection.execute(insert(KbTerm), rows)
    return size(head, body)


def size(head: str, body: str) -> int:
    """How many terms a version has, repeated ones counted."""
    return terms(head).total() + terms(body).total()


def rebuild(connection: Connection) -> int:
    """Make the whole index again from the versions; returns how many there are."""
    connection.execute(delete(KbTerm))
    v = KbVersion
    count = 0
    rows = connection.execute(select(v.version_id, v.title, v.keywords, v.body)).all()
    for version_id, title, keywords, body in rows:
        add(connection, version_id, f"{title}\n{keywords}", body)
        count += 1
    return count


def ranked(
    connection: Connection, wanted: Sequence[str], among: ColumnElement[bool]
) -> list[tuple[int, float]]:
    """Versions of `among` with the terms `wanted`, best first: (version_id, score)."""
    t, v = KbTerm, KbVersion
    if not wanted:
        return []
    total, length = connection.execute(select(func.count(), func.avg(v.terms))).one()
    counts = select(t.term, func.count()).where(t.term.in_(wanted)).group_by(t.term)
    spread: dict[str, int] = dict(connection.execute(counts).all())
    weight = {term: _weight(total, spread.get(term, 0)) for term in wanted}
    share: defaultdict[int, float] = defaultdict(float)
    score: defaultdict[int, float] = defaultdict(float)
    found = connection.execute(
        select(t.term, t.version_id, t.in_head, t.in_body, v.terms)
        .join(v, v.version_id == t.version_id)
        .where(t.term.in_(wanted), among)
        .order_by(t.version_id, t.term)
    )
    for term, version_id, in_head, in_body, own in found:
        often = HEAD_WEIGHT * in_head + in_body
        damped = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * own / float(length))
        score[version_id] += weight[term] * often * (SATURATION + 1) / (often + damped)
        share[version_id] += weight[term]
    # Pairs no article has are mostly the seams between two words: they count for nothing.
    least = LEAST_SHARE * sum(weight[term] for term in spread)
    kept = [(key, value) for key, value in score.items() if share[key] >= least]
    return sorted(kept, key=lambda each: (-each[1], -each[0]))


def _weight(total: int, having: int) -> float:
    return log(1 + (total - having + 0.5) / (having + 0.5))
