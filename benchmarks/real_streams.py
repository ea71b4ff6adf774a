"""Real, all-benign message streams through the whole night, day by day.

Here: turning CollegeMsg and the two NUS SMS corpora into deliveries, running
features, sender rules and labels over every day, and counting whom a rule
would have wronged. Not here: the streams themselves (they are never shipped)
and the rules.

    python -m benchmarks.real_streams PATH [--stream collegemsg|nus_zh|nus_en] [--json FILE]

PATH holds `collegemsg/CollegeMsg.txt` and `nus_sms/*.zip`. Every sender is
benign, so every flag is false; the unit is an active sender-day (a sender who
sent at least one message that business day). Intervals are Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from mingdan.calendar import business_day
from mingdan.calendar import days as every_day
from mingdan.classes.tables import LABELS
from mingdan.features.tables import FEATURES
from mingdan.lake import Lake
from mingdan.night import Night
from mingdan.senders.tables import SENDER_ASSERTIONS
from mingdan.settings import Settings
from mingdan.steps import STEPS
from mingdan.usage.tables import USAGE_FILES, USAGE_QUARANTINE

STEPS_RUN = tuple(step for step in STEPS if step.stage != "lists")
"""Nothing is released from a benchmark."""
SINGAPORE = ZoneInfo("Asia/Singapore")
"""Where NUS collected: local times, eight hours ahead of UTC like Shanghai."""
SILENCE = timedelta(days=31)
NUS_FORMATS = (
    "%Y.%m.%d %H:%M:%S", "%Y.%m.%d %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M",
    "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M:%S",
)  # fmt: skip


@dataclass
class Outcome:
    """What one stream came to."""

    stream: str
    rows: int = 0
    landed: int = 0
    duplicate: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    unusable_in_source: int = 0
    senders: int = 0
    sender_days: int = 0
    days: int = 0
    flagged_days: dict[str, int] = field(default_factory=dict)
    watch_sender_days: int = 0
    published_sender_days: int = 0
    seconds: float = 0.0


def wilson(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    share = hits / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = (
        z
        / (1 + z * z / trials)
        * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    )
    return max(0.0, middle - half), min(1.0, middle + half)


def college_lines(path: Path) -> Iterator[tuple[date, str]]:
    """Each line of CollegeMsg with the business day it happened on."""
    for line in (path / "collegemsg" / "CollegeMsg.txt").read_text("ascii").splitlines():
        moment = datetime.fromtimestamp(int(line.split()[2]), tz=UTC)
        yield business_day(moment), line


_NUS = re.compile(
    r'<message id="(\d+)">.*?<srcNumber>(.*?)</srcNumber>.*?<destNumber>(.*?)</destNumber>'
    r'.*?<messageProfile[^>]*time="([^"]*)"',
    re.DOTALL,
)


def nus_lines(path: Path, language: str) -> Iterator[tuple[date | None, str]]:
    """Each NUS message as a line of source `nus_sms`; day None: no sender, recipient or time.

    Only what names both ends and a moment is a record; the corpus also holds
    bare texts. A time no format fits is delivered as it stands, on the last
    day seen, so that intake sets it aside.
    """
    (archive,) = (path / "nus_sms").glob(f"smsCorpus_{language}_*.zip")
    with zipfile.ZipFile(archive) as opened:
        text = opened.read(opened.namelist()[0]).decode("utf-8", "replace")
    last = date(2011, 1, 1)
    for number, sender, recipient, raw in _NUS.findall(text):
        moment = raw.replace("\xa0", " ").strip()
        if "unknown" in (sender, recipient, moment):
            yield None, ""
            continue
        parsed = _parse(moment)
        if parsed is not None:
            last = business_day(parsed)
            moment = parsed.strftime("%Y-%m-%d %H:%M:%S")
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([number, sender, recipient, moment])
        yield last, line.getvalue()


def _parse(moment: str) -> datetime | None:
    for form in NUS_FORMATS:
        try:
            return datetime.strptime(moment, form).replace(tzinfo=SINGAPORE)
        except ValueError:
            continue
    return None


def deliver(stream: str, path: Path, landing: Path) -> tuple[list[date], int]:
    """Write the stream as deliveries of its days; returns the days and unusable messages."""
    sources, suffix, header, lines = {
        # both ends of a private message are members: each end's side is a source
        "collegemsg": (("collegemsg", "collegemsg_received"), "txt", "", college_lines(path)),
        "nus_zh": (("nus_sms",), "csv", "id,sender,recipient,time\n", nus_lines(path, "zh")),
        "nus_en": (("nus_sms",), "csv", "id,sender,recipient,time\n", nus_lines(path, "en")),
    }[stream]
    by_day: dict[date, list[str]] = defaultdict(list)
    unusable = 0
    for day, line in lines:
        if day is None:
            unusable += 1
        else:
            by_day[day].append(line)
    for day, content in by_day.items():
        for source in sources:
            folder = landing / "usage" / source / day.isoformat()
            folder.mkdir(parents=True)
            file = folder / f"{source}_{day:%Y%m%d}.{suffix}"
            file.write_text(header + "\n".join(content) + "\n", encoding="utf-8")
    return sorted(by_day), unusable


def spells(days: list[date]) -> list[tuple[date, date]]:
    """First and last day of each stretch without a silence longer than any window.

    A night needs the night before it. Across a silence of more than 31 days
    nothing is remembered anyway, so each stretch is run on a lake of its own.
    """
    found: list[tuple[date, date]] = []
    for day in days:
        if found and day - found[-1][1] <= SILENCE:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found


def run(stream: str, path: Path) -> Outcome:
    """Every night of a stream, stretch by stretch, in order."""
    started = time.perf_counter()
    outcome = Outcome(stream)
    flagged: Counter[str] = Counter()
    quarantined: Counter[str] = Counter()
    senders: set[int] = set()
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder) / "landing"
        delivered, outcome.unusable_in_source = deliver(stream, path, landing)
        for number, (first, last) in enumerate(spells(delivered)):
            data = Path(folder) / f"stretch-{number}"
            data.mkdir()
            (data / "landing").symlink_to(landing)
            settings = Settings(
                data=data, required_sources=[], required_reports=[], bad_rows_limit=1.0
            )
            Lake(settings.lake, buckets=1)
            night = Night(settings)
            with night.lock():
                for day in every_day(first, last):
                    for step in STEPS_RUN:
                        step.run(night, day)
                    _count(night, day, outcome, flagged, quarantined, senders)
            night.orders.close()
            shutil.rmtree(data)
            print(
                f"  {stream}: {first} to {last}, {outcome.sender_days:,} sender-days so far",
                file=sys.stderr,
            )
        outcome.days = len(delivered)
    outcome.senders = len(senders)
    outcome.flagged_days = dict(sorted(flagged.items()))
    outcome.quarantined = dict(sorted(quarantined.items()))
    outcome.seconds = round(time.perf_counter() - started, 1)
    return outcome


def _count(
    night: Night,
    day: date,
    outcome: Outcome,
    flagged: Counter[str],
    quarantined: Counter[str],
    senders: set[int],
) -> None:
    lake = night.lake
    files = lake.scan(USAGE_FILES, [day]).collect()
    outcome.rows += int(files["rows_received"].sum())
    outcome.landed += int(files["rows_landed"].sum())
    outcome.duplicate += int(files["rows_duplicate"].sum())
    for (reason,) in lake.scan(USAGE_QUARANTINE, [day]).select("reason").collect().iter_rows():
        quarantined[reason] += 1
    active = (
        lake.scan(FEATURES, [day])
        .filter(pl.col("sms_out_1d") > 0)
        .select("subscription_id")
        .collect()["subscription_id"]
    )
    senders.update(active.to_list())
    outcome.sender_days += len(active)
    assertions = lake.scan(SENDER_ASSERTIONS, [day]).collect()
    hits = assertions.filter(pl.col("subject_id").is_in(active.implode()))
    for (rule,) in hits.select("source_ref").iter_rows():
        flagged[str(rule)] += 1
    labels = lake.scan(LABELS, [day]).collect()
    black = labels.filter(
        (pl.col("class_code") == "blacklist") & pl.col("subject_id").is_in(active.implode())
    )
    outcome.watch_sender_days += black.filter(
        pl.col("state").is_in(["watch", "published"])
    )["subject_id"].n_unique()  # fmt: skip
    outcome.published_sender_days += black.filter(pl.col("state") == "published")[
        "subject_id"
    ].n_unique()


def report(outcome: Outcome) -> str:
    """A stream's outcome as Markdown."""
    lines = [
        f"### {outcome.stream}",
        "",
        f"{outcome.rows:,} records delivered over {outcome.days:,} days "
        f"({outcome.unusable_in_source:,} messages of the corpus name no sender, recipient or "
        f"time); {outcome.landed:,} loaded, {outcome.duplicate:,} duplicates, quarantined: "
        + (", ".join(f"{n:,} {why}" for why, n in outcome.quarantined.items()) or "none")
        + f". {outcome.senders:,} senders, {outcome.sender_days:,} active sender-days.",
        "",
        "| flag | false sender-days | share | 95 % interval |",
        "|---|---|---|---|",
    ]
    counted = [
        *outcome.flagged_days.items(),
        ("label in watch or published", outcome.watch_sender_days),
        ("label in published", outcome.published_sender_days),
    ]
    for name, hits in counted:
        low, high = wilson(hits, outcome.sender_days)
        share = hits / max(1, outcome.sender_days)
        lines.append(f"| {name} | {hits:,} | {share:.2e} | {low:.1e} to {high:.1e} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Run the streams asked for and print the tables of docs/performance.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("path", type=Path, help="folder with collegemsg/ and nus_sms/")
    parser.add_argument("--stream", action="append", choices=["collegemsg", "nus_zh", "nus_en"])
    parser.add_argument("--json", type=Path, help="also write the outcomes as JSON")
    arguments = parser.parse_args()
    outcomes = []
    for stream in arguments.stream or ["collegemsg", "nus_zh", "nus_en"]:
        outcomes.append(run(stream, arguments.path))
        print(report(outcomes[-1]))
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(o) for o in outcomes], indent=1))
    worst = max((o.published_sender_days / max(1, o.sender_days) for o in outcomes), default=0.0)
    sys.exit(1 if worst > 1e-3 else 0)


if __name__ == "__main__":
    main()
