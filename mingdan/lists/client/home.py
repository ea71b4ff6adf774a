"""A partner's own folder: its keys, what it trusts, what it holds.

Here: making and reading it. Not here: fetching (`fetch.py`), the copy of the
list (`copy.py`) and questions (`match.py`).

    keys/          age identity and receipt key, made here, never leaving
    trust.json     channel, root to begin from, keys of tokens by epoch
    tuf/           metadata verified so far
    copy.db        the list as held, one SQLite file

The folder is made for its owner alone. Losing `tuf/` or `copy.db` costs a
download, not safety: each holds a ratchet of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from mingdan.errors import InputRefused, WrongUsage
from mingdan.lists.cards import Card, Handover
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import TOKENS, canonical
from mingdan.lists.keys import make_key, read_public
from mingdan.lists.refusals import WrongChannel
from mingdan.lists.seal import make_identity, read_identity, unseal


@dataclass(frozen=True)
class Trust:
    """What was handed over by the publisher, and where its channel is."""

    url: str
    channel: str
    list: str
    root: dict[str, Any]
    token_alg: str
    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Epoch -> key of the tokens, hex."""


@dataclass(frozen=True)
class Home:
    """The folder `path` of one partner and one channel."""

    path: Path

    @property
    def identity(self) -> Path:
        return self.path / "keys" / "identity.txt"

    @property
    def receipt_key(self) -> Path:
        return self.path / "keys" / "receipt.pem"

    @property
    def copy(self) -> Path:
        return self.path / "copy.db"

    @property
    def tuf(self) -> Path:
        return self.path / "tuf"

    @property
    def trust(self) -> Trust:
        """What is trusted. Raises WrongUsage before the first hand-over."""
        file = self.path / "trust.json"
        try:
            return Trust(**json.loads(file.read_text("ascii")))
        except FileNotFoundError:
            raise WrongUsage(
                f"{self.path} has joined no channel: mingdan partner join HANDOVER --url URL"
            ) from None
        except (ValueError, TypeError) as error:
            raise InputRefused(f"{file} cannot be read; join again") from error

    def make_card(self) -> Card:
        """Make the keys and return their public halves. Raises InputRefused if there are any."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        make_key(self.receipt_key)
        make_identity(self.identity)
        return self.card()

    def card(self) -> Card:
        """The public halves of the keys. Raises InputRefused if they are not there."""
        public = read_public(self.receipt_key.with_name(self.receipt_key.name + ".pub"))
        recipient = str(read_identity(self.identity).to_public())
        return Card(age=recipient, receipt=str(public.keyval["public"]))

    def join(self, sealed: bytes, url: str | None) -> Handover:
        """Take a hand-over: the first one, or one with the key of another epoch.

        The root trusted from is the first one's for ever: later ones are followed
        through the channel. Raises NotForUs, Malformed, WrongChannel, WrongUsage.
        """
        got = Handover.parse(unseal(sealed, [read_identity(self.identity)], "hand-over"))
        if got.token_alg not in TOKENS:
            raise InputRefused(f"tokens of kind {got.token_alg!r} need a newer version of mingdan")
        file = self.path / "trust.json"
        if file.exists():
            held = self.trust
            same = (got.channel, got.list, got.token_alg)
            if same != (held.channel, held.list, held.token_alg):
                raise WrongChannel(
                    f"{self.path} belongs to channel {held.channel}, the hand-over to "
                    f"{got.channel}: give it a folder of its own"
                )
            trust = replace(held, url=url or held.url)
        elif url is None:
            raise WrongUsage("the first hand-over needs --url, where the channel is served")
        else:
            trust = Trust(url, got.channel, got.list, got.root, got.token_alg)
        trust = replace(trust, keys={**trust.keys, str(got.epoch): got.key})
        replace_synced(file, canonical(asdict(trust)) + "\n")
        return got
