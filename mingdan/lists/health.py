"""How the lists are, as pages for people: one for each partner, one for us.

Here: static HTML that needs no script, made with the release and on demand. Not
here: the account it shows (`standing.py`). A partner's page says nothing that
its own releases do not say; numbers and tokens are on none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from html import escape
from pathlib import Path

import polars as pl

from mingdan.calendar import BUSINESS_ZONE, business_day
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import LATEST, instant
from mingdan.lists.html import page, table
from mingdan.lists.manifest import Release, newest, numbered, release
from mingdan.lists.policy import list_policy
from mingdan.lists.refusals import Missing
from mingdan.lists.standing import Standing, standing
from mingdan.night import Night
from mingdan.orders.store import OrderStore
from mingdan.reports.partners import Partner, load_partners
from mingdan.reports.tables import PARTNER_ENTRIES, REPORTS_QUARANTINE
from mingdan.settings import Settings

SHOWN = 30
"""Releases a partner's page goes back."""
INTAKE_DAYS = 7


def write_pages(night: Night, now: datetime) -> list[Path]:
    """Write every page anew into `<data>/health/`; they are for us but a partner's own."""
    settings = night.settings
    folder = settings.health
    folder.mkdir(parents=True, exist_ok=True)
    partners = list(load_partners(settings).values())
    pages = {"index": own_page(night, now)}
    pages |= {
        one.code: partner_page(settings, one, now, night.orders)
        for one in partners
        if one.channel is not None
    }
    written = []
    for name, text in pages.items():
        path = folder / f"{name}.html"
        # Chinese as numbers: the file means the same whatever encoding is guessed.
        replace_synced(path, text.encode("ascii", "xmlcharrefreplace").decode("ascii"))
        written.append(path)
    return written


def partner_page(
    settings: Settings, partner: Partner, now: datetime, store: OrderStore | None = None
) -> str:
    """What a partner with a channel may see of it. `store`: the order store if it is open."""
    stands = standing(settings, partner, list_policy(settings).envelope, now, store)
    releases = _releases(settings.releases / partner.code)
    last = releases[-1].manifest if releases else None
    facts = [
        ("channel 通道", stands.channel),
        ("agreement 协议", f"{partner.agreement.reference}, until {partner.agreement.valid_until}"),
        ("newest release 最新名单", f"{last['seq']} of {last['day']}" if last else "none yet"),
        ("entries 条目", f"{last['state_count']:,}" if last else "-"),
        ("made 生成", _ago(instant(last["created"]), now) if last else "-"),
        ("signed until 签名有效期", _local(stands.signed_until)),
        ("confirmed 已确认", _confirmed(stands, now)),
        (
            "taken back, not confirmed 撤销待确认",
            str(sum(one.retractions for one in stands.waiting)),
        ),
    ]
    changes = [_changes(one) for one in reversed(releases)]
    return page(
        f"List {partner.channel}",
        _as_of(now),
        _alarms(stands.alarms, stands.hindrance or stands.not_ready),
        table(("", ""), facts),
        "<h2>Changes, release by release 变更</h2>",
        _bars(releases),
        table(("release", "day", "entries", "added", "modified", "taken back", "why"), changes, 2),
    )


def own_page(night: Night, now: datetime) -> str:
    """Every partner: what it is given, what it confirmed, what it sent."""
    settings = night.settings
    envelope = list_policy(settings).envelope
    partners = load_partners(settings).values()
    stands = [
        standing(settings, one, envelope, now, night.orders) for one in partners if one.channel
    ]
    rows = [
        (
            one.partner, one.seq or "-", _local(one.signed_until), _confirmed(one, now),
            ", ".join(filter(None, (one.hindrance, one.not_ready))) or "-", len(one.alarms),
        )
        for one in stands
    ]  # fmt: skip
    alarms = [f"{one.partner}: {alarm}" for one in stands for alarm in one.alarms]
    names = ("partner", "release", "signed until", "confirmed", "held up by", "alarms")
    return page(
        "Partners' lists 名单交换",
        _as_of(now),
        _alarms(alarms, None),
        "<h2>What partners are given 对外名单</h2>",
        table(names, rows),
        f"<h2>What partners sent, last {INTAKE_DAYS} days 对方名单</h2>",
        table(("partner", "taken", "of these echoes", "set aside", "why"), _intake(night, now)),
    )


