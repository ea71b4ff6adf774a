"""Why a subscription and its holder are labelled as they are on a day.

Here: everything a label rests on, gathered: reasons, rules with thresholds and
the values they saw, precedence, history, input partitions, and the proof by
deriving it again. Not here: printing (`mingdan.cli.explain`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import polars as pl

from mingdan.classes import inputs as night_inputs
from mingdan.classes.explanation import Event, Explanation, Label, Refuted, Source
from mingdan.classes.facts import PARTY_FACTS, SUBSCRIPTION_FACTS
from mingdan.classes.policy import Policy
from mingdan.classes.proof import Basis, Subject, basis, prove
from mingdan.classes.tables import LABEL_EVENTS, LABELS
from mingdan.classes.whom import find
from mingdan.engine import Engine
from mingdan.errors import InputRefused, MingdanError
from mingdan.features.tables import FEATURES
from mingdan.orders.care.cases import ticket_ref
from mingdan.orders.tables import APPEALS
from mingdan.rules.hits import Condition, trace
from mingdan.rules.ruleset import Rule


def explain(engine: Engine, name: str, day: date) -> Explanation:
    """Explain the labels of the subscription `name` after the night of `day`.

    `name` is a subscription key, a number (whoever held it that day) or an
    external reference. Instants are naive UTC. Raises InputRefused if no night
    of `day` was decided or the night knew no such subscription.
    """
    lake = engine.lake
    decided = lake.days(LABELS)
    if day not in decided:
        span = f"there are {decided[0]} to {decided[-1]}" if decided else "there is none"
        raise InputRefused(f"no night of {day} was decided; {span}")
    holder = find(lake, name, day)
    subjects: set[Subject] = {
        ("party", holder.party_id),
        *(("subscription", key) for key in holder.subscriptions),
    }
    try:
        decided_by = basis(lake, day)
    except MingdanError:
        decided_by = None
    rows = _about(lake.scan(LABELS, [day]), subjects)
    labels = tuple(_label(row, decided_by) for row in rows)
    return Explanation(
        night=day,
        holder=holder,
        ordinary=_default(labels, decided_by.policy if decided_by else None),
        labels=labels,
        appeals=tuple(_appeals(lake.scan(APPEALS, [day]), subjects)),
        history=tuple(_history(engine, day, subjects)),
        inputs=tuple(night_inputs.recall(lake, day)),
        proof=prove(engine, day, subjects),
    )


def _about(frame: pl.LazyFrame, subjects: set[Subject]) -> list[dict[str, Any]]:
    keys = [key for _, key in subjects]
    rows = frame.filter(pl.col("subject_id").is_in(keys)).collect().to_dicts()
    wanted = [row for row in rows if (row["subject_type"], row["subject_id"]) in subjects]
    return sorted(
        wanted,
        key=lambda row: (row["date"], row["class_code"], row["reason_code"], row["subject_id"]),
    )


def _label(row: dict[str, Any], decided_by: Basis | None) -> Label:
    evidence = json.loads(row["evidence"])
    code = f"{row['class_code']}:{row['reason_code']}"
    known = decided_by.policy.find(row["class_code"], row["reason_code"]) if decided_by else None
    return Label(
        subject_type=row["subject_type"],
        subject_id=row["subject_id"],
        code=code,
        name=f"{known[0].name_zh} {known[1].name_zh}" if known else code,
        state=row["state"],
        effective=row["effective"],
        suppressed_by=row["suppressed_by"],
        since=row["since"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        valid_to=row["valid_to"],
        hits=row["hits"],
        confidence=row["confidence"],
        subscriptions=tuple(evidence["subscriptions"]),
        protected=tuple(evidence["protected"]),
        sources=tuple(_sources(evidence["sources"], decided_by)),
        grounds=tuple(_sources(evidence.get("grounds") or [], decided_by)),
        ruleset_hash=row["ruleset_hash"],
        snapshot_hash=row["snapshot_hash"],
    )


def _sources(sources: list[dict[str, Any]], decided_by: Basis | None) -> Iterator[Source]:
    with duckdb.connect() as connection:
        for source in sources:
            rule = _rule(source["ref"], decided_by)
            conditions: list[Condition] = []
            if rule is not None:
                columns = PARTY_FACTS if rule.subject == "party" else _COLUMNS
                conditions = trace(connection, rule, source["values"], columns)
            yield Source(
                source=source["source"],
                ref=source["ref"],
                level=source["level"],
                score=source["score"],
                subscriptions=tuple(source["subscriptions"]),
                meaning=rule.meaning if rule else _linked_meaning(source["ref"], decided_by),
                conditions=tuple(conditions),
                values=source["values"],
            )


_COLUMNS = (*FEATURES.columns, *SUBSCRIPTION_FACTS)


def _rule(ref: str, decided_by: Basis | None) -> Rule | None:
    if decided_by is None:
        return None
    return decided_by.senders.find(ref) or decided_by.policy.rules.find(ref)


def _linked_meaning(ref: str, decided_by: Basis | None) -> str:
    linked = decided_by.policy.linked if decided_by else None
    return linked.meaning if linked and linked.ref == ref else ""


def _default(labels: tuple[Label, ...], policy: Policy | None) -> str | None:
    if policy is None or any(label.effective for label in labels):
        return None
    entry = next(entry for entry in policy.dictionary.class_ if entry.default)
    return f"{entry.name_zh} ({entry.name_en})"


def _appeals(frame: pl.LazyFrame, subjects: set[Subject]) -> Iterator[Refuted]:
    for row in _about(frame, subjects):
        yield Refuted(
            ticket=ticket_ref(row["ticket_id"]),
            code=f"{row['class_code']}:{row['reason_code']}",
            subject_type=row["subject_type"],
            finding=row["finding"],
            decided_at=row["decided_at"],
            holds_until=row["holds_until"],
            maker=row["maker"],
            checker=row["checker"],
        )


def _history(engine: Engine, day: date, subjects: set[Subject]) -> Iterator[Event]:
    lake = engine.lake
    held = [known for known in lake.days(LABEL_EVENTS) if known <= day]
    for row in _about(lake.scan(LABEL_EVENTS, held), subjects):
        yield Event(
            night=row["date"],
            code=f"{row['class_code']}:{row['reason_code']}",
            subject_type=row["subject_type"],
            action=row["action"],
            level=row["level"],
            recorded_at=row["recorded_at"],
            source_ref=row["source_ref"],
            maker=row["maker"],
            checker=row["checker"],
        )
