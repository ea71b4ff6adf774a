"""Our pages in a real browser: on a telephone, without scripts, and what is late in plain sight."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mingdan.lists.client.match import receipt
from mingdan.lists.entry_page import page_of
from mingdan.lists.health import partner_page, write_pages
from mingdan.lists.html import page as html_page
from mingdan.lists.standing import take
from mingdan.lists.trail import Carried, Told, Trail
from mingdan.night import Night
from tests.lists.chromium import Page, page
from tests.lists.pairs import Pair, live, now, number


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module", params=[0, 2_000])
def listed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Pair, int]:
    """So many entries; half of them taken back, which nobody has confirmed."""
    made = Pair(tmp_path_factory.mktemp("pair"))
    left, told = request.param // 2, live()
    for kept in (request.param, left):
        made.release({number(at): told for at in range(kept)})
    return made, left


def shown(browser: Page, pair: Pair, name: str, text: str | None = None) -> str:
    """The text a person sees of a page, which stays within the width of a telephone."""
    write_pages(Night(pair.settings), now())
    path = pair.settings.health / f"{name}.html"
    if text is not None:
        path.write_text(text, "utf-8")
    browser.resize(360)
    browser.open(path)
    assert browser.value("document.documentElement.scrollWidth") <= 360
    assert browser.value("visualViewport.scale") == 1, "laid out for this width, not shrunk to it"
    told: str = browser.value("document.body.innerText")
    return told


@pytest.mark.parametrize("name", ["index", "bank_demo"])
def test_it_is_read_on_a_telephone_without_scripts(
    browser: Page, listed: tuple[Pair, int], name: str
) -> None:
    pair, left = listed
    said = shown(browser, pair, name)
    assert "Asia/Shanghai" in said
    if name == "index":
        assert "bank_demo" in said
    else:
        cells = "[...document.querySelectorAll('tr')].map((row) => row.innerText)"
        why = f"withdrawn {left}" if left else "-"
        rows = [row.split() for row in browser.value(cells)]
        (newest,) = [row for row in rows if row[0] == "2"]
        assert newest[2:] == [f"{left:,}", "0", "0", f"{left:,}", *why.split()]
    assert browser.value("document.scripts.length") == 0
    browser.resize(1280)
    assert browser.value("document.documentElement.scrollWidth") <= 1280


def test_scripts_do_not_run_here(browser: Page, listed: tuple[Pair, int]) -> None:
    """Else the other tests would not show that none are needed."""
    text = html_page("x", "<p>plain</p><script>document.body.innerHTML = 'scripted'</script>")
    assert "plain" in shown(browser, listed[0], "bank_demo", text)


def test_the_measure_sees_what_is_too_wide(browser: Page, listed: tuple[Pair, int]) -> None:
    with pytest.raises(AssertionError):
        shown(
            browser, listed[0], "bank_demo", html_page("x", '<div style="width:500px">wide</div>')
        )


def test_nobody_can_be_read_off(browser: Page, tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.release({number(at): live() for at in range(20)})
    pair.sync()
    for name in ("index", "bank_demo"):
        shown(browser, pair, name)
        whole = browser.value("document.documentElement.outerHTML")
        for secret in (*(number(at) for at in range(20)), *pair.held()):
            assert secret not in whole
            assert secret[2:] not in whole


def test_a_late_partner_is_in_plain_sight(browser: Page, tmp_path: Path) -> None:
    """The first thing on the first screen, in a colour of its own; gone once it confirmed."""
    pair = Pair(tmp_path)
    for numbers in ((1, 2), (1,)):
        pair.release({number(at): live() for at in numbers})
    late = now() + timedelta(days=5)
    said = shown(browser, pair, "bank_demo", partner_page(pair.settings, pair.partner, late))
    assert "retractions_not_confirmed: 1 since release 2" in said
    assert "timestamp_signature_past_half_life" in said
    alert = "document.querySelector('[role=alert]')"
    top, bottom = browser.value(
        f"(({{top, bottom}}) => [top, bottom])({alert}.getBoundingClientRect())"
    )
    assert 0 < top < bottom <= 640
    assert browser.value(f"getComputedStyle({alert}).color") == "rgb(161, 29, 29)"
    pair.sync()
    take(pair.settings, pair.partner, receipt(pair.home, now()).encode(), now())
    said = shown(browser, pair, "bank_demo", partner_page(pair.settings, pair.partner, now()))
    assert "All is well" in said
    assert not browser.value(f"!!{alert}")


def test_the_page_of_an_entry_fits_too(browser: Page, listed: tuple[Pair, int]) -> None:
    """However many nights, releases and numbers it tells of."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    said = {
        "reason_code": "malicious_arrears", "confidence": 85, "sources": 2, "first_seen": at,
        "last_seen": at, "valid_until": at, "from_night": at.date(), "until_night": at.date(),
    }  # fmt: skip
    trail = Trail(
        entry_id="0" * 32, subscription_id=1, party_id=1, numbers=("138******01",) * 20,
        reasons=(said,) * 30, first_night=at.date(), last_night=at.date(), in_force=True,
        told=(Told("bank_demo", (Carried(1, "2026-11-01", "ADD", ""),) * 30, "unknown", None),),
    )  # fmt: skip
    text = shown(browser, listed[0], "bank_demo", page_of(trail, trail))
    assert text.count("never a receipt") == 2
    assert "(sealed)" in text
