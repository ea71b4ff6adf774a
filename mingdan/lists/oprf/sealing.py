"""Attributes sealed to the one number they are about.

Here: an oblivious output split into token and key, and ChaCha20-Poly1305 under
that key. Not here: making outputs (`engine.py`, `group.py`).

The nonce is derived from key and content, so that equal attributes give equal
rows and a list that did not change has the digest it had; under one key other
content has another nonce. All attributes have one length before they are sealed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from mingdan.lists.format import SEALED_PLAIN
from mingdan.lists.refusals import Damaged

_TOKEN_BYTES = 20
_KEY_BYTES = 32
_NONCE_BYTES = 12


def split(output: bytes) -> tuple[str, bytes]:
    """Token (hex) and sealing key of a 64-byte output."""
    return output[:_TOKEN_BYTES].hex(), output[_TOKEN_BYTES : _TOKEN_BYTES + _KEY_BYTES]


def oblivious_key_id(public_key: bytes) -> str:
    """Fingerprint of a public key, 16 hex digits."""
    return hashlib.sha256(b"mingdan oblivious key " + public_key).hexdigest()[:16]


def seal_attributes(key: bytes, token: str, attributes: str) -> str:
    """Attributes as a row of a sealed list shows them.

    Raises ValueError if they are longer than the format carries.
    """
    plain = attributes.encode("ascii").ljust(SEALED_PLAIN)
    if len(plain) != SEALED_PLAIN:
        raise ValueError(f"attributes longer than {SEALED_PLAIN} bytes cannot be sealed")
    nonce = hmac.digest(key, b"nonce" + plain, hashlib.sha256)[:_NONCE_BYTES]
    sealed = ChaCha20Poly1305(key).encrypt(nonce, plain, token.encode("ascii"))
    return base64.urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode("ascii")


def open_attributes(key: bytes, token: str, sealed: str) -> str:
    """The attributes of a sealed row. Raises Damaged if key or token is another's."""
    raw = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    try:
        plain = ChaCha20Poly1305(key).decrypt(
            raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], token.encode("ascii")
        )
    except InvalidTag:
        raise Damaged("a sealed row does not open with the key of its token") from None
    return plain.decode("ascii").rstrip(" ")
