"""Partners' lists: the file of a partner and day, line by line, and what stops it whole.

Here: reading a list within the partner's agreement. Not here: whose
number it was (`binding.py`), the forms of a list (`forms.py`) and what an entry is
worth (`assertions.py`).

A partner's list never stops the night: what cannot be taken is set aside with
its reason. A list is a set of changes; an entry missing from it stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from mingdan.calendar import known_at, naive_utc
from mingdan.errors import LakeError
from mingdan.landed import NotPlain, check_inside, there
from mingdan.reports import fields
from mingdan.reports.complaints import too_many_bad
from mingdan.reports.delivered import (
    WHOLE_FILE,
    Bad,
    Delivered,
    Flaw,
    Record,
    Unreadable,
    set_apart,
)
from mingdan.reports.forms import FILES, read_entries
from mingdan.reports.partners import Intake, Partner
from mingdan.reports.policy import Policy
from mingdan.settings import Settings

ACTIONS = ("add", "withdraw")


def lists_of(
    settings: Settings, day: date, policy: Policy, partners: Mapping[str, Partner]
) -> list[tuple[str, Delivered]]:
    """Every list delivered on `day` with the code of its folder, in the order of codes."""
    root = settings.landing / "reports" / "partners"
    folders = sorted(root.glob(f"*/{day.isoformat()}"))
    found = []
    for folder in folders:
        code = folder.parent.name
        partner = partners.get(code)
        agreed = FILES[(partner.intake if partner else Intake()).form]
        for name in FILES.values():
            if there(folder / name):
                path = folder / name
                made = _list_of(settings, path, code, day, policy, partner, name == agreed)
                found.append((code, made))
    return found


def _list_of(
    settings: Settings,
    path: Path,
    code: str,
    day: date,
    policy: Policy,
    partner: Partner | None,
    agreed: bool,
) -> Delivered:
    delivered = Delivered(file=str(path.relative_to(settings.landing)), source=f"partners/{code}")
    parse = partial(_parse, day=day, policy=policy, partner=partner)
    try:
        check_inside(path, settings.landing)
        if not agreed:
            raise Unreadable("form_not_agreed")
        read_entries(path, delivered, partner.intake if partner else Intake(), policy, parse)
    except Unreadable as error:
        delivered.received = error.received
        delivered.bad = [Bad(WHOLE_FILE, error.reason, None, error.head)]
        delivered.stopped = error.reason
        return delivered
    except NotPlain:
        delivered.bad = [Bad(WHOLE_FILE, "not_a_plain_file", None, b"")]
        delivered.stopped = "not_a_plain_file"
        return delivered
    except OSError as error:
        raise LakeError(f"cannot read {path}: {error}") from error
    set_apart(delivered, "entry_id")
    if (hindrance := _hindrance(partner, day)) is not None:
        delivered.stop(hindrance)
    elif any(bad.reason == "service_number" for bad in delivered.bad):
        delivered.stop("service_number", culprits={})
    elif too_many_bad(delivered, policy, settings):
        delivered.stop("too_many_bad_rows")
    return delivered


def stop_if_poisoned(delivered: Delivered, protected_lines: Collection[int]) -> None:
    """Stop the whole list if a line names someone protected (红名单).

    Such a list is wrong or meant to do harm, and its other lines are no more
    to be believed; a person looks at it.
    """
    if protected_lines:
        delivered.stop("protected_number", dict.fromkeys(protected_lines, "protected_number"))


def stop_if_churning(delivered: Delivered, live: Collection[str], policy: Policy) -> None:
    """Stop a list that turns over too much of what the partner vouched for before.

    `live` are the ids of the partner's live entries. Counted are live entries
    withdrawn and entries added; the first list has nothing to compare with.
    """
    held = set(live)
    changes = sum(
        (row.record["entry_id"] in held) == (row.record["action"] == "withdraw")
        for row in delivered.good
    )
    rules = policy.partners
    if held and changes >= rules.churn_floor and changes > rules.churn_share * len(held):
        delivered.stop("too_much_change")


def stop_if_sweeping(delivered: Delivered, customers: int, policy: Policy) -> None:
    """Stop a list that adds more than a share of all `customers` (parties holding a number)."""
    rules = policy.partners
    named = {
        row.record["holder"].party_id for row in delivered.good if row.record["action"] == "add"
    } - {None}
    if len(named) > max(rules.customers_floor, rules.customers_share * customers):
        delivered.stop("too_many_customers")


def _hindrance(partner: Partner | None, day: date) -> str | None:
    if partner is None:
        return "unknown_partner"
    if (reason := partner.hindrance(day)) is not None:
        return reason
    return None if partner.agreement.asserts else "not_agreed"


def _parse(values: dict[str, str], *, day: date, policy: Policy, partner: Partner | None) -> Record:
    if fields.is_service_number(values["number"], policy.service_numbers):
        raise Flaw("service_number", "number")
    action = fields.one_of(values["action"], ACTIONS, "action", "unknown_action")
    record: Record = {
        "entry_id": fields.code(values["entry_id"], "entry_id"),
        "action": action,
        "category": None,
        "number": None,
        "legal_basis": None,
        "observed_at": None,
        "valid_until": None,
    }
    # To take an entry back its id is enough; what else the line says must still be sound.
    if action == "add" or values["category"]:
        record["category"] = _category(values["category"], policy, partner)
    if action == "add" or values["number"]:
        record["number"] = fields.mobile(values["number"], "number")
    if action == "add" or values["legal_basis"]:
        record["legal_basis"] = fields.code(values["legal_basis"], "legal_basis", "bad_legal_basis")
    for column in ("observed_at", "valid_until"):
        if action == "add" or values[column]:
            record[column] = fields.instant(values[column], column)
    if action == "add":
        _check_basis(record, policy, partner)
        _check_times(record, day, policy)
    return record | {"held_at": record["observed_at"]}


def _category(text: str, policy: Policy, partner: Partner | None) -> str:
    category = fields.one_of(text, policy.reasons, "category", "unknown_category")
    if partner is not None and category not in partner.agreement.asserts:
        raise Flaw("category_not_agreed", "category")
    return category


def _check_basis(record: Record, policy: Policy, partner: Partner | None) -> None:
    """The reason that outranks all others needs the basis for it, from who can have it."""
    legal = policy.partners.legal
    if record["category"] != legal.reason or partner is None:
        return
    if (partner.kind, record["legal_basis"]) != (legal.kind, legal.legal_basis):
        raise Flaw("basis_missing", "legal_basis")


def _check_times(record: Record, day: date, policy: Policy) -> None:
    if record["observed_at"] > naive_utc(known_at(day)):
        raise Flaw("future_time", "observed_at")
    if record["valid_until"] <= record["observed_at"]:
        raise Flaw("ends_before_it_begins", "valid_until")
    longest = timedelta(days=policy.partners.max_term_days)
    if record["valid_until"] - record["observed_at"] > longest:
        raise Flaw("term_too_long", "valid_until")
