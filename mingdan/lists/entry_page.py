"""The page of a list entry: static HTML, readable without scripts.

Here: a trail as a page. Not here: finding it out (`trail.py`). Everything on it
is masked or a code of ours, and escaped all the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from mingdan.lists.html import page, table
from mingdan.lists.trail import Trail

_STANDINGS = {
    "listed": "listed",
    "taken_back": "taken back, confirmed by a receipt",
    "still_held": "STILL HELD: the last receipt is older than the retraction",
    "unknown": "taken back, but never a receipt: take it that it is still held",
}


def standing_said(standing: str) -> str:
    """A standing in words for people."""
    return _STANDINGS[standing]


def page_of(*trails: Trail) -> str:
    """The page of one entry, or of all a subscription ever had."""
    title = ", ".join(one.entry_id for one in trails)
    return page(f"List entry {title}", *(part for one in trails for part in _parts(one)))


def _parts(trail: Trail) -> Iterator[str]:
    force = "on the list" if trail.in_force else "no longer on the list"
    explain = f"mingdan explain {trail.subscription_id} --as-of {trail.last_night}"
    yield (
        f"<p>Subscription {trail.subscription_id}, party {trail.party_id}, "
        f"numbers {escape(', '.join(trail.numbers))}: {force}, nights {trail.first_night} to "
        f"{trail.last_night}.</p>"
    )
    yield f"<h2>Why listed: {escape(trail.entry_id)}</h2>"
    yield table(
        ("nights", "reason", "confidence", "sources", "first seen", "last seen", "until"),
        (
            (
                f"{row['from_night']} to {row['until_night']}",
                *(row[name] for name in ("reason_code", "confidence", "sources")),
                *(f"{row[name]:%Y-%m-%d}" for name in ("first_seen", "last_seen", "valid_until")),
            )
            for row in trail.reasons
        ),
    )
    yield f"<p>The rules and values behind it: <code>{escape(explain)}</code></p>"
    yield "<h2>Told to whom, by which releases</h2>"
    if not trail.told:
        yield "<p>Nobody was told.</p>"
    for told in trail.told:
        yield f"<h3>{escape(told.partner)}: {escape(standing_said(told.standing))}</h3>"
        yield table(
            ("release", "day", "what", "reason"),
            ((one.seq, one.day, one.op, one.told or "(sealed)") for one in told.releases),
        )
