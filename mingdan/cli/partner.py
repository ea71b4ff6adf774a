"""`mingdan partner`: who we exchange lists with, and what a release holds.

Here: printing partners, verifying a release, looking into one; runs on the
light install. Not here: a partner's own copy (`partner_copy.py`), partners at
the order side (`partner_registry.py`), verifying itself (`mingdan.lists.reader`)
and publishing (the nightly job). Tokens are shown by their first eight digits.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

from mingdan.errors import InputRefused, WrongUsage
from mingdan.identifiers import mask_number
from mingdan.lists.format import CLEAR, LATEST, SEALED, Entry, instant
from mingdan.lists.manifest import newest
from mingdan.lists.passing import hindrance, order_store
from mingdan.lists.reader import State, verify
from mingdan.reports.partners import Partner, load_partners, partner_named
from mingdan.settings import Settings

if TYPE_CHECKING:
    from mingdan.orders.store import OrderStore

REGISTRY = (
    "register",
    "change",
    "remove",
    "registry",
    "interface",
    "agreement",
    "disclosure",
    "request-offer",
    "decide-offer",
    "offers",
)
"""Commands of `partner_registry.py`, which needs the order store."""


CLIENT = ("keys", "join", "sync", "ask", "match", "export", "status", "receipt")
"""Commands of `partner_copy.py`: a partner's own copy of the list."""

_ELSEWHERE = {
    **dict.fromkeys(CLIENT, "partner_copy"),
    **dict.fromkeys(REGISTRY, "partner_registry"),
}


class _WithOthers(TyperGroup):
    """Brings other modules' commands in only when one is called or help is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *_ELSEWHERE]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        try:
            module = import_module(f"mingdan.cli.{_ELSEWHERE[cmd_name]}")
        except ModuleNotFoundError as missing:
            if (missing.name or "").split(".")[0] == "mingdan":
                raise
            return _without_store(cmd_name)
        group = typer.main.get_command(module.app)
        return group.get_command(ctx, cmd_name)  # type: ignore[attr-defined]


def _without_store(name: str) -> Any:
    lacking = typer.Typer()

    @lacking.command(name, help="Needs the extra `pipeline`.")
    def command() -> None:
        raise WrongUsage(
            f"`mingdan partner {name}` needs more packages: pip install 'mingdan[pipeline]'"
        )

    return typer.main.get_command(lacking)


app = typer.Typer(
    help="""Partners, the lists they are given, and what they may order.

    Examples:

        mingdan partner list

        mingdan partner verify data/releases/bank_demo

        mingdan partner sync --home bank
    """,
    no_args_is_help=True,
    cls=_WithOthers,
)

AsJson = Annotated[bool, typer.Option("--json", help="JSON for a script.")]
_TOKEN_SHOWN = 8
_COLUMNS = ("token", "reason", "conf.", "from", "seen", "until", "in\nforce")
"""As wide as 80 columns allow; `from`: independent sources, `seen`: first and last."""


@app.command("list")
def list_partners(*, as_json: AsJson = False) -> None:
    """All partners: kind, agreement, and the last release each was given.

    Example:

        mingdan partner list
    """
    settings = Settings()
    with order_store(settings) as store:
        found = [_summary(partner, settings, store) for partner in load_partners(settings).values()]
    if as_json:
        _print_json(found)
        return
    # a code a line, none of them broken: the table fits 80 columns
    table = Table(title="Partners", box=SIMPLE_HEAD, pad_edge=False, show_lines=True)
    for title in ("partner", "may pass", "tells us", "is told", "release"):
        table.add_column(
            title, overflow="fold", no_wrap=title in ("tells us", "is told", "release")
        )
    for row in found:
        last = row["last_release"]
        table.add_row(
            f"{row['code']}\n{escape(row['name_zh'])}\n{row['kind']}",
            f"{row['hindrance'] or 'yes'}\nuntil\n{row['valid_until']}",
            "\n".join(row["asserts"]) or "-",
            "\n".join(row["receives"]) or "-",
            f"{last['seq']} of\n{last['day']}" if last else "-",
        )
    Console().print(table)


@app.command()
def show(
    code: Annotated[str, typer.Argument(help="Partner code, e.g. bank_demo.")],
    *,
    as_json: AsJson = False,
) -> None:
    """One partner: agreement, interface, and the last release.

    CODE is the partner's, as `mingdan partner list` gives it.

    Example:

        mingdan partner show bank_demo
    """
    settings = Settings()
    with order_store(settings) as store:
        row = _summary(partner_named(code, settings), settings, store)
    if as_json:
        _print_json(row)
        return
    table = Table(show_header=False, title=f"{escape(row['name_zh'])} ({row['code']})")
    for name, value in row.items():
        table.add_row(name.replace("_", " "), escape(_shown(value)))
    Console().print(table)


@app.command("verify")
def verify_release(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A partner's folder, or one release in it.")
    ],
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Every release that is there, not only the newest.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a release as its partner would: digests, grammar, order, state.

    DIR is a partner's folder, or one release in it. Exit code 1 and the reason if it would be
    refused.

    Examples:

        mingdan partner verify data/releases/bank_demo

        mingdan partner verify data/releases/bank_demo/000003
    """
    state = verify(folder, every=every)
    row = {
        "seq": state.seq,
        "day": state.day,
        "channel": state.channel,
        "list": state.list,
        "epoch": state.epoch,
        "created": state.created,
        "entries": len(state.rows),
    }
    if as_json:
        _print_json(row)
        return
    Console().print(
        f"Release {state.seq} of {state.day} is whole: {len(state.rows):,} entries, list "
        f"{state.list}, epoch {state.epoch}, channel {state.channel}.",
        highlight=False,
    )


