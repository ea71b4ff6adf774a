"""Fields as values: vectorised reading equals the plain function, form by form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mingdan.identifiers import digits
from mingdan.reference.numbers import identify
from mingdan.usage import convert
from mingdan.usage.source import Source, TimeForms
from mingdan.usage.specs import shipped


def column(*texts: str | None) -> pl.Series:
    return pl.Series(values=list(texts), dtype=pl.String)


def timed(**time: object) -> Source:
    forms = TimeForms.model_validate({"column": "时间", **time})
    return shipped()["smsc"].model_copy(update={"time": forms})


_number = st.one_of(
    st.integers(0, 10**15).map(str),
    st.integers(13 * 10**9, 2 * 10**10).map(str),
    st.integers(8613 * 10**9, 862 * 10**10).map(str),
    st.text(alphabet="0123456789+- ０１abc", min_size=1, max_size=20),
)


@settings(deadline=None)
@given(st.lists(_number, max_size=30))
def test_a_column_of_numbers_reads_as_each_number_does(texts: list[str]) -> None:
    values, kinds = convert.numbers(column(*texts))
    expected = [identify(text) if digits(text) else (None, None) for text in texts]
    assert list(zip(values, kinds, strict=True)) == expected


def test_integers_of_every_form() -> None:
    texts = column("12", "-3", "０７", " 8 ", "1.5", "x", None, "9" * 30)
    assert convert.integers(texts).to_list() == [12, -3, 7, 8, None, None, None, None]


def test_identifiers_have_a_length() -> None:
    texts = column(
        "460001234567890",
        "４６０００１２３４５６７８９０",
        "46000123456789012",
        "-46000123456789",
        "x",
        None,
    )
    assert convert.identifiers(texts, range(15, 16)).to_list() == [
        460001234567890,
        460001234567890,
        None,
        None,
        None,
        None,
    ]


def test_yuan_are_read_exactly() -> None:
    texts = column("0.1", "12", "12.34", "0.100", "-1.05", "1.234", "1,5", "", None)
    assert convert.fen(texts, "yuan").to_list() == [
        10, 1200, 1234, 10, -105, None, None, None, None
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("YYYYMMDDhhmmss", "20261101080000"),
        ("YYYYMMDDhhmmss", "２０２６１１０１０８００００"),
        ("YYYY-MM-DD hh:mm:ss", "2026-11-01 08:00:00"),
        ("YYYY/MM/DD hh:mm:ss", "2026/11/01 08:00:00"),
        ("YYYY.MM.DD hh:mm:ss", "\u00a02026.11.01\u00a008:00:00\u00a0"),
        ("YYYY.MM.DD hh:mm", "2026.11.01 08:00"),
    ],
)
def test_local_times_are_read_in_the_zone_of_the_source(form: str, text: str) -> None:
    source = timed(format=form, zone="Asia/Shanghai")
    utc, minutes = convert.instants(column(text), None, source)
    assert (utc[0], minutes[0]) == (datetime(2026, 11, 1), 480)  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "2026110108000",
        "20261301080000",
        "20 26110108061",
        "20260230080000",
        "x",
        "２０２６",
        "+2026110108000",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    source = timed(format="YYYYMMDDhhmmss", zone="Asia/Shanghai")
    utc, minutes = convert.instants(column(text), None, source)
    assert utc[0] is minutes[0] is None


def test_an_hour_that_the_clock_skipped_is_no_time() -> None:
    source = timed(format="YYYY-MM-DD hh:mm:ss", zone="America/Los_Angeles")
    texts = column("2026-03-08 02:30:00", "2026-03-08 03:30:00", "2026-11-01 01:30:00")
    utc, minutes = convert.instants(texts, None, source)
    assert utc[0] is None
    # an hour that came twice is read as the first
    assert minutes.to_list() == [None, -420, -420]


@settings(deadline=None)
@given(
    st.datetimes(datetime(1992, 1, 1), datetime(2070, 1, 1)).map(  # noqa: DTZ001
        lambda moment: moment.replace(microsecond=0)
    ),
    st.integers(-14 * 60, 14 * 60),
)
def test_one_instant_reads_alike_in_every_form(local: datetime, offset: int) -> None:
    zone = timezone(timedelta(minutes=offset))
    instant = local.replace(tzinfo=zone)
    expected = instant.astimezone(UTC).replace(tzinfo=None)
    sign, hours, minutes = ("-" if offset < 0 else "+"), *divmod(abs(offset), 60)
    compact = f"{sign}{hours:02d}{minutes:02d}"
    readings = [
        convert.instants(column(instant.isoformat()), None, timed(format="ISO8601")),
        convert.instants(
            column(local.strftime("%Y%m%d%H%M%S")),
            column(compact),
            timed(format="YYYYMMDDhhmmss", offset_column="小区"),
        ),
    ]
    assert [(utc[0], given[0]) for utc, given in readings] == [(expected, offset)] * 2
    epoch, _ = convert.instants(
        column(str(int(instant.timestamp()))), None, timed(format="epoch_s")
    )
    assert epoch[0] == expected


@settings(deadline=None)
@given(st.datetimes(datetime(1980, 1, 1), datetime(2038, 1, 1)))  # noqa: DTZ001
def test_shanghais_summer_times_are_known(local: datetime) -> None:
    local = local.replace(microsecond=0)
    shanghai = ZoneInfo("Asia/Shanghai")
    instant = local.replace(tzinfo=shanghai)
    source = timed(format="YYYY-MM-DD hh:mm:ss", zone="Asia/Shanghai")
    utc, _ = convert.instants(column(local.strftime("%Y-%m-%d %H:%M:%S")), None, source)
    back = instant.astimezone(UTC).astimezone(shanghai).replace(tzinfo=None)
    expected = instant.astimezone(UTC).replace(tzinfo=None) if back == local else None
    assert utc[0] == expected


def test_times_with_offset_may_have_fractions_and_utc_may_be_z() -> None:
    texts = column("2026-11-01T00:00:00.250Z", "2026-11-01T08:00:00+0800", "2026-11-01T08:00:00")
    utc, minutes = convert.instants(texts, None, timed(format="ISO8601"))
    assert utc.to_list() == [
        datetime(2026, 11, 1, 0, 0, 0, 250_000),  # noqa: DTZ001
        datetime(2026, 11, 1),  # noqa: DTZ001
        None,
    ]
    assert minutes.to_list() == [0, 480, None]
