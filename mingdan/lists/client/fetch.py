"""Fetching from a channel: signatures verified, contents decrypted.

Here: The Update Framework's client and age, and their many errors as ours. Not
here: what the files say (`sync.py`).
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import urllib3
from tuf.api.exceptions import (
    BadVersionNumberError,
    DownloadError,
    DownloadHTTPError,
    ExpiredMetadataError,
    LengthOrHashMismatchError,
    RepositoryError,
)
from tuf.api.metadata import Metadata, Timestamp
from tuf.ngclient import Updater, UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.urllib3_fetcher import Urllib3Fetcher

from mingdan.lists.client.home import Home, Trust
from mingdan.lists.refusals import (
    Damaged,
    Malformed,
    Missing,
    OutOfReach,
    Rollback,
    Untrusted,
)
from mingdan.lists.seal import read_identity, unseal
from mingdan.lists.unpack import MAX_FILE_BYTES

_CHUNK = 1 << 18
_WEB = re.compile(r"https?://", re.IGNORECASE)


class _Folder(FetcherInterface):
    """Reads a channel that lies in a folder: copied, mounted, or beside us in a test."""

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(url)
        if not path.is_file():
            raise DownloadHTTPError(f"{path} does not exist", 404)
        return self._chunks(path)

    def _chunks(self, path: Path) -> Iterator[bytes]:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


class Channel:
    """One visit to a channel: `refresh` once, then `get` as often as needed."""

    def __init__(self, home: Home, trust: Trust) -> None:
        self._home = home
        self._url = trust.url.rstrip("/")
        home.tuf.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._updater = Updater(
                str(home.tuf),
                f"{self._url}/metadata/",
                target_base_url=f"{self._url}/targets/",
                fetcher=Urllib3Fetcher() if _WEB.match(self._url) else _Folder(),
                config=UpdaterConfig(app_user_agent="mingdan-partner"),
                bootstrap=json.dumps(trust.root).encode(),
            )
        except RepositoryError as error:
            raise Untrusted(f"the root handed over cannot be trusted: {error}") from None
        self._identity = read_identity(home.identity)

    def refresh(self) -> datetime:
        """Verify the channel's metadata; returns when its timestamp runs out (UTC).

        Raises Untrusted, Rollback, Damaged or OutOfReach; what was verified before stays.
        """
        try:
            self._updater.refresh()
            path = self._home.tuf / "timestamp.json"
            return Metadata[Timestamp].from_file(str(path)).signed.expires
        except BadVersionNumberError as error:
            raise Rollback(f"{self._url}: older than what we have seen: {error}") from None
        except ExpiredMetadataError as error:
            raise Untrusted(
                f"{self._url}: {error}; it is frozen, or its publisher no longer renews it"
            ) from None
        except LengthOrHashMismatchError as error:
            raise Damaged(f"{self._url}: {error}") from None
        except RepositoryError as error:
            raise Untrusted(f"{self._url}: {error}") from None
        except (DownloadError, urllib3.exceptions.HTTPError) as error:
            raise OutOfReach(f"{self._url}: {_cause(error)}") from None

    def get(self, name: str) -> bytes:
        """A file of the channel, verified and decrypted. Raises Missing if it is not listed."""
        found = self._updater.get_targetinfo(f"{name}.age")
        if found is None:
            raise Missing(f"{self._url}: {name} is not in the channel")
        if found.length > 2 * MAX_FILE_BYTES:
            raise Malformed(f"{self._url}: {name} is too large")
        with tempfile.TemporaryDirectory(dir=self._home.path) as folder:
            path = Path(folder) / "body"
            try:
                self._updater.download_target(found, str(path))
            except LengthOrHashMismatchError as error:
                raise Damaged(f"{self._url}: {name}: {error}") from None
            except DownloadHTTPError as error:
                raise Missing(f"{self._url}: {name}: {error}") from None
            except (DownloadError, urllib3.exceptions.HTTPError) as error:
                raise OutOfReach(f"{self._url}: {name}: {_cause(error)}") from None
            return unseal(path.read_bytes(), [self._identity], name)


def _cause(error: BaseException) -> str:
    inner = error.__cause__ or error
    return f"{error} ({type(inner).__name__})"
