"""What partners receive: one release a night for each.

Here: the step that publishes. Not here: who is listed (`joint.py`), the files of
a release (`compose.py`), folders on disk (`folder.py`).

Fail closed: without an agreement in force that names what may be told, nothing
leaves. Numbers are looked up here, in the order store, and nowhere before.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from mingdan.calendar import known_at
from mingdan.classes.tables import LABELS
from mingdan.errors import InputRefused, MingdanError, MissingInput
from mingdan.lists.compose import Content, compose
from mingdan.lists.envelope.deliver import deliver, not_ready
from mingdan.lists.envelope.roles import Place
from mingdan.lists.folder import last_release, point_to, publishing_to, put_in_place, staging
from mingdan.lists.format import state_sha256
from mingdan.lists.manifest import Release
from mingdan.lists.memory import check_own, check_remembered, remember
from mingdan.lists.packing import own_rows
from mingdan.lists.passing import at_order_side
from mingdan.lists.policy import ListPolicy, list_policy
from mingdan.lists.questions import answer_delivered
from mingdan.lists.retractions import reasons
from mingdan.lists.rows import STATE, changes, lines, state_of
from mingdan.lists.standing import take_delivered
from mingdan.lists.tables import LIST_ENTRIES
from mingdan.lists.tokens import DISCLOSED, Tokeniser, tokeniser
from mingdan.night import Night, Report
from mingdan.orders.access.actor import SYSTEM
from mingdan.orders.access.log import AccessLog, head
from mingdan.orders.access.rules import LIST_EXCHANGE
from mingdan.reports.order_side import clear_leave
from mingdan.reports.partners import Partner, load_partners, partner_named

Facts = dict[str, int | float | str]


def publish(night: Night, day: date) -> Report:
    """Publish the list of `day` to every partner that has a channel.

    The same day with the same list again publishes nothing, with another list
    the next number. Facts are the configured partner's: `withheld` (why nothing may
    leave), `superseded` (a later day is out), else the release's numbers; of every
    other partner one line under its code. Raises MissingInput without that day's
    list, InputRefused if the key or the last release is not what it should be or the
    folder is a link, LakeError if the disk refuses; the last release then stays, and
    the other partners have theirs.
    """
    main = partner_named(night.settings.partner, night.settings)
    others = [
        partner
        for partner in load_partners(night.settings).values()
        if partner.channel is not None and partner.code != main.code
    ]
    facts: Facts = {}
    errors: list[MingdanError] = []
    for partner in (main, *others):
        try:
            found = _publish_to(night, day, partner)
        except MingdanError as error:
            errors.append(error)
            continue
        facts |= found if partner is main else {partner.code: _in_a_line(found)}
    if errors:
        for other in errors[1:]:
            errors[0].add_note(str(other))
        raise errors[0]
    return Report((), facts)


def _in_a_line(facts: Facts) -> str:
    for name in ("withheld", "superseded"):
        if name in facts:
            return f"{name}: {facts[name]}"
    away = f"undelivered: {facts['undelivered']}" if "undelivered" in facts else "delivered"
    return f"release {facts['seq']}, {facts['entries']} entries, {away}"


def _publish_to(night: Night, day: date, partner: Partner) -> Facts:
    now = datetime.now(UTC)
    hindrance = (
        partner.hindrance(day)
        or _unfit(partner)
        or at_order_side(night.settings, partner, now, night.orders)
    )
    if hindrance is not None:
        return {"withheld": hindrance}
    channel = night.settings.releases / partner.code
    published = night.settings.published
    with publishing_to(partner.code):
        check_own(night.settings.releases, channel)
        last = last_release(channel)
        check_remembered(published, partner.code, channel, last)
        if last is not None:
            remember(published, partner.code, last)
        if last is not None and day.isoformat() < last.manifest["day"]:
            return {"superseded": f"release {last.seq} of {last.manifest['day']}"}
        policy = list_policy(night.settings)
        rows, maker = _rows(night, day, partner, policy, last)
        if last is None or not _is_out(last, day, rows, partner):
            last = _write(night, day, channel, partner, policy, maker, rows, last)
        remember(published, partner.code, last)
        return _facts(last) | _delivered(night, partner, channel, last, policy)


def _delivered(
    night: Night, partner: Partner, channel: Path, last: Release, policy: ListPolicy
) -> Facts:
    """Put the release where the partner fetches it, signed and encrypted; or say why not."""
    place = Place.of(night.settings, partner)
    hindrance = not_ready(place)
    if hindrance is not None:
        return {"undelivered": hindrance}
    now = datetime.now(UTC)
    taken, refused = take_delivered(night.settings, partner, now)
    answered, odd = answer_delivered(night.settings, partner, now, night.orders)
    with place.lock():
        state = deliver(place, policy.envelope, channel, last, now)
    facts: Facts = {
        "delivered": str(place.served),
        "signed_until": state.expires["timestamp"],
        "receipts": taken,
        "questions": len(answered),
    }
    if refused or odd:
        facts["refused"] = "; ".join(refused + odd)
    return facts


def _unfit(partner: Partner) -> str | None:
    """Why this agreement lets nothing out through this version."""
    if partner.channel is None:
        return "no_channel"
    return None if partner.agreement.receives else "not_agreed"


def _rows(
    night: Night, day: date, partner: Partner, policy: ListPolicy, last: Release | None
) -> tuple[pl.DataFrame, Tokeniser]:
    """The partner's view of the day's list and what made its tokens."""
    if day not in night.lake.days(LIST_ENTRIES):
        raise MissingInput(f"list_entries of {day} is not in the lake; nothing is published")
    agreed = partner.agreement
    epoch = agreed.token_epoch
    named = {"channel": partner.channel, "list": policy.list}
    if last is not None and named != {name: last.manifest[name] for name in named}:
        raise InputRefused(
            f"{partner.code}: channel and list of what is published are fixed; "
            "for others, enter another partner"
        )
    if last is not None and epoch < last.manifest["epoch"]:
        raise InputRefused(
            f"{partner.code}: epoch {epoch} is past, {last.manifest['epoch']} has been published"
        )
    expected = last.manifest["key_id"] if last and last.manifest["epoch"] == epoch else None
    made = tokeniser(
        night.settings.secrets, partner.code, epoch, agreed.disclosure, expected=expected
    )
    if last is not None and made.token_alg != last.manifest["token_alg"]:
        raise InputRefused(
            f"{partner.code}: a channel keeps its kind of tokens ({last.manifest['token_alg']}); "
            "for another disclosure, enter another partner"
        )
    entries = (
        night.lake.scan(LIST_ENTRIES, [day])
        .filter(pl.col("reason_code").is_in(list(agreed.receives)))
        .collect()
    )
    subscriptions = entries["subscription_id"].unique().sort().to_list()
    numbers = night.orders.current_numbers(subscriptions, known_at(day)) if subscriptions else {}
    return state_of(entries, numbers, made, policy.weight, agreed.told), made


def _is_out(last: Release, day: date, rows: pl.DataFrame, partner: Partner) -> bool:
    return bool(
        last.manifest["day"] == day.isoformat()
        and last.manifest["epoch"] == partner.agreement.token_epoch
        and last.manifest["state_sha256"] == state_sha256(lines(rows, *STATE))
    )


def _write(
    night: Night,
    day: date,
    channel: Path,
    partner: Partner,
    policy: ListPolicy,
    maker: Tokeniser,
    rows: pl.DataFrame,
    last: Release | None,
) -> Release:
    before = () if last is None else own_rows(last)
    agreed = partner.agreement
    seq = 1 if last is None else last.seq + 1
    if agreed.disclosure == "clear":
        _note_clear(night, partner, seq)
    content = Content(
        channel=str(partner.channel),
        list=policy.list,
        epoch=agreed.token_epoch,
        key_id=maker.key_id,
        token_alg=maker.token_alg,
        seq=seq,
        day=day,
        rows=rows,
        changed=changes(before, rows, partial(_why, night, day, partner, policy, last)),
        previous=None if last is None else last.sha256,
        agreement={
            "reference": agreed.reference,
            "purpose": agreed.purpose,
            "legal_basis": agreed.legal_basis,
            "disclosure": agreed.disclosure,
            "columns": list(agreed.told),
            "receives": sorted(agreed.receives),
        },
        inputs=_inputs(night, day),
    )
    with staging(night.settings.releases, partner.code) as folder:
        compose(folder, content)
        done = put_in_place(folder, channel, content.seq)
        point_to(channel, done)
    return done


def _note_clear(night: Night, partner: Partner, seq: int) -> None:
    """Write into the access log that numbers leave in the clear, by whose leave, before they do.

    Raises InputRefused if the leave ended meanwhile.
    """
    now = datetime.now(UTC)
    leave = clear_leave(night.orders, partner, now)
    if leave is None:
        raise InputRefused(f"{partner.code}: the leave to tell numbers in the clear has ended")
    told = (f"partner:{partner.code}", f"disclosure:{leave.disclosure_no}", f"release:{seq}")
    AccessLog(night.orders).note(
        actor=SYSTEM, purpose=LIST_EXCHANGE, what="list_in_the_clear", subjects=told, at=now
    )


def _why(
    night: Night,
    day: date,
    partner: Partner,
    policy: ListPolicy,
    last: Release | None,
    gone: list[str],
) -> dict[str, str]:
    if last is None:
        return {}
    epoch = last.manifest["epoch"]
    if epoch != partner.agreement.token_epoch:
        return dict.fromkeys(gone, "rekeyed")
    then = tokeniser(
        night.settings.secrets,
        partner.code,
        epoch,
        DISCLOSED[last.manifest["token_alg"]],
        expected=last.manifest["key_id"],
    )
    return reasons(night, day, last, then, gone, policy.class_code)


def _inputs(night: Night, day: date) -> dict[str, Any]:
    """Digests of what the release was made of; they say nothing of what is in it."""
    labels = night.lake.scan(LABELS, [day]).select("ruleset_hash").unique().collect()
    seen = head(night.orders.database)
    return {
        "labels": night.lake.partition(LABELS, day).digest,
        "list_entries": night.lake.partition(LIST_ENTRIES, day).digest,
        "rulesets": sorted(labels["ruleset_hash"].drop_nulls().to_list()),
        # With it in a partner's hands the log cannot be rewritten unseen up to here.
        "access_log": None if seen is None else {"seq": seen.seq, "digest": seen.digest},
    }


def _facts(of: Release) -> Facts:
    ops = of.manifest["ops"]
    facts: Facts = {
        "seq": of.seq,
        "entries": of.manifest["state_count"],
        "added": ops.get("ADD", 0),
        "modified": ops.get("MOD", 0),
        "deleted": ops.get("DEL", 0),
        "state_sha256": of.manifest["state_sha256"],
        "release": str(of.folder),
    }
    for reason, count in of.manifest["retractions"].items():
        facts[f"deleted_{reason}"] = count
    return facts
