"""`mingdan simulate`: a synthetic operator with known truth.

Here: options, progress and the summary line. Not here: the simulation
(`mingdan.simulator.world`).
"""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_STEPS = {"days": "living and delivering days", "orders": "carrying out orders"}


def command(
    out: Annotated[Path, typer.Option(help="Folder to fill: the installation's data folder.")],
    subscribers: Annotated[int, typer.Option(min=100, help="Subscriptions at the start.")] = 20_000,
    days: Annotated[int, typer.Option(min=5, help="Days of history.")] = 35,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same bytes.")] = 7,
    last_day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Last day; default: the last business day."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Simulate an operator: usage files, orders, complaints, a partner's list, and the truth.

    Refuses (exit code 1) a folder that already holds a lake, files or orders.

    Example: mingdan simulate --subscribers 20000 --days 35 --seed 7 --out data
    """
    from mingdan.calendar import last_business_day
    from mingdan.errors import WrongUsage
    from mingdan.simulator.world import World, simulate

    end: date = last_day.date() if last_day else last_business_day()
    world = World(subscribers=subscribers, days=days, seed=seed, last_day=end)
    with Progress(
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        tasks: dict[str, int] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(_STEPS[step], total=total)
            progress.update(tasks[step], completed=done, total=total)  # type: ignore[arg-type]

        try:
            done = simulate(world, out, tell)
        except OSError as error:
            raise WrongUsage(f"cannot write to {out}: {error.strerror or error}") from error
    if as_json:
        summary = {
            "out": str(out),
            "first_day": world.first_day.isoformat(),
            "last_day": world.last_day.isoformat(),
            "subscriptions": done.subscriptions,
            "malicious": done.malicious,
            "orders": done.orders,
            "records": done.records,
            "complaints": done.complaints,
        }
        typer.echo(json.dumps(summary))
        return
    typer.echo(
        f"{out}: {world.first_day} to {world.last_day}, {done.subscriptions:,} subscriptions "
        f"({done.malicious} malicious), {done.orders:,} orders, {done.records:,} usage records, "
        f"{done.complaints} complaints. The truth is in {out / 'truth'}."
    )
