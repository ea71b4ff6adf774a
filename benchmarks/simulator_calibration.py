"""Simulated against published: measures the files a simulation wrote.

Run: `python -m benchmarks.simulator_calibration DATA [--write]`. DATA is a folder
`mingdan simulate` filled. Prints the table of docs/simulator.md; `--write` puts it
there. Only delivered files are measured; the truth folder says who is who.

Published figures are of other populations (campus messages, operators abroad,
a contest's voice and SMS tables), so agreement is meant in kind, not in the
second digit.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import polars as pl

from mingdan.orders.store import OrderStore

DOCS = Path(__file__).parent.parent / "docs" / "simulator.md"
BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"
PROFESSIONAL = ("courier", "takeaway_driver", "insurance_agent", "shop_owner", "teacher",
                "event_organiser", "vip_sender")  # fmt: skip
MIN_MESSAGES = 20
"""CollegeMsg's figures are of senders with at least so many messages."""


@dataclass(frozen=True)
class Files:
    """Delivered records, each once, with the truth about the served subscription."""

    sms: pl.DataFrame
    voice: pl.DataFrame
    data: pl.DataFrame
    senders: pl.DataFrame
    complaints: pl.DataFrame
    tariffs: pl.DataFrame
    days: int


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    published: str
    simulated: str
    note: str = ""


def load(data: Path) -> Files:
    """Read every delivered file as its format says; broken lines are left out."""
    truth = data / "truth"
    senders = pl.read_parquet(truth / "senders.parquet")
    holdings = pl.read_parquet(truth / "holdings.parquet").filter(pl.col("kind") == "msisdn")
    landing = data / "landing" / "usage"

    sms = _read(landing / "smsc", "*.csv.gz", "gb18030", ",", header=True)
    sms = sms.rename(dict(zip(sms.columns, _SMS, strict=True)))
    sms = sms.filter(pl.col("code").is_in(["主叫发送", "被叫接收"])).with_columns(
        out=pl.col("code") == "主叫发送",
        at=pl.col("time").str.to_datetime("%Y%m%d%H%M%S", strict=False),
        served="86" + pl.col("number"),
        other=pl.when(pl.col("other").str.len_chars() == 11)
        .then("86" + pl.col("other"))
        .otherwise("other"),
    )
    sms = sms.unique(["at", "served", "reference", "out"], keep="first", maintain_order=True)
    voice = _read(landing / "msc", "*.csv", "utf-8", ",", header=True)
    voice = voice.rename(dict(zip(voice.columns, _VOICE, strict=True))).with_columns(
        out=pl.col("code") == "1",
        at=pl.col("time").str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False),
        served=pl.col("number"),
        seconds=pl.col("seconds").cast(pl.Int64, strict=False),
    )
    data_ = _read(landing / "ggsn", "*.txt.gz", "utf-8-sig", "|", header=False)
    data_ = data_.rename(dict(zip(data_.columns, _DATA, strict=True))).with_columns(
        at=pl.col("time").str.head(19).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False),
        served=pl.col("number"),
    )
    sms, voice, data_ = (_held(frame, holdings, senders) for frame in (sms, voice, data_))
    days = sms.select(pl.col("at").dt.date().n_unique()).item()
    said = pl.concat(
        [
            pl.read_csv(path, infer_schema=False)
            for path in sorted(
                (data / "landing" / "reports" / "complaints").rglob("complaints.csv")
            )
        ]
    )
    complaints = said.join(pl.read_parquet(truth / "complaints.parquet"), on="complaint_id")
    with OrderStore.open(f"sqlite:///{data / 'orders.db'}") as store:
        held = store.subscriptions(datetime.now(UTC), datetime.now(UTC).date(), pepper=bytes(32))
    tariffs = held.select(subscription_ref="external_id", payment="payment_kind")
    return Files(sms, voice, data_, senders, complaints, tariffs, days)


_SMS = ["id", "code", "number", "imsi", "imei", "other", "time", "cell", "area", "fee", "reference"]
_VOICE = ["id", "code", "number", "imsi", "imei", "other", "time", "seconds", "cell", "area", "fee"]
_DATA = ["id", "imsi", "number", "imei", "time", "seconds", "up", "down", "cell", "fee"]


