"""The pepper is one for as long as the lake lives: nothing replaces it unnoticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from mingdan.errors import InputRefused, LakeError
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.reports.intake import take
from mingdan.settings import Settings
from tests.reports.world import DAY, World, complaint


@pytest.fixture
def path(settings: Settings) -> Path:
    return settings.secrets / "pepper"


@pytest.fixture
def used(night: Night) -> Night:
    """An installation whose lake holds pseudonyms."""
    world = World(night)
    world.person("8613800000001", 11, 1)
    world.write()
    world.complaints(complaint("8613800000001"))
    take(night, DAY)
    return night


def again(night: Night, **changes: object) -> bytes:
    """The pepper as the next process finds it."""
    return Night(night.settings.model_copy(update=changes)).pepper


def test_the_pepper_is_made_once(night: Night) -> None:
    assert again(night) == night.pepper


def test_the_lake_keeps_a_fingerprint_and_its_buckets(used: Night) -> None:
    facts = json.loads((used.lake.root / "lake.json").read_text())
    assert facts["buckets"] == 4
    assert len(facts["key_id"]) == 16
    assert facts["key_id"] not in used.pepper.hex()


def test_a_lost_pepper_is_not_made_anew(used: Night, path: Path) -> None:
    path.unlink()
    with pytest.raises(InputRefused, match=r"pepper is gone .* restore it from the backup"):
        again(used)
    assert not path.exists()


def test_a_pepper_lost_before_fingerprints_were_kept_is_not_made_anew(
    used: Night, path: Path
) -> None:
    (used.lake.root / "lake.json").write_text('{"buckets": 4}')
    path.unlink()
    with pytest.raises(InputRefused, match="pepper is gone"):
        again(used)
    assert not path.exists()


def test_another_pepper_is_refused(used: Night, path: Path) -> None:
    path.write_text("ab" * 32)
    with pytest.raises(InputRefused, match="pepper is not the key the pseudonyms"):
        again(used)
    with pytest.raises(InputRefused, match="MINGDAN_PEPPER is not the key") as refused:
        again(used, pepper=SecretStr("cd" * 32))
    assert "cdcd" not in str(refused.value)


def test_an_old_lake_adopts_the_pepper_that_is_there(used: Night, path: Path) -> None:
    kept = (used.lake.root / "lake.json").read_text()
    (used.lake.root / "lake.json").write_text('{"buckets": 4}')
    assert again(used) == used.pepper
    assert (used.lake.root / "lake.json").read_text() == kept
    path.write_text("ab" * 32)
    with pytest.raises(InputRefused, match="is not the key"):
        again(used)


@pytest.mark.parametrize("text", ["", "ab", "no hex", "ab" * 31, "\u00e4" * 64])
def test_a_malformed_pepper_is_refused_in_a_line(used: Night, path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(InputRefused, match="pepper: not a key of 32 bytes in hex"):
        again(used)
    with pytest.raises(InputRefused, match="MINGDAN_PEPPER: not a key") as refused:
        again(used, pepper=SecretStr("zz" + text[:8]))
    assert "zz" not in str(refused.value)


def test_a_pepper_that_is_a_folder_is_refused_in_a_line(night: Night, path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(InputRefused, match="cannot be read: Is a directory"):
        again(night)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"buckets": "many"}'])
def test_a_damaged_lake_json_is_refused_in_a_line(lake: Lake, text: str) -> None:
    (lake.root / "lake.json").write_text(text)
    with pytest.raises(LakeError, match=r"lake\.json cannot be read"):
        Lake(lake.root)
