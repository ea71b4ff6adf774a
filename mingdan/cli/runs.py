"""`mingdan runs`: which nights have run and what came of one.

Here: printing summaries, and the two questions `make nightly` asks. Not here:
gathering the numbers (`mingdan.summary`). On a simulated installation the
summary also compares found with planted senders; nothing else may know them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.table import Table as RichTable

from mingdan.calendar import last_business_day
from mingdan.errors import InputRefused, WrongUsage
from mingdan.lake import Lake
from mingdan.lists.standing import delivery
from mingdan.settings import Settings
from mingdan.simulator.score import Score, score
from mingdan.summary import NightSummary, nights, summarise
from mingdan.usage.waiting import delivered_days


def command(
    day: Annotated[
        str | None, typer.Argument(help="Business day (2026-11-01); none: all nights.")
    ] = None,
    *,
    last: Annotated[bool, typer.Option("--last", help="The newest night.")] = False,
    due: Annotated[
        bool, typer.Option("--due", help="Print the business day whose night is due.")
    ] = False,
    missed_before: Annotated[
        str | None,
        typer.Option(
            metavar="DAY", help="Print first and last night not yet run before DAY, if any."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for a script.")] = False,
) -> None:
    """The nights that have run, or the summary of one.

    DAY is a business day (2026-11-01); without it all nights are listed.

    Examples:

        mingdan runs

        mingdan runs 2026-11-01 --json

        mingdan runs --last
    """
    settings = Settings()
    _check_one_question(day, last=last, due=due, missed_before=missed_before, as_json=as_json)
    if due:
        print(due_day(settings))
        return
    lake = _lake(settings)
    if missed_before is not None:
        missed = missed_nights(settings, lake, parse_day(missed_before))
        if missed:
            print(missed[0], missed[1])
        return
    run = nights(lake)
    if last:
        if not run:
            raise InputRefused("no night has run yet: `make nightly` runs one")
        day = run[-1].isoformat()
    if day is None:
        _print_nights(settings, lake, run, as_json=as_json)
        return
    wanted = parse_day(day)
    if wanted not in run:
        raise InputRefused(f"no night of {wanted} has run; `mingdan runs` lists those that have")
    _print_night(settings, summarise(settings, lake, wanted), as_json=as_json)


def _check_one_question(
    day: str | None, *, last: bool, due: bool, missed_before: str | None, as_json: bool
) -> None:
    """Raises WrongUsage for options that contradict each other."""
    asked = {
        "DAY": day is not None,
        "--last": last,
        "--due": due,
        "--missed-before": missed_before is not None,
    }
    named = [name for name, given in asked.items() if given]
    if len(named) > 1:
        raise WrongUsage(f"{' and '.join(named)} do not go together: ask for one of them")
    if as_json and (due or missed_before is not None):
        raise WrongUsage(f"--json does not go with {named[0]}, which prints days alone")


def parse_day(text: str) -> date:
    """A business day given on the command line. Raises WrongUsage."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUsage(f"not a day: {text!r}; write it like 2026-11-01") from None


def due_day(settings: Settings) -> date:
    """The last business day; on a simulated operator the last day it delivered.

    A real operator's night must fail when its last day is missing; a simulated
    one simply ends on some day.
    """
    last = last_business_day()
    simulated = (settings.data / "truth").exists()
    delivered = [day for day in delivered_days(settings) if day <= last]
    return delivered[-1] if simulated and delivered else last


def missed_nights(settings: Settings, lake: Lake, before: date) -> tuple[date, date] | None:
    """First and last business day before `before` that came and have no night."""
    run = [day for day in nights(lake) if day < before]
    delivered = [day for day in delivered_days(settings) if day < before]
    if run:
        first = run[-1] + timedelta(days=1)
    elif delivered:
        first = delivered[0]
    else:
        return None
    last = before - timedelta(days=1)
    return (first, last) if first <= last else None


def _lake(settings: Settings) -> Lake:
    if not (settings.lake / "lake.json").exists():
        raise InputRefused(
            f"there is no installation in {settings.data}: set MINGDAN_DATA, or run `make nightly`"
        )
    return Lake(settings.lake)


def _print_nights(settings: Settings, lake: Lake, run: list[date], *, as_json: bool) -> None:
    rows = []
    for day in run:
        night = summarise(settings, lake, day)
        rows.append(
            {
                "night": day.isoformat(),
                "received": night.received,
                "quarantined": night.quarantined,
                "guided": night.guided,
                "rejected": int(night.rejected["records"].sum()),
                "listed": night.listed,
                "release": night.release.seq if night.release else None,
            }
        )
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    _console().print(_table("Nights", pl.DataFrame(rows)))