def _read(
    folder: Path, pattern: str, encoding: str, separator: str, *, header: bool
) -> pl.DataFrame:
    frames = []
    for path in sorted(folder.rglob(pattern)):
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
        text = raw.decode(encoding, errors="replace").encode()
        frames.append(
            pl.read_csv(
                BytesIO(text), separator=separator, has_header=header, infer_schema=False,
                quote_char=None, truncate_ragged_lines=True,
            )
        )  # fmt: skip
    found = pl.concat(frames)
    return found.unique(found.columns[0], keep="first", maintain_order=True)


def _held(frame: pl.DataFrame, holdings: pl.DataFrame, senders: pl.DataFrame) -> pl.DataFrame:
    """Bind each record to who held the served number then; drop what nobody did."""
    spans = holdings.select(
        served=pl.col("number").cast(pl.String),
        subscription="subscription_ref",
        since=pl.col("from") + pl.duration(hours=8),
        until=pl.col("to") + pl.duration(hours=8),
    )
    who = senders.select(subscription="subscription_ref", persona="persona", archetype="archetype")
    # ports are written as they are, without country code
    ports = spans.filter(pl.col("served").str.starts_with("106")).with_columns(
        served="86" + pl.col("served")
    )
    return (
        frame.filter(pl.col("at").is_not_null())
        .join(pl.concat([spans, ports]), on="served", how="inner")
        .filter(
            (pl.col("at") >= pl.col("since"))
            & (pl.col("until").is_null() | (pl.col("at") < pl.col("until")))
        )
        .join(who, on="subscription")
    )


def measure(files: Files) -> list[Row]:
    """Every line of the table."""
    rows: list[Row] = []
    for part in (_volume, _people, _senders, _devices, _reports):
        rows += part(files)
    return rows


def _volume(files: Files) -> list[Row]:
    records = files.sms.height + files.voice.height + files.data.height
    lines = files.senders.filter(pl.col("records") > 0).height
    bad = files.senders.filter("malicious").height
    return [
        Row("records per subscription and day", "-", f"{records / lines / files.days:.2f}",
            "kept small on purpose"),
        Row("malicious share of subscriptions", "< 1 %", f"{bad / files.senders.height:.2%}"),
    ]  # fmt: skip


def _people(files: Files) -> list[Row]:
    """Persons who text, against CollegeMsg's senders with 20 messages and more."""
    people = files.sms.filter(
        (pl.col("archetype") == "")
        & ~pl.col("persona").is_in(["m2m", "service_port", "call_centre"])
    )
    ordinary = people.filter(~pl.col("persona").is_in(PROFESSIONAL))
    return [
        *_texting(ordinary, "ordinary persons"),
        _new_recipients(people, "persons incl. couriers, agents, shops, teachers"),
        _received(people),
    ]


def _texting(frame: pl.DataFrame, who: str) -> list[Row]:
    out = frame.filter("out")
    active = out.group_by("subscription").len("messages").filter(pl.col("messages") >= MIN_MESSAGES)
    out = out.join(active, on="subscription")
    pairs = out.unique(["subscription", "other"]).select("subscription", "other", "messages")
    back = (
        frame.filter(~pl.col("out"))
        .unique(["subscription", "other"])
        .select("subscription", "other", answered=pl.lit(1))
    )
    per = (
        pairs.join(back, on=["subscription", "other"], how="left")
        .group_by("subscription")
        .agg(
            spread=pl.len() / pl.col("messages").first(),
            mutual=pl.col("answered").is_not_null().mean(),
        )
    )
    gaps = _gap_cv(out, ["subscription"])
    return [
        Row(f"recipients per message ({who}, >= 20 messages), median / p99", ".373 / .719",
            f"{_q(per, 'spread', 0.5)} / {_q(per, 'spread', 0.99)}"),
        Row(f"share of recipients who wrote back ({who}), median / p5", ".75 / .25",
            f"{_q(per, 'mutual', 0.5)} / {_q(per, 'mutual', 0.05)}"),
        Row(f"CV of gaps between a sender's messages ({who}), p1 / median", "1.34 / 3.0",
            f"{_q(gaps, 'cv', 0.01, 2)} / {_q(gaps, 'cv', 0.5, 2)}"),
        _new_recipients(frame, who),
    ]  # fmt: skip


