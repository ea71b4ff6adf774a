"""The page of a list entry: static HTML, readable without scripts.

Here: a trail as a page. Not here: finding it out (`trail.py`). Everything on it
is masked or a code of ours, and escaped all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

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


def page(trail: Trail) -> str:
    """The whole page, one self-contained text."""
    force = "on the list" if trail.in_force else "no longer on the list"
    explain = f"mingdan explain {trail.subscription_id} --as-of {trail.last_night}"
    told = "".join(
        f"<h3>{escape(one.partner)}: {escape(standing_said(one.standing))}</h3>"
        + _table(
            ("release", "day", "what", "reason"),
            ((one_.seq, one_.day, one_.op, one_.told or "(sealed)") for one_ in one.releases),
        )
        for one in trail.told
    )
    said = _table(
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
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>List entry {escape(trail.entry_id)}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}}
table{{border-collapse:collapse}}td,th{{border:1px solid #999;padding:.2em .6em;text-align:left}}
</style></head><body>
<h1>List entry {escape(trail.entry_id)}</h1>
<p>Subscription {trail.subscription_id}, party {trail.party_id},
numbers {escape(", ".join(trail.numbers))}: {force}, nights {trail.first_night} to
{trail.last_night}.</p>
<h2>Why listed</h2>{said}
<p>The rules and values behind it: <code>{escape(explain)}</code></p>
<h2>Told to whom, by which releases</h2>{told or "<p>Nobody was told.</p>"}
</body></html>
"""


def _table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
