"""`mingdan partner sync` and its like: a partner's own copy of its list.

Here: arguments and printing; runs on the light install. Not here: verifying,
decrypting, looking up (`mingdan.lists.client`). Numbers are shown masked and
written in full only into the file the partner names.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mingdan.errors import InputRefused, WrongUsage
from mingdan.lists.cards import root_fingerprint
from mingdan.lists.client.customers import customers
from mingdan.lists.client.exports import export as write_export
from mingdan.lists.client.home import Home
from mingdan.lists.client.match import Answer, Matcher
from mingdan.lists.client.match import receipt as signed_receipt
from mingdan.lists.client.match import status as status_of
from mingdan.lists.client.questions import ask as ask_about
from mingdan.lists.client.sync import sync as sync_home
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import INSTANT_FORMAT

app = typer.Typer()

At = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="MINGDAN_PARTNER_HOME",
        help="Folder of this channel: keys, trust, copy of the list.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for a script.")]
HOME = Path("mingdan-partner")
_FIELDS = (
    *("number", "outcome", "category", "reason_code", "confidence", "sources"),
    *("first_seen", "last_seen", "valid_from", "valid_until", "release", "freshness"),
)


@app.command()
def keys(
    *,
    home: At = HOME,
    out: Annotated[Path, typer.Option(help="Where to write the card.")] = Path("card.json"),
) -> None:
    """Make this side's keys and write their public halves as a card for the publisher.

    Releases will be encrypted to it, receipts are verified by it. The private halves
    never leave the folder.

    Example:

        mingdan partner keys --home bank --out card.json
    """
    card = Home(home).make_card()
    replace_synced(out, card.text())
    _print(
        f"{out} goes to the publisher. Read it out by telephone: {card.fingerprint}\n"
        f"The private keys are in {home / 'keys'}: back them up, show them to nobody."
    )


@app.command()
def join(
    handover: Annotated[Path, typer.Argument(help="The hand-over the publisher gave.")],
    *,
    url: Annotated[
        str | None, typer.Option(help="Where the channel is served: https://... or a folder.")
    ] = None,
    root: Annotated[
        str | None,
        typer.Option("--root", help="Fingerprint of the root, told by the publisher directly."),
    ] = None,
    home: At = HOME,
) -> None:
    """Take a hand-over: what to trust, and the key of the tokens.

    HANDOVER is sealed to this side's card. The first one fixes the channel and the root for
    ever; later ones bring the token key of another epoch. Compare the root's fingerprint
    with the publisher by telephone, or give it with --root.

    Example:

        mingdan partner join hand-over.age --url https://lists.example.com/c7f3a91d5b20 --home bank
    """
    sealed = _read(handover)
    if root is not None:
        _check_root(Home(home), sealed, root)
    got = Home(home).join(sealed, url)
    _print(
        f"Joined channel {got.channel}, list {got.list}, epoch {got.epoch}.\n"
        f"Root, to compare by telephone: {root_fingerprint(Home(home).trust.root)}"
    )


@app.command()
def sync(*, home: At = HOME, as_json: AsJson = False) -> None:
    """Take the newest release: verify, decrypt, apply. Anything refused changes nothing.

    Exit code 1 and the reason if the channel cannot be trusted or reached; the copy
    then stays as it was and grows stale.

    Example:

        mingdan partner sync --home bank
    """
    done = sync_home(Home(home), datetime.now(UTC))
    if as_json:
        answers = [asdict(one) for one in done.answers]
        _json({"before": done.before, "by": done.by, "answers": answers, **asdict(done.position)})
        return
    held = done.position
    came = {"nothing": "nothing new", "changes": "by changes", "snapshot": "by the snapshot"}
    _print(
        f"Release {held.seq} of {held.day}: {held.state_count:,} entries ({came[done.by]}); "
        f"fresh until {held.fresh_until():{INSTANT_FORMAT}}."
    )
    for one in done.answers:
        what = f"refused: {one.refused}" if one.refused else f"{one.customers:,} customers answered"
        _print(f"Question {one.id}: {what}")


@app.command()
def ask(
    file: Annotated[Path, typer.Argument(help="Customers, as CSV or Parquet.")],
    *,
    out: Annotated[Path, typer.Option(help="Where to write the question.")] = Path("question.ask"),
    column: Annotated[str, typer.Option(help="Column of the number.")] = "msisdn",
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV; it is not guessed.")] = "utf-8",
    home: At = HOME,
) -> None:
    """Ask about customers without naming them, where the list is for matching only.

    FILE has one customer a row; those asked about before are left out. The question tells the
    publisher how many they are and nothing else. It counts against the quota; the answer
    comes with a later sync, then match finds them.

    Example:

        mingdan partner ask customers.csv --out question.ask --home bank
    """
    numbers: set[str] = set()
    rejected = 0
    for batch in customers(file, column, _named(encoding)):
        numbers.update(batch.numbers)
        rejected += len(batch.bad)
    question = ask_about(Home(home), numbers, datetime.now(UTC))
    if rejected:
        _print(f"{rejected:,} rows hold no number; `match` writes them out.")
    if question is None:
        _print("Nothing to ask: all of them have been asked about.")
        return
    out.write_bytes(question)
    _print(f"{out} goes to the publisher.")


@app.command()
def match(
    file: Annotated[Path, typer.Argument(help="Customers, as CSV or Parquet.")],
    *,
    out: Annotated[Path, typer.Option(help="CSV of the customers found listed.")],
    column: Annotated[str, typer.Option(help="Column of the number.")] = "msisdn",
    encoding: Annotated[str, typer.Option(help="Encoding of a CSV; it is not guessed.")] = "utf-8",
    everybody: Annotated[
        bool, typer.Option("--all", help="Write a row for every customer, listed or not.")
    ] = False,
    home: At = HOME,
    as_json: AsJson = False,
) -> None:
    """Which customers of a file are on the list.

    FILE has one customer a row. OUT gets the listed ones, each with reason, confidence, term,
    the release it rests on and FRESH or STALE; rows that hold no number go to OUT.rejected.csv
    with line and reason.

    Examples:

        mingdan partner match customers.csv --out hits.csv --home bank

        mingdan partner match customers.parquet --column phone --all --out all.csv --home bank
    """
    if out.resolve() == file.resolve():
        raise WrongUsage("--out is the file to match itself")
    matcher = Matcher(Home(home), datetime.now(UTC))
    counts: Counter[str] = Counter()
    rejected = out.with_name(out.name + ".rejected.csv")
    try:
        with ExitStack() as files:
            rows = _writer(files, out, _FIELDS)
            bad = _writer(files, rejected, ("line", "reason"))
            for batch in customers(file, column, _named(encoding)):
                bad.writerows(batch.bad)
                counts["rejected"] += len(batch.bad)
                found = list(matcher.answers(batch.numbers))
                counts.update(answer.outcome for answer in found)
                rows.writerows(
                    _row(answer, matcher)
                    for answer in found
                    if everybody or answer.outcome == "listed"
                )
    finally:
        matcher.close()
    if not counts["rejected"]:
        rejected.unlink()
    fresh = matcher.freshness
    told = {name: counts[name] for name in ("listed", "not_listed", "not_asked", "rejected")}
    if as_json:
        _json({"release": matcher.position.seq, "freshness": fresh.state, **told})
        return
    _print(
        f"{told['listed']:,} listed, {told['not_listed']:,} not"
        + (f", {told['not_asked']:,} not asked for yet" if told["not_asked"] else "")
        + (f"; {told['rejected']:,} rows rejected: {rejected}" if told["rejected"] else "")
        + f". Release {matcher.position.seq} of {matcher.position.day}, {fresh.state}"
        + (f": {fresh.why}" if fresh.why else "")
        + f"\n{out}"
    )


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write; it ends in csv, parquet or json.")],
    *,
    home: At = HOME,
) -> None:
    """Write the entries in force for another system. Only the releases are signed.

    The ending of OUT names the form; json is a STIX 2.1 bundle of indicators. Numbers stay
    tokens in every form, unless they came in the clear.

    Examples:

        mingdan partner export list.csv --home bank

        mingdan partner export list.json --home bank
    """
    count = write_export(Home(home), out, datetime.now(UTC))
    _print(f"{count:,} entries in force: {out}")


@app.command()
def status(*, home: At = HOME, as_json: AsJson = False) -> None:
    """What is held and how far its word goes. Exit code 1 if it is STALE.

    Example:

        mingdan partner status --home bank
    """
    row = status_of(Home(home), datetime.now(UTC))
    if as_json:
        _json(row)
    else:
        table = Table(show_header=False)
        for name, value in row.items():
            table.add_row(name.replace("_", " "), escape(str(value)) or "-")
        Console().print(table)
    if row["freshness"] != "FRESH":
        raise typer.Exit(1)


@app.command()
def receipt(
    *,
    home: At = HOME,
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("receipt.json"),
) -> None:
    """A signed receipt of the release held, for the publisher.

    Without it the publisher must take it that entries taken back are still in use here.

    Example:

        mingdan partner receipt --home bank --out receipt.json
    """
    replace_synced(out, signed_receipt(Home(home), datetime.now(UTC)))
    _print(f"{out} goes to the publisher.")


def _check_root(home: Home, sealed: bytes, fingerprint: str) -> None:
    from mingdan.lists.cards import Handover
    from mingdan.lists.seal import read_identity, unseal

    got = Handover.parse(unseal(sealed, [read_identity(home.identity)], "hand-over"))
    found = root_fingerprint(got.root)
    if found != fingerprint.replace(" ", "").lower():
        raise InputRefused(f"the root in the hand-over is another one: {found}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}") from None


def _named(encoding: str) -> str:
    """Excel's UTF-8 begins with a mark that is no part of the first column's name."""
    return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding


def _writer(files: ExitStack, path: Path, names: Iterable[str]) -> Any:
    opened = files.enter_context(path.open("w", encoding="utf-8", newline=""))
    made = csv.writer(opened, lineterminator="\n")
    made.writerow(names)
    return made


def _row(answer: Answer, matcher: Matcher) -> list[object]:
    entry = answer.entry
    told: list[object] = [""] * 8
    if entry is not None:
        instants = (entry.first_seen, entry.last_seen, entry.valid_from, entry.valid_until)
        told = [entry.category, entry.reason_code, entry.confidence, entry.sources]
        told += [one and f"{one:{INSTANT_FORMAT}}" for one in instants]
    return [
        answer.number, answer.outcome, *told, matcher.position.seq, matcher.freshness.state
    ]  # fmt: skip


def _print(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)


def _json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))
