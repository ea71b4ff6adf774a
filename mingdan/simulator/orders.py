"""The commands an ordering system makes of the lives: plan in, commands out.

Here: parties with their documents, and one command a change. Not here: the
lives (`lives.py`) and the order store, which carries the commands out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, TypedDict, cast

from mingdan.orders.commands import (
    AnyCommand,
    ChangeNumber,
    Charge,
    Open,
    PartyData,
    Pay,
    Protect,
    Resume,
    Suspend,
    SuspendReason,
    SwapSim,
    Terminate,
    TransferOwner,
)
from mingdan.simulator import identities
from mingdan.simulator.lives import Change, Lives
from mingdan.simulator.personas import persona
from mingdan.simulator.roster import Roster
from mingdan.simulator.spec import World, instant

Scope = Literal["credit", "spam", "all"]


class Frame(TypedDict):
    """What all commands have in common."""

    order_ref: str
    at: datetime
    recorded_at: datetime
    channel: str


_CHANNELS = ("counter", "app", "agent", "hotline")


def subscription_ref(line: int) -> str:
    """The ordering system's own reference of a subscription (TMF622 externalId)."""
    return f"S{line:08d}"


def party_ref(party: int) -> str:
    return f"P{party:08d}"


def commands(world: World, roster: Roster, lives: Lives) -> list[AnyCommand]:
    """All commands in the order they take effect; equal arguments, equal commands."""
    parties = _parties(world, roster, lives)
    products = roster.product.tolist()
    timed: list[tuple[int, int, AnyCommand]] = []
    for line in range(roster.size):
        opened, learnt = int(lives.opened[line]), int(lives.learnt[line])
        command = Open(
            order_ref=f"O{line:08d}-0",
            at=instant(opened),
            recorded_at=instant(learnt),
            channel=_CHANNELS[line % 3],
            subscription_ref=subscription_ref(line),
            party=parties[int(roster.party[line])],
            product_code=products[line],
            msisdn=str(lives.numbers[line]),
            imsi=str(lives.imsis[line]),
            iccid=identities.iccid(line),
        )
        timed.append((opened, 0, command))
    serials: dict[int, int] = {}
    for place, change in enumerate(lives.changes):
        serial = serials[change.subscription] = serials.get(change.subscription, 0) + 1
        party = int(roster.party[change.subscription])
        made = _command(change, f"O{change.subscription:08d}-{serial}", party, parties)
        if made is not None:
            timed.append((change.at, 1 + place, made))
    return [command for _, _, command in sorted(timed, key=lambda entry: entry[:2])]


def _command(
    change: Change, order_ref: str, party: int, parties: dict[int, PartyData]
) -> AnyCommand | None:
    """The command of a change; None for what needs no order."""
    ref, at = subscription_ref(change.subscription), instant(change.at)
    learnt, channel = instant(change.recorded), _CHANNELS[change.subscription % 4]
    until, value = instant(change.until), change.value
    frame = Frame(order_ref=order_ref, at=at, recorded_at=learnt, channel=channel)
    reason = cast(SuspendReason, change.reason)
    match change.kind:
        case "number":
            return ChangeNumber(subscription_ref=ref, msisdn=str(value), **frame)
        case "swap" | "replace":
            # SIMs of the roster have the serials below 10 million
            iccid = identities.iccid(10_000_000 + value % 10**10 // 1_000)
            return SwapSim(
                subscription_ref=ref, imsi=str(value), iccid=iccid, reason=change.kind, **frame
            )
        case "transfer":
            return TransferOwner(subscription_ref=ref, party=parties[value], **frame)
        case "suspend":
            return Suspend(subscription_ref=ref, reason=reason, **frame)
        case "resume":
            return Resume(subscription_ref=ref, reason=reason, **frame)
        case "terminate":
            return Terminate(subscription_ref=ref, **frame)
        case "charge":
            return Charge(subscription_ref=ref, amount_fen=value, due_at=until, **frame)
        case "pay":
            return Pay(subscription_ref=ref, amount_fen=value, **frame)
        case "protect":
            return Protect(
                party_ref=party_ref(party),
                scope=cast(Scope, change.reason),
                until=until,
                maker="service_desk",
                checker="service_manager" if value else None,
                **frame,
            )
        case "handset":
            return None


def _parties(world: World, roster: Roster, lives: Lives) -> dict[int, PartyData]:
    rng = world.rng("parties")
    names = identities.names(rng, lives.parties)
    cards = identities.identity_cards(rng, lives.parties)
    firms = set(roster.party[roster.organization].tolist())
    codes: Iterator[str] = iter(identities.company_codes(rng, len(firms)))
    kind_of = {int(roster.party[line]): int(roster.persona[line]) for line in range(roster.size)}
    result = {}
    for party in range(lives.parties):
        if party in firms:
            trade = _TRADES[kind_of[party]]
            result[party] = PartyData(
                party_ref=party_ref(party),
                party_type="organization",
                name=f"{names[party]}{trade}有限公司",
                document_type="uscc",
                document_number=next(codes),
            )
        else:
            result[party] = PartyData(
                party_ref=party_ref(party),
                party_type="individual",
                name=names[party],
                document_type="resident_id",
                document_number=cards[party],
            )
    return result


_TRADES = {
    persona("call_centre"): "客服",
    persona("service_port"): "信息技术",
    persona("m2m"): "物联",
}