@app.command()
def entries(
    where: Annotated[
        str, typer.Argument(metavar="PARTNER|DIR", help="Partner code, or a release's folder.")
    ],
    *,
    reason: Annotated[
        str | None, typer.Option(help="Only entries of this reason, e.g. fraud.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """What a partner was told: the entries of a release, tokens masked.

    PARTNER is a partner's code (its newest release), DIR a release's folder.

    Examples:

        mingdan partner entries bank_demo --reason fraud

        mingdan partner entries data/releases/bank_demo/000003 --json
    """
    folder = Path(where)
    if not folder.is_dir():
        settings = Settings()
        folder = settings.releases / partner_named(where, settings).code
    state = verify(folder)
    if state.token_alg == SEALED:
        raise InputRefused(
            f"release {state.seq} is sealed (match_only): its {len(state.rows):,} entries can be "
            "read only by who asked for their numbers"
        )
    chosen = [
        (token, entry)
        for token, entry in ((token, Entry.of(text)) for token, text in state.rows.items())
        if reason is None or entry.reason_code == reason
    ]
    rows = [_row(token, entry, state) for token, entry in chosen[:limit]]
    if as_json:
        _print_json({"seq": state.seq, "day": state.day, "entries": len(chosen), "rows": rows})
        return
    title = f"Release {state.seq} of {state.day}: {len(chosen):,} entries"
    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, no_wrap=True)
    for row in rows:
        seen = f"{_shown(row['first_seen'])}\n{_shown(row['last_seen'])}"
        table.add_row(
            row["token"], *(_shown(row[name]) for name in ("reason_code", "confidence", "sources")),
            seen, row["valid_until"], _shown(row["in_force"]),
        )  # fmt: skip
    console = Console()
    console.print(table)
    if len(chosen) > limit:
        console.print(f"{len(chosen) - limit:,} more: --limit {len(chosen)}", highlight=False)


def _summary(partner: Partner, settings: Settings, store: OrderStore | None) -> dict[str, Any]:
    agreed = partner.agreement
    return {
        "code": partner.code,
        "name_zh": partner.name_zh,
        "name_en": partner.name_en,
        "kind": partner.kind,
        "interface_number": partner.interface_number,
        "status": partner.status,
        "hindrance": hindrance(settings, partner, datetime.now(UTC), store),
        "reference": agreed.reference,
        "purpose": agreed.purpose,
        "legal_basis": agreed.legal_basis,
        "valid_from": agreed.valid_from.isoformat(),
        "valid_until": agreed.valid_until.isoformat(),
        "disclosure": agreed.disclosure,
        "columns": list(agreed.told),
        "asserts": list(agreed.asserts),
        "receives": list(agreed.receives),
        "may_be_reexported": agreed.may_be_reexported,
        "evaluations_per_year": agreed.evaluations_per_year,
        "last_release": _last(settings.releases / partner.code),
    }


def _last(channel: Path) -> dict[str, Any] | None:
    if not (channel / LATEST).exists():
        return None
    manifest = newest(channel).manifest
    return {
        "seq": manifest["seq"],
        "day": manifest["day"],
        "entries": manifest["state_count"],
        **manifest["ops"],
    }


def _row(token: str, entry: Entry, state: State) -> dict[str, Any]:
    live = entry.valid_until > instant(state.created)
    return {
        "token": mask_number(token) if state.token_alg == CLEAR else f"{token[:_TOKEN_SHOWN]}...",
        "reason_code": entry.reason_code,
        "confidence": entry.confidence,
        "sources": entry.sources,
        "first_seen": _day(entry.first_seen),
        "last_seen": _day(entry.last_seen),
        "valid_until": entry.valid_until.date().isoformat(),
        "in_force": live,
    }


def _day(at: datetime | None) -> str | None:
    return None if at is None else at.date().isoformat()


def _shown(value: Any) -> str:
    """A value for people: no is an answer, nothing is a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        value = [f"{key} {part}" for key, part in value.items()]
    return (", ".join(value) if isinstance(value, list) else str(value or "")) or "-"


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))
