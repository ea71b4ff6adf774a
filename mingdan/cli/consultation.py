"""`mingdan customer ask`, `answer`: questions taken down and answered (咨询).

Here: arguments and printing. Not here: looking a customer up (`customer.py`) and the
knowledge base (`kb.py`). Nothing of the customer is shown.
"""

from __future__ import annotations

from typing import Annotated

import typer

from mingdan.cli.counter import AsJson, cli_ref, store_at
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
from mingdan.orders.offers.inquiries import Consultation, InquiryDesk, InteractionView


def ask(
    question: Annotated[str, typer.Argument(help="In a few words, without personal data.")],
    *,
    subscription: Annotated[
        str | None, typer.Option(help="Whom it is about: number, reference or key.")
    ] = None,
    ref: Annotated[
        str | None, typer.Option("--ref", help="A reference of your own.", show_default="a new one")
    ] = None,
    channel: Annotated[str, typer.Option(help="Where it was asked.")] = "hotline",
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """咨询: take a question down; `answer` goes on with it.

    Example:

        mingdan customer ask 停机保号怎么收费 --subscription 13800138000 --as li.na
    """
    asked = Consultation(
        interaction_ref=ref or cli_ref(),
        question=question,
        subscription=subscription,
        channel=channel,
    )
    with answering(as_json), store_at(None) as store:
        acting = actor(who, role, interface)
        found = InquiryDesk(store).consult(asked, actor=acting, at=moment(at))
    _print(found, as_json)


def answer(
    ref: Annotated[str, typer.Argument(help="The question's reference.")],
    *,
    article: Annotated[
        str | None, typer.Option(help="The article it was answered from, as in `kb search`.")
    ] = None,
    working: Annotated[
        bool, typer.Option("--working", help="Not answered yet: somebody works on it.")
    ] = False,
    who: As,
    role: Role = "hotline",
    interface: Interface = None,
    at: When = None,
    as_json: AsJson = False,
) -> None:
    """A question is answered, with the article in force that answered it.

    Examples:

        mingdan customer answer cli-1f2e3d4c5b6a7988 --article suspend-fee --as li.na

        mingdan customer answer cli-1f2e3d4c5b6a7988 --working --as li.na
    """
    with answering(as_json), store_at(None) as store:
        found = InquiryDesk(store).move(
            ref,
            "inProgress" if working else "completed",
            article_ref=article,
            actor=actor(who, role, interface),
            at=moment(at),
        )
    _print(found, as_json)


def _print(found: InteractionView, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    source = f", by {found.article_ref}" if found.article_ref else ""
    print(f"question {shown(found.interaction_ref)} {found.status}{source}")
