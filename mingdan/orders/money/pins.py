"""Voucher PINs: made, kept as keyed digests, given out once in a file.

Here: making, reading and digesting PINs, and the batch file. Not here: the
vouchers' lives (`vouchers.py`). A PIN is in clear only in the batch file, which
nobody but its owner may read, and in the hand of the buyer.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from stdnum import luhn

from mingdan.errors import InputRefused
from mingdan.identifiers import digits, load_key
from mingdan.settings import Settings

PIN_DIGITS = 18
HEADER = ("serial", "pin")
MOST_BYTES = 64 * 1024 * 1024
"""Of a file to import: a batch is far smaller."""
LONGEST_TYPED = 100
_ONLY_OWNER = 0o600


def pepper(settings: Settings) -> bytes:
    """The installation's key of voucher PINs, made on first use; another key, no PIN fits."""
    return load_key(settings.secrets / "voucher_pepper")


def new_pin() -> str:
    """18 random digits: nobody guesses one of a million vouchers in 10^12 tries."""
    return f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"


def new_serial(batch_id: int, number: int) -> str:
    """Batch, running number and a check digit (Luhn)."""
    body = f"{batch_id:06d}{number:07d}"
    return body + luhn.calc_check_digit(body)


def digest(key: bytes, pin: str) -> str:
    """HMAC-SHA-256 of a PIN of 18 digits."""
    return hmac.new(key, b"voucher:" + pin.encode("ascii"), hashlib.sha256).hexdigest()


def digest_or_none(key: bytes, typed: object) -> str | None:
    """The digest of a PIN as typed (full-width digits, blanks); None if it cannot be one."""
    if not isinstance(typed, str) or len(typed) > LONGEST_TYPED:
        return None
    pin = digits(typed)
    return digest(key, pin) if _is_pin(pin) else None


def write(path: Path, rows: Iterable[tuple[str, str]]) -> Path:
    """Write serials and PINs beside `path`, mode 600, on disk for good; returns that file.

    The caller renames it once the vouchers are on record: a crash in between
    leaves either no voucher or a file that has its PINs. Raises InputRefused if
    `path` exists or cannot be written.
    """
    if path.exists():
        raise InputRefused(f"{path} exists; a batch file is never written over")
    partial = path.with_name(f"{path.name}.partial-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
    except OSError as error:
        raise InputRefused(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    return partial


def read(path: Path) -> list[tuple[int, str, str]]:
    """Line, serial and PIN of every row of a batch file made elsewhere.

    Raises InputRefused, naming the line and never a value, if the file is not
    readable, not UTF-8, too large, or a row is not a serial and a PIN; a serial is
    8 to 20 digits or capital letters.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputRefused(f"{path} is larger than {MOST_BYTES} bytes")
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"cannot read {path}: {type(error).__name__}") from error
    try:
        lines = list(csv.reader(text.splitlines(), strict=True))
    except csv.Error as error:
        raise InputRefused(f"{path} is not CSV: {error}") from error
    if not lines or tuple(lines[0]) != HEADER:
        raise InputRefused(f"{path}: its first line is not {','.join(HEADER)}")
    found = []
    for line, row in enumerate(lines[1:], start=2):
        if len(row) != len(HEADER):
            raise InputRefused(f"{path} line {line}: not a serial and a PIN")
        serial, pin = digits(row[0]).upper(), digits(row[1])
        if not (8 <= len(serial) <= 20 and serial.isascii() and serial.isalnum()):
            raise InputRefused(f"{path} line {line}: the serial is not 8 to 20 digits or letters")
        if not _is_pin(pin):
            raise InputRefused(f"{path} line {line}: the PIN is not {PIN_DIGITS} digits")
        found.append((line, serial, pin))
    return found


def _is_pin(text: str) -> bool:
    return len(text) == PIN_DIGITS and text.isascii() and text.isdigit()