def _gap_cv(out: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return (
        out.sort([*keys, "at", "id"])
        .with_columns(gap=pl.col("at").diff().over(keys).dt.total_seconds())
        .group_by(keys)
        .agg(cv=pl.col("gap").std() / pl.col("gap").mean(), messages=pl.len())
        .filter(pl.col("messages") >= MIN_MESSAGES, pl.col("cv").is_not_nan())
    )


def _new_recipients(frame: pl.DataFrame, who: str) -> Row:
    out = frame.filter("out")
    active = out.group_by("subscription").len().filter(pl.col("len") >= MIN_MESSAGES)
    first = (
        out.join(active, on="subscription")
        .group_by("subscription", "other")
        .agg(day=pl.col("at").min().dt.date())
    )
    most = (
        first.group_by("subscription", "day")
        .len("new")
        .group_by("subscription")
        .agg(pl.col("new").max())
    )
    return Row(f"most new recipients a day ({who}), p99", "30", f"{_q(most, 'new', 0.99, 0)}")


def _received(people: pl.DataFrame) -> Row:
    share = people.group_by("subscription").agg(share=1 - pl.col("out").mean())
    return Row(
        "received share of a person's messages, median",
        ".994 (Sichuan)",
        _q(share, "share", 0.5),
        "more texting between people, to have any to tell apart",
    )


def _senders(files: Files) -> list[Row]:
    """What sets the malicious apart, and how far."""
    texts = files.sms.filter(~pl.col("persona").is_in(["m2m", "service_port", "call_centre"]))
    per = texts.group_by("subscription", "archetype").agg(
        received=1 - pl.col("out").mean(),
        sent=pl.col("out").sum(),
        days=pl.col("at").filter("out").dt.date().n_unique(),
    )
    calls = (
        files.voice.filter("out")
        .group_by("subscription", "archetype")
        .agg(per_callee=pl.len() / pl.col("other").n_unique(), callees=pl.col("other").n_unique())
    )
    spam = per.filter(
        pl.col("archetype").is_in(
            ["burst_advertiser", "number_walker", "turned_bad", "returning_person"]
        )
    )
    benign = per.filter((pl.col("archetype") == "") & (pl.col("sent") > 0))
    daily = benign.select((pl.col("sent") / files.days).mean()).item()
    bulk = spam.select((pl.col("sent") / pl.col("days")).median()).item()
    held = files.senders.filter(pl.col("malicious"))
    life = held.select(pl.col("active_days").list.len().median()).item()
    fresh = held.filter(pl.col("archetype") != "turned_bad").join(
        files.tariffs, on="subscription_ref"
    )
    fraud = calls.filter(pl.col("archetype").is_in(["", "one_ring"]))
    return [
        Row("AUC of a low received share of messages, all malicious", ".756 (Sichuan)",
            f"{_auc(per, 'received', low=True):.3f}", "callers text nobody here"),
        Row("AUC of few calls per contact, one-ring callers", ".877 (Sichuan)",
            f"{_auc(fraud, 'per_callee', low=True):.3f}"),
        Row("AUC of many distinct callees, one-ring callers", ".640 (Sichuan)",
            f"{_auc(fraud, 'callees', low=False):.3f}",
            "contest fraudsters talk to their victims; these only ring"),
        Row("messages of a bulk spammer a day, times a texting person's", "~100x (AT&T)",
            f"{bulk:.0f}, {bulk / daily:.0f}x"),
        Row("active days of a malicious subscription, median", "short; censored by blocking",
            f"{life:.0f}"),
        Row("prepaid among malicious subscriptions (turned accounts left out)", "99.6 % (AT&T)",
            f"{fresh.select((pl.col('payment') == 'prepaid').mean()).item():.1%}"),
        _regularity(files),
    ]  # fmt: skip


def _regularity(files: Files) -> Row:
    out = files.sms.filter("out").with_columns(day=pl.col("at").dt.date())
    names = ["burst_advertiser", "slow_pacer", "number_walker"]
    parts = []
    for name in names:
        cv = _gap_cv(out.filter(pl.col("archetype") == name), ["subscription", "day"])
        parts.append(f"{name} {_q(cv, 'cv', 0.5, 2)}")
    return Row("CV of gaps within an active day, median", "< 1 is abnormal", ", ".join(parts),
               "regular within a blast, not over the day; pacers never")  # fmt: skip


def _devices(files: Files) -> list[Row]:
    every = pl.concat(
        [frame.select("subscription", "archetype", "imei") for frame in
         (files.sms, files.voice, files.data)]
    ).filter(pl.col("imei").is_not_null() & (pl.col("imei") != ""))  # fmt: skip
    pairs = every.unique()
    per = pairs.group_by("subscription", "archetype").len("imeis")
    cards = pairs.group_by("imei").agg(cards=pl.col("subscription").n_unique())
    shared = (
        pairs.join(cards, on="imei")
        .group_by("subscription", "archetype")
        .agg(pl.col("cards").max())
    )
    bad, reused = pl.col("archetype") != "", (pl.col("cards") > 1).mean()
    return [
        Row("devices (IMEI) per subscription, mean: malicious / benign", "4.5 / 1.7 (8 months)",
            f"{_one(per.filter(bad), pl.col('imeis').mean()):.2f} / "
            f"{_one(per.filter(~bad), pl.col('imeis').mean()):.2f}",
            "five weeks"),
        Row("malicious whose device another subscription uses / benign", "reuse is the weak spot",
            f"{_one(shared.filter(bad), reused):.0%} / {_one(shared.filter(~bad), reused):.1%}"),
    ]  # fmt: skip


def _reports(files: Files) -> list[Row]:
    wrong = _one(files.complaints, (pl.col("about") == "").mean())
    minutes = (
        pl.col("received_at").str.to_datetime("%+") - pl.col("occurred_at").str.to_datetime("%+")
    ).dt.total_minutes()
    delay = files.complaints.select(hours=minutes / 60)
    bad = files.senders.filter("malicious")
    numbers = files.complaints.filter(pl.col("about") != "").get_column("reported_number").unique()
    seen = pl.concat([files.sms, files.voice], how="diagonal").filter(pl.col("archetype") != "")
    reported = seen.filter(pl.col("served").is_in(numbers.implode()))["subscription"].n_unique()
    return [
        Row("complaints that are wrong", "~25 % (7726)", f"{wrong:.0%}"),
        Row("complaint delay in hours, median / p90", "hours or even days",
            f"{_q(delay, 'hours', 0.5, 0)} / {_q(delay, 'hours', 0.9, 0)}"),
        Row("malicious subscriptions nobody complains of", "15 % (Greystar)",
            f"{1 - reported / bad.height:.0%}", "5 weeks, few events each"),
    ]  # fmt: skip


def _auc(frame: pl.DataFrame, column: str, *, low: bool) -> float:
    """Chance that a malicious subscription ranks before a benign one."""
    ranked = frame.drop_nulls(column).with_columns(
        rank=pl.col(column).rank("average", descending=low)
    )
    bad = ranked.filter(pl.col("archetype") != "")
    count, others = bad.height, ranked.height - bad.height
    above = _one(bad, pl.col("rank").sum()) - count * (count + 1) / 2
    return above / (count * others)


def _one(frame: pl.DataFrame, expression: pl.Expr) -> float:
    return float(frame.select(expression).item())


def _q(frame: pl.DataFrame, column: str, quantile: float, digits: int = 3) -> str:
    value = _one(frame, pl.col(column).quantile(quantile))
    text = f"{value:.{digits}f}"
    return text.removeprefix("0") if digits else text


def render(rows: list[Row]) -> str:
    """The table in Markdown."""
    lines = ["| what | published | simulated | note |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.published} | {row.simulated} | {row.note} |" for row in rows]
    return "\n".join(lines)


def main(arguments: list[str] | None = None, write: Callable[[str], None] = print) -> None:
    """Measure DATA and print the table, or write it into the documentation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--write", action="store_true", help="put the table into docs/simulator.md")
    chosen = parser.parse_args(arguments)
    table = render(measure(load(chosen.data)))
    write(table)
    if chosen.write:
        text = DOCS.read_text("utf-8")
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        DOCS.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", "utf-8")


if __name__ == "__main__":
    main()
