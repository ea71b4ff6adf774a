"""Echoes: entries in which a partner tells us what it has from us.

Here: telling them from a partner's own findings. Not here: what an echo is worth,
which is nothing (`assertions.py`), and what partners are told (`mingdan/lists`).

A list that several publishers copy from each other looks better founded the longer
it goes round. So an entry about a party and reason that we had told this partner,
and that the partner saw only after that, is kept but counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from mingdan.night import Night
from mingdan.reports.delivered import Delivered
from mingdan.reports.partners import Partner
from mingdan.reports.policy import Legal
from mingdan.reports.tables import TOLD

Told = dict[tuple[str, int, str], datetime]


def mark_echoes(
    night: Night,
    day: date,
    lists: list[tuple[str, Delivered]],
    partners: Mapping[str, Partner],
    legal: Legal,
) -> None:
    """Set `echo` in every good entry of `lists`; they are bound to their holders already.

    An order by law is none, whatever its sender had been told: it commands, it does not report.
    """
    known = told(night, day - timedelta(days=1)) if lists else {}
    for code, delivered in lists:
        for row in delivered.good:
            entry = row.record
            since = known.get((code, entry["holder"].party_id, entry["category"]))
            seen = entry["observed_at"]
            ordered = legal.made_by(partners[code].kind, entry["legal_basis"])
            entry["echo"] = since is not None and seen is not None and seen >= since and not ordered


def told(night: Night, day: date) -> Told:
    """What each partner may know from us after the night of `day`: since when, UTC.

    By partner code, party and reason; as of the last night there was, if `day` had none.
    """
    held = [each for each in night.lake.days(TOLD) if each <= day][-1:]
    rows = night.lake.scan(TOLD, held).select("partner", "party_id", "reason_code", "since")
    return {(code, party, reason): since for code, party, reason, since in rows.collect().rows()}
