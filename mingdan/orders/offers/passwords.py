"""Service passwords (服务密码): what is good enough, and how one is kept and checked.

Here: scrypt over a keyed digest of the password. Not here: who may set one, and
how many wrong ones are suffered (`customers.py`).

A service password is a few digits, so a stolen database would give it away
whatever the hash: what is hashed is the password's HMAC under a key that is
not in the database.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import NoReturn

from mingdan.errors import InputRefused
from mingdan.identifiers import digits
from mingdan.orders.policy import Policy
from mingdan.orders.refusals import Refused

_R, _P, _BYTES = 8, 1, 32
_RUNS = "01234567890123456789 98765432109876543210"


def acceptable(password: object, policy: Policy, at: datetime, known: Iterable[str]) -> str:
    """The password's digits, if it is good enough. Raises Refused: password_weak.

    `known`: the customer's document and numbers; a part of one is no password.
    """
    shortest = int(policy.at("password_shortest", at))
    longest = int(policy.at("password_longest", at))
    if not isinstance(password, str):
        _refuse("it is no text")
    value = digits(password[:200])
    if not value.isascii() or not value.isdigit() or not shortest <= len(value) <= longest:
        _refuse(f"it has {shortest} to {longest} digits and nothing else")
    if len(set(value)) < 3:
        _refuse("it has fewer than three different digits")
    if value in _RUNS:
        _refuse("it is a row of digits one after the other")
    if any(value in each for each in known):
        _refuse("it is part of the document or of a number")
    return value


def verifier(password: str, pepper: bytes, policy: Policy, at: datetime) -> str:
    """What is kept of a password: `scrypt$n$r$p$salt$hash`.

    Raises InputRefused if the policy's work is not 2^10 to 2^20.
    """
    log2_n = int(policy.at("password_scrypt_log2_n", at))
    if not 10 <= log2_n <= 20:
        raise InputRefused(f"order policy: password_scrypt_log2_n is 10 to 20, not {log2_n}")
    salt = secrets.token_bytes(16)
    made = _hash(password, pepper, salt, 1 << log2_n, _R, _P)
    return f"scrypt${1 << log2_n}${_R}${_P}${salt.hex()}${made.hex()}"


def matches(password: object, pepper: bytes, kept: str) -> bool:
    """Whether it is the password that `kept` was made of; takes as long either way."""
    _, n, r, p, salt, made = kept.split("$")
    value = digits(password[:200]) if isinstance(password, str) else ""
    found = _hash(value, pepper, bytes.fromhex(salt), int(n), int(r), int(p))
    return hmac.compare_digest(found, bytes.fromhex(made))


def _hash(password: str, pepper: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    keyed = hmac.digest(pepper, password.encode("utf-8", "backslashreplace"), "sha256")
    memory = 256 * n * r
    return hashlib.scrypt(keyed, salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=_BYTES)


def _refuse(problem: str) -> NoReturn:
    raise Refused("password_weak", problem=problem)
