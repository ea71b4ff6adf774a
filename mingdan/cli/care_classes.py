"""`mingdan care class`: customer classes (客户类别) added and given by hand.

Here: arguments and printing. Not here: the dictionary and its members
(`mingdan.orders.care`), classes given by rules (`mingdan.classes`).
"""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, instant, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    done_at,
    moment,
    print_json,
    print_table,
)
from mingdan.errors import InputRefused
from mingdan.orders.care.class_entries import ClassDictionary, Entry, NewClass
from mingdan.orders.care.class_file import (
    MARK,
    base_text,
    dictionary_text,
    labels_by_hand,
    shipped_codes,
)
from mingdan.orders.care.class_members import Assignment, ClassMembers, NewAssignment
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings

app = typer.Typer(help="Customer classes added and given by hand.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(help="The class's code, e.g. campus_2026.")]
Key = Annotated[int, typer.Argument(help="The assignment's key.")]
From = Annotated[str | None, typer.Option("--from", help="In force from [default: now].")]
Until = Annotated[str | None, typer.Option("--until", help="In force until [default: no end].")]


@app.command()
def propose(
    code: Code,
    *,
    name_zh: Annotated[str, typer.Option(help="Its name in Chinese.")],
    name_en: Annotated[str, typer.Option(help="Its name in English.")],
    meaning: Annotated[str, typer.Option(help="Who is in it.")],
    first: From = None,
    last: Until = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a class, or for other words for one; a manager has to approve it.

    Example:

        mingdan care class propose campus_2026 --name-zh 校园客户 --name-en 'campus customers'
        --meaning '2026 级新生' --until 2027-09-01 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        now = done_at(at)
        begins, ends = _span(first, last, now)
        new = NewClass(
            class_code=code, name_zh=name_zh, name_en=name_en, meaning=meaning, valid_from=begins,
            valid_to=ends,
        )  # fmt: skip
        acting = actor(who, role, interface)
        _print(_dictionary(store).propose(new, actor=acting, at=now), as_json)


@app.command()
def approve(
    code: Code,
    *,
    who: As,
    role: Role = "manager",
    interface: Interface = "back_office",
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Put a proposed class in force.

    Example:

        mingdan care class approve campus_2026 --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(_dictionary(store).approve(code, actor=acting, at=done_at(at)), as_json)


@app.command()
def reject(
    code: Code,
    *,
    who: As,
    role: Role = "manager",
    interface: Interface = "back_office",
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Turn a proposed class down.

    Example:

        mingdan care class reject campus_2026 --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(_dictionary(store).reject(code, actor=acting, at=done_at(at)), as_json)


@app.command()
def end(
    code: Code,
    *,
    who: As,
    role: Role = "manager",
    interface: Interface = "back_office",
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take a class out of force; nobody is in it any more.

    Example:

        mingdan care class end campus_2026 --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(_dictionary(store).end(code, actor=acting, at=done_at(at)), as_json)


@app.command("list")
def list_classes(*, at: When = None, as_json: AsJson = False) -> None:
    """The classes added by hand that are in force.

    Example:

        mingdan care class list
    """
    with answering(as_json), store_at(None) as store:
        found = _dictionary(store).entries(at=moment(at))
    if as_json:
        print_json(found)
        return
    print_table(
        "Customer classes added by hand",
        ("code", "", "name", "meaning", "from", "to", "asked by", "approved by"),
        [(e.class_code, e.name_zh, e.name_en, e.meaning, e.valid_from, e.valid_to, e.maker,
          e.checker) for e in found],
    )  # fmt: skip


@app.command()
def export(
    *,
    to: Annotated[
        Path | None, typer.Option(help="A file; an existing one must be an earlier export.")
    ] = None,
    at: When = None,
) -> None:
    """The whole class dictionary with the classes added by hand in it, to read or pass on.

    The night does not need it: it takes the classes from the order store. Example:

        mingdan care class export --to dictionary.toml
    """
    with answering(False), store_at(None) as store:
        entries = _dictionary(store).entries(at=moment(at))
    text = dictionary_text(base_text(Settings()), entries)
    if to is None:
        print(text, end="")
        return
    if to.exists() and not text.startswith(to.read_text("utf-8").partition(MARK)[0].rstrip()):
        raise InputRefused(f"{to} holds something else than the dictionary in force; move it away")
    to.parent.mkdir(parents=True, exist_ok=True)
    partial = to.with_name(f".{to.name}.{secrets.token_hex(4)}")
    partial.write_text(text, "utf-8")
    partial.replace(to)
    print(f"{len(entries)} classes by hand in {to}")


@app.command()
def assign(
    code: Annotated[
        str, typer.Argument(help="The class's code, or a label such as key_account:gold.")
    ],
    party: Annotated[str, typer.Argument(help="The customer's reference.")],
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
    first: From = None,
    last: Until = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a customer to be in a class, or to have a label; a manager has to confirm it.

    Example:

        mingdan care class assign campus_2026 P9 --reason 学生证已核验 --as li.na
    """
    with answering(as_json), store_at(None) as store:
        now = done_at(at)
        begins, ends = _span(first, last, now)
        new = NewAssignment(
            class_code=code, party_ref=party, reason=reason, valid_from=begins, valid_to=ends
        )
        acting = actor(who, role, interface)
        _print_one(_members(store).assign(new, actor=acting, at=now), as_json)


@app.command()
def confirm(
    assignment: Key,
    *,
    refuse: Annotated[bool, typer.Option("--reject", help="Turn it down instead.")] = False,
    who: As,
    role: Role = "manager",
    interface: Interface = "back_office",
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Put an assignment in force, or turn it down.

    Example:

        mingdan care class confirm 17 --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        acting, members = actor(who, role, interface), ClassMembers(store)
        decide = members.reject if refuse else members.approve
        _print_one(decide(assignment, actor=acting, at=done_at(at)), as_json)


@app.command()
def remove(
    assignment: Key,
    *,
    who: As,
    role: Role = "manager",
    interface: Interface = "back_office",
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take a customer out of a class now.

    Example:

        mingdan care class remove 17 --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print_one(ClassMembers(store).end(assignment, actor=acting, at=done_at(at)), as_json)


@app.command()
def members(
    code: Annotated[str | None, typer.Argument(help="A class [default: what waits].")] = None,
    *,
    party: Annotated[str | None, typer.Option(help="The classes of this customer.")] = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Who is in a class, which classes a customer is in, or what waits to be confirmed.

    Example:

        mingdan care class members campus_2026
    """
    with answering(as_json), store_at(None) as store:
        desk, now = ClassMembers(store), moment(at)
        if party is not None:
            found = desk.classes_of(party, at=now)
        else:
            found = desk.waiting() if code is None else desk.members(code, at=now)
    if as_json:
        print_json(found)
        return
    print_table(
        "Assignments",
        ("key", "class", "customer", "state", "reason", "from", "to", "asked by", "confirmed by"),
        [(a.assignment_id, a.class_code, a.party_ref, a.state, a.reason, a.valid_from,
          a.valid_to, a.maker, a.checker) for a in found],
    )  # fmt: skip


def _dictionary(store: OrderStore) -> ClassDictionary:
    return ClassDictionary(store, shipped_codes(Settings()))


def _members(store: OrderStore) -> ClassMembers:
    return ClassMembers(store, labels_by_hand(Settings()))


def _span(first: str | None, last: str | None, now: datetime) -> tuple[datetime, datetime | None]:
    begins = now if first is None else instant("--from", first)
    return begins, None if last is None else instant("--until", last)


def _print(entry: Entry, as_json: bool) -> None:
    if as_json:
        print_json(entry)
    else:
        print(f"class {entry.class_code} {entry.name_zh}, version {entry.version_no}: "
              f"{entry.state}")  # fmt: skip


def _print_one(found: Assignment, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print(f"assignment {found.assignment_id}: {found.party_ref} in {found.class_code}, "
              f"{found.state}")  # fmt: skip
