"""From the night to the partner's machine: released, delivered, taken, taken back, confirmed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.errors import InputRefused
from mingdan.lists.client.copy import Copy
from mingdan.lists.client.home import Home
from mingdan.lists.client.match import Matcher, receipt
from mingdan.lists.client.sync import sync
from mingdan.lists.entry_page import page_of
from mingdan.lists.handing import demo_folder, make_demo
from mingdan.lists.questions import QUESTION
from mingdan.lists.standing import delivery, renew_all, standing
from mingdan.lists.trail import entries_of, trail
from mingdan.orders.commands import ChangeNumber
from mingdan.reports.partners import partner_named
from tests.lists.operator import DAY, Operator, event, noon
from tests.lists.pairs import POLICY, now
from tests.lists.test_release import agree

NEXT = DAY + timedelta(1)
MSISDN = "8613800000001"


@pytest.fixture
def bank(operator: Operator) -> Home:
    """bank_demo's own machine, with demonstration keys on both sides."""
    settings = operator.night.settings
    make_demo(settings, partner_named("bank_demo", settings), now())
    return Home(demo_folder(settings) / "bank_demo")


def outcome(bank: Home, msisdn: str) -> str:
    matcher = Matcher(bank, now())
    try:
        (answer,) = matcher.answers([msisdn])
        return answer.outcome
    finally:
        matcher.close()


def confirm(operator: Operator, bank: Home) -> None:
    inbox = operator.night.settings.landing / "receipts" / "bank_demo"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / "receipt.json").write_text(receipt(bank, now()))


def test_without_keys_nothing_leaves(operator: Operator) -> None:
    """The release is made and kept; there is nobody it could be sealed to."""
    facts = operator.run(DAY, [operator.label("甲")]).facts
    assert facts["undelivered"] == "no_root"
    assert not operator.night.settings.channels.exists()
    assert "not delivered (no_root)" in delivery(operator.night.settings)


def test_a_release_reaches_the_partner_and_is_taken_back(operator: Operator, bank: Home) -> None:
    facts = operator.run(DAY, [operator.label("甲")]).facts
    assert str(facts["delivered"]).endswith("c7f3a91d5b20")
    sync(bank, now())
    assert outcome(bank, MSISDN) == "listed"
    confirm(operator, bank)
    upheld = event(operator.parties["甲"], "appeal_upheld")
    assert operator.run(NEXT, [], [upheld]).facts["receipts"] == 1
    found = trail(operator.night, entries_of(operator.night, [operator.subscriptions["甲"]])[0])
    assert (found.in_force, found.told[0].standing) == (False, "still_held")
    assert [(one.op, one.told) for one in found.told[0].releases] == [
        ("ADD", "spam_sms"),
        ("DEL", "appeal_upheld"),
    ]
    sync(bank, now())
    assert outcome(bank, MSISDN) == "not_listed"
    confirm(operator, bank)
    operator.run(NEXT + timedelta(1), [])
    found = trail(operator.night, found.entry_id)
    assert (found.told[0].standing, found.told[0].confirmed) == ("taken_back", 2)


def test_a_number_that_changed_is_taken_back_under_its_old_token(
    operator: Operator, bank: Home
) -> None:
    operator.run(DAY, [operator.label("甲")])
    operator.order(
        ChangeNumber(order_ref="c", at=noon(NEXT), subscription_ref="甲", msisdn="8613800000099")
    )
    operator.run(NEXT, [operator.label("甲")])
    sync(bank, now())
    assert (outcome(bank, MSISDN), outcome(bank, "8613800000099")) == ("not_listed", "listed")
    found = trail(operator.night, entries_of(operator.night, [operator.subscriptions["甲"]])[0])
    told = {(one.seq, one.op, one.told) for one in found.told[0].releases}
    assert told == {(1, "ADD", "spam_sms"), (2, "DEL", "number_reassigned"), (2, "ADD", "spam_sms")}


def test_the_page_of_an_entry_is_masked_and_has_no_script(operator: Operator, bank: Home) -> None:
    operator.run(DAY, [operator.label("甲")])
    (entry,) = entries_of(operator.night, [operator.subscriptions["甲"]])
    text = page_of(trail(operator.night, entry))
    assert "138******01" in text
    assert MSISDN not in text
    assert MSISDN[2:] not in text
    assert "<script" not in text
    for said in (entry, "spam_sms", "bank_demo", "mingdan explain", "2026-11-10"):
        assert said in text
    with pytest.raises(InputRefused, match="no night listed"):
        trail(operator.night, "0" * 32)


