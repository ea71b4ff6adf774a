"""`mingdan order reconcile`: does the order store agree with itself?

Here: arguments and printing; numbers and cards are shown masked. Not here: the
checks (`mingdan.orders.reconcile`) and repairing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, PolicyFile, store_at
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
from mingdan.identifiers import mask_number
from mingdan.orders.access.gate import allow
from mingdan.orders.reconcile import Mismatch, mismatches

_PERSONAL = frozenset({"msisdn", "iccid", "imei", "prepaid_card"})


def reconcile(
    *,
    area: Annotated[
        str | None,
        typer.Option(help="Only resources, provisioning, orders, account, offers or customers."),
    ] = None,
    policy: PolicyFile = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """List every mismatch inside the order store with a suggested repair.

    Orders against resources, blocks and provisioning, accounts and ledger, features
    and offers. Exit code 1 if anything is at fault. Example:

        mingdan order reconcile --as zhao.min
    """
    with answering(as_json), store_at(policy) as store, store.database.reading() as connection:
        allow(connection, actor=actor(who, role, interface), business="RECONCILE", at=moment(at))
        found = mismatches(connection, moment(at))
    chosen = [_masked(each) for each in found if area in (None, each.area)]
    if as_json:
        print_json(chosen)
    else:
        print_table(
            "mismatches",
            ("code", "subject", "what", "expected", "found", "repair"),
            [
                (each.code, f"{each.subject_kind} {each.subject_key}",
                 f"{each.what_zh}\n{each.what}", each.expected, each.found,
                 f"{each.repair_zh}\n{each.repair}")
                for each in chosen
            ],
        )  # fmt: skip
    if any(each.severity == "fault" for each in chosen):
        raise typer.Exit(1)


def _masked(each: Mismatch) -> Mismatch:
    if each.subject_kind not in _PERSONAL:
        return each
    return replace(each, subject_key=mask_number(each.subject_key))
