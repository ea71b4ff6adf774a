"""A reader in another language, of other libraries, reads the same release.

It is `node/read.mjs`: tuf-js and age-encryption, pinned in a lock of their own and installed by
the first test that needs them. Node 20 or later is part of what the suite needs.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from mingdan.lists.client.copy import Copy
from tests.abuse.test_lists_envelope import web
from tests.lists.packages import installed
from tests.lists.pairs import Pair, live, number

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    installed(NODE)


def read(pair: Pair, url: str, folder: Path, *numbers: str) -> subprocess.CompletedProcess[str]:
    trust = pair.home.trust
    if not folder.exists():
        folder.mkdir()
        (folder / "root.json").write_text(json.dumps(trust.root))
    asked = {
        "url": url,
        "folder": str(folder),
        "identity": pair.home.identity.read_text().strip(),
        "key": trust.keys["1"],
        "numbers": numbers,
    }
    return subprocess.run(
        ["node", "read.mjs", json.dumps(asked)],
        cwd=NODE,
        capture_output=True,
        text=True,
        check=False,
    )


def test_both_readers_see_the_same(pair: Pair, tmp_path: Path) -> None:
    """The list, its digest and a customer; over a change of keys; and never backwards."""
    folder = tmp_path / "node"
    old = pair.served()
    with web(pair.place.served) as (url, _):
        done = read(pair, url, folder, number(1), number(9))
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        copy = Copy(pair.home.copy)
        position = copy.position
        copy.close()
        assert position is not None
        assert told["state_sha256"] == position.state_sha256
        assert (told["seq"], told["entries"]) == (1, 2)
        (mine,) = [text for text in pair.held().values() if ",fraud," in text]
        assert told["found"] == [mine, None]

        pair.change_root(rotate=["timestamp", "snapshot", "targets"])
        new = live()
        pair.release({number(9): new})
        told = json.loads(read(pair, url, folder, number(9)).stdout)
        assert (told["seq"], told["found"]) == (2, [new])

        served = pair.served()
        root = {name: data for name, data in served.items() if name.endswith(".root.json")}
        pair.restore(old | root)
        refused = read(pair, url, folder)
        assert refused.returncode == 1, refused.stdout
        assert "imestamp" in refused.stderr


def test_both_read_a_list_in_the_clear(tmp_path: Path) -> None:
    pair = Pair(tmp_path, disclosure="clear")
    told = ",fraud,,,,,2026-11-01T00:00:00Z,2027-01-01T00:00:00Z,"
    pair.release({number(1): told, number(2): told})
    pair.sync()
    with web(pair.place.served) as (url, _):
        done = read(pair, url, tmp_path / "node", number(1), number(9))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["found"] == [told, None]
    assert pair.held() == {number(1): told, number(2): told}
