"""The operator's own classes (人工类别) as entries of the class dictionary.

Here: what the dictionary says of a class that two people added at the desk. Not
here: the desk (`mingdan.orders.care`), who is in the class (`mingdan.reports`),
and the file of the same entries that `mingdan care class export` writes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from mingdan.orders.care.class_file import entries_text
from mingdan.orders.care.member_facts import KnownClass


def with_classes(dictionary: Mapping[str, Any], known: Iterable[KnownClass]) -> dict[str, Any]:
    """The dictionary with these classes behind its own.

    Each has the one reason `manual`, needs approval and has no effects; one whose
    code the dictionary has itself is the dictionary's.
    """
    own = list(dictionary.get("class", []))
    taken = {entry.get("code") for entry in own if isinstance(entry, Mapping)}
    new = [each for each in known if each.class_code not in taken]
    added = tomllib.loads(entries_text(new)).get("class", [])
    return {**dictionary, "class": [*own, *added]}
