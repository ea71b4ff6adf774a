"""What a check of the reconciliation gives.

Here: its one type. Not here: the checks, and the wording of a code
(`reference/reconciliation.csv`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection


@dataclass(frozen=True, kw_only=True)
class Found:
    """Two records that do not agree, of the subject `subject_kind` `subject_key`."""

    code: str
    subject_kind: str
    subject_key: str
    expected: str
    found: str
    subscription_id: int | None = None
    advice: tuple[str, str] | None = None
    """A repair of its own (English, Chinese) instead of the code's."""


Check = Callable[[Connection, datetime], Iterator[Found]]
