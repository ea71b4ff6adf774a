"""Plain openings (开户): those of a load that can be judged as columns, all at once.

Here: which openings of a part are plain, and whether the database knows anything of
them. Not here: their rows (`plain_rows.py`) and every other command, which is carried
out by itself (`businesses`).

An opening is plain if each of its values is in the form nearly all have, the policy
says one thing of all of them, and nothing it names - order, subscription, party,
document, number, SIM - is on record or named by another command of the part. Then
every check of `businesses/opening.py` is known to pass, whatever the other commands
do. What is not plain for any reason is not refused: it takes the longer way, which
says why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import compress
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from mingdan.calendar import day_start
from mingdan.orders import checks, queries
from mingdan.orders.batch import Work
from mingdan.orders.commands import Command, Open, PartyData
from mingdan.orders.finding import find_all
from mingdan.orders.naming import Named
from mingdan.orders.offers import names
from mingdan.orders.openings import Openings
from mingdan.orders.policy import Policy
from mingdan.orders.records import Offering
from mingdan.reference import load

_NUMBER = re.compile("(?:86)?(1[3-9][0-9]{9})")
_IMSI = re.compile("[0-9]{15}")
_ICCID = re.compile("[0-9]{5}[0-9A-F]{14,15}")
_RESIDENT_ID = re.compile("[0-9]{17}[0-9X]")
_OTHER_DOCUMENT = re.compile("[0-9A-Z]+")
_PARTY = attrgetter("party_ref", "party_type", "name", "document_type", "document_number",
                    "contact")  # fmt: skip
_OWN = attrgetter("subscription_ref", "product_code", "msisdn", "imsi", "iccid")


def well_formed(
    entries: Sequence[tuple[Work, Command]], policy: Policy, offerings: dict[str, Offering]
) -> Openings:
    """The openings whose own values are in their plain form and in order."""
    places = [
        i
        for i, (_, command) in enumerate(entries)
        if type(command) is Open and type(command.party) is PartyData
    ]
    if not places:
        return _none()
    works = [entries[i][0] for i in places]
    commands: list[Any] = [entries[i][1] for i in places]
    refs, products, numbers, imsis, iccids = map(list, zip(*map(_OWN, commands), strict=True))
    parties, kinds, called, types, documents, contacts = map(
        list, zip(*(_PARTY(command.party) for command in commands), strict=True)
    )
    rules = _Rules(policy, [work.at for work in works])
    if not rules.one or policy.throughout("only_from_stock", rules.first, rules.last):
        return _none()
    fits = [_words(column) for column in (refs, products, parties, called, numbers, imsis, iccids,
                                          kinds, types, documents)]  # fmt: skip
    fits.append([contact is None or _word(contact) for contact in contacts])
    ready = list(map(all, zip(*fits, strict=True)))
    found = Openings(places, works, refs, products, numbers, imsis, iccids, parties, kinds, called,
                     types, documents, contacts).only(ready)  # fmt: skip
    return found.only(_in_order(found, rules, offerings)) if len(found) else found


def _none() -> Openings:
    return Openings(*([] for _ in Openings.__slots__))


class _Rules:
    """What the policy says from the first to the last of some instants."""

    def __init__(self, policy: Policy, instants: list[datetime]) -> None:
        self.first, self.last = min(instants), max(instants)
        found = [
            policy.throughout(name, self.first, self.last)
            for name in ("check_documents", "name_longest", "only_from_stock")
        ]
        self.one = None not in found
        """Whether it says the same all the time."""
        self.verify, self.longest, _ = found


def _in_order(found: Openings, rules: _Rules, offerings: dict[str, Offering]) -> list[bool]:
    """Of texts that can be put on record, which are in order."""
    starts = {
        code: day_start(offering.valid_from)
        for code, offering in offerings.items()
        if offering.sender_kind != "service_port"
    }
    sold = [
        code in starts and work.at >= starts[code]
        for code, work in zip(found.products, found.works, strict=True)
    ]
    matched = [_NUMBER.fullmatch(number) for number in found.numbers]
    found.numbers = ["86" + each[1] if each else "" for each in matched]
    longest = min(int(rules.longest or 0), checks.LONGEST)
    fits = (
        sold,
        matched,
        map(_IMSI.fullmatch, found.imsis),
        map(_ICCID.fullmatch, found.iccids),
        map(names.PLAIN.fullmatch, found.names),
        [len(name) <= longest for name in found.names],
        _documents(found, verify=bool(rules.verify)),
    )
    return list(map(all, zip(*fits, strict=True)))


def _documents(found: Openings, *, verify: bool) -> list[bool]:
    kinds = {
        (code, row["party_type"]): row["check"]
        for code, row in load.by("document_type", "code").items()
    }
    asked = [kinds.get(pair) for pair in zip(found.document_types, found.party_types, strict=True)]
    numbers = found.document_numbers
    fits = [
        (check == "ric" and _RESIDENT_ID.fullmatch(number) is not None)
        or (check == "" and _OTHER_DOCUMENT.fullmatch(number) is not None)
        for check, number in zip(asked, numbers, strict=True)
    ]
    if not verify:
        return fits
    proven = [fit and check == "ric" for fit, check in zip(fits, asked, strict=True)]
    right = iter(checks.resident_ids(list(compress(numbers, proven))))
    return [next(right) if prove else fit for fit, prove in zip(fits, proven, strict=True)]


def _words(values: list[Any]) -> list[bool]:
    """Which are texts that can be put on record; the others are emptied."""
    try:
        plain = "".join(values).isprintable() and max(map(len, values)) <= checks.LONGEST
        if plain and all(map(str.strip, values)):
            return [True] * len(values)
    except TypeError:
        pass
    fits = [_word(value) for value in values]
    values[:] = [value if fit else "" for value, fit in zip(values, fits, strict=True)]
    return fits


def _word(value: object) -> bool:
    return (
        isinstance(value, str)
        and len(value) <= checks.LONGEST
        and value.isprintable()
        and bool(value.strip())
    )


_NAMED: tuple[tuple[str, Callable[[Openings], list[Any]]], ...] = tuple(
    (name, attrgetter(name))
    for name in ("orders", "subscriptions", "parties", "documents", "numbers", "imsis", "iccids")
)
"""What no two may name, by its name in `Named` and in `Openings`."""


def alone(found: Openings, others: Named) -> list[bool]:
    """Which name nothing that another of them or any of `others` names."""
    fits = [True] * len(found)
    for name, column in _NAMED:
        values, taken = column(found), getattr(others, name)
        if len(set(values)) < len(values):
            counts = Counter(values)
            fits = [fit and counts[value] == 1 for fit, value in zip(fits, values, strict=True)]
        if not taken.isdisjoint(values):
            fits = [fit and value not in taken for fit, value in zip(fits, values, strict=True)]
    return fits


def unknown(connection: Connection, found: Openings) -> list[bool]:
    """Of which nothing is on record; whoever may write it is locked out already."""
    asked = (
        (queries.orders, found.orders, 0),
        (queries.subscriptions, found.subscriptions, 1),
        (queries.parties_by_ref, found.parties, 1),
        (queries.parties_by_document, found.document_numbers, 5),
        (queries.places, found.document_numbers, 1),
        (queries.numbers, found.numbers, 0),
        (queries.sims_by_imsi, found.imsis, 1),
        (queries.sims_by_iccid, found.iccids, 0),
    )
    answers = find_all(connection, [(make, keys) for make, keys, _ in asked])
    fits = [True] * len(found)
    for (_, keys, column), rows in zip(asked, answers, strict=True):
        if rows:
            there = {row[column] for row in rows}
            fits = [fit and key not in there for fit, key in zip(fits, keys, strict=True)]
    return fits


def without(entries: Sequence[Any], found: Openings) -> Iterable[Any]:
    """The entries of the part that are none of them, in order."""
    plain = set(found.places)
    return (entry for i, entry in enumerate(entries) if i not in plain) if plain else entries
