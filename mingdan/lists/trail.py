"""The trail of a list entry: why it is listed, what carried it, to whom, who still has it.

Here: finding it out, from the lake, the release folders and the receipts. Not
here: showing it (`entry_page.py`, `mingdan/cli/list.py`) and why a label stands
(`mingdan.classes.explain`). Numbers leave this module masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from mingdan.errors import InputRefused
from mingdan.identifiers import mask_number
from mingdan.lists.format import DELTA, LATEST, MANIFEST, SEALED, SNAPSHOT
from mingdan.lists.manifest import Release, release
from mingdan.lists.reader import rows_of
from mingdan.lists.receipts import Receipt, newest_receipt
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.lists.tokens import DISCLOSED, tokeniser
from mingdan.night import Night
from mingdan.reports.partners import Partner, load_partners
from mingdan.settings import Settings


@dataclass(frozen=True)
class Carried:
    """One release that said something of the entry's number."""

    seq: int
    day: str
    op: str
    told: str
    """Reason code, or why it was taken back; empty where the row is sealed."""


@dataclass(frozen=True)
class Told:
    """What one partner was told of it."""

    partner: str
    releases: tuple[Carried, ...]
    standing: str
    """`listed`, `taken_back` (confirmed by a receipt), `still_held` (the last receipt is
    older than the retraction) or `unknown` (taken back, never a receipt)."""
    confirmed: int | None


@dataclass(frozen=True)
class Trail:
    """Everything of one entry."""

    entry_id: str
    subscription_id: int
    party_id: int
    numbers: tuple[str, ...]
    """All it was listed under, masked."""
    reasons: tuple[dict[str, Any], ...]
    """What the list said of it, a row for each stretch of nights that said the same."""
    first_night: date
    last_night: date
    in_force: bool
    """Whether the newest night still lists it."""
    told: tuple[Told, ...]


def entries_of(night: Night, subscription_ids: Iterable[int]) -> list[str]:
    """Ids of the entries these subscriptions ever had, newest last."""
    rows = _entries(night, pl.col("subscription_id").is_in(list(subscription_ids)))
    return rows["entry_id"].unique(maintain_order=True).to_list()


def trail(night: Night, entry_id: str) -> Trail:
    """The trail of an entry. Raises InputRefused if no night listed it."""
    rows = _entries(night, pl.col("entry_id") == entry_id)
    if rows.is_empty():
        raise InputRefused(f"no night listed an entry {entry_id!r}")
    last = rows.row(-1, named=True)
    nights = night.lake.days(LIST_ENTRIES)
    of = (pl.col(name) == last[name] for name in ("subscription_id", "party_id"))
    listed = {str(held) for held in _entries(night, pl.all_horizontal(*of))["night"]}
    # of the order store: what ended weeks ago is in no night's snapshot any more
    numbers = [str(key) for key in night.orders.numbers_ever(int(last["subscription_id"]))]
    partners = load_partners(night.settings).values()
    return Trail(
        entry_id=entry_id,
        subscription_id=int(last["subscription_id"]),
        party_id=int(last["party_id"]),
        numbers=tuple(mask_number(number) for number in numbers),
        reasons=tuple(_stretches(rows)),
        first_night=rows["night"].min(),  # type: ignore[arg-type]
        last_night=last["night"],
        in_force=last["night"] == nights[-1],
        told=tuple(
            found
            for partner in partners
            if (found := _told(night.settings, partner, numbers, listed)) is not None
        ),
    )


def _entries(night: Night, wanted: pl.Expr) -> pl.DataFrame:
    lake = night.lake
    parts = [
        lake.scan(LIST_ENTRIES, [day])
        .select(LIST_ENTRIES.names)
        .filter(wanted)
        .with_columns(night=pl.lit(day))
        .collect()
        for day in lake.days(LIST_ENTRIES)
    ]
    if not parts:
        raise InputRefused("no night has made a list yet: `make nightly` runs one")
    return pl.concat(parts).sort("night", "entry_id")


def _stretches(rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    names = ("reason_code", "confidence", "sources", "first_seen", "last_seen", "valid_until")
    before: dict[str, Any] | None = None
    for row in rows.iter_rows(named=True):
        said = {name: row[name] for name in names}
        if before is not None and said == {name: before[name] for name in names}:
            before["until_night"] = row["night"]
            continue
        if before is not None:
            yield before
        before = {**said, "from_night": row["night"], "until_night": row["night"]}
    if before is not None:
        yield before


def _told(
    settings: Settings, partner: Partner, numbers: list[str], listed: set[str]
) -> Told | None:
    channel = settings.releases / partner.code
    if not (channel / LATEST).exists():
        return None
    carried = list(_of_the_holder(_carried(settings, partner, numbers), listed))
    if not carried:
        return None
    held = newest_receipt(settings.receipts / partner.code)
    return Told(
        partner=partner.code,
        releases=tuple(carried),
        standing=_standing(carried, held),
        confirmed=held.seq if held else None,
    )


def _of_the_holder(rows: Iterable[tuple[str, Carried]], listed: set[str]) -> Iterator[Carried]:
    """Those of the holder whose nights on the list are `listed`: a row names but a number.

    A number taken back from one and told of the next holder is two persons' trails.
    """
    told: set[str] = set()
    for token, row in rows:
        ours = row.day in listed
        if row.op == "DEL":
            ours = token in told
            told.discard(token)
        elif ours:
            told.add(token)
        elif token in told:
            # from here on the row speaks of the next holder
            told.discard(token)
            row, ours = replace(row, op="DEL", told="number_reassigned"), True
        if ours:
            yield row


def _carried(
    settings: Settings, partner: Partner, numbers: list[str]
) -> Iterator[tuple[str, Carried]]:
    """What each release still kept said, with the token it said it of.

    The oldest one's snapshot stands for those pruned.
    """
    tokens: dict[tuple[int, str], set[str]] = {}
    folders = sorted((settings.releases / partner.code).glob(f"[0-9]*/{MANIFEST}"))
    for at, path in enumerate(folders):
        one = release(path.parent)
        key = (int(one.manifest["epoch"]), str(one.manifest["token_alg"]))
        before = tokens.get(key)
        if before is None:
            epoch, alg = key
            maker = tokeniser(
                settings.secrets,
                partner.code,
                epoch,
                DISCLOSED[alg],
                expected=one.manifest["key_id"],
            )
            before = tokens[key] = set(maker.tokens(numbers))
        every = set().union(*tokens.values())
        yield from _rows(one, SNAPSHOT if at == 0 and one.seq > 1 else DELTA, every)


def _rows(one: Release, name: str, tokens: set[str]) -> Iterable[tuple[str, Carried]]:
    sealed = one.manifest["token_alg"] == SEALED
    _, rows = rows_of(one, name)
    for op, token, value in rows:
        if token in tokens:
            told = value if op == "DEL" else "" if sealed else value.split(",")[1]
            yield token, Carried(one.seq, str(one.manifest["day"]), op, told)


def _standing(carried: list[Carried], held: Receipt | None) -> str:
    last = carried[-1]
    if last.op != "DEL" or any(one.seq == last.seq and one.op != "DEL" for one in carried):
        return "listed"
    if held is None:
        return "unknown"
    return "taken_back" if held.seq >= last.seq else "still_held"
