"""The nightly step that decides: assertions and facts in, labels and their events out.

Here: what a night reads, keeps and writes, and in what order. Not here: how
labels follow from it (`derive.py`, `sql/classes/`) and what leaves the house
(`lists`).

Decided nights are history. A night may be run again, but once a later night
rests on it, it only repeats what it decided then or is refused.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

import polars as pl
from polars.testing import assert_frame_equal

from mingdan.calendar import known_at
from mingdan.classes import inputs as night_inputs
from mingdan.classes.derive import Derived, derive
from mingdan.classes.policy import Policy, load
from mingdan.classes.tables import INPUTS, LABEL_EVENTS, LABELS
from mingdan.errors import InputRefused
from mingdan.lake import Lake
from mingdan.night import Night, Report
from mingdan.orders.care.member_facts import classes_at
from mingdan.orders.restrictions import Restriction
from mingdan.rules.archive import keep, recall
from mingdan.rules.ruleset import Ruleset
from mingdan.senders import rules as sender_rules
from mingdan.senders.tables import SENDER_ASSERTIONS


def decide(night: Night, day: date) -> Report:
    """Replace labels, label events and inputs of `day`; write effects back to the orders.

    Raises MissingInput if an input of the day or last night's labels are
    missing, BadRules if a policy file cannot be used, InputRefused if later
    nights rest on other labels of this day; nothing is written then.
    """
    policy = load(night.settings, classes_at(night.orders, known_at(day)))
    senders = flagged_by(night, day)
    policy.admit(senders, sender_rules.FILE)
    read = night_inputs.gather(night.lake, day)
    document = policy.decision([senders.hash])
    derived = derive(
        night.engine,
        night_inputs.files_now(night.lake, read),
        policy,
        senders,
        day=day,
        ruleset_hash=keep(night.lake, document),
        snapshot_hash=night_inputs.snapshot_hash(read),
    )
    _refuse_to_rewrite(night.lake, day, derived)
    partitions = (
        # first, so that a night broken off here is repeated with the same versions
        night.lake.write(INPUTS, day, night_inputs.frame(read)),
        night.lake.write(LABEL_EVENTS, day, derived.events),
        night.lake.write(LABELS, day, derived.labels),
    )
    restricted = night.orders.restrict(day, restrictions(derived.labels, policy))
    return Report(partitions=partitions, facts=_facts(derived, restricted))


def flagged_by(night: Night, day: date) -> Ruleset:
    """The sender rules the day's assertions were made by; those in force if there are none.

    Raises LakeError if the archive does not have them.
    """
    assertions = night.lake.scan(SENDER_ASSERTIONS, [day])
    hashes = assertions.select("ruleset_hash").unique().collect()["ruleset_hash"].sort().to_list()
    if not hashes:
        return sender_rules.load(night.settings)
    return sender_rules.checked(recall(night.lake, hashes[0]))


def restrictions(labels: pl.DataFrame, policy: Policy) -> list[Restriction]:
    """What effective published labels mean for orders, from the dictionary's effects."""
    effects = {entry.code: entry.effects for entry in policy.dictionary.class_}
    in_force = labels.filter(pl.col("effective"), pl.col("state") == "published")
    return [
        Restriction(
            subject_type=row["subject_type"],
            subject_id=row["subject_id"],
            effect=effect,
            class_code=row["class_code"],
            reason_code=row["reason_code"],
        )
        for row in in_force.iter_rows(named=True)
        for effect in effects.get(row["class_code"], [])
    ]


def _refuse_to_rewrite(lake: Lake, day: date, derived: Derived) -> None:
    decided = lake.days(LABELS)
    if day not in decided or day == decided[-1]:
        return
    for table, rows in ((LABELS, derived.labels), (LABEL_EVENTS, derived.events)):
        recorded = lake.scan(table, [day]).select(table.names).collect()
        try:
            assert_frame_equal(recorded, rows.cast(lake.schema(table)), check_row_order=False)  # type: ignore[arg-type]
        except AssertionError:
            raise InputRefused(
                f"{table.name} of {day} would change, and the nights up to {decided[-1]} rest on "
                "them: past labels are never rewritten, what is new counts from the next night on"
            ) from None


def _facts(derived: Derived, restricted: int) -> dict[str, int | float | str]:
    labels = derived.labels.filter(pl.col("state") != "fading")
    states = Counter(labels["state"].to_list())
    actions = Counter(derived.events["action"].to_list())
    return {
        "published": states["published"],
        "watch": states["watch"],
        "suppressed": int((~labels["effective"]).sum()),
        "remembered": derived.labels.height - labels.height,
        **{f"event_{action}": count for action, count in sorted(actions.items())},
        "unknown_labels": derived.unknown,
        "before_transfer": derived.before_transfer,
        "appealed": derived.appealed,
        "restrictions": restricted,
    }
