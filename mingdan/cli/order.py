"""`mingdan order`: take orders at the counter, look a subscription up, load orders in bulk.

Here: how the commands hang together. Not here: the commands: who holds a
subscription (`order_holders.py`), its changes (`order_changes.py`), facts
(`order_facts.py`), looking up and loading (`order_lookup.py`), orders on their way
(`order_lifecycle.py`); checks and effects (`mingdan.orders`).
"""

from __future__ import annotations

import typer

from mingdan.cli import order_changes as changes
from mingdan.cli import order_facts as facts
from mingdan.cli import order_holders as holders
from mingdan.cli import order_lifecycle as lifecycle
from mingdan.cli.order_lookup import apply_file, show
from mingdan.cli.order_reconcile import reconcile
from mingdan.cli.order_replay import replay
from mingdan.cli.order_waiting import waiting

app = typer.Typer(
    help="""Orders: open, change, suspend and end subscriptions; look them up.

    A subscription is named by its number, the ordering system's reference, or its key.

    With --as (or MINGDAN_ACTOR) an order is taken by somebody: permission, credit,
    price, receipt, notice and archive, and `order reverse` takes it back. Without, it is
    put on record as it is, as from another system.

    Examples:

        mingdan order show 13800138000

        mingdan order suspend 13800138000 --reason lost --as li.na
    """,
    no_args_is_help=True,
)

app.command("open")(holders.open_subscription)
app.command()(changes.change_number)
app.command()(changes.swap_sim)
app.command()(holders.transfer)
app.command()(changes.suspend)
app.command()(changes.resume)
app.command()(changes.terminate)
app.command()(facts.bill)
app.command()(facts.pay)
app.command()(facts.protect)
app.command()(show)
app.command("list")(waiting)
app.command("apply")(apply_file)
app.command()(lifecycle.place)
app.command()(lifecycle.pay_for)
app.command()(lifecycle.provision)
app.command()(lifecycle.complete)
app.command()(lifecycle.cancel)
app.command()(lifecycle.reverse)
app.command()(lifecycle.expire)
app.command()(lifecycle.status)
app.command()(reconcile)
app.command()(replay)
