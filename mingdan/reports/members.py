"""Members of classes by hand (人工归类) as assertions of source `manual`.

Here: what the night says of whom two people put into a class. Not here: who is
in which class (`mingdan.orders.care`) and labels (`classes`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from mingdan.calendar import known_at, naive_utc
from mingdan.identifiers import mask_within
from mingdan.night import Night
from mingdan.orders.care.member_facts import members_at

REASON = "manual"
"""The one reason of a class added by hand, as the dictionary has it."""


def by_hand(night: Night, day: date) -> Iterator[dict[str, Any]]:
    """Rows of `report_assertions`: one for each member known at the night of `day`.

    It holds from its first day to its term, and is gone once the membership has
    ended: the label goes with it.
    """
    for member in members_at(night.orders, known_at(day)):
        evidence = {
            "assignment": member.assignment_id,
            "checker": member.checker,
            "maker": member.maker,
            "reason": mask_within(member.reason),
        }
        class_code, _, reason_code = member.class_code.partition(":")
        yield {
            "subject_type": "party",
            "subject_id": member.party_id,
            "class_code": class_code,
            "reason_code": reason_code or REASON,
            "source": "manual",
            "source_ref": f"assignment-{member.assignment_id}",
            "level": "published",
            "score": 100,
            "observed_at": naive_utc(member.valid_from),
            "valid_to": None if member.valid_to is None else naive_utc(member.valid_to),
            "evidence": json.dumps(
                evidence, sort_keys=True, separators=(",", ":"), ensure_ascii=False
            ),
        }
