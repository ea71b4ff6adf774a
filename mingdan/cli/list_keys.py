"""`mingdan list keys`: who may sign a channel, and what a partner is given to trust it.

Here: the steps of every key change as commands. Not here: their work
(`mingdan.lists.envelope.root`, `mingdan.lists.cards`). `make` and `sign` need no
installation: they run where the root keys are, on the light install.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from tuf.api.metadata import Root

from mingdan.errors import WrongUsage
from mingdan.lists.cards import read_card, root_fingerprint
from mingdan.lists.envelope import root as roots
from mingdan.lists.envelope.deliver import accept_card
from mingdan.lists.envelope.repository import read_state
from mingdan.lists.envelope.roles import ONLINE, Place
from mingdan.lists.keys import SHOWN, make_key, public_path, read_public
from mingdan.lists.policy import list_policy
from mingdan.lists.standing import deliver_again
from mingdan.reports.partners import partner_named
from mingdan.settings import Settings

app = typer.Typer(
    help="""Keys of the channels: root ceremonies, rotation, partners' cards, hand-overs.

    Every change of keys is the same three steps: propose, sign (offline, by each holder of a
    root key), install.

    Examples:

        mingdan list keys make /media/usb1/root.pem --passphrase

        mingdan list keys propose bank_demo --add root1.pub --add root2.pub --add root3.pub

        mingdan list keys sign bank_demo.root.json --key /media/usb1/root.pem --passphrase

        mingdan list keys install bank_demo bank_demo.root.json
    """,
    no_args_is_help=True,
)

Who = Annotated[str, typer.Argument(help="Partner code, e.g. bank_demo.")]
Ask = Annotated[bool, typer.Option("--passphrase", help="Ask for the key's passphrase.")]


@app.command()
def make(
    path: Annotated[Path, typer.Argument(help="Where to write the private key.")],
    *,
    passphrase: Ask = False,
) -> None:
    """Make a root key. Keep it offline; its public half lies beside it as PATH.pub.

    Example:

        mingdan list keys make /media/usb1/root.pem --passphrase
    """
    public = make_key(path, _passphrase(passphrase, confirm=True))
    _print(f"{public_path(path)}: key {public.keyid[:SHOWN]}, to be named in the roots")


@app.command()
def propose(
    partner: Who,
    *,
    add: Annotated[list[Path] | None, typer.Option(help="Public half of a new root key.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option(help="Root key to drop, by the beginning of its id.")
    ] = None,
    rotate: Annotated[
        list[str] | None, typer.Option(help="New key for a role: targets, snapshot, timestamp.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Draft. [default: PARTNER.root.json]")] = None,
) -> None:
    """Draft the next root: the first one, other keys, or just another year.

    PARTNER has a channel in partners.toml. The draft is signed by holders of root keys, then
    installed; nothing changes before that.

    Examples:

        mingdan list keys propose bank_demo --rotate timestamp

        mingdan list keys propose bank_demo --add new.pub --remove 71836cc2
    """
    settings, place = _place(partner)
    odd = sorted(set(rotate or ()) - set(ONLINE))
    if odd:
        raise WrongUsage(f"no such role: {', '.join(odd)}; there are: {', '.join(ONLINE)}")
    with place.lock():
        draft = roots.propose(
            place,
            list_policy(settings).envelope,
            datetime.now(UTC),
            add=[read_public(path) for path in add or ()],
            remove=remove or (),
            rotate=rotate or (),
        )
    path = out or Path(f"{partner}.root.json")
    roots.write_draft(path, draft)
    _show(draft.signed, f"{path}, not signed yet")


@app.command()
def sign(
    draft: Annotated[Path, typer.Argument(help="The draft; the signature is added to it.")],
    *,
    key: Annotated[Path, typer.Option(help="A root key, by its path.")],
    passphrase: Ask = False,
) -> None:
    """Sign a draft with a root key. Needs neither an installation nor a network.

    DRAFT is shown first: sign what you expected, and nothing else.

    Example:

        mingdan list keys sign bank_demo.root.json --key /media/usb1/root.pem --passphrase
    """
    read = roots.read_draft(draft)
    _show(read.signed, str(draft))
    signed = roots.sign(read, key, _passphrase(passphrase))
    roots.write_draft(draft, read)
    _print(f"signed by {signed[:SHOWN]}; signatures: {len(read.signatures)}")


@app.command()
def install(
    partner: Who,
    draft: Annotated[Path, typer.Argument(help="The draft with its signatures.")],
) -> None:
    """Put a signed root in force. Partners follow it with their next sync.

    PARTNER's channel is signed by old and new keys at once, so that no sync fails. DRAFT must
    have the signatures of enough keys of the root in force and of its own.

    Example:

        mingdan list keys install bank_demo bank_demo.root.json
    """
    settings, place = _place(partner)
    read = roots.read_draft(draft)
    with place.lock():
        roots.install(place, list_policy(settings).envelope, read, datetime.now(UTC))
    _show(read.signed, f"{partner}: in force")


@app.command()
def accept(
    partner: Who,
    card: Annotated[Path, typer.Argument(help="The card the partner wrote.")],
    *,
    expect: Annotated[
        str | None, typer.Option(help="Fingerprint the partner read out by telephone.")
    ] = None,
) -> None:
    """Take a partner's card: from the next delivery on releases are encrypted to it alone.

    PARTNER made CARD with `mingdan partner keys`. A new card takes the place of a leaked one:
    what the channel offers is encrypted anew at once, and the old key opens nothing of it.

    Example:

        mingdan list keys accept bank_demo card.json --expect "5d06 5462 84c9 0bbf"
    """
    settings, place = _place(partner)
    got = read_card(card)
    if expect is not None and expect.replace(" ", "") != got.fingerprint.replace(" ", ""):
        raise WrongUsage(f"{card} has fingerprint {got.fingerprint}, not {expect}")
    with place.lock():
        accept_card(place, got)
    _print(f"{partner}: card {got.fingerprint} accepted")
    if read_state(place).versions["timestamp"]:
        deliver_again(settings, partner_named(partner, settings), datetime.now(UTC))
        _print("the channel is encrypted to it")


@app.command("hand-over")
def hand_over(
    partner: Who,
    *,
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("hand-over.age"),
) -> None:
    """What a partner needs to read its channel, encrypted to its card.

    PARTNER gets the root to trust and the key of the present token epoch, by another way than
    the channel. Run it again after `token_epoch` was raised.

    Example:

        mingdan list keys hand-over bank_demo --out hand-over.age
    """
    from mingdan.lists.handing import sealed_handover

    settings, _ = _place(partner)
    sealed, root = sealed_handover(settings, partner_named(partner, settings))
    out.write_bytes(sealed)
    _print(f"{out} goes to {partner}. Root, to be told directly: {root_fingerprint(root)}")


@app.command()
def show(partner: Who) -> None:
    """The root in force for a partner's channel.

    PARTNER is a partner's code.

    Example:

        mingdan list keys show bank_demo
    """
    _, place = _place(partner)
    root = place.newest_root()
    if root is None:
        _print(f"{partner} has no root yet: mingdan list keys propose {partner} --add ...")
        return
    _show(root.signed, f"{partner}: in force")
    _print(f"Fingerprint: {root_fingerprint(root.to_dict())}")


@app.command()
def demo(
    partner: Annotated[str, typer.Argument(help="Partner code.")] = "bank_demo",
) -> None:
    """Demonstration keys for a partner: all steps at once, both sides on one machine.

    PARTNER's channel gets a root whose keys lie in DATA.demo-keys/, beside the partner's own
    folder. Only for trying out: whoever has that folder can sign in our name.

    Example:

        mingdan list keys demo
    """
    from mingdan.lists.handing import make_demo

    settings = Settings()
    folder = make_demo(settings, partner_named(partner, settings), datetime.now(UTC))
    _print(f"Demonstration keys in {folder}: never use them for real lists.")


def _place(partner: str) -> tuple[Settings, Place]:
    settings = Settings()
    return settings, Place.of(settings, partner_named(partner, settings))


def _passphrase(asked: bool, *, confirm: bool = False) -> str | None:
    if not asked:
        return None
    return str(typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm))


def _show(root: Root, title: str) -> None:
    table = Table(show_header=False, title=escape(title))
    for name, value in roots.told(root).items():
        table.add_row(name, value)
    Console().print(table)


def _print(text: str) -> None:
    Console().print(text, highlight=False, soft_wrap=True, markup=False)