def test_running_the_night_again_delivers_nothing_new(operator: Operator, bank: Home) -> None:
    operator.run(DAY, [operator.label("甲")])
    root = operator.night.settings.channels
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    operator.run(DAY, [operator.label("甲")])
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_suspended_partner_is_not_even_renewed(operator: Operator, bank: Home) -> None:
    operator.run(DAY, [operator.label("甲")])
    agree(operator, ('status = "active"', 'status = "suspended"'))
    root = operator.night.settings.channels
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert operator.run(NEXT, [operator.label("乙")]).facts == {"withheld": "partner_suspended"}
    renew_all(operator.night.settings, now())
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


def test_a_lost_served_folder_is_made_again(operator: Operator, bank: Home) -> None:
    import shutil

    operator.run(DAY, [operator.label("甲")])
    sync(bank, now())
    shutil.rmtree(operator.night.settings.channels)
    renew_all(operator.night.settings, now())
    assert sync(bank, now()).by == "nothing"


def test_a_bank_that_may_only_match(operator: Operator) -> None:
    """The default disclosure, from the agreement to the answer; a refused file is set aside."""
    settings = operator.night.settings
    quota = 'disclosure = "match_only"\nevaluations_per_year = 10'
    agree(operator, ('disclosure = "keyed"', quota))
    make_demo(settings, partner_named("bank_demo", settings), now())
    bank = Home(demo_folder(settings) / "bank_demo")
    operator.run(DAY, [operator.label("甲")])
    sync(bank, now())
    from mingdan.lists.client.questions import ask

    question = ask(bank, [MSISDN, "8613800000002"], now())
    assert question is not None
    inbox = settings.landing / "questions" / "bank_demo"
    inbox.mkdir(parents=True)
    (inbox / "one.ask").write_bytes(question)
    (inbox / "bad.ask").write_bytes(b"rubbish")
    facts = operator.run(NEXT, [operator.label("甲"), operator.label("乙")]).facts
    assert facts["questions"] == 1
    assert QUESTION in str(facts["refused"])
    assert [path.name for path in inbox.rglob("*.ask")] == ["bad.ask"]
    sync(bank, now())
    assert outcome(bank, MSISDN) == outcome(bank, "8613800000002") == "listed"
    assert outcome(bank, "8613800000003") == "not_asked"
    found = trail(operator.night, entries_of(operator.night, [operator.subscriptions["甲"]])[0])
    assert [(one.op, one.told) for one in found.told[0].releases] == [("ADD", "")]
    agree(operator)
    with pytest.raises(InputRefused, match="another disclosure"):
        operator.run(NEXT + timedelta(1), [operator.label("甲")])


def test_every_partner_with_a_channel_has_its_own(operator: Operator) -> None:
    """Other tokens, other keys; and one that fails keeps no other from its release."""
    settings = operator.night.settings
    agree(operator)
    file = settings.data / "policy" / "reports" / "partners.toml"
    text = file.read_text("utf-8")
    second = text[text.index('code = "bank_demo"') :].replace("bank_demo", "bank_two")
    second = second.replace("c7f3a91d5b20", "secondchannel").replace("JK-0002", "JK-0003")
    file.write_text(f"{text}\n[[partner]]\n{second}", "utf-8")
    for code in ("bank_demo", "bank_two"):
        make_demo(settings, partner_named(code, settings), now())
    facts = operator.run(DAY, [operator.label("甲")]).facts
    assert facts["bank_two"] == "release 1, 1 entries, delivered"
    homes = [Home(demo_folder(settings) / code) for code in ("bank_demo", "bank_two")]
    held = []
    for home in homes:
        sync(home, now())
        assert outcome(home, MSISDN) == "listed"
        copy = Copy(home.copy)
        held.append({token for (token,) in copy.connection.execute("SELECT token FROM entries")})
        copy.close()
    assert held[0].isdisjoint(held[1])
    (settings.secrets / "bank_demo-1.key").unlink()
    with pytest.raises(InputRefused, match=r"bank_demo-1\.key is gone"):
        operator.run(NEXT, [])
    assert sync(homes[0], now()).position.seq == 1
    assert sync(homes[1], now()).position.seq == 2
    assert outcome(homes[1], MSISDN) == "not_listed"


def test_the_standing_of_a_channel(operator: Operator, bank: Home) -> None:
    operator.run(DAY, [operator.label("甲")])
    settings = operator.night.settings
    partner = partner_named("bank_demo", settings)
    found = standing(settings, partner, POLICY, now())
    assert (found.seq, found.confirmed, found.not_ready, found.alarms) == (1, None, None, ())
    late = standing(settings, partner, POLICY, now() + timedelta(hours=13))
    assert late.alarms == ("timestamp_signature_past_half_life",)


def test_demonstration_keys_are_never_in_the_data(operator: Operator, bank: Home) -> None:
    data = operator.night.settings.data
    assert not demo_folder(operator.night.settings).is_relative_to(data)
    roots = {path.read_bytes() for path in Path(f"{data}.demo-keys").glob("root-*.pem")}
    assert len(roots) == 3
    assert roots.isdisjoint(path.read_bytes() for path in data.rglob("*.pem"))
