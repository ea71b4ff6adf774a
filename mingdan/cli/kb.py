"""`mingdan kb`: the customer service knowledge base (客服信息库).

Here: arguments and printing. Not here: articles and the index
(`mingdan.orders.care.knowledge`).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from mingdan.cli.counter import AsJson, store_at
from mingdan.cli.staff import (
    As,
    Interface,
    Role,
    When,
    actor,
    answering,
    done_at,
    moment,
    plain,
    print_json,
    print_table,
)
from mingdan.errors import InputRefused, WrongUsage
from mingdan.orders.care.knowledge import KnowledgeBase
from mingdan.orders.care.versions import Draft, Version

app = typer.Typer(
    help="Knowledge base: articles and reply templates, every version kept.", no_args_is_help=True
)

Ref = Annotated[str, typer.Argument(help="The article's reference, e.g. suspend-fee.")]


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="What to look for; Chinese needs no blanks.")],
    *,
    kind: Annotated[str | None, typer.Option(help="article or template.")] = None,
    category: Annotated[str | None, typer.Option(help="Its category.")] = None,
    every_version: Annotated[
        bool, typer.Option("--all", help="Drafts and retired versions, too.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 10,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Articles in force that speak of something, the best first.

    Example:

        mingdan kb search 停机保号怎么收费
    """
    chosen: dict[str, Any] = {"kind": _kind(kind), "category": category}
    with answering(as_json), store_at(None) as store:
        hits = KnowledgeBase(store).search(
            query, at=moment(at), every_version=every_version, limit=limit, **chosen
        )
    if as_json:
        print_json(
            [
                {"score": hit.score, "snippet": hit.snippet, "marks": hit.marks}
                | {name: value for name, value in plain(hit.version).items() if name != "body"}
                for hit in hits
            ]
        )
        return
    if not hits:
        print("nothing found")
    console = Console()
    for hit in hits:
        version = hit.version
        line = Text(f"{version.article_ref} v{version.version_no} {version.state}  ", style="dim")
        console.print(line.append(version.title, style="bold"))
        passage = Text(f"  {hit.snippet}")
        for start, end in hit.marks:
            passage.stylize("reverse", start + 2, end + 2)
        console.print(passage)


@app.command()
def show(
    article: Ref,
    *,
    version: Annotated[int | None, typer.Option(help="A version [default: in force].")] = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """One version of an article, whole.

    Example:

        mingdan kb show suspend-fee
    """
    with answering(as_json), store_at(None) as store:
        _print(KnowledgeBase(store).show(article, at=moment(at), version_no=version), as_json)


@app.command()
def write(
    article: Ref,
    *,
    title: Annotated[str, typer.Option(help="Its title.")],
    file: Annotated[Path, typer.Option(help="UTF-8 text of the body; - reads standard input.")],
    kind: Annotated[str, typer.Option(help="article or template.")] = "article",
    category: Annotated[str, typer.Option(help="Its category.")] = "general",
    keywords: Annotated[str, typer.Option(help="Further words it is found by.")] = "",
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Write a new version; another person has to publish it.

    A template's body has slots in braces, e.g. {number}. Example:

        mingdan kb write suspend-fee --title 停机保号收费 --file fee.txt --as li.na
    """
    values: dict[str, Any] = {"kind": _kind(kind)}
    draft = Draft(
        article_ref=article, title=title, body=_text(file), category=category, keywords=keywords,
        **values,
    )  # fmt: skip
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(KnowledgeBase(store).write(draft, actor=acting, at=done_at(at)), as_json)


@app.command()
def publish(
    article: Ref,
    *,
    version: Annotated[int | None, typer.Option(help="The draft you looked at.")] = None,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Put the draft in force; whoever wrote it may not.

    Example:

        mingdan kb publish suspend-fee --version 2 --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        base = KnowledgeBase(store)
        _print(base.publish(article, actor=acting, at=done_at(at), version_no=version), as_json)


@app.command()
def retire(
    article: Ref,
    *,
    who: As,
    role: Role = "back_office",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """Take an article out of force, or withdraw its draft; it stays searchable with --all.

    Example:

        mingdan kb retire suspend-fee --as wang.wei
    """
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        _print(KnowledgeBase(store).retire(article, actor=acting, at=done_at(at)), as_json)


@app.command()
def history(article: Ref, *, as_json: AsJson = False) -> None:
    """Every version of an article: who wrote and published it, and when.

    Example:

        mingdan kb history suspend-fee
    """
    with answering(as_json), store_at(None) as store:
        found = KnowledgeBase(store).history(article)
    if as_json:
        print_json(found)
        return
    print_table(
        f"{article}",
        ("version", "state", "title", "written by", "checked by", "drafted", "published",
         "retired"),
        [(v.version_no, v.state, v.title, v.maker, v.checker, v.drafted_at, v.published_at,
          v.retired_at) for v in found],
    )  # fmt: skip


@app.command()
def reply(
    article: Ref,
    *,
    value: Annotated[list[str] | None, typer.Option(help="slot=text; once a slot.")] = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """A reply from a template in force, its slots filled.

    Example:

        mingdan kb reply lost-sim --value name=张女士 --value number=138******00
    """
    given = dict(each.partition("=")[::2] for each in value or [])
    with answering(as_json), store_at(None) as store:
        text = KnowledgeBase(store).reply(article, given, at=moment(at))
    print_json({"reply": text}) if as_json else print(text)


def _print(version: Version, as_json: bool) -> None:
    if as_json:
        print_json(version)
        return
    print(f"{version.article_ref} v{version.version_no} {version.state}: {version.title}")
    print(version.body)


def _text(file: Path) -> str:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise WrongUsage(f"cannot read {file}: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{file} is not UTF-8: {error.reason} at byte {error.start}") from error


def _kind(kind: str | None) -> str | None:
    if kind not in (None, "article", "template"):
        raise WrongUsage(f"--kind is article or template, not {kind!r}")
    return kind
