"""Partners' channels as static files: what any web server could serve as well.

Here: the files of a channel, by their names. Not here: what they say; they are
signed and encrypted, so whoever serves them need not be believed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, Response

from mingdan.lists.http.service import CHANNELS, PartnerService
from mingdan.orders.http import problems
from mingdan.orders.refusals import Refused

Name = Annotated[str, InPath(pattern=r"^[a-z0-9]{8,32}$")]
File = Annotated[str, InPath(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")]
router = APIRouter(tags=["channels"], prefix=CHANNELS.rstrip("/"))


@router.get(
    "/{channel}/{folder}/{file}",
    responses=problems.documented(404, 413, 422),
    response_class=FileResponse,
)
def fetch(
    request: Request, channel: Name, folder: Literal["metadata", "targets"], file: File
) -> Response:
    """One file of a channel, signed and encrypted; needs no key."""
    service: PartnerService = request.app.state.service
    path = service.settings.channels / channel / folder / file
    if not _is_ours(path, service.settings.channels):
        raise Refused("unknown_resource")
    return FileResponse(path, media_type="application/octet-stream")


def _is_ours(path: Path, channels: Path) -> bool:
    """A plain file at just that place: no link leads out of the channels."""
    return path.is_file() and path.resolve() == channels.resolve() / path.relative_to(channels)
