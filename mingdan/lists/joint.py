"""The joint list (联合黑名单) after a night.

Here: the step that turns published labels into list entries. Not here: what a
partner sees of them (`release.py`) and labels (`classes`).
"""

from __future__ import annotations

from datetime import date

import polars as pl

from mingdan.calendar import known_at, naive_utc
from mingdan.classes.tables import LABELS
from mingdan.engine import define_view, statement, used
from mingdan.errors import MissingInput
from mingdan.lists.policy import list_policy, publishable
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.night import Night, Report
from mingdan.orders.tables import NUMBER_HOLDINGS, PROTECTIONS, SUBSCRIPTION_HOLDINGS
from mingdan.reports.partners import load_partners
from mingdan.reports.tables import TOLD

SNAPSHOT = (LABELS, NUMBER_HOLDINGS, SUBSCRIPTION_HOLDINGS, PROTECTIONS)
"""What the list of a day is made of, each as of that day."""

_EXACT_DAYS = 14
"""An entry that ends sooner says so to the second; later ends are given by their week."""


def build(night: Night, day: date) -> Report:
    """Replace `list_entries` and `told` of `day`. Raises MissingInput if a table lacks the day.

    Protections (红名单) are asked again here, whatever the labels say of them.
    """
    for table in SNAPSHOT:
        if day not in night.lake.days(table):
            raise MissingInput(f"{table.name} of {day} is not in the lake; the list stays as it is")
    partition = night.lake.write(LIST_ENTRIES, day, _entries(night, day))
    told = night.lake.write(TOLD, day, _told(night, day))
    return Report((partition, told), {"entries": partition.rows, "told": told.rows})


def _told(night: Night, day: date) -> pl.DataFrame:
    """What partners may know after this night, whatever becomes of their releases.

    Rather too much than too little: what is no echo counts as a partner's own finding.
    """
    lake = night.lake
    receivers = [
        (partner.code, reason)
        for partner in load_partners(night.settings).values()
        if partner.hindrance(day) is None and partner.channel is not None
        for reason in partner.agreement.receives
    ]
    before = [held for held in lake.days(TOLD) if held < day][-1:]
    with night.engine.connect() as connection:
        define_view(connection, "list_entries", LIST_ENTRIES, lake.files(LIST_ENTRIES, [day]))
        define_view(connection, "told_before", TOLD, lake.files(TOLD, before))
        schema = {"partner": pl.String, "reason_code": pl.String}
        connection.register("receivers", pl.DataFrame(receivers, schema=schema, orient="row"))
        parameters = {"known_at": naive_utc(known_at(day))}
        found: pl.DataFrame = connection.sql(statement("lists/told"), params=parameters).pl()
    return found


def _entries(night: Night, day: date) -> pl.DataFrame:
    lake = night.lake
    policy = list_policy(night.settings)
    terms = publishable(night.settings, policy.class_code)
    partners = load_partners(night.settings)
    before = [held for held in lake.days(LIST_ENTRIES) if held < day][-1:]
    parameters = {
        "class_code": policy.class_code,
        "known_at": naive_utc(known_at(day)),
        "exact_days": _EXACT_DAYS,
        "pepper": night.pepper.hex(),
        "may_be_reexported": [
            code for code, partner in partners.items() if partner.agreement.may_be_reexported
        ],
    }
    reasons = pl.DataFrame(
        {"reason_code": list(terms), "term_days": list(terms.values())},
        schema={"reason_code": pl.String, "term_days": pl.Int32},
    )
    with night.engine.connect() as connection:
        for table in SNAPSHOT:
            define_view(connection, table.name, table, lake.files(table, [day]))
        define_view(connection, "listed_before", LIST_ENTRIES, lake.files(LIST_ENTRIES, before))
        connection.register("reasons", reasons)
        text = statement("lists/entries")
        found: pl.DataFrame = connection.sql(text, params=used(text, parameters)).pl()
    return found
