"""`mingdan account merge`, `split`, `cancel-change`: who pays from which account.

Here: arguments and printing. Not here: money (`account.py`), checks and effects
(`mingdan/orders/money/accounts.py`). Accounts are shown by key, customers not at all.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, PolicyFile, Subscription, instant, new_ref, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    moment,
    print_json,
    shown,
)
from mingdan.errors import WrongUsage
from mingdan.orders.money.accounts import AccountDesk
from mingdan.orders.money.requests import (
    CancelChangeRequest,
    MergeRequest,
    Regrouped,
    SplitRequest,
)
from mingdan.orders.offers import cycle
from mingdan.orders.store import OrderStore

Correlator = Annotated[
    str | None,
    typer.Option(help="Your own number of it; repeat it to retry safely [default: a new one]."),
]
From = Annotated[
    str | None,
    typer.Option("--from", help="From when on, e.g. 2026-12-01 (Shanghai) [default: now]."),
]
NextCycle = Annotated[
    bool, typer.Option("--next-cycle", help="From the next billing cycle on, not now.")
]


def merge(
    subscription: Subscription,
    into: Annotated[str, typer.Option("--with", help="The subscription whose account will pay.")],
    *,
    effective_from: From = None,
    next_cycle: NextCycle = False,
    order_ref: Correlator = None,
    at: When = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """合帐: from then on another subscription's account pays for this one too.

    Example:

        mingdan account merge 13900139000 --with 13800138000 --next-cycle --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        request = MergeRequest(
            subscription_ref=store.subscription_ref(subscription),
            with_subscription_ref=store.subscription_ref(into),
            order_ref=order_ref or new_ref("merge"),
            effective_from=_start(store, effective_from, next_cycle, at),
        )
        acting = actor(who, role, interface)
        _print_group(AccountDesk(store).merge(request, actor=acting, at=moment(at)), as_json)


def split(
    subscription: Subscription,
    *,
    effective_from: From = None,
    next_cycle: NextCycle = False,
    order_ref: Correlator = None,
    at: When = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """分帐: from then on its own account pays again.

    Example:

        mingdan account split 13900139000 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        request = SplitRequest(
            subscription_ref=store.subscription_ref(subscription),
            order_ref=order_ref or new_ref("split"),
            effective_from=_start(store, effective_from, next_cycle, at),
        )
        acting = actor(who, role, interface)
        _print_group(AccountDesk(store).split(request, actor=acting, at=moment(at)), as_json)


def cancel_change(
    subscription: Subscription,
    *,
    order_ref: Correlator = None,
    at: When = None,
    who: As,
    role: Role = "counter",
    interface: Interface = None,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """取消合帐/分帐: the merge or split yet to come does not take effect.

    Example:

        mingdan account cancel-change 13900139000 --as li.na
    """
    with answering(as_json), store_at(policy) as store:
        request = CancelChangeRequest(
            subscription_ref=store.subscription_ref(subscription),
            order_ref=order_ref or new_ref("cancel-change"),
        )
        acting = actor(who, role, interface)
        done = AccountDesk(store).cancel_change(request, actor=acting, at=moment(at))
        _print_group(done, as_json)


def _start(
    store: OrderStore, typed: str | None, next_cycle: bool, at: str | None
) -> datetime | None:
    """From when on another account pays; None: at once."""
    if typed is not None and next_cycle:
        raise WrongUsage("--from and --next-cycle exclude each other")
    if next_cycle:
        return cycle.next_cycle(store.policy, moment(at))
    return None if typed is None else instant("--from", typed)


def _print_group(done: Regrouped, as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    again = " before; nothing was done again" if done.repeated else ""
    print(f"account {done.account_id} pays from {shown(done.effective_from)} on{again}")
