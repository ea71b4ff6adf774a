"""Questions and answers of `match_only`: files between a partner and us (RFC 9497).

Here: their format, for both sides, and our side: a question checked, counted
against the quota, evaluated. Not here: the function (`oprf/`) and blinding
(`client/questions.py`).

A question is a signed line and 32 bytes a customer; nothing in it tells us who
they are. An answer is a line and, for each batch, a proof and as many elements;
it goes out as a file of the partner's channel, sealed like all others. What is
refused is answered too, with the reason and without a body.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from securesystemslib.signer import Signer

from mingdan.errors import InputRefused
from mingdan.identifiers import load_key
from mingdan.lists.envelope.deliver import card_of
from mingdan.lists.envelope.roles import Place
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import canonical, check, check_names, is_count, matches, parse_object
from mingdan.lists.oprf.engine import BATCH, evaluate_blinded
from mingdan.lists.oprf.group import ELEMENT, PROOF
from mingdan.lists.passing import hindrance as may_not_pass
from mingdan.lists.policy import list_policy
from mingdan.lists.receipts import MAX_BYTES, read_statement, sign_statement
from mingdan.lists.refusals import Damaged, Malformed, WrongChannel
from mingdan.lists.tokens import key_path
from mingdan.reports.partners import Partner
from mingdan.settings import Settings

if TYPE_CHECKING:
    from mingdan.orders.store import OrderStore

QUESTION = "mingdan-question/1"
ANSWER = "mingdan-answer/1"
MOST = 2_000_000
"""Customers in one question."""
KEPT_DAYS = 30
"""How long an answer stays in the channel."""
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Question:
    """The signed line of a question."""

    channel: str
    list: str
    epoch: int
    id: str
    count: int
    sha256: str
    """Of the body."""


def write_question(question: Question, body: bytes, signer: Signer) -> bytes:
    """A question as its file."""
    return sign_statement(QUESTION, asdict(question), signer).encode("ascii") + body


def read_question(data: bytes, partner: Partner, place: Place) -> tuple[Question, list[bytes]]:
    """A partner's question, proved to be the partner's own. Raises ListRefused."""
    line, newline, body = data.partition(b"\n")
    check(newline == b"\n" and len(line) < MAX_BYTES, f"{QUESTION}: no signed line")
    values = read_statement(QUESTION, line, card_of(place).receipt_key)
    check_names(values, tuple(Question.__dataclass_fields__), QUESTION)
    found = Question(**values)
    check(matches(r"[0-9a-f]{32}", found.id), f"{QUESTION}: id")
    check(is_count(found.count) and 0 < found.count <= MOST, f"{QUESTION}: count")
    check(is_count(found.epoch), f"{QUESTION}: epoch")
    if found.channel != partner.channel:
        raise WrongChannel(f"{QUESTION}: for channel {found.channel}, not {partner.channel}")
    if len(body) != ELEMENT * found.count or hashlib.sha256(body).hexdigest() != found.sha256:
        raise Damaged(f"{QUESTION}: the body is not the one signed")
    return found, [body[at : at + ELEMENT] for at in range(0, len(body), ELEMENT)]


def answer(
    settings: Settings,
    partner: Partner,
    data: bytes,
    now: datetime,
    store: OrderStore | None = None,
) -> dict[str, Any]:
    """Answer a question, or say in the answer why not; what was done, for the log.

    It is counted before it is answered; the same question again is the same answer
    and counts once. Raises ListRefused if it cannot be told to be the partner's.
    """
    place = Place.of(settings, partner)
    question, elements = read_question(data, partner, place)
    path = place.own / "answers" / question.id
    ledger = place.own / "evaluations.jsonl"
    with place.lock():
        known = {line["id"]: line for line in _ledger(ledger)}
        before = known.get(question.id)
        if before is not None and before["sha256"] != question.sha256:
            raise Damaged(f"{QUESTION}: another question under the same id")
        if before is not None and path.exists():
            return {"id": question.id, "count": question.count, "answered": "before"}
        hindrance = may_not_pass(settings, partner, now, store) or _hindrance(
            settings, partner, question
        )
        if hindrance is None and before is None:
            used = _used(known.values(), now)
            left = partner.agreement.evaluations_per_year - used
            if question.count > left:
                hindrance = "quota"
            else:
                _count(ledger, question, now)
        head = {
            "fmt": ANSWER,
            "channel": question.channel,
            "list": question.list,
            "epoch": question.epoch,
            "id": question.id,
            "count": 0 if hindrance else question.count,
            "question_sha256": question.sha256,
            "refused": hindrance,
        }
        body = b"" if hindrance else b"".join(_evaluated(settings, partner, elements))
        path.parent.mkdir(mode=0o700, exist_ok=True)
        partial = path.with_name(f".{path.name}")
        partial.write_bytes((canonical(head) + "\n").encode("ascii") + body)
        partial.replace(path)
    told = "evaluated" if hindrance is None else f"refused: {hindrance}"
    return {"id": question.id, "count": question.count, "answered": told}


def answer_delivered(
    settings: Settings, partner: Partner, now: datetime, store: OrderStore | None = None
) -> tuple[list[dict[str, Any]], list[str]]:
    """Answer what lies in `landing/questions/<partner>/`; done, and what was refused.

    A refused file is set aside in `refused/` beside the others. Answers older than
    `KEPT_DAYS` leave the channel with the next delivery.
    """
    inbox = settings.landing / "questions" / partner.code
    done: list[dict[str, Any]] = []
    refused: list[str] = []
    most = MAX_BYTES + ELEMENT * MOST
    for file in sorted(inbox.glob("*.ask")):
        try:
            if file.stat().st_size > most:
                raise Malformed(f"{QUESTION}: larger than {most} bytes")
            done.append(answer(settings, partner, file.read_bytes(), now, store))
            file.unlink()
        except InputRefused as error:
            refused.append(f"{file.name}: {error}")
            aside = inbox / "refused"
            aside.mkdir(exist_ok=True)
            file.replace(aside / file.name)
    old = time.time() - KEPT_DAYS * 86_400
    for path in (Place.of(settings, partner).own / "answers").glob("[0-9a-f]*"):
        if path.stat().st_mtime < old:
            path.unlink()
    return done, refused


def quota(settings: Settings, partner: Partner, now: datetime) -> dict[str, int]:
    """Evaluations agreed, used in the last 365 days, and left."""
    agreed = partner.agreement.evaluations_per_year
    used = _used(_ledger(Place.of(settings, partner).own / "evaluations.jsonl"), now)
    return {"agreed": agreed, "used": used, "left": max(0, agreed - used)}


@dataclass(frozen=True)
class Answered:
    """An answer as the partner reads it."""

    epoch: int
    question_sha256: str
    refused: str | None
    batches: Sequence[tuple[bytes, list[bytes]]]
    """Proof and evaluated elements of each batch, in the order asked."""


def read_answer(data: bytes, channel: str, ident: str) -> Answered:
    """An answer's parts, not proved yet. Raises Malformed or WrongChannel."""
    line, _, body = data.partition(b"\n")
    values = parse_object(line.decode("ascii", "replace"), ANSWER)
    names = ("fmt", "channel", "list", "epoch", "id", "count", "question_sha256", "refused")
    check_names(values, names, ANSWER)
    check(values["fmt"] == ANSWER, f"{ANSWER}: not {ANSWER}")
    if (values["channel"], values["id"]) != (channel, ident):
        raise WrongChannel(f"{ANSWER}: for {values['channel']}, question {values['id']}")
    count = values["count"]
    check(is_count(count) and count <= MOST and is_count(values["epoch"]), f"{ANSWER}: count")
    batches = []
    at = 0
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        proof, at = body[at : at + PROOF], at + PROOF
        elements = body[at : at + ELEMENT * size]
        at += ELEMENT * size
        cut = [elements[one : one + ELEMENT] for one in range(0, len(elements), ELEMENT)]
        batches.append((proof, cut))
    check(len(body) == at, f"{ANSWER}: body of another length")
    return Answered(values["epoch"], str(values["question_sha256"]), values["refused"], batches)