def _print_night(settings: Settings, night: NightSummary, *, as_json: bool) -> None:
    truth = (settings.data / "truth").exists()
    found = score(settings, night.day) if truth else None
    if as_json:
        print(json.dumps(_as_json(night, found), ensure_ascii=False, indent=1))
        return
    console = _console()
    console.rule(f"[bold]The night of {night.day}[/bold]")
    _print_usage(console, night)
    console.print(_table("What came in", night.files))
    console.print(
        f"{night.active_subscriptions:,} active subscriptions of {night.active_parties:,} parties; "
        f"{night.ordinary_parties:,} parties are ordinary (普通用户): no other label in force"
    )
    console.print(_table("Classes", night.classes))
    console.print(_table("New and withdrawn tonight", night.changes))
    if night.release is not None:
        release, ops = night.release, night.release.manifest["ops"]
        retractions = night.release.manifest["retractions"]
        console.print(
            f"Release {release.seq} to {settings.partner}: "
            f"{release.manifest['state_count']:,} entries; {ops.get('ADD', 0):,} added, "
            f"{ops.get('MOD', 0):,} changed, {ops.get('DEL', 0):,} withdrawn"
            + "".join(f" ({count} {why})" for why, count in sorted(retractions.items()))
            + f"\n  {release.folder}"
        )
        console.print(f"  {delivery(settings)}", highlight=False)
    else:
        console.print("No release was published for this day.")
    if found is not None:
        _print_score(console, found)
    console.print("\nLook at it: [bold]make ui[/bold], then http://127.0.0.1:3000")
    if night.example is not None:
        why = f"mingdan explain {night.example} --as-of {night.day}"
        console.print(f"Why somebody is labelled: [bold]{why}[/bold]", highlight=False)


def _print_usage(console: Console, night: NightSummary) -> None:
    """Two lines whose numbers add up: what came in, and what became of the day's own."""
    sums = night.balance
    console.print(
        f"Usage: [bold]{sums.received:,}[/bold] records in = "
        f"[bold]{sums.quarantined:,}[/bold] quarantined + {sums.copies:,} delivered twice + "
        f"{sums.other_days:,} of other days + [bold]{sums.own:,}[/bold] of the day"
    )
    console.print(
        f"The day: {sums.own:,} + {sums.elsewhere:,} from other deliveries = "
        f"[bold]{night.guided:,}[/bold] guided + {int(night.rejected['records'].sum()):,} rejected"
        + "".join(f" ({r:,} {why})" for why, r in night.rejected.iter_rows())
    )


def _print_score(console: Console, found: Score) -> None:
    later = int(found.archetypes["found_later"].sum())
    console.print(
        f"Found vs planted: {found.found} of {found.planted} malicious senders by their 3rd active "
        f"day ({_share(found.recall_by_third_day)}), {later} later (column `found later`), "
        f"{found.planted - found.found - later} not yet; {found.pending} are pending, their 3rd "
        "day has not come"
    )
    console.print(
        f"{found.watch_fpr:.2e} false positives per benign active subscription in watch, "
        f"published precision {_share(found.published_precision)}"
    )
    console.print(_table("By archetype", found.archetypes))


def _console() -> Console:
    """A console wide enough for the tables when the output is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=120)


def _share(value: float | None) -> str:
    return "none due" if value is None else f"{value:.0%}"


def _table(title: str, frame: pl.DataFrame) -> RichTable:
    table = RichTable(title=title, title_justify="left")
    for name, kind in frame.schema.items():
        table.add_column(name.replace("_", " "), justify="right" if kind.is_numeric() else "left")
    for row in frame.iter_rows():
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _as_json(night: NightSummary, found: Score | None) -> dict[str, object]:
    release = night.release
    return {
        "day": night.day.isoformat(),
        "files": night.files.to_dicts(),
        "balance": asdict(night.balance),
        "guided": night.guided,
        "rejected": night.rejected.to_dicts(),
        "active_subscriptions": night.active_subscriptions,
        "ordinary_parties": night.ordinary_parties,
        "classes": night.classes.to_dicts(),
        "changes": night.changes.to_dicts(),
        "listed": night.listed,
        "release": None
        if release is None
        else {
            "seq": release.seq,
            "entries": release.manifest["state_count"],
            "ops": release.manifest["ops"],
            "retractions": release.manifest["retractions"],
            "folder": str(release.folder),
        },
        "found_vs_planted": None
        if found is None
        else {
            "planted": found.planted,
            "found": found.found,
            "recall_by_third_day": found.recall_by_third_day,
            "watch_fpr": found.watch_fpr,
            "published_precision": found.published_precision,
            "archetypes": found.archetypes.to_dicts(),
        },
    }
