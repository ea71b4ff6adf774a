"""A partner's day at the service: list in, question asked, release fetched and confirmed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.calendar import business_day
from mingdan.lists.client.match import Matcher, receipt
from mingdan.lists.client.questions import ask
from mingdan.lists.standing import standing
from mingdan.orders.access.interfaces import Interfaces
from mingdan.orders.access.log import AccessLog
from mingdan.reports.forms import HEADER
from tests.lists.http.conftest import Counter, agree
from tests.lists.pairs import POLICY, now
from tests.lists.test_client import live, number
from tests.orders.access.support import BOSS, MAKER, keys
from tests.orders.support import at

LIST = (",".join(HEADER) + "\n").encode()


def landed(counter: Counter, partner: str = "bank_demo") -> list[Path]:
    folder = counter.pair.settings.landing / "reports" / "partners" / partner
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_list_waits_for_the_night_of_its_day(counter: Counter) -> None:
    answer = counter.ask("POST", "/lists", content=LIST)
    assert answer.status_code == 201, answer.text
    day = business_day(counter.now)
    assert answer.json()["day"] == day.isoformat()
    (path,) = landed(counter)
    assert path.name == "entries.csv"
    assert path.parent.name == day.isoformat()
    assert path.read_bytes() == LIST


def test_the_same_list_again_changes_nothing_another_one_is_refused(counter: Counter) -> None:
    first = counter.ask("POST", "/lists", content=LIST)
    assert counter.ask("POST", "/lists", content=LIST).json() == first.json()
    other = counter.ask("POST", "/lists", content=LIST + b"x")
    assert (other.status_code, other.json()["code"]) == (409, "list_delivered")
    assert [path.read_bytes() for path in landed(counter)] == [LIST]
    counter.now += timedelta(days=1)
    assert counter.ask("POST", "/lists", content=LIST + b"x").status_code == 201


def test_each_partner_hands_in_its_own_list_only(counter: Counter) -> None:
    counter.ask("POST", "/lists", content=LIST)
    counter.ask("POST", "/lists", who="police", content=LIST + b"x")
    assert len(landed(counter)) == len(landed(counter, "police_demo")) == 1
    assert landed(counter, "police_demo")[0].read_bytes() == LIST + b"x"


def test_a_release_is_fetched_matched_and_confirmed(counter: Counter) -> None:
    pair = counter.pair
    pair.release({number(1): live()})
    pair.sync()
    answer = counter.ask("POST", "/receipts", content=receipt(pair.home, now()))
    assert answer.status_code == 201, answer.text
    assert answer.json()["seq"] == 1
    stands = counter.ask("GET", "/standing").json()
    assert (stands["seq"], stands["confirmed"], stands["alarms"]) == (1, 1, [])
    held = standing(pair.settings, pair.partner, POLICY, now())
    assert held.confirmed == 1


@pytest.mark.parametrize("counter", ["match_only"], indirect=True)
def test_a_question_is_answered_at_once_and_counted(counter: Counter) -> None:
    pair = counter.pair
    pair.release({number(1): live()})
    pair.sync()
    question = ask(pair.home, [number(1), number(2)], now())
    assert question is not None
    for told in ("evaluated", "before"):
        answer = counter.ask("POST", "/questions", content=question)
        assert (answer.status_code, answer.json()["answered"]) == (202, told)
    assert counter.ask("GET", "/standing").json()["evaluations_left"] == 98
    pair.sync()
    matcher = Matcher(pair.home, now())
    found = [answer.outcome for answer in matcher.answers([number(1), number(2)])]
    matcher.close()
    assert found == ["listed", "not_listed"]


@pytest.mark.parametrize("counter", ["match_only"], indirect=True)
def test_a_large_question_waits_for_the_night(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mingdan.lists.http.exchange.AT_ONCE", -500)
    counter.pair.release({number(1): live()})
    counter.pair.sync()
    question = ask(counter.pair.home, map(number, range(20)), now())
    assert question is not None
    answer = counter.ask("POST", "/questions", content=question)
    assert answer.json()["answered"] == "tonight"
    (waiting,) = (counter.pair.settings.landing / "questions" / "bank_demo").glob("*.ask")
    assert waiting.read_bytes() == question


def test_a_channel_is_served_as_it_is(counter: Counter) -> None:
    pair = counter.pair
    pair.release({number(1): live()})
    for path in pair.place.served.rglob("*"):
        if path.is_file():
            url = f"/channels/{pair.channel}/{path.relative_to(pair.place.served)}"
            assert counter.client.get(url).content == path.read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "c7f3a91d5b20/metadata/..%2f..%2f..%2fsecrets%2fapi-pepper",
        "c7f3a91d5b20/metadata/%2e%2e",
        "c7f3a91d5b20/secrets/api-pepper",
        "..%2fsecrets/metadata/x",
        "c7f3a91d5b20/metadata/.hidden",
        "c7f3a91d5b20/metadata/link.json",
        "aaaaaaaaaaaa/metadata/timestamp.json",
    ],
)
def test_nothing_else_is_served(counter: Counter, path: str) -> None:
    counter.pair.release({number(1): live()})
    secret = counter.pair.settings.data / "orders.db"
    (counter.pair.place.served / "metadata" / "link.json").symlink_to(secret)
    answer = counter.client.get(f"/channels/{path}")
    assert answer.status_code in (404, 422), answer.content[:80]


class TestWhoIsLetIn:
    """Fail closed: key, interface, order-side agreement, permission, list agreement."""

    PATHS = (
        ("POST", "/lists"), ("POST", "/questions"), ("POST", "/receipts"),
        ("GET", "/standing"), ("GET", "/status"),
    )  # fmt: skip

    def codes(self, counter: Counter, **values: str) -> set[tuple[int, str]]:
        found = set()
        for method, path in self.PATHS:
            content = LIST if method == "POST" else None
            answer = counter.ask(method, path, content=content, **values)
            found.add((answer.status_code, answer.json()["code"]))
        assert landed(counter) == []
        return found

    def test_no_key(self, counter: Counter) -> None:
        assert self.codes(counter, who="mdk_000000000000_" + "a" * 43) == {(401, "unauthenticated")}

    def test_a_key_revoked(self, counter: Counter) -> None:
        name = counter.keys["bank"].split("_")[1]
        keys(counter.store).revoke(name, reason="leaked", actor=BOSS, at=at(2))
        assert self.codes(counter) == {(401, "unauthenticated")}

    def test_a_closed_interface(self, counter: Counter) -> None:
        Interfaces(counter.store).close("JK-0002", reason="over", actor=MAKER, at=at(2))
        assert self.codes(counter) <= {(403, "interface_closed"), (401, "unauthenticated")}

    def test_an_agreement_that_has_ended(self, counter: Counter) -> None:
        counter.now = at(299.9)
        agree(counter.pair, valid_until="2026-10-01")
        assert self.codes(counter) == {(403, "list_not_agreed")}

    def test_a_suspended_partner(self, counter: Counter) -> None:
        agree(counter.pair, status='"suspended"')
        assert self.codes(counter) == {(403, "list_not_agreed")}

    def test_an_interface_without_lists(self, counter: Counter) -> None:
        assert self.codes(counter, who="shop") == {(403, "list_not_agreed")}

    def test_a_partner_that_may_not_assert_hands_in_nothing(self, counter: Counter) -> None:
        agree(counter.pair, asserts="[]")
        answer = counter.ask("POST", "/lists", content=LIST)
        assert (answer.status_code, answer.json()["code"]) == (403, "list_not_agreed")
        assert landed(counter) == []


@pytest.mark.parametrize("path", ["/lists", "/questions", "/receipts"])
def test_nothing_sent_is_nothing_taken(counter: Counter, path: str) -> None:
    answer = counter.ask("POST", path, content=b"")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_value")
    assert landed(counter) == []


@pytest.mark.parametrize("content", [b"{}", b"\xff" * 100, b"[" * 5_000, b"{}\n" + b"x" * 64])
@pytest.mark.parametrize("path", ["/questions", "/receipts"])
def test_what_is_no_document_of_the_partner_is_refused(
    counter: Counter, path: str, content: bytes
) -> None:
    answer = counter.ask("POST", path, content=content)
    assert (answer.status_code, answer.json()["code"]) == (422, "list_document_refused")
    assert str(counter.pair.folder) not in answer.text


def test_somebody_elses_receipt_is_refused(counter: Counter, tmp_path: Path) -> None:
    from tests.lists.pairs import Pair

    counter.pair.release({number(1): live()})
    other = Pair(tmp_path / "other")
    other.release({number(1): live()})
    other.sync()
    answer = counter.ask("POST", "/receipts", content=receipt(other.home, now()))
    assert answer.status_code == 422
    assert counter.ask("GET", "/standing").json()["confirmed"] is None


def test_what_is_too_large_leaves_nothing(counter: Counter) -> None:
    path = counter.pair.settings.data / "policy" / "reports" / "policy.toml"
    shipped = Path("mingdan/reports/policy.toml").read_text("utf-8")
    path.write_text(shipped.replace("max_bytes = 268_435_456", "max_bytes = 100"), "utf-8")
    for headers in ({}, {"Transfer-Encoding": "chunked"}):
        content = iter([b"x" * 60, b"x" * 60]) if headers else b"x" * 120
        answer = counter.ask("POST", "/lists", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
    assert landed(counter) == []


def test_every_exchange_is_in_the_access_log(counter: Counter) -> None:
    counter.ask("POST", "/lists", content=LIST)
    (look,) = AccessLog(counter.store).read(actor=BOSS, at=at(2))
    assert (look.what, look.subjects, look.interface_no) == (
        "list_upload", ("partner:bank_demo",), "JK-0002",
    )  # fmt: skip


def test_the_status_page_needs_no_script(counter: Counter) -> None:
    counter.pair.release({number(1): live()})
    answer = counter.ask("GET", "/status")
    assert answer.status_code == 200
    assert "script" not in answer.text
    assert "List c7f3a91d5b20" in answer.text
    assert number(1) not in answer.text