def _hindrance(settings: Settings, partner: Partner, question: Question) -> str | None:
    agreed = partner.agreement
    if agreed.disclosure != "match_only":
        return "not_match_only"
    if question.list != list_policy(settings).list:
        return "list"
    if question.epoch != agreed.token_epoch:
        return "epoch"
    return None


def _evaluated(settings: Settings, partner: Partner, elements: list[bytes]) -> Iterator[bytes]:
    path = key_path(settings.secrets, partner.code, partner.agreement.token_epoch)
    if not path.exists():
        raise InputRefused(f"{path} is not there: nothing has been published with it yet")
    return evaluate_blinded(load_key(path), elements)


def _ledger(path: Path) -> list[dict[str, Any]]:
    """Everything evaluated for a partner, oldest first."""
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text("ascii").splitlines()]
    except ValueError as error:
        raise InputRefused(f"{path} is damaged; restore it from the backup") from error


def _used(lines: Any, now: datetime) -> int:
    since = (now - YEAR).isoformat()
    return sum(line["count"] for line in lines if line["at"] > since)


def _count(path: Path, question: Question, now: datetime) -> None:
    line = {
        "id": question.id,
        "count": question.count,
        "sha256": question.sha256,
        "at": now.isoformat(),
    }
    before = path.read_text("ascii") if path.exists() else ""
    replace_synced(path, before + canonical(line) + "\n")
