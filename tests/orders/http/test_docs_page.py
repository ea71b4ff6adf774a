"""The page about the service: whole without any other machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from mingdan.orders.http import docs_page
from mingdan.orders.http.service import OPEN_PATHS
from mingdan.orders.store import OrderStore
from tests.orders.http.support import Shop, shop_over
from tests.orders.support import sqlite_store

__all__ = ["sqlite_store"]
BASE = "http://testserver/docs"


@pytest.fixture
def shop(sqlite_store: OrderStore) -> Iterator[Shop]:
    with shop_over(sqlite_store) as opened:
        yield opened


class _Links(HTMLParser):
    """Whatever a browser would fetch, or run where it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline = ""
        self._within = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("src", "href") and value]
        self._within = tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        self.inline += data.strip() if self._within else ""


def test_the_page_fetches_nothing_from_elsewhere(shop: Shop) -> None:
    page = shop.client.get("/docs")
    assert page.status_code == 200
    found = _Links()
    found.feed(page.text)
    assert found.inline == "", "the browser is told to run no such thing"
    urls = [urlsplit(urljoin(BASE, link)) for link in found.links if not link.startswith("data:")]
    assert {url.netloc for url in urls} == {"testserver"}
    paths = {url.path for url in urls}
    assert paths == docs_page.PATHS - {"/docs"}
    for path in paths:
        got = shop.client.get(path)
        assert got.status_code == 200
        assert re.match(r"text/(css|javascript)", got.headers["content-type"])
    assert "SwaggerUIBundle" in shop.client.get("/docs/swagger-ui-bundle.js").text[:2000]
    started = shop.client.get("/docs/start.js").text
    (shown,) = re.findall(r'url: "(.*?)"', started)
    assert urljoin(BASE, shown) == "http://testserver/openapi.json"
    assert "validatorUrl: null" in started, "it would be asked over the network"


def test_the_browser_is_told_to_ask_nobody_else(shop: Shop) -> None:
    for path in docs_page.PATHS:
        policy = shop.client.get(path).headers["content-security-policy"]
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == rules["connect-src"] == "'self'"
        assert not re.search(r"https?:|\*", policy)


def test_it_needs_no_key_and_opens_nothing_else(shop: Shop) -> None:
    assert docs_page.PATHS < OPEN_PATHS
    for path in (
        "/docs/",
        "/docs/../productOrder",
        "/docs/x.js",
        "/redoc",
        "/docs/oauth2-redirect",
    ):
        assert shop.client.get(path, follow_redirects=False).status_code == 401
    assert "/docs" not in shop.client.get("/openapi.json").json()["paths"]


def test_it_says_whose_page_it_is(shop: Shop) -> None:
    shop.client.app.title = "<b>订单 & more"  # type: ignore[attr-defined]
    assert "<title>&lt;b&gt;订单 &amp; more</title>" in shop.client.get("/docs").text
