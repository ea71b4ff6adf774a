"""Numbers and documents: parse, validate, mask, pseudonym.

Here: MSISDN, IMSI, IMEI, ICCID and ID documents as text at the edges and as
64-bit integers inside the lake, and the only masks the project uses. Not
here: who holds a number (`orders`, `guiding`).
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from pathlib import Path

_NUMBER = re.compile(r"\+?[0-9]{7,}[Xx]?")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_-]*")
_SEPARATORS = re.compile(r"[\s\-()]")
_BETWEEN = "[\\s\\-.()\u2010-\u2015\u00b7\uff08\uff09\uff0d\u200b-\u200f\u2060\ufeff]"
_SPOKEN = "零〇一二三四五六七八九幺两"
_WITHIN = re.compile(
    r"(?P<kept>(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?:[ T][0-2]\d:[0-5]\d(?::[0-5]\d)?)?(?!\d)"
    r"|(?<![A-Za-z])TT\d{8}(?!\d))"
    rf"|\d(?:{_BETWEEN}{{0,3}}\d){{5,}}[Xx]?"
    rf"|[{_SPOKEN}](?:{_BETWEEN}{{0,3}}[{_SPOKEN}]){{6,}}"
)
_CHINA_MOBILE = re.compile(r"1[3-9]\d{9}")
_CHINA_IOT = re.compile(r"1(?:44[01]|48|46|410)\d{9,10}")


def digits(text: str) -> str:
    """`text` with full-width digits folded (NFKC) and separators removed."""
    if text.isascii() and text.isalnum():
        return text
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text))


def parse_msisdn(text: str) -> str:
    """A mobile number of China as E.164 without `+`, e.g. `8613800138000`.

    Accepts `+86`, `0086`, `86` or nothing before the national number, full-width
    digits and separators; 13-digit IoT numbers too. Raises ValueError otherwise.
    """
    number = digits(text).removeprefix("+")
    number = number.removeprefix("00")
    national = number[2:] if number.startswith("86") and len(number) > 11 else number
    if _CHINA_MOBILE.fullmatch(national) or (
        len(national) == 13 and _CHINA_IOT.fullmatch(national)
    ):
        return "86" + national
    raise ValueError(f"not a mobile number of China: {mask_number(text)}")


def parse_imsi(text: str) -> str:
    """A 15-digit IMSI. Raises ValueError otherwise."""
    value = digits(text)
    if len(value) == 15 and value.isascii() and value.isdigit():
        return value
    raise ValueError(f"not an IMSI: {mask_number(text)}")


def mask_number(text: str) -> str:
    """Any number for people's eyes: first 3 and last 2 kept (`138******00`).

    The country code is dropped first; seven digits or fewer show nothing. Of 15
    digits it is one only before an IoT number: else they are an IMEI.
    """
    written = digits(str(text))
    value = written.removeprefix("+")
    imei = len(value) == 15 and written == value and not _CHINA_IOT.match(value[2:])
    if len(value) > 11 and value.startswith("86") and not imei:
        value = value[2:]
    if len(value) <= 7:
        return "*" * len(value)
    return value[:3] + "*" * (len(value) - 5) + value[-2:]


def mask_typed(text: str) -> str:
    """What a caller typed, fit for an answer: masked if it may hold an identifier.

    Whatever has seven digits or more, in any script, may be a number, a SIM or a
    document, also with letters or signs around it; whatever is no plain word of
    letters, digits, `_` and `-` may be a name.
    """
    if sum(char.isdigit() for char in text) < 7 and _PLAIN_WORD.fullmatch(text):
        return text
    return mask_number(text) if _NUMBER.fullmatch(digits(text)) else "*" * len(text)


def mask_within(text: str) -> str:
    """A text people wrote, with every number in it masked.

    A number has six digits or more, of any script, however they are parted, or is
    spelled out in seven characters or more. Days, instants and tickets' references stay.
    """

    def masked(found: re.Match[str]) -> str:
        if found["kept"]:
            return found[0]
        if any(char in _SPOKEN for char in found[0]):
            return "*" * len(found[0])
        kept = (char for char in unicodedata.normalize("NFKC", found[0]) if char.isalnum())
        return mask_number("".join(kept))

    return _WITHIN.sub(masked, text)


def mask_name(text: str) -> str:
    """A person's name for people's eyes: the first character only (`张**`)."""
    return text[:1] + "*" * max(0, len(text) - 1)


def mask_document(text: str) -> str:
    """An ID document for people's eyes: its last two characters only."""
    return "*" * max(0, len(text) - 2) + text[-2:]


def load_key(path: Path) -> bytes:
    """The 32-byte key in `path` (hex, mode 0600), made on first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # whole or not at all: half a key would give other pseudonyms for ever
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        partial.touch(mode=0o600)
        partial.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
        partial.replace(path)
    return bytes.fromhex(path.read_text(encoding="ascii").strip())


def pseudonym(key: bytes, kind: str, value: str) -> int:
    """A keyed 60-bit pseudonym of an identifier, stable for one key.

    The first 15 hex digits of SHA-256 over the kind's key and the value; the kind's key is the
    first 32 hex digits of SHA-256 over `<key hex>:<kind>`, so that an IMEI and a number of equal
    digits differ. `sql/macros.sql` holds the same formula.
    """
    of_kind = hashlib.sha256(f"{key.hex()}:{kind}".encode()).hexdigest()[:32]
    digest = hashlib.sha256(f"{of_kind}{value}".encode()).hexdigest()
    return int(digest[:15], 16)
