"""The service as it is served: a process of its own on a loopback port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx2 as httpx
import pytest

from mingdan.identifiers import load_key
from mingdan.orders.access.keys import ApiKeys
from mingdan.orders.access.permissions import Permissions
from mingdan.orders.store import OrderStore
from tests.orders.access.support import BOSS, MAKER, channel, permit
from tests.orders.http.support import offer, opening, put
from tests.orders.support import msisdn, postgresql_url, resident_id, sqlite_url

NUMBER = "productOrderItem.0.product.productCharacteristic.msisdn"


class Site:
    """An installation with one partner, and its service as a process."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.log = folder / "service.log"
        self.keys = count(1)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        now = datetime.now(UTC)
        with OrderStore.open(url) as store:
            channel(store)
            permit(store, "*")
            offer(store, "shop", "POSTPAID")
            desk = ApiKeys(store, load_key(folder / "data" / "secrets" / "api-pepper"))
            self.key = desk.create("88001", role="partner", actor=MAKER, at=now).key
            Permissions(store).limit(
                "88001", requests=1_000_000, per_seconds=1, burst=1_000_000, valid_from=now,
                actor=BOSS, at=now - timedelta(seconds=1),
            )  # fmt: skip

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        """The process, once it answers; ended at the end of the block."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", "from mingdan.cli.main import app; app()",
                 "serve", "orders", "--port", str(self.port)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "MINGDAN_DATA": str(self.folder / "data"),
                     "MINGDAN_ORDERS_URL": self.url},
            )  # fmt: skip
        try:
            for _ in range(600):
                assert process.poll() is None, self.log.read_text("utf-8")
                try:
                    if httpx.get(f"{self.address}/health").is_success:
                        break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield process
        finally:
            process.terminate()
            process.wait(60)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def place(self, client: httpx.Client, body: dict[str, object], key: str) -> httpx.Response:
        headers = {"X-API-Key": self.key, "Idempotency-Key": key}
        return client.post(f"{self.address}/productOrder", json=body, headers=headers, timeout=60)


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else postgresql_url()
    return Site(tmp_path, url)


def test_many_want_a_number_and_the_service_is_killed(site: Site) -> None:
    with httpx.Client() as client, ThreadPoolExecutor(6) as pool:
        with site.serving() as process:
            of_many_one_gets_a_number(site, client, pool)
            answered = killed_meanwhile(site, client, pool, process)
        with site.serving():
            each_is_done_wholly_or_not_at_all(site, client, pool, answered)
    log = site.log.read_text("utf-8")
    assert "Finished server process" in log
    assert "POST /productOrder interface=88001 status=201" in log
    for secret in (site.key, msisdn(1)[2:], resident_id(1), "张三"):
        assert secret not in log


def of_many_one_gets_a_number(site: Site, client: httpx.Client, pool: ThreadPoolExecutor) -> None:
    numbers = [msisdn(900 + n) for n in range(4)]

    def wants(task: int) -> tuple[str, int, str]:
        number = numbers[task % len(numbers)]
        found = site.place(client, put(opening(task + 101), NUMBER, number), f"n{task}")
        return number, found.status_code, found.json().get("code", "")

    answers = list(pool.map(wants, range(24)))
    won = Counter(number for number, status, _ in answers if status == 201)
    assert won == dict.fromkeys(numbers, 1)
    lost = {(status, code) for _, status, code in answers if status != 201}
    assert lost == {(409, "number_reserved")}


BODIES = [opening(serial) for serial in range(1, 17)]


def tries(site: Site, client: httpx.Client, serial: int) -> int:
    try:
        return site.place(client, BODIES[serial], f"k{serial}").status_code
    except httpx.TransportError:
        return 0


def killed_meanwhile(
    site: Site, client: httpx.Client, pool: ThreadPoolExecutor, process: subprocess.Popen[bytes]
) -> list[int]:
    """What each request was answered, 0 for nothing, by a service killed among them."""
    first = [pool.submit(tries, site, client, serial) for serial in range(len(BODIES))]
    while sum(each.done() for each in first) < 4:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(60)
    answered = [each.result() for each in first]
    assert 0 in answered
    return answered


def each_is_done_wholly_or_not_at_all(
    site: Site, client: httpx.Client, pool: ThreadPoolExecutor, answered: list[int]
) -> None:
    def listed(**query: str) -> list[dict[str, object]]:
        found = client.get(
            f"{site.address}/productOrder", params=query, headers={"X-API-Key": site.key}
        )
        rows: list[dict[str, object]] = found.json()
        return rows

    for serial, status in enumerate(answered):
        # what was answered is there; what was not, is there or is not
        assert len(listed(idempotencyKey=f"k{serial}")) == 1 or status == 0
    again = list(pool.map(lambda serial: tries(site, client, serial), range(len(BODIES))))
    for before, now in zip(answered, again, strict=True):
        assert now == 200 if before == 201 else now in (200, 201)
    own = {each["id"]: each["state"] for each in listed(limit="100")}
    assert [own.get(f"88001:{body['externalId']}") for body in BODIES] == ["pending"] * len(BODIES)
    assert len(own) == len(BODIES) + 4
