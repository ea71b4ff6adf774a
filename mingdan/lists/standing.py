"""How every channel stands: delivered, signed until when, confirmed by whom.

Here: the one account of it, for the command line, the alarms and the summary of
a night; renewing signatures and taking receipts for all partners. Not here:
what a release says and how it is signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mingdan.errors import InputRefused
from mingdan.lists.envelope.deliver import alarms, card_of, deliver, keep_fresh, not_ready
from mingdan.lists.envelope.repository import is_whole, read_state
from mingdan.lists.envelope.roles import Place
from mingdan.lists.format import LATEST
from mingdan.lists.manifest import newest, pointer
from mingdan.lists.passing import hindrance as may_not_pass
from mingdan.lists.passing import order_store
from mingdan.lists.policy import EnvelopePolicy, list_policy
from mingdan.lists.receipts import Outstanding, Receipt, newest_receipt, outstanding, take_receipt
from mingdan.reports.partners import Partner, load_partners, partner_named
from mingdan.settings import Settings

if TYPE_CHECKING:
    from mingdan.orders.store import OrderStore


@dataclass(frozen=True)
class Standing:
    """One partner's channel."""

    partner: str
    channel: str
    hindrance: str | None
    """Why nothing may leave today."""
    not_ready: str | None
    """Why nothing can be delivered: `no_root`, `no_card`."""
    seq: int | None
    """The newest release."""
    signed_until: str | None
    """When its partner stops accepting it unless it is signed anew (ISO 8601, UTC)."""
    confirmed: int | None
    """The release the partner's last receipt tells of."""
    confirmed_at: str | None
    alarms: tuple[str, ...]
    waiting: tuple[Outstanding, ...] = field(default=(), repr=False)
    """Releases with retractions the partner has not confirmed, oldest first."""

    def told(self) -> dict[str, Any]:
        told = {**asdict(self), "alarms": list(self.alarms)}
        del told["waiting"]
        return told


def standing(
    settings: Settings,
    partner: Partner,
    policy: EnvelopePolicy,
    now: datetime,
    store: OrderStore | None = None,
) -> Standing:
    """How one channel stands at `now`. Raises InputRefused if the partner has none.

    `store` is the order store if it is open already.
    """
    place = Place.of(settings, partner)
    releases = settings.releases / partner.code
    hindrance = may_not_pass(settings, partner, now, store)
    state = read_state(place)
    held = newest_receipt(settings.receipts / partner.code)
    found: list[str] = []
    if hindrance is None:
        found += [f"{role}_signature_past_half_life" for role in alarms(place, policy, now)]
    late = now - timedelta(days=policy.receipt_days)
    waiting = tuple(outstanding(releases, held))
    overdue = [one for one in waiting if one.released < late]
    if overdue and state.versions["timestamp"]:
        count = sum(one.retractions for one in overdue)
        found.append(f"retractions_not_confirmed: {count} since release {overdue[0].seq}")
    return Standing(
        partner=partner.code,
        channel=place.served.name,
        hindrance=hindrance,
        not_ready=not_ready(place),
        seq=pointer(releases).seq if (releases / LATEST).exists() else None,
        signed_until=state.expires.get("timestamp"),
        confirmed=held.seq if held else None,
        confirmed_at=held.at if held else None,
        alarms=tuple(found),
        waiting=waiting,
    )


def delivery(settings: Settings) -> str:
    """One line for a person: whether the configured partner can fetch its release."""
    partner = partner_named(settings.partner, settings)
    if partner.channel is None:
        return "not delivered: the partner has no channel"
    place = Place.of(settings, partner)
    lacking = not_ready(place)
    if lacking is not None:
        return f"not delivered ({lacking}): mingdan list keys --help"
    until = read_state(place).expires.get("timestamp")
    if until is None:
        return "not delivered yet"
    return f"signed until {datetime.fromisoformat(until):%Y-%m-%d %H:%M} UTC in {place.served}"


def renew_all(
    settings: Settings, now: datetime, codes: Sequence[str] | None = None
) -> dict[str, str]:
    """Sign the timestamps of all partners (or of `codes`) anew; what was done, by partner.

    A partner to whom nothing may leave today is left to run out; a served folder that
    lost files, or was never made, is made from the releases. One channel that
    fails keeps no other from being renewed; raises InputRefused afterwards.
    """
    policy = list_policy(settings).envelope
    known = load_partners(settings)
    wanted = [partner_named(code, settings) for code in codes] if codes else known.values()
    done: dict[str, str] = {}
    failed: list[str] = []
    with order_store(settings) as store:
        hindered = {
            one.code: may_not_pass(settings, one, now, store)
            for one in wanted
            if one.channel is not None
        }
    for partner in wanted:
        if partner.channel is None:
            continue
        hindrance = hindered[partner.code]
        if hindrance is not None:
            done[partner.code] = f"left to run out: {hindrance}"
            continue
        place = Place.of(settings, partner)
        try:
            with place.lock():
                state = keep_fresh(place, policy, now)
            released = (settings.releases / partner.code / LATEST).exists()
            lost = state is None or not is_whole(place, state)
            if lost and released and not_ready(place) is None:
                deliver_again(settings, partner, now)
                state = read_state(place)
        except (InputRefused, OSError) as error:
            failed.append(f"{partner.code}: {error}")
            continue
        until = None if state is None else state.expires["timestamp"]
        done[partner.code] = f"signed until {until}" if until else "nothing delivered yet"
    if failed:
        raise InputRefused("; ".join(failed))
    return done


def deliver_again(
    settings: Settings, partner: Partner, now: datetime, store: OrderStore | None = None
) -> None:
    """Bring a channel up to date between two nights: new answers, another card.

    Raises InputRefused if nothing may leave today or nothing has been released yet.
    """
    hindrance = may_not_pass(settings, partner, now, store)
    if hindrance is not None:
        raise InputRefused(f"{partner.code}: nothing may leave: {hindrance}")
    place = Place.of(settings, partner)
    releases = settings.releases / partner.code
    if not (releases / LATEST).exists():
        raise InputRefused(f"{partner.code}: nothing has been released yet")
    with place.lock():
        deliver(place, list_policy(settings).envelope, releases, newest(releases), now)


def take(settings: Settings, partner: Partner, text: bytes, now: datetime) -> Receipt:
    """Verify and keep one receipt of a partner. Raises ListRefused."""
    card = card_of(Place.of(settings, partner))
    return take_receipt(
        settings.receipts / partner.code,
        text,
        card.receipt_key,
        channel=settings.releases / partner.code,
        name=str(partner.channel),
        now=now,
    )


def take_delivered(settings: Settings, partner: Partner, now: datetime) -> tuple[int, list[str]]:
    """Take the receipts in `landing/receipts/<partner>/`; how many, and what was refused.

    A receipt that is refused is set aside in `refused/` beside them.
    """
    inbox = settings.landing / "receipts" / partner.code
    taken = 0
    refused: list[str] = []
    for file in sorted(inbox.glob("*.json")):
        try:
            take(settings, partner, _small(file), now)
            taken += 1
            file.unlink()
        except InputRefused as error:
            refused.append(f"{file.name}: {error}")
            aside = inbox / "refused"
            aside.mkdir(exist_ok=True)
            file.replace(aside / file.name)
    return taken, refused


def _small(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(1 << 16)
