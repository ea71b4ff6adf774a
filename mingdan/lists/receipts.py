"""Receipts: a partner's signed word of which release it holds.

Here: writing, verifying and keeping them, and who still holds what was taken
back. Not here: what a release says (`manifest.py`). A receipt is a DSSE
envelope (Dead Simple Signing Envelope) under the key of the partner's card; it
is kept as it came, so that it can be verified again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import Signer, SSlibKey

from mingdan.errors import InputRefused
from mingdan.lists.folder import replace_synced
from mingdan.lists.format import (
    INSTANT_FORMAT,
    MANIFEST,
    canonical,
    check,
    check_names,
    instant,
    is_count,
    parse_object,
)
from mingdan.lists.manifest import Release, numbered, release
from mingdan.lists.refusals import Damaged, Malformed, Missing, Untrusted, WrongChannel

RECEIPT = "mingdan-receipt/1"
MAX_BYTES = 1 << 14


@dataclass(frozen=True)
class Receipt:
    """Release `seq` of a channel, with this state, was held at `at` (UTC)."""

    channel: str
    list: str
    seq: int
    day: str
    state_sha256: str
    at: str

    @property
    def held_at(self) -> datetime:
        return instant(self.at)


def sign_statement(kind: str, values: dict[str, Any], signer: Signer) -> str:
    """A signed statement as text. `kind` is its format, e.g. `mingdan-receipt/1`."""
    payload = canonical({"fmt": kind, **values}).encode("ascii")
    envelope = Envelope(payload, _media_type(kind), {})
    envelope.sign(signer)
    return canonical(envelope.to_dict()) + "\n"


def read_statement(kind: str, text: bytes, key: SSlibKey) -> dict[str, Any]:
    """What a signed statement says. Raises Malformed, or Untrusted if `key` did not sign it."""
    check(len(text) <= MAX_BYTES, f"{kind}: larger than {MAX_BYTES} bytes")
    try:
        envelope = Envelope.from_dict(parse_object(text.decode("ascii"), kind))
        check(envelope.payload_type == _media_type(kind), f"{kind}: another kind of statement")
        envelope.verify([key], 1)
    except VerificationError:
        raise Untrusted(f"{kind}: not signed by the key of the partner's card") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed(f"{kind}: not a signed statement ({type(error).__name__})") from None
    values = parse_object(envelope.payload.decode("ascii", "replace"), kind)
    check(values.pop("fmt", None) == kind, f"{kind}: not {kind}")
    return values


def _media_type(kind: str) -> str:
    return f"application/vnd.{kind.replace('/', '.v')}+json"


def write_receipt(receipt: Receipt, signer: Signer) -> str:
    """The receipt as text, signed."""
    return sign_statement(RECEIPT, asdict(receipt), signer)


def take_receipt(
    receipts: Path, text: bytes, key: SSlibKey, *, channel: Path, name: str, now: datetime
) -> Receipt:
    """Verify and keep a receipt of the partner whose releases lie in `channel`.

    `name` is the channel's opaque name. Raises Untrusted (signature), WrongChannel,
    Malformed, or Damaged if it tells of a state that was never published.
    """
    values = read_statement(RECEIPT, text, key)
    check_names(values, tuple(Receipt.__dataclass_fields__), RECEIPT)
    receipt = Receipt(**values)
    check(is_count(receipt.seq) and receipt.seq > 0, f"{RECEIPT}: seq")
    check(isinstance(receipt.at, str) and receipt.held_at.year > 0, f"{RECEIPT}: at")
    if receipt.channel != name:
        raise WrongChannel(f"{RECEIPT}: for channel {receipt.channel}, not {name}")
    try:
        of = release(numbered(channel, receipt.seq))
    except Missing:
        raise Damaged(f"{RECEIPT}: release {receipt.seq} is not known here") from None
    told = {key: of.manifest[key] for key in ("list", "day", "state_sha256")}
    if told != {key: getattr(receipt, key) for key in told}:
        raise Damaged(f"{RECEIPT}: tells of a release {receipt.seq} that was never published")
    digest = hashlib.sha256(text).hexdigest()[:16]
    receipts.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_synced(receipts / f"{receipt.seq:06d}-{digest}.json", text.decode("ascii"))
    return receipt


def newest_receipt(receipts: Path, key: SSlibKey | None = None) -> Receipt | None:
    """The receipt of the highest release; verified again if the key is given."""
    files = sorted(receipts.glob("[0-9]*-*.json"))
    if not files:
        return None
    newest = files[-1].name.split("-")[0]
    found = [_kept(path, key) for path in files if path.name.startswith(newest)]
    return max(found, key=lambda one: one.at)


def _kept(path: Path, key: SSlibKey | None) -> Receipt:
    text = path.read_bytes()
    try:
        if key is not None:
            return Receipt(**read_statement(RECEIPT, text, key))
        payload = json.loads(Envelope.from_dict(json.loads(text)).payload)
        payload.pop("fmt")
        return Receipt(**payload)
    except (ValueError, KeyError, TypeError) as error:
        raise InputRefused(f"{path} is damaged; remove it") from error


@dataclass(frozen=True)
class Outstanding:
    """Retractions a partner has been offered and has not confirmed."""

    seq: int
    day: str
    released: datetime
    """When it was written (UTC): a night made up for late cannot have been confirmed earlier."""
    retractions: int


def outstanding(channel: Path, held: Receipt | None) -> Iterator[Outstanding]:
    """Releases with retractions after the one `held`, oldest first."""
    after = 0 if held is None else held.seq
    for path in sorted(channel.glob(f"[0-9]*/{MANIFEST}")):
        if int(path.parent.name) <= after:
            continue
        one: Release = release(path.parent)
        count = sum(one.manifest["retractions"].values())
        if count:
            released = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield Outstanding(one.seq, one.manifest["day"], released, count)


def receipt_now(position: Any, at: datetime) -> Receipt:
    """The receipt for a position of the partner's copy."""
    return Receipt(
        position.channel,
        position.list,
        position.seq,
        position.day,
        position.state_sha256,
        at.strftime(INSTANT_FORMAT),
    )
