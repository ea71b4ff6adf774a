"""Signing keys: Ed25519 in PEM files, for either side.

Here: making, reading and naming them. Not here: which key may sign what
(`envelope/root.py`), keys of tokens (`tokens.py`) and of encryption (`seal.py`).

A private key is PKCS#8, mode 0600, under a passphrase if one is given; the
public half lies beside it as `<name>.pub`. A key is named by its key id, the
digest The Update Framework knows it by.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, SSlibKey

from mingdan.errors import InputRefused

SHOWN = 12
"""Digits of a key id that tell two keys apart for a person."""


def make_key(path: Path, passphrase: str | None = None) -> SSlibKey:
    """Make a key pair at `path` and `path`.pub and return the public half.

    Raises InputRefused if either file is there already: a key is never overwritten.
    """
    private = Ed25519PrivateKey.generate()
    how = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_new(path, secret, mode=0o600)
    write_new(public_path(path), public, mode=0o644)
    return SSlibKey.from_crypto(private.public_key())


def public_path(path: Path) -> Path:
    """Where the public half of a key lies."""
    return path.with_name(path.name + ".pub")


def read_signer(path: Path, passphrase: str | None = None) -> CryptoSigner:
    """The private key at `path`. Raises InputRefused, never quoting the file."""
    try:
        key = load_pem_private_key(_bytes(path), passphrase.encode() if passphrase else None)
    except TypeError:
        asked = "needs its passphrase" if passphrase is None else "has no passphrase"
        raise InputRefused(f"{path}: {asked}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputRefused(f"{path}: not a private key, or another passphrase") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputRefused(f"{path}: not an Ed25519 key")
    return CryptoSigner(key)


def read_public(path: Path) -> SSlibKey:
    """The public key at `path`. Raises InputRefused."""
    try:
        key = load_pem_public_key(_bytes(path))
    except (ValueError, UnsupportedAlgorithm):
        raise InputRefused(f"{path}: not a public key; a private one's lies beside it") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputRefused(f"{path}: not an Ed25519 key")
    return SSlibKey.from_crypto(key)


def public_of_hex(raw: str) -> SSlibKey:
    """The public key of 32 bytes in hex. Raises ValueError."""
    return SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw)))


def write_new(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that is not there yet, on the disk when this returns. Raises InputRefused."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise InputRefused(f"{path} exists; keys are never overwritten") from None
    with open(handle, "wb") as file:  # noqa: PTH123 - takes over the handle
        file.write(data)
        file.flush()
        os.fsync(handle)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}") from None
