"""Abuse of numbers in the clear: nothing leaves without two people's leave for just that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

from mingdan.errors import InputRefused
from mingdan.lists.format import CLEAR, DELTA, SNAPSHOT
from mingdan.lists.manifest import newest, numbered
from mingdan.lists.release import publish
from mingdan.lists.standing import deliver_again, renew_all
from mingdan.night import Night
from mingdan.orders.access import model as m
from mingdan.orders.access.agreements import Agreements
from mingdan.orders.access.disclosures import Disclosures
from mingdan.orders.access.log import AccessLog
from mingdan.orders.access.partners import Partners
from mingdan.orders.refusals import Refused
from mingdan.reports.partners import partner_named
from tests.lists.channels import body
from tests.lists.operator import DAY, Operator
from tests.lists.pairs import now
from tests.lists.registered import LI, LONG_AGO, WANG, ZHAO, approve, ask, register
from tests.lists.test_release import NEXT, agree

TOLD = ("reason_code", "confidence")
IN_THE_CLEAR = (
    'disclosure = "keyed"',
    'disclosure = "clear"\ncolumns = ["reason_code", "confidence"]',
)
WITHHELD = {"withheld": "disclosure_not_approved"}


@pytest.fixture
def operator(night: Night) -> Operator:
    """Three customers, each with a number."""
    made = Operator(night)
    for ref, msisdn in (("甲", "8613800000001"), ("乙", "8613800000002"), ("丙", "8613800000003")):
        made.open(ref, msisdn)
    return made


@pytest.fixture
def bank(operator: Operator) -> Operator:
    """bank_demo is registered; partners.toml says `clear`; nobody has approved anything."""
    register(operator.night.orders)
    agree(operator, IN_THE_CLEAR)
    operator.run(DAY, [operator.label("甲"), operator.label("乙", reason="fraud")])
    return operator


def nothing_leaves(bank: Operator) -> None:
    assert publish(bank.night, DAY).facts == WITHHELD
    assert not bank.night.settings.releases.exists()


def test_a_level_raised_in_the_file_alone(bank: Operator) -> None:
    nothing_leaves(bank)


def test_what_leaves_is_what_was_agreed_on_and_is_in_the_log(bank: Operator) -> None:
    number = ask(bank.night.orders, *TOLD)
    approve(bank.night.orders, number)
    assert publish(bank.night, DAY).facts["entries"] == 2
    made = newest(bank.channel)
    rows = body(made.folder, SNAPSHOT)[1:]
    assert [row.split(",")[:6] for row in rows] == [
        ["ADD", "8613800000001", "", "spam_sms", "", "85"],
        ["ADD", "8613800000002", "", "fraud", "", "85"],
    ]
    for row in rows:
        *_, first, last, start, end, sources = row.split(",")
        assert (first, last, sources) == ("", "", "")
        assert start.endswith("Z")
        assert end.endswith("Z")
    assert made.manifest["token_alg"] == CLEAR
    assert made.manifest["agreement"]["columns"] == [*TOLD, "valid_from", "valid_until"]
    log = AccessLog(bank.night.orders)
    last_look = log.read(actor=WANG, at=now())[0]
    assert last_look.what == "list_in_the_clear"
    assert set(last_look.subjects) == {"partner:bank_demo", f"disclosure:{number}", "release:1"}
    assert made.manifest["inputs"]["access_log"]["digest"] == last_look.digest
    whats = [look.what for look in log.read(subject=f"disclosure:{number}", actor=WANG, at=now())]
    assert whats == ["list_in_the_clear", *["disclosure_approved"] * 2, "disclosure_requested"]
    log.verify(actor=WANG, at=now())


def test_the_same_approver_twice(bank: Operator) -> None:
    orders = bank.night.orders
    number = ask(orders, *TOLD)
    approve(orders, number, WANG)
    nothing_leaves(bank)
    for who in ("wang", " Wang ", "li"):
        with pytest.raises(Refused, match="same_person"):
            approve(orders, number, type(WANG)("manager", "internal", who))
    nothing_leaves(bank)


def test_approvers_written_past_the_desk(bank: Operator) -> None:
    """The database refuses one person in two places; two spellings of one do not count."""
    orders = bank.night.orders
    number = ask(orders, *TOLD)
    approve(orders, number)
    d = m.PartnerDisclosure
    with pytest.raises(IntegrityError), orders.database.writing() as connection:
        connection.execute(update(d).values(second_checker="wang"))
    with orders.database.writing() as connection:
        connection.execute(update(d).values(second_checker="WANG"))
    nothing_leaves(bank)


def test_leave_for_another_partner(bank: Operator) -> None:
    register(bank.night.orders, "police", "JK-0001", "XY-2026-001")
    approve(bank.night.orders, ask(bank.night.orders, *TOLD, agreement="XY-2026-001"))
    nothing_leaves(bank)
    agree(bank, IN_THE_CLEAR, ("XY-2026-002", "XY-2026-001"))
    nothing_leaves(bank)


def test_leave_under_another_agreement_of_the_partner(bank: Operator) -> None:
    approve(bank.night.orders, ask(bank.night.orders, *TOLD))
    agree(bank, IN_THE_CLEAR, ("XY-2026-002", "XY-2026-009"))
    nothing_leaves(bank)


@pytest.mark.parametrize(
    "more",
    [
        ('"confidence"]', '"confidence", "sources"]'),
        ('"abnormal_calls"]', '"abnormal_calls", "malicious_arrears"]'),
    ],
)
def test_more_than_was_approved(bank: Operator, more: tuple[str, str]) -> None:
    approve(bank.night.orders, ask(bank.night.orders, *TOLD))
    agree(bank, IN_THE_CLEAR, more)
    nothing_leaves(bank)


def test_no_columns_named_is_none_told(bank: Operator) -> None:
    approve(bank.night.orders, ask(bank.night.orders))
    agree(bank, ('disclosure = "keyed"', 'disclosure = "clear"'))
    publish(bank.night, DAY)
    (row, _) = body(numbered(bank.channel, 1), SNAPSHOT)[1:]
    assert row.startswith("ADD,8613800000001,,,,,,,2026-")


def test_leave_that_has_ended(bank: Operator) -> None:
    number = ask(bank.night.orders, *TOLD, until=now() - timedelta(minutes=1))
    approve(bank.night.orders, number)
    nothing_leaves(bank)


def test_an_agreement_that_has_ended(bank: Operator) -> None:
    orders = bank.night.orders
    approve(orders, ask(orders, *TOLD))
    Agreements(orders).end("XY-2026-002", actor=LI, at=now())
    assert publish(bank.night, DAY).facts == {"withheld": "agreement_not_in_force"}
    with pytest.raises(Refused, match="agreement_not_approved"):
        Disclosures(orders).ask(
            "XY-2026-002", columns=["level"], reason_codes=["fraud"], reason="more",
            valid_from=now(), valid_to=now() + timedelta(days=1), actor=LI, at=now(),
        )  # fmt: skip


def test_leave_taken_back(bank: Operator) -> None:
    """What is out is left to run out, and nothing more is handed over."""
    orders, settings = bank.night.orders, bank.night.settings
    number = ask(orders, *TOLD)
    approve(orders, number)
    publish(bank.night, DAY)
    Disclosures(orders).withdraw(number, actor=LI, at=now())
    with pytest.raises(Refused, match="already_decided"):
        approve(orders, number, ZHAO)
    bank.run(NEXT, [bank.label("丙")])
    assert publish(bank.night, NEXT).facts == WITHHELD
    assert newest(bank.channel).seq == 1
    assert renew_all(settings, now())["bank_demo"] == "left to run out: disclosure_not_approved"
    with pytest.raises(InputRefused, match="nothing may leave: disclosure_not_approved"):
        deliver_again(settings, partner_named("bank_demo", settings), now())


def test_refused_or_past_is_not_approved_later(bank: Operator) -> None:
    orders = bank.night.orders
    number = ask(orders, *TOLD)
    Disclosures(orders).refuse(number, actor=WANG, at=LONG_AGO)
    with pytest.raises(Refused, match="already_decided"):
        approve(orders, number, ZHAO)
    late = ask(orders, *TOLD, until=now() - timedelta(days=1))
    with pytest.raises(Refused, match="request_past"):
        approve(orders, late, at=now())
    nothing_leaves(bank)


def test_who_is_not_registered_reads_nothing_in_the_clear(operator: Operator) -> None:
    agree(operator, IN_THE_CLEAR)
    report = operator.run(DAY, [operator.label("甲")])
    assert report.facts == {"withheld": "unknown_interface"}


def test_a_channel_is_not_raised_to_the_clear(operator: Operator) -> None:
    """Also with leave: what was given as tokens would be named at one stroke, unseen."""
    operator.run(DAY, [operator.label("甲")])
    register(operator.night.orders)
    approve(operator.night.orders, ask(operator.night.orders, *TOLD))
    agree(operator, IN_THE_CLEAR)
    with pytest.raises(InputRefused, match="a channel keeps its kind of tokens"):
        operator.run(NEXT, [operator.label("甲")])


def test_a_retraction_names_the_number_and_no_more(bank: Operator) -> None:
    approve(bank.night.orders, ask(bank.night.orders, *TOLD))
    publish(bank.night, DAY)
    bank.run(NEXT, [bank.label("甲")])
    assert body(numbered(bank.channel, 2), DELTA)[1:] == ["DEL,8613800000002,withdrawn"]


def test_the_terms_of_leave_are_never_changed(bank: Operator) -> None:
    orders = bank.night.orders
    approve(orders, ask(orders, *TOLD))
    for change in ("columns = '[\"sources\"]'", "valid_to = valid_to + 1", "maker = 'x'"):
        with pytest.raises(IntegrityError), orders.database.writing() as connection:
            connection.execute(text(f"UPDATE partner_disclosure SET {change}"))  # noqa: S608


class TestOrderSide:
    """Suspended or ended in the order store: nothing leaves, whatever partners.toml says."""

    @pytest.fixture
    def keyed(self, operator: Operator) -> Operator:
        register(operator.night.orders)
        operator.run(DAY, [operator.label("甲")])
        assert newest(operator.channel).seq == 1
        return operator

    def stopped(self, keyed: Operator, why: str) -> None:
        settings = keyed.night.settings
        keyed.run(NEXT, [keyed.label("乙")])
        assert publish(keyed.night, NEXT).facts == {"withheld": why}
        assert newest(keyed.channel).seq == 1
        assert renew_all(settings, now())["bank_demo"] == f"left to run out: {why}"
        with pytest.raises(InputRefused, match=f"nothing may leave: {why}"):
            deliver_again(settings, partner_named("bank_demo", settings), now())

    def test_suspended_and_resumed(self, keyed: Operator) -> None:
        desk = Partners(keyed.night.orders)
        desk.suspend("bank", reason="audit", actor=LI, at=now())
        self.stopped(keyed, "interface_closed")
        desk.resume("bank", reason="done", actor=LI, at=now())
        assert publish(keyed.night, NEXT).facts["seq"] == 2

    def test_ended(self, keyed: Operator) -> None:
        Partners(keyed.night.orders).remove("bank", reason="over", actor=LI, at=now())
        self.stopped(keyed, "interface_closed")

    def test_its_agreement_ended(self, keyed: Operator) -> None:
        Agreements(keyed.night.orders).end("XY-2026-002", actor=LI, at=now())
        self.stopped(keyed, "agreement_not_in_force")

    def test_the_order_store_is_gone(self, keyed: Operator) -> None:
        settings = keyed.night.settings
        keyed.night.orders.close()
        assert settings.order_file is not None
        settings.order_file.unlink()
        said = renew_all(settings, now())["bank_demo"]
        assert said == "left to run out: order_store_missing"
