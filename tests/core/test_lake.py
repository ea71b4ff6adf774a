"""The lake: whole days or nothing, same rows same bytes, the past stays readable."""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from mingdan.errors import LakeError
from mingdan.lake import DataFile, Lake
from mingdan.night import Night
from mingdan.settings import Settings
from mingdan.tables import Column, Table

DAY = date(2026, 11, 1)
SMALL = Table(
    name="small",
    stage="usage",
    grain="one row",
    columns=(Column("k", "BIGINT", "key"), Column("v", "VARCHAR", "value")),
    key=("k",),
    sort=("k",),
)
BUCKETED = Table(
    name="bucketed",
    stage="usage",
    grain="one row",
    columns=(Column("k", "BIGINT", "key"),),
    key=("k",),
    sort=("k",),
    bucketed=True,
)


def rows(*keys: int, value: str = "a") -> pl.DataFrame:
    return pl.DataFrame({"k": list(keys), "v": [value] * len(keys)})


def bucket_file(folder: Path, bucket: int, *keys: int) -> DataFile:
    path = folder / f"{bucket}.parquet"
    pl.DataFrame({"k": list(keys)}).write_parquet(path)
    return DataFile(path, len(keys), bucket)


def test_writing_the_same_rows_again_changes_nothing(lake: Lake) -> None:
    first = lake.write(SMALL, DAY, rows(2, 1))
    second = lake.write(SMALL, DAY, rows(1, 2))
    assert second == first
    assert lake.version(SMALL) == 0


def test_a_folder_may_be_called_as_people_call_folders(tmp_path: Path) -> None:
    """Blanks, Chinese, what means something in an address: each broke a reader once."""
    lake = Lake(tmp_path / "名单 数据 #1 100%", buckets=2)
    lake.write(SMALL, DAY, rows(1))
    (path,) = lake.files(SMALL, [DAY])
    assert Path(path).exists()
    assert lake.scan(SMALL, [DAY]).collect()["k"].to_list() == [1]


def test_a_replaced_day_leaves_other_days_and_its_own_past_alone(lake: Lake) -> None:
    lake.write(SMALL, DAY, rows(1))
    lake.write(SMALL, DAY + timedelta(days=1), rows(7))
    before = lake.version(SMALL)
    lake.write(SMALL, DAY, rows(1, value="b"))
    assert lake.scan(SMALL, [DAY]).collect()["v"].to_list() == ["b"]
    assert lake.scan(SMALL, [DAY], version=before).collect()["v"].to_list() == ["a"]
    assert lake.scan(SMALL, [DAY + timedelta(days=1)]).collect()["k"].to_list() == [7]
    assert lake.partition(SMALL, DAY, version=before) != lake.partition(SMALL, DAY)


def test_going_back_to_earlier_rows_lists_the_earlier_file_again(lake: Lake) -> None:
    first = lake.write(SMALL, DAY, rows(1))
    lake.write(SMALL, DAY, rows(2))
    again = lake.write(SMALL, DAY, rows(1))
    assert again.digest == first.digest
    assert lake.scan(SMALL, [DAY]).collect()["k"].to_list() == [1]


def test_only_the_named_buckets_are_replaced(lake: Lake) -> None:
    with lake.staging() as folder:
        lake.replace(BUCKETED, DAY, [bucket_file(folder, b, b, b + 4) for b in range(lake.buckets)])
    with lake.staging() as folder:
        lake.replace(BUCKETED, DAY, [bucket_file(folder, 2, 2)], buckets=[2])
    assert sorted(lake.scan(BUCKETED, [DAY]).collect()["k"].to_list()) == [0, 1, 2, 3, 4, 5, 7]


def test_a_repeated_key_or_a_missing_column_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="the key"):
        lake.write(SMALL, DAY, rows(1, 1))
    with pytest.raises(LakeError, match="small of 2026-11-01"):
        lake.write(SMALL, DAY, pl.DataFrame({"k": [1]}))
    assert lake.days(SMALL) == []


def test_other_readers_see_the_partition_columns(lake: Lake) -> None:
    lake.write(SMALL, DAY, rows(1))
    frame = pl.scan_delta(str(lake.root / "small")).collect()
    assert frame["date"].to_list() == [DAY]
    assert DeltaTable(str(lake.root / "small")).count() == 1


def test_opening_with_another_number_of_buckets_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="has 4 buckets"):
        Lake(lake.root, buckets=8)


def test_pruning_drops_old_days_and_vacuum_their_files(lake: Lake) -> None:
    lake.write(SMALL, DAY, rows(1))
    lake.write(SMALL, DAY + timedelta(days=2), rows(2))
    assert lake.prune(SMALL, DAY + timedelta(days=1)) == 1
    assert lake.days(SMALL) == [DAY + timedelta(days=2)]
    assert lake.vacuum(SMALL, timedelta(0)) == 1
    assert lake.scan(SMALL).collect()["k"].to_list() == [2]


def test_a_file_in_the_way_is_a_clear_error_and_the_old_day_stays(lake: Lake) -> None:
    lake.write(SMALL, DAY, rows(1))
    other = DAY + timedelta(days=1)
    (lake.root / "small" / f"date={other}").write_text("in the way")
    with pytest.raises(LakeError, match=f"cannot write small of {other}"):
        lake.write(SMALL, other, rows(2))
    assert lake.days(SMALL) == [DAY]


FULL_DISK = """
import resource, sys
from datetime import date
from pathlib import Path
import polars as pl
from mingdan.errors import LakeError
from mingdan.lake import Lake
from tests.core.test_lake import SMALL
lake = Lake(Path(sys.argv[1]))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
frame = pl.DataFrame({"k": range(100_000), "v": [str(i * 7919) for i in range(100_000)]})
try:
    lake.write(SMALL, date(2026, 11, 1), frame)
except LakeError as error:
    print("LakeError", error)
"""


def test_a_full_disk_is_a_clear_error_and_the_old_day_stays(lake: Lake) -> None:
    assert resource.RLIMIT_FSIZE
    held = lake.write(SMALL, DAY, rows(1))
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(lake.root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "LakeError cannot write small of 2026-11-01" in done.stdout, done.stderr
    again = Lake(lake.root)
    assert again.partition(SMALL, DAY).digest == held.digest
    assert not list((lake.root / "_staging").iterdir())


def test_a_process_killed_before_the_commit_leaves_the_day_as_it_was(lake: Lake) -> None:
    held = lake.write(SMALL, DAY, rows(1))
    script = (
        "import os, signal, sys; from datetime import date; from pathlib import Path\n"
        "import polars as pl\n"
        "from mingdan.lake import Lake\nfrom tests.core.test_lake import SMALL\n"
        "class Killed(Lake):\n"
        "    def _commit(self, *args):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Killed(Path(sys.argv[1])).write(SMALL, date(2026, 11, 1),"
        " pl.DataFrame({'k': [9], 'v': ['x']}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(lake.root)], timeout=60, check=False)
    assert done.returncode == -9
    again = Lake(lake.root)
    assert again.partition(SMALL, DAY).digest == held.digest
    assert again.write(SMALL, DAY, rows(9, value="x")).rows == 1


def test_a_lake_is_divided_once_and_for_good(settings: Settings) -> None:
    told = settings.model_copy(update={"buckets": 7})
    assert Night(told).lake.buckets == 7
    assert Night(settings).lake.buckets == 7
    with pytest.raises(LakeError, match="has 7 buckets, not 8"):
        Night(settings.model_copy(update={"buckets": 8}))
