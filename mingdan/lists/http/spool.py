"""Uploads on their way into the landing folder: whole, or not at all.

Here: bytes from a request to a file that the night finds. Not here: what the
night makes of it (`mingdan/reports`), which trusts an upload no more than a file
that came any other way.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from anyio.to_thread import run_sync

from mingdan.errors import LakeError


class Taken(Exception):
    """A file of that name with another content is there already."""


async def spool(folder: Path, name: str, body: AsyncIterator[bytes]) -> tuple[str, int]:
    """Put a body in place as `folder/name`; its SHA-256 and length.

    The same content again changes nothing. Raises Taken if another content was there
    first, LakeError if the disk refuses; nothing is left behind then.
    """
    # Hidden, and beside the days: the night looks at neither.
    partial = folder.parent / f".{secrets.token_hex(8)}.partial"
    digest, length = hashlib.sha256(), 0
    try:
        await run_sync(lambda: folder.mkdir(parents=True, exist_ok=True))
        with await run_sync(lambda: partial.open("xb")) as file:
            async for block in body:
                digest.update(block)
                length += len(block)
                await run_sync(file.write, block)
            await run_sync(_settle, file)
        await run_sync(_put, partial, folder / name, digest.hexdigest())
    except OSError as error:
        raise LakeError(f"an upload could not be kept: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)
    return digest.hexdigest(), length


def _settle(file: object) -> None:
    file.flush()  # type: ignore[attr-defined]
    os.fsync(file.fileno())  # type: ignore[attr-defined]


def _put(partial: Path, target: Path, digest: str) -> None:
    try:
        # Unlike a rename, it does not replace what another request put there.
        os.link(partial, target)
    except FileExistsError:
        with target.open("rb") as held:
            if hashlib.file_digest(held, "sha256").hexdigest() != digest:
                raise Taken from None
