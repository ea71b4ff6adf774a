"""What a partner sends and asks: lists, questions, receipts, its standing.

Here: the paths that need a key. Not here: who may come in (`door.py` of the order
service), what lists and receipts say (`mingdan/reports`, `mingdan/lists`).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from mingdan.calendar import business_day
from mingdan.errors import InputRefused
from mingdan.lists import questions, standing
from mingdan.lists.health import partner_page
from mingdan.lists.http.service import Asking, Caller
from mingdan.lists.http.spool import Taken, spool
from mingdan.lists.oprf.group import ELEMENT
from mingdan.lists.policy import list_policy
from mingdan.lists.receipts import MAX_BYTES
from mingdan.lists.refusals import ListRefused
from mingdan.orders.http import problems
from mingdan.orders.refusals import Refused
from mingdan.reports.forms import FILES
from mingdan.reports.partners import Partner

AT_ONCE = 20_000
"""Customers of a question that is answered while the partner waits; a larger one waits
for the night."""
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
router = APIRouter(tags=["exchange"])


class Delivery(BaseModel):
    """An uploaded list: taken in by the night of `day`, never before."""

    day: date
    sha256: Digest
    bytes: int


class Questioned(BaseModel):
    """A question that was taken: its answer is, or will be, a file of the channel."""

    sha256: Digest
    answered: str
    """`evaluated`, `before`, `refused: <why>`, or `tonight`."""


class Confirmed(BaseModel):
    """A receipt that was taken."""

    seq: int
    day: date


class Channel(BaseModel):
    """How the partner's channel stands."""

    seq: int | None
    signed_until: datetime | None
    confirmed: int | None
    confirmed_at: datetime | None
    hindrance: str | None
    not_ready: str | None
    alarms: list[str]
    evaluations_left: int


def _body(kind: str) -> dict[str, Any]:
    schema = {"type": "string", "format": "binary"}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


_BYTES = _body("application/octet-stream")


@router.post("/lists", responses=problems.every_path(409), status_code=201, openapi_extra=_BYTES)
async def upload(request: Request, asking: Asking) -> Delivery:
    """Hand in today's list, in the form agreed on; the same one again changes nothing.

    It is read by the night of the business day (Asia/Shanghai) it arrives in. A day has
    one list: corrections go into the next day's.
    """
    partner = await run_sync(asking.partner)
    if not partner.agreement.asserts:
        number = asking.actor.interface_no
        raise Refused("list_not_agreed", interface_no=number, problem="not_agreed")
    day = business_day(asking.at)
    landing = asking.service.settings.landing / "reports" / "partners" / partner.code
    name = FILES[partner.intake.form]
    try:
        digest, length = await spool(landing / day.isoformat(), name, _not_empty(request))
    except Taken:
        raise Refused("list_delivered", day=day) from None
    await run_sync(asking.note, partner, "list_upload")
    return Delivery(day=day, sha256=digest, bytes=length)


@router.post(
    "/questions", responses=problems.every_path(409), status_code=202, openapi_extra=_BYTES
)
async def ask(request: Request, asking: Asking) -> Questioned:
    """Ask about customers without naming them (RFC 9497): what `mingdan partner ask` wrote.

    The answer comes with the channel: at once for few customers, tonight for many.
    """
    partner = await run_sync(asking.partner)
    inbox = asking.service.settings.landing / "questions" / partner.code
    held = b"".join([block async for block in _not_empty(request)])
    digest = hashlib.sha256(held).hexdigest()
    if len(held) > MAX_BYTES + ELEMENT * AT_ONCE:
        await spool(inbox, f"{digest}.ask", _blocks(held))
        told = "tonight"
    else:
        told = await run_sync(_answered, asking, partner, held)
    await run_sync(asking.note, partner, "list_question")
    return Questioned(sha256=digest, answered=told)


@router.post("/receipts", responses=problems.every_path(), status_code=201, openapi_extra=_BYTES)
async def confirm(request: Request, asking: Asking) -> Confirmed:
    """Confirm which release is held: what `mingdan partner receipt` wrote."""
    partner = await run_sync(asking.partner)
    text = b"".join([block async for block in _not_empty(request)])
    seq, day = await run_sync(_taken, asking, partner, text)
    await run_sync(asking.note, partner, "list_receipt")
    return Confirmed(seq=seq, day=day)


@router.get("/standing", responses=problems.every_path())
def stands(asking: Asking) -> Channel:
    """How the partner's own channel stands, and how many evaluations are left this year."""
    partner = asking.partner()
    settings = asking.service.settings
    told = _told(asking, partner)
    left = questions.quota(settings, partner, asking.at)["left"]
    kept = {name: told[name] for name in Channel.model_fields if name != "evaluations_left"}
    return Channel(**kept, evaluations_left=left)


@router.get("/status", responses=problems.every_path(), response_class=HTMLResponse)
def page(asking: Asking) -> Response:
    """The same for people: a page without scripts."""
    partner = asking.partner()
    text = partner_page(asking.service.settings, partner, asking.at, asking.service.store)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return HTMLResponse(text, headers={"Content-Security-Policy": policy})


def _told(asking: Caller, partner: Partner) -> dict[str, Any]:
    _has_channel(asking, partner)
    settings = asking.service.settings
    envelope = list_policy(settings).envelope
    return standing.standing(settings, partner, envelope, asking.at, asking.service.store).told()


def _has_channel(asking: Caller, partner: Partner) -> None:
    if partner.channel is None:
        number = asking.actor.interface_no
        raise Refused("list_not_agreed", interface_no=number, problem="no_channel")


def _answered(asking: Caller, partner: Partner, data: bytes) -> str:
    _has_channel(asking, partner)
    settings = asking.service.settings
    try:
        done = questions.answer(settings, partner, data, asking.at, asking.service.store)
        standing.deliver_again(settings, partner, asking.at, asking.service.store)
    except InputRefused as error:
        raise _refused(error) from error
    return str(done["answered"])


def _taken(asking: Caller, partner: Partner, text: bytes) -> tuple[int, date]:
    _has_channel(asking, partner)
    try:
        got = standing.take(asking.service.settings, partner, text, asking.at)
    except InputRefused as error:
        raise _refused(error) from error
    return got.seq, date.fromisoformat(got.day)


def _refused(error: InputRefused) -> Refused:
    # Of our own troubles (a key that is gone, a folder) the partner is not told where.
    known = str(error) if isinstance(error, ListRefused) else "it cannot be taken now"
    return Refused("list_document_refused", problem=known)


async def _not_empty(request: Request) -> AsyncIterator[bytes]:
    empty = True
    async for block in request.stream():
        empty = empty and not block
        yield block
    if empty:
        raise Refused("invalid_value", field="body", problem="is empty")


async def _blocks(data: bytes) -> AsyncIterator[bytes]:
    yield data
