"""`mingdan interface key`: API keys of the HTTP service.

Here: arguments and printing. Not here: keys themselves
(`mingdan.orders.access.keys`). A key is printed once, when it is made.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    moment,
    print_json,
    print_table,
)
from mingdan.identifiers import load_key
from mingdan.orders.access.keys import ApiKeys, NewKey
from mingdan.orders.store import OrderStore
from mingdan.settings import Settings

app = typer.Typer(help="API keys of an interface number.", no_args_is_help=True)

KeyName = Annotated[str, typer.Argument(help="The key's name, as `list` shows it.")]


def desk(store: OrderStore) -> ApiKeys:
    """The keys under the installation's pepper, made on first use (mode 0600)."""
    return ApiKeys(store, load_key(Settings().secrets / "api-pepper"))


@app.command()
def create(
    number: Annotated[str, typer.Argument(help="The interface number.")],
    *,
    for_role: Annotated[
        str, typer.Option("--for", help="The role its bearer acts in.")
    ] = "partner",
    days: Annotated[
        int | None, typer.Option(min=1, help="Valid for so many days [default: policy].")
    ] = None,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Make a key to an interface. It is shown now and never again.

    Example:

        mingdan interface key create 88001 --as li
    """
    with answering(as_json), store_at(None) as store:
        made = desk(store).create(
            number, role=for_role, days=days, actor=actor(name, role, interface), at=moment(at)
        )
    _show(made, as_json)


@app.command()
def rotate(
    key_name: KeyName,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Make another key instead of one, which works a while longer (policy).

    Example:

        mingdan interface key rotate 3f9a1c04be77 --as li
    """
    with answering(as_json), store_at(None) as store:
        made = desk(store).rotate(key_name, actor=actor(name, role, interface), at=moment(at))
    _show(made, as_json)


@app.command()
def revoke(
    key_name: KeyName,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the record.")],
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """End a key at once and for ever.

    Example:

        mingdan interface key revoke 3f9a1c04be77 --reason "sent by mail" --as li
    """
    with answering(as_json), store_at(None) as store:
        who, when = actor(name, role, interface), moment(at)
        desk(store).revoke(key_name, reason=reason, actor=who, at=when)
    if as_json:
        print_json({"key_name": key_name, "state": "revoked"})
    else:
        print(f"key {key_name} is revoked")


@app.command("list")
def list_keys(
    number: Annotated[str | None, typer.Argument(help="One interface [default: all].")] = None,
    *,
    name: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Keys and their states, without their secrets.

    Example:

        mingdan interface key list 88001 --as li
    """
    with answering(as_json), store_at(None) as store:
        found = desk(store).list(number, actor=actor(name, role, interface), at=moment(at))
    if as_json:
        print_json(found)
        return
    rows = [
        (k.key_name, k.interface_no, k.role, k.state, k.valid_from, k.valid_to, k.reason)
        for k in found
    ]
    heads = ("key", "interface", "role", "state", "from", "to", "why")
    print_table("API keys", heads, rows)


def _show(made: NewKey, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    print(f"key {made.key_name} of interface {made.interface_no}, role {made.role}")
    print(f"X-API-Key: {made.key}")
    print("Keep it now: it is stored as a digest only and cannot be shown again.")
