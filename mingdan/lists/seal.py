"""Encryption to a partner: age (X25519), for either side.

Here: sealing bytes to recipients and opening them. Not here: who sealed them
(age does not say; the envelope's signatures do) and what is inside, which names
its channel and sequence itself so that one sealed thing cannot pass for another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyrage
from pyrage.x25519 import Identity, Recipient

from mingdan.errors import InputRefused
from mingdan.lists.keys import write_new
from mingdan.lists.refusals import NotForUs


def make_identity(path: Path) -> str:
    """Make an age identity at `path` (mode 0600) and return its recipient, `age1...`."""
    identity = Identity.generate()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_new(path, f"{identity}\n".encode("ascii"), mode=0o600)
    return str(identity.to_public())


def read_identity(path: Path) -> Identity:
    """The age identity at `path`. Raises InputRefused, never quoting the file."""
    try:
        return Identity.from_str(path.read_text("ascii").strip())
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, pyrage.IdentityError):
        raise InputRefused(f"{path}: not an age identity") from None


def check_recipient(text: str) -> str:
    """`text` if it is an age X25519 recipient. Raises ValueError."""
    try:
        return str(Recipient.from_str(text))
    except pyrage.RecipientError:
        raise ValueError("not an age recipient (age1...)") from None


def seal(plain: bytes, recipients: Sequence[str]) -> bytes:
    """`plain` encrypted to all of `recipients`; each call gives other bytes."""
    sealed: bytes = pyrage.encrypt(plain, [Recipient.from_str(one) for one in recipients])
    return sealed


def unseal(sealed: bytes, identities: Sequence[Identity], what: str) -> bytes:
    """What was sealed. Raises NotForUs if it is damaged or for somebody else: age tells no more."""
    try:
        plain: bytes = pyrage.decrypt(sealed, list(identities))
    except pyrage.DecryptError as error:
        raise NotForUs(f"{what}: cannot be decrypted with our identity ({error})") from None
    return plain


def fingerprint(recipients: Sequence[str]) -> str:
    """Which recipients something was sealed to, 16 hex digits."""
    return hashlib.sha256("\n".join(sorted(recipients)).encode("ascii")).hexdigest()[:16]
