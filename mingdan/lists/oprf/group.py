"""RFC 9497: the verifiable oblivious pseudorandom function over ristretto255 and SHA-512.

Here: every step of both sides, over libsodium's group (`rbcl`), with names of
the RFC. Not here: files (`mingdan.lists.questions`, `client/questions.py`) and
the faster library for the publisher's steps (`engine.py`).

The mode is VOPRF (0x01) throughout: an output of another mode is another output.
A partner's steps are all here because a blind must outlive the process that made
it: the question goes out today, the answer comes tomorrow.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Sequence

from mingdan.errors import WrongUsage

try:
    import rbcl
except ModuleNotFoundError:  # the light install without the extra
    rbcl = None

ELEMENT = 32
PROOF = 64
MAX_BATCH = 65_535
_CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"


class ProofInvalid(ValueError):
    """The evaluation was not made with the key it claims."""


def _group() -> None:
    if rbcl is None:
        raise WrongUsage("match_only needs more packages: pip install 'mingdan[match]'")


def derive_key(seed: bytes, info: bytes) -> bytes:
    """DeriveKeyPair (3.2.1): the private scalar of a 32-byte seed."""
    _group()
    told = seed + struct.pack(">H", len(info)) + info
    for counter in range(256):
        scalar = _hash_to_scalar(told + bytes([counter]), b"DeriveKeyPair" + _CONTEXT)
        if any(scalar):
            return scalar
    raise ValueError("no key from this seed")


def public_key(private: bytes) -> bytes:
    """The public half of a private scalar."""
    _group()
    return bytes(rbcl.crypto_scalarmult_ristretto255_base(private))


def hash_to_group(data: bytes) -> bytes:
    """HashToGroup (4.1)."""
    _group()
    return bytes(rbcl.crypto_core_ristretto255_from_hash(_expand(data, b"HashToGroup-" + _CONTEXT)))


def blind_of(secret: bytes, data: bytes) -> bytes:
    """The blind for one input under a secret of one question: random to everybody else."""
    _group()
    wide = hmac.digest(secret, data, hashlib.sha512)
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(wide))


def blind(data: bytes, scalar: bytes) -> bytes:
    """Blind (3.3.2): the element that goes out for `data`."""
    return bytes(rbcl.crypto_scalarmult_ristretto255(scalar, hash_to_group(data)))


def is_element(data: bytes) -> bool:
    """Whether 32 bytes encode an element that is not the identity."""
    _group()
    return any(data) and bool(rbcl.crypto_core_ristretto255_is_valid_point(data))


def evaluate(private: bytes, blinded: Sequence[bytes]) -> tuple[list[bytes], bytes]:
    """BlindEvaluate (3.3.2) of a batch, with one proof for all of it."""
    _group()
    evaluated = [bytes(rbcl.crypto_scalarmult_ristretto255(private, one)) for one in blinded]
    public = public_key(private)
    composite = _composite(public, blinded, evaluated)
    shared = rbcl.crypto_scalarmult_ristretto255(private, composite)
    r = rbcl.crypto_core_ristretto255_scalar_random()
    t2 = rbcl.crypto_scalarmult_ristretto255_base(r)
    t3 = rbcl.crypto_scalarmult_ristretto255(r, composite)
    c = _challenge(public, composite, shared, t2, t3)
    s = rbcl.crypto_core_ristretto255_scalar_sub(
        r, rbcl.crypto_core_ristretto255_scalar_mul(c, private)
    )
    return evaluated, c + bytes(s)


def evaluate_known(private: bytes, data: bytes) -> bytes:
    """Evaluate (3.3.2): the output for an input the key holder knows itself."""
    element = rbcl.crypto_scalarmult_ristretto255(private, hash_to_group(data))
    return _output(data, bytes(element))


def check_proof(
    public: bytes, blinded: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes
) -> None:
    """VerifyProof (2.2.2). Raises ProofInvalid."""
    _group()
    if len(proof) != PROOF or not all(is_element(one) for one in (public, *evaluated)):
        raise ProofInvalid("an element is none")
    c, s = proof[:32], proof[32:]
    composite = _composite(public, blinded, evaluated)
    shared = _sum(_weights(public, blinded, evaluated), evaluated)
    mul, add = rbcl.crypto_scalarmult_ristretto255, rbcl.crypto_core_ristretto255_add
    try:
        t2 = add(rbcl.crypto_scalarmult_ristretto255_base(s), mul(c, public))
        t3 = add(mul(s, composite), mul(c, shared))
    except (RuntimeError, ValueError, TypeError):
        raise ProofInvalid("the proof is none") from None
    if not hmac.compare_digest(_challenge(public, composite, shared, t2, t3), c):
        raise ProofInvalid("not evaluated with the key handed over")


def finalize(data: bytes, scalar: bytes, evaluated: bytes) -> bytes:
    """Finalize (3.3.2), after the proof was checked: the 64-byte output."""
    inverse = rbcl.crypto_core_ristretto255_scalar_invert(scalar)
    return _output(data, bytes(rbcl.crypto_scalarmult_ristretto255(inverse, evaluated)))


def _output(data: bytes, element: bytes) -> bytes:
    length = struct.pack(">H", len(data))
    return hashlib.sha512(length + data + b"\x00\x20" + element + b"Finalize").digest()


def _weights(public: bytes, c: Sequence[bytes], d: Sequence[bytes]) -> list[bytes]:
    if not 0 < len(c) == len(d) <= MAX_BATCH:
        raise ProofInvalid("batch sizes differ")
    dst = b"Seed-" + _CONTEXT
    told = b"\x00\x20" + public + struct.pack(">H", len(dst)) + dst
    seed = hashlib.sha512(told).digest()
    return [
        _hash_to_scalar(
            b"\x00\x40" + seed + struct.pack(">H", at) + b"\x00\x20" + one + b"\x00\x20" + other
            + b"Composite"
        )
        for at, (one, other) in enumerate(zip(c, d, strict=True))
    ]  # fmt: skip


def _composite(public: bytes, c: Sequence[bytes], d: Sequence[bytes]) -> bytes:
    return _sum(_weights(public, c, d), c)


def _sum(weights: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    mul, add = rbcl.crypto_scalarmult_ristretto255, rbcl.crypto_core_ristretto255_add
    total = bytes(ELEMENT)
    for weight, element in zip(weights, elements, strict=True):
        total = add(total, mul(weight, element))
    return bytes(total)


def _challenge(public: bytes, *parts: bytes) -> bytes:
    told = b"".join(b"\x00\x20" + bytes(part) for part in (public, *parts))
    return _hash_to_scalar(told + b"Challenge")


def _hash_to_scalar(data: bytes, dst: bytes = b"HashToScalar-" + _CONTEXT) -> bytes:
    return bytes(rbcl.crypto_core_ristretto255_scalar_reduce(_expand(data, dst)))


def _expand(data: bytes, dst: bytes) -> bytes:
    """expand_message_xmd (RFC 9380, 5.3.1) with SHA-512 to 64 bytes: one block."""
    tail = dst + bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + data + b"\x00\x40\x00" + tail).digest()
    return hashlib.sha512(first + b"\x01" + tail).digest()