def _intake(night: Night, now: datetime) -> list[tuple[object, ...]]:
    today = business_day(now)
    days = [today - timedelta(days=back) for back in range(INTAKE_DAYS)]
    lake = night.lake
    held = [day for day in lake.days(PARTNER_ENTRIES) if day in days]
    taken = lake.scan(PARTNER_ENTRIES, held).select("partner", "echo").collect()
    aside = (
        lake.scan(REPORTS_QUARANTINE, [day for day in lake.days(REPORTS_QUARANTINE) if day in days])
        .filter(pl.col("source").str.starts_with("partners/"))
        .select("source", "reason")
        .collect()
    )
    good, echoes = Counter(taken["partner"]), Counter(taken.filter("echo")["partner"])
    reasons: dict[str, Counter[str]] = {}
    for source, reason in aside.rows():
        reasons.setdefault(source.removeprefix("partners/"), Counter())[reason] += 1
    return [
        (code, good[code], echoes[code], reasons.get(code, Counter()).total(),
         _counted(reasons.get(code, Counter())))
        for code in sorted({*good, *reasons})
    ]  # fmt: skip


def _releases(channel: Path) -> list[Release]:
    """The last releases, oldest first; pruned ones end the row."""
    if not (channel / LATEST).exists():
        return []
    found = [newest(channel)]
    while len(found) < SHOWN and found[-1].seq > 1:
        try:
            found.append(release(numbered(channel, found[-1].seq - 1)))
        except Missing:
            break
    return found[::-1]


def _changes(of: Release) -> tuple[object, ...]:
    ops = of.manifest["ops"]
    return (
        of.seq, of.manifest["day"], of.manifest["state_count"], ops.get("ADD", 0),
        ops.get("MOD", 0), ops.get("DEL", 0), _counted(of.manifest["retractions"]),
    )  # fmt: skip


def _counted(reasons: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(reasons.items())) or "-"


def _confirmed(stands: Standing, now: datetime) -> str:
    if stands.confirmed is None or stands.confirmed_at is None:
        return "never"
    behind = (stands.seq or 0) - stands.confirmed
    late = f", {behind} behind" if behind > 0 else ""
    return f"{stands.confirmed}{late}, {_ago(instant(stands.confirmed_at), now)}"


def _alarms(alarms: Sequence[str], held_up: str | None) -> str:
    told = [*alarms, *([f"nothing leaves: {held_up}"] if held_up else [])]
    if not told:
        return '<p class="ok">All is well. 正常</p>'
    items = "".join(f"<li>{escape(one)}</li>" for one in told)
    return f'<div class="bad" role="alert"><p>Open alarms 告警</p><ul>{items}</ul></div>'


def _bars(releases: Sequence[Release]) -> str:
    """Additions up, retractions down, a column a release."""
    moves = [
        (int(one.manifest["ops"].get("ADD", 0)), int(one.manifest["ops"].get("DEL", 0)))
        for one in releases
    ]
    most = max((max(move) for move in moves), default=0) or 1
    bars = "".join(
        f'<rect x="{10 + 20 * i}" y="{60 - round(50 * up / most)}" width="14" '
        f'height="{round(50 * up / most)}" fill="#b0533c"/>'
        f'<rect x="{10 + 20 * i}" y="60" width="14" height="{round(50 * down / most)}" '
        'fill="#2f6f9f"/>'
        for i, (up, down) in enumerate(moves)
    )
    width = 20 + 20 * len(moves)
    label = f"entries added (up) and taken back (down), at most {most:,}"
    return (
        f'<svg viewBox="0 0 {width} 120" width="{width}" role="img" aria-label="{label}">'
        f'<title>{label}</title>{bars}<line x1="0" y1="60" x2="{width}" y2="60" stroke="#888"/>'
        f"</svg><p>{label}</p>"
    )


def _as_of(now: datetime) -> str:
    return f"<p>As of {now.astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M} (Asia/Shanghai).</p>"


def _local(at: str | None) -> str:
    return f"{datetime.fromisoformat(at).astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M}" if at else "-"


def _ago(then: datetime, now: datetime) -> str:
    hours = max(0, int((now - then).total_seconds() // 3600))
    return f"{hours} h ago" if hours < 72 else f"{hours // 24} days ago"
