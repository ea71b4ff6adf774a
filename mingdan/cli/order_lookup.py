"""`mingdan order show` and `mingdan order apply`: looking up one, loading many.

Here: arguments and tables. Not here: the other order commands (`order.py`).
Nothing that identifies a person is printed unmasked.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from mingdan.cli.counter import AsJson, PolicyFile, Subscription, store_at
from mingdan.cli.staff import Interface, Looking, Role, answering, looker
from mingdan.errors import WrongUsage
from mingdan.orders import jsonl
from mingdan.orders.access import log
from mingdan.orders.access.gate import allow


def show(
    subscription: Subscription,
    *,
    who: Looking = None,
    role: Role = "counter",
    interface: Interface = None,
    as_json: AsJson = False,
) -> None:
    """One subscription: its numbers, holders, blocks and orders, masked.

    The look is written into the access log. Example:

        mingdan order show 13800138000
    """
    now, acting = datetime.now(UTC), looker(who, role, interface)
    with answering(as_json), store_at(None) as store:
        found = store.show(store.subscription_key(subscription), now)
        parties = {f"party:{each['party_id']}" for each in found["holders"]}
        with store.database.writing() as connection:
            if who is not None:
                allow(connection, actor=acting, business="INQUIRY", at=now)
            log.note(
                store.database,
                connection,
                actor=acting,
                purpose="order show",
                what="numbers, holders, blocks, orders (masked)",
                subjects=[f"subscription:{found['subscription_id']}", *parties],
                at=now,
            )
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    console = Console()
    summary = Table(show_header=False)
    summary.title = f"Subscription {found['subscription_id']} (times in Asia/Shanghai)"

    for name, value in found.items():
        if name == "features":
            summary.add_row(name, ", ".join(value) or "-")
        elif not isinstance(value, list):
            summary.add_row(name.replace("_", " "), _shown(value))
    console.print(summary)
    for name in ("numbers", "holders", "blocks", "product_to_come", "orders"):
        rows = found[name]
        if not rows:
            console.print(f"no {name.replace('_', ' ')}")
            continue
        table = Table(title=name.replace("_", " ").capitalize(), title_justify="left")
        for title in rows[0]:
            table.add_column(title.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(*(_shown(value) for value in row.values()))
        console.print(table)


def apply_file(
    file: Annotated[Path, typer.Argument(help="Commands as JSON lines; - reads standard input.")],
    *,
    policy: PolicyFile = None,
    as_json: AsJson = False,
) -> None:
    """Carry out many orders from FILE, one JSON object a line; `-` reads standard input.

    Lines that are refused do not stop the others; run the corrected file again,
    what was carried out is not done twice. Fields: docs/orders.md. Example:

        mingdan order apply orders.jsonl
    """
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise WrongUsage(f"cannot read {file}: {error.strerror}") from error
    found, bad = jsonl.read(raw.splitlines())
    line_of = {command.order_ref: line for line, command in reversed(found.items())}
    with store_at(policy) as store, Progress(transient=True, disable=as_json) as progress:
        task = progress.add_task("orders", total=len(found))
        applied = store.apply(
            found.values(), progress=lambda done: progress.update(task, completed=done)
        )
    problems = [
        {"line": each.line, "order_ref": each.order_ref, "code": "not_a_command",
         "reason": each.reason, "reason_zh": "不是业务指令"}
        for each in bad
    ] + [
        {"line": line_of[each.order_ref], "order_ref": each.order_ref, "code": each.code,
         "reason": each.reason, "reason_zh": each.reason_zh}
        for each in applied.refused
    ]  # fmt: skip
    problems.sort(key=lambda each: int(str(each["line"])))
    counts = {
        "lines": len(found) + len(bad),
        "completed": applied.completed,
        "repeated": applied.repeated,
    }
    if as_json:
        print(json.dumps({**counts, "refused": problems}, ensure_ascii=False, indent=1))
    else:
        _print_problems(problems)
        print(", ".join(f"{value:,} {name}" for name, value in counts.items())
              + f", {len(problems):,} refused")  # fmt: skip
    if problems:
        raise typer.Exit(1)


def _shown(value: object) -> str:
    return "-" if value is None else escape(str(value).removesuffix("+08:00"))


def _print_problems(problems: list[dict[str, Any]]) -> None:
    if not problems:
        return
    table = Table(title="Refused lines")
    for title in ("line", "order", "code", "why"):
        table.add_column(title, overflow="fold")
    for each in problems:
        table.add_row(
            str(each["line"]),
            escape(each["order_ref"] or "-"),
            each["code"],
            escape(each["reason"]),
        )
    Console().print(table)
