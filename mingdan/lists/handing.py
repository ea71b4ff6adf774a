"""What is handed to a partner beside the channel, and a demonstration of the whole of it.

Here: the hand-over from what is here, and keys for trying out. Not here: the
documents (`cards.py`) and the partner's folder (`client/home.py`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from mingdan.errors import InputRefused
from mingdan.lists.cards import Handover
from mingdan.lists.client.home import Home
from mingdan.lists.envelope import root as roots
from mingdan.lists.envelope.deliver import accept_card, card_of
from mingdan.lists.envelope.roles import Place
from mingdan.lists.keys import make_key, public_path, read_public
from mingdan.lists.policy import list_policy
from mingdan.lists.seal import seal
from mingdan.lists.tokens import handed_over
from mingdan.reports.partners import Partner
from mingdan.settings import Settings

_WARNING = """\
Demonstration keys, made by `mingdan list keys demo`. NEVER use them for real lists:
root keys belong offline, each with another person, and a partner's keys with the partner.

root-1.pem root-2.pem root-3.pem   two of them sign a root
{code}/                            the partner's folder: mingdan partner sync --home {code}
"""


def sealed_handover(settings: Settings, partner: Partner) -> tuple[bytes, dict[str, Any]]:
    """The hand-over encrypted to the partner's card, and the root in it.

    Raises InputRefused without a root or a card.
    """
    place = Place.of(settings, partner)
    root = place.newest_root()
    if root is None:
        raise InputRefused(f"{partner.code} has no root yet: mingdan list keys propose")
    card = card_of(place)
    agreed = partner.agreement
    token_alg, key = handed_over(
        settings.secrets, partner.code, agreed.token_epoch, agreed.disclosure
    )
    told = Handover(
        channel=str(partner.channel),
        list=list_policy(settings).list,
        root=root.to_dict(),
        token_alg=token_alg,
        epoch=agreed.token_epoch,
        key=key,
    )
    return seal(told.text().encode("ascii"), [card.age]), told.root


def demo_folder(settings: Settings) -> Path:
    """Where demonstration keys lie: beside the data, never in it."""
    return settings.data.with_name(settings.data.name + ".demo-keys")


def make_demo(settings: Settings, partner: Partner, now: datetime) -> Path:
    """Both sides' keys and all documents for a partner; what is there already stays.

    Returns the folder. Raises InputRefused if the channel has a root that is no demonstration.
    """
    folder = demo_folder(settings)
    place = Place.of(settings, partner)
    policy = list_policy(settings).envelope
    keys = [folder / f"root-{number}.pem" for number in (1, 2, 3)]
    if place.newest_root() is not None and not keys[0].exists():
        raise InputRefused(f"{partner.code} has a root already; there is nothing to demonstrate")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = folder / "DEMONSTRATION-ONLY.txt"
    note.write_text(_WARNING.format(code=partner.code), encoding="utf-8")
    for key in keys:
        if not key.exists():
            make_key(key)
    home = Home(folder / partner.code)
    with place.lock():
        if place.newest_root() is None:
            publics = [read_public(public_path(key)) for key in keys]
            draft = roots.propose(place, policy, now, add=publics)
            for key in keys[: policy.root_threshold]:
                roots.sign(draft, key)
            roots.install(place, policy, draft, now)
        accept_card(place, home.card() if home.identity.exists() else home.make_card())
    sealed, _ = sealed_handover(settings, partner)
    home.join(sealed, str(place.served.resolve()))
    return folder
