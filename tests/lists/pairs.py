"""A publisher and a partner with real keys, real signatures and no night between them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mingdan.lists.cards import Handover
from mingdan.lists.client.copy import Copy, Position
from mingdan.lists.client.home import Home
from mingdan.lists.client.sync import Synced, sync
from mingdan.lists.envelope import root as roots
from mingdan.lists.envelope.deliver import accept_card, deliver
from mingdan.lists.envelope.repository import State
from mingdan.lists.envelope.roles import Place
from mingdan.lists.folder import last_release
from mingdan.lists.keys import make_key, public_path, read_public
from mingdan.lists.policy import EnvelopePolicy
from mingdan.lists.seal import seal
from mingdan.lists.tokens import handed_over, tokeniser
from mingdan.reports.partners import Partner, partner_named
from mingdan.settings import Settings
from tests.lists.channels import publish

POLICY = EnvelopePolicy()


@dataclass
class Pair:
    """bank_demo's channel and bank_demo itself, each in a folder of its own."""

    folder: Path
    disclosure: str = "keyed"
    name: str = "bank"
    channel: str = "c7f3a91d5b20"
    quota: int = 0
    roots: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(data=self.folder / "data")
        self.home = Home(self.folder / self.name)
        self.partner = self.agreed()
        self.place = Place.of(self.settings, self.partner)
        self.roots = [self.folder / "offline" / f"root-{number}.pem" for number in (1, 2, 3)]
        for path in self.roots:
            make_key(path)
        self.change_root(add=self.roots)
        accept_card(self.place, self.home.make_card())
        self.join()

    def agreed(self, **changes: Any) -> Partner:
        """The partner with parts of its agreement changed."""
        shipped = partner_named("bank_demo")
        agreement = shipped.agreement.model_copy(
            update={"disclosure": self.disclosure, "evaluations_per_year": self.quota, **changes}
        )
        return shipped.model_copy(update={"agreement": agreement, "channel": self.channel})

    def change_root(
        self,
        *,
        signed_by: list[Path] | None = None,
        add: Sequence[Path] = (),
        **asked: Any,
    ) -> None:
        """Propose, sign and install a root."""
        publics = [read_public(public_path(path)) for path in add]
        draft = roots.propose(self.place, POLICY, now(), add=publics, **asked)
        for path in signed_by or self.roots[:2]:
            roots.sign(draft, path)
        roots.install(self.place, POLICY, draft, now())

    def handover(self) -> Handover:
        epoch = self.partner.agreement.token_epoch
        alg, key = handed_over(self.settings.secrets, "bank_demo", epoch, self.disclosure)
        root = self.place.newest_root()
        assert root is not None
        return Handover(self.channel, "joint", root.to_dict(), alg, epoch, key)

    def join(self, home: Home | None = None) -> None:
        to = home or self.home
        sealed = seal(self.handover().text().encode(), [to.card().age])
        to.join(sealed, str(self.place.served))

    @property
    def releases(self) -> Path:
        return self.settings.releases / "bank_demo"

    def release(self, numbers: Mapping[str, str]) -> State:
        """Release a list of these numbers with these attributes, and deliver it."""
        epoch = self.partner.agreement.token_epoch
        maker = tokeniser(self.settings.secrets, "bank_demo", epoch, self.disclosure)
        tokens = maker.tokens(numbers)
        rows = dict(zip(tokens, maker.written(tokens, numbers.values()), strict=True))
        identity = {
            "channel": self.channel,
            "epoch": epoch,
            "key_id": maker.key_id,
            "token_alg": maker.token_alg,
        }
        publish(self.releases, rows, identity)
        return self.deliver()

    def deliver(self, at: datetime | None = None) -> State:
        last = last_release(self.releases)
        assert last is not None
        return deliver(self.place, POLICY, self.releases, last, at or now())

    def sync(self, clock: datetime | None = None) -> Synced:
        return sync(self.home, clock or now())

    def held(self) -> dict[str, str]:
        """The copy's rows."""
        copy = Copy(self.home.copy)
        rows = dict(copy.connection.execute("SELECT token, attributes FROM entries"))
        copy.close()
        return rows

    def position(self) -> Position | None:
        copy = Copy(self.home.copy)
        found = copy.position
        copy.close()
        return found

    def served(self) -> dict[str, bytes]:
        """Every file that is served."""
        root = self.place.served
        return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    def restore(self, files: Mapping[str, bytes]) -> None:
        """Serve exactly these files: what somebody in the middle can do."""
        shutil.rmtree(self.place.served)
        for name, data in files.items():
            path = self.place.served / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def find(self, start: str) -> Path:
        """The one served file whose name contains `start` in its newest version."""
        found = sorted(self.place.served.rglob(f"*{start}*"), key=lambda path: path.stat().st_mtime)
        return found[-1]


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def number(at: int) -> str:
    """A mobile number of the tests, E.164 without `+`."""
    return f"8613800{at:06d}"


def live(reason: str = "fraud", *, days: int = 30) -> str:
    """Attributes in force from long ago until `days` from now."""
    instants = [now() - timedelta(90), now() - timedelta(7), now() - timedelta(80)]
    instants.append(now() + timedelta(days))
    told = ",".join(f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in instants)
    return f"blacklist,{reason},published,85,{told},1"
