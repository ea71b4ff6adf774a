"""The pepper: the key of the lake's pseudonyms, one for as long as the lake lives.

Here: finding it, and refusing another than the lake was made with. Not here: keys of
partners' tokens (`lists/tokens.py`). Under another key every number would be another
from that night on, unnoticed: nobody's past would be found again.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from mingdan.errors import InputRefused
from mingdan.identifiers import load_key
from mingdan.lake import Lake
from mingdan.settings import Settings

_KEY_BYTES = 32
_SHORTEST = 16
_PSEUDONYMISED = ("complaints", "partner_entries", "daily_pairs", "daily_devices")
"""Tables with pseudonyms that a lake has after its first night."""


def pepper(settings: Settings, lake: Lake) -> bytes:
    """The key of the lake's pseudonyms; made if the lake has none yet.

    A lake from before fingerprints were kept adopts the key that is there.
    Raises InputRefused if it is gone, malformed or not the one the lake was made with.
    """
    expected = lake.key_id
    if settings.pepper is not None:
        place = "MINGDAN_PEPPER"
        key = _hex(settings.pepper.get_secret_value(), place, _SHORTEST)
    else:
        path = settings.secrets / "pepper"
        place = str(path)
        if not path.exists() and (expected is not None or _holds_pseudonyms(lake)):
            raise InputRefused(
                f"{path} is gone but the pseudonyms in {lake.root} were made with it; {_WAY_OUT}"
            )
        key = _from_file(path)
    found = hashlib.sha256(b"mingdan pepper " + key).hexdigest()[:16]
    if expected is None:
        lake.keep_key_id(found)
    elif found != expected:
        raise InputRefused(
            f"{place} is not the key the pseudonyms in {lake.root} were made with "
            f"({found} instead of {expected}); {_WAY_OUT}"
        )
    return key


_WAY_OUT = "restore it from the backup, or move the lake away and build it anew from landing"


def _from_file(path: Path) -> bytes:
    try:
        key = load_key(path)
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise InputRefused(f"{path}: not a key of {_KEY_BYTES} bytes in hex; {_WAY_OUT}")
    return key


def _hex(text: str, place: str, shortest: int) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) < shortest:
        raise InputRefused(f"{place}: not a key of {shortest} bytes or more in hex")
    return key


def _holds_pseudonyms(lake: Lake) -> bool:
    for name in _PSEUDONYMISED:
        folder = lake.root / name
        if not (folder / "_delta_log").exists():
            continue
        rows = pl.DataFrame(DeltaTable(str(folder)).get_add_actions(flatten=True))["num_records"]
        if rows.sum():
            return True
    return False
