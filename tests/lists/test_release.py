"""What is published: to whom, under which number, with which reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import mingdan
from mingdan.errors import InputRefused, LakeError, MissingInput, WrongUsage
from mingdan.lists.format import LATEST, SEALED, SNAPSHOT
from mingdan.lists.joint import build
from mingdan.lists.manifest import numbered
from mingdan.lists.release import publish
from mingdan.lists.tokens import key_path
from mingdan.orders.commands import ChangeNumber, Protect, Terminate, TransferOwner
from tests.lists.channels import body
from tests.lists.operator import DAY, RULESET, Operator, event, label, noon, person

NEXT = DAY + timedelta(1)


def agree(operator: Operator, *changes: tuple[str, str]) -> None:
    """The demonstration's partners with parts of bank_demo's text replaced."""
    shipped = (Path(mingdan.__file__).parent / "reports/partners.toml").read_text(encoding="utf-8")
    head, police, bank = shipped.split("[[partner]]")
    for old, new in changes:
        assert old in bank
        bank = bank.replace(old, new)
    path = operator.night.settings.data / "policy" / "reports" / "partners.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[[partner]]".join([head, police, bank]), encoding="utf-8")


def deletions(operator: Operator, seq: int) -> dict[str, str]:
    """Token -> reason of what a release takes back."""
    rows = body(numbered(operator.channel, seq), "delta.csv.gz")[1:]
    return {row.split(",")[1]: row.split(",")[2] for row in rows if row.startswith("DEL")}


def test_a_partner_finds_its_customer_and_learns_what_is_agreed(operator: Operator) -> None:
    report = operator.run(DAY, [operator.label("甲"), operator.label("乙", reason="fraud")])
    assert report.partitions == ()
    state = operator.received()
    assert (state.seq, state.channel, state.list, state.day) == (
        1,
        "c7f3a91d5b20",
        "joint",
        "2026-11-10",
    )
    entry = state.find(operator.token("8613800000002"), datetime(2026, 11, 11, tzinfo=UTC))
    assert entry is not None
    assert (entry.category, entry.reason_code, entry.level) == ("blacklist", "fraud", "published")
    assert (entry.confidence, entry.sources) == (85, 1)
    assert entry.first_seen == noon(DAY - timedelta(2))
    assert entry.valid_until == datetime(2027, 1, 3, 16, tzinfo=UTC)
    assert state.find(operator.token("8613800000003")) is None
    assert report.facts["entries"] == report.facts["added"] == 2
    assert (report.facts["modified"], report.facts["deleted"]) == (0, 0)


def test_no_number_and_no_key_of_ours_is_in_a_release(operator: Operator) -> None:
    operator.run(DAY, [operator.label("甲")])
    (entry,) = operator.entries()
    folder = numbered(operator.channel, 1)
    text = "".join(
        [
            *body(folder, SNAPSHOT),
            *body(folder, "delta.csv.gz"),
            (folder / "manifest.json").read_text(),
        ]
    )
    text += (operator.channel / LATEST).read_text()
    secrets = [path.read_text().strip() for path in operator.night.settings.secrets.iterdir()]
    assert len(secrets) == 2
    for hidden in ("13800000001", entry["entry_id"], "bank_demo", "police_demo", *secrets):
        assert hidden not in text


def test_the_manifest_says_what_it_rests_on(operator: Operator) -> None:
    operator.run(DAY, [operator.label("甲")])
    manifest = (numbered(operator.channel, 1) / "manifest.json").read_text()
    assert RULESET in manifest
    assert '"purpose":"Risk scoring of account openings and transfers"' in manifest
    assert '"created":"2026-11-10T18:30:00Z"' in manifest, "known_at, not the clock"


def test_only_agreed_reasons_are_told(operator: Operator) -> None:
    labels = [operator.label("甲", reason="malicious_arrears"), operator.label("乙")]
    operator.run(DAY, labels)
    assert len(operator.entries()) == 2
    assert list(operator.received().rows) == [operator.token("8613800000002")]


def test_only_agreed_columns_are_told(operator: Operator) -> None:
    """Taking a column away takes back what it said: every row is modified once."""
    operator.run(DAY, [operator.label("甲")])
    agree(operator, ('disclosure = "keyed"', 'disclosure = "keyed"\ncolumns = ["reason_code"]'))
    operator.run(NEXT, [operator.label("甲")])
    (row,) = body(numbered(operator.channel, 2), "delta.csv.gz")[1:]
    op, _, *told = row.split(",")
    assert (op, told[:6], told[8]) == ("MOD", ["", "spam_sms", "", "", "", ""], "")
    entry = operator.received().find(
        operator.token("8613800000001"), datetime(2026, 11, 11, tzinfo=UTC)
    )
    assert entry is not None
    assert (entry.reason_code, entry.confidence, entry.first_seen) == ("spam_sms", None, None)
    assert entry.valid_until.year == 2027


@pytest.mark.parametrize("confidence", [50, 85])
def test_a_number_has_one_row_with_the_weightiest_reason(
    operator: Operator, confidence: int
) -> None:
    """However sure we are of the other one."""
    fraud = operator.label("甲", reason="fraud", confidence=confidence)
    operator.run(DAY, [operator.label("甲"), fraud])
    assert len(operator.entries()) == 2
    state = operator.received()
    assert len(state.rows) == 1
    entry = state.find(operator.token("8613800000001"), datetime(2026, 11, 11, tzinfo=UTC))
    assert entry is not None
    assert (entry.reason_code, entry.confidence) == ("fraud", confidence)
    operator.run(NEXT, [operator.label("甲")])
    rows = body(numbered(operator.channel, 2), "delta.csv.gz")[1:]
    assert [row[:3] for row in rows] == ["MOD"], "the weaker reason is left, nothing is taken back"


class TestWithheld:
    """Fail closed: without an agreement that allows it nothing leaves."""

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            (('status = "active"', 'status = "suspended"'), "partner_suspended"),
            (('status = "active"', 'status = "ended"'), "partner_ended"),
            (("valid_until = 2028-12-31", "valid_until = 2026-11-09"), "agreement_expired"),
            (("valid_from = 2026-01-01", "valid_from = 2026-11-11"), "agreement_not_yet_valid"),
            (('channel = "c7f3a91d5b20"', ""), "no_channel"),
            (('receives = ["fraud", "spam_sms", "abnormal_calls"]', ""), "not_agreed"),
            (('disclosure = "keyed"', 'disclosure = "clear"'), "unknown_interface"),
        ],
    )
    def test_nothing_leaves(self, operator: Operator, change: tuple[str, str], why: str) -> None:
        agree(operator, change)
        report = operator.run(DAY, [operator.label("甲")])
        assert report.facts == {"withheld": why}
        assert not operator.night.settings.releases.exists()
        assert not key_path(operator.night.settings.secrets, "bank_demo", 1).exists()

    @pytest.mark.parametrize("said", ['disclosure = "match_only"', ""])
    def test_who_may_only_match_is_told_nothing_readable(
        self, operator: Operator, said: str
    ) -> None:
        """Also where the agreement says nothing: the default is the least."""
        agree(operator, ('disclosure = "keyed"', said))
        operator.run(DAY, [operator.label("甲")])
        (row,) = body(numbered(operator.channel, 1), SNAPSHOT)[1:]
        assert "spam_sms" not in row
        assert operator.received().token_alg == SEALED
        with pytest.raises(InputRefused, match="sealed list"):
            operator.received().find("0" * 40)

    def test_what_is_out_stays_and_continues_afterwards(self, operator: Operator) -> None:
        operator.run(DAY, [operator.label("甲")])
        agree(operator, ('status = "active"', 'status = "suspended"'))
        before = operator.received()
        operator.run(NEXT, [operator.label("乙")])
        assert operator.received() == before
        agree(operator)
        operator.run(NEXT, [operator.label("乙")])
        assert operator.received().seq == 2

    def test_the_last_day_of_the_agreement_counts(self, operator: Operator) -> None:
        agree(operator, ("valid_until = 2028-12-31", "valid_until = 2026-11-10"))
        assert operator.run(DAY).facts["seq"] == 1

    def test_a_partner_nobody_knows(self, operator: Operator) -> None:
        operator.night.settings.partner = "../etc"
        with pytest.raises(WrongUsage, match="there are: bank_demo, police_demo"):
            publish(operator.night, DAY)

    def test_a_partner_who_only_sends(self, operator: Operator) -> None:
        """It is told nothing; the other one, who has a channel, is."""
        operator.night.settings.partner = "police_demo"
        assert operator.run(DAY, [operator.label("甲")]).facts == {
            "withheld": "no_channel",
            "bank_demo": "release 1, 1 entries, undelivered: no_root",
        }


class TestNumbering:
    """One release for one state of a day; a day goes by once."""

    def test_the_same_day_and_list_publish_nothing(self, operator: Operator) -> None:
        first = operator.run(DAY, [operator.label("甲")])
        files = {p: p.read_bytes() for p in operator.channel.rglob("*") if p.is_file()}
        assert operator.run(DAY, [operator.label("甲")]) == first
        assert {p: p.read_bytes() for p in operator.channel.rglob("*") if p.is_file()} == files

    def test_the_same_day_with_another_list_is_the_next(self, operator: Operator) -> None:
        operator.run(DAY, [operator.label("甲")])
        operator.run(DAY, [operator.label("甲"), operator.label("乙")])
        state = operator.received()
        assert (state.seq, state.day, len(state.rows)) == (2, "2026-11-10", 2)

    def test_a_night_without_change_is_published_too(self, operator: Operator) -> None:
        operator.run(DAY, [operator.label("甲")])
        facts = operator.run(NEXT, [operator.label("甲")]).facts
        assert (facts["seq"], facts["added"], facts["modified"], facts["deleted"]) == (2, 0, 0, 0)
        assert operator.received().day == "2026-11-11"

    def test_an_empty_list_is_a_list(self, operator: Operator) -> None:
        assert operator.run(DAY).facts["entries"] == 0
        assert operator.received().rows == {}

    def test_an_older_day_is_left_alone(self, operator: Operator) -> None:
        operator.run(NEXT, [operator.label("甲")])
        before = operator.received()
        report = operator.run(DAY, [operator.label("乙")])
        assert report.facts == {"superseded": "release 1 of 2026-11-11"}
        assert operator.received() == before

    def test_a_day_without_a_list_publishes_nothing(self, operator: Operator) -> None:
        operator.run(DAY, [operator.label("甲")])
        with pytest.raises(MissingInput, match="list_entries of 2026-11-11"):
            publish(operator.night, NEXT)
        assert operator.received().seq == 1


class TestRetraction:
    """Whatever happened, the partner is told within one release, and why."""

    def taken_back(self, operator: Operator, *events: dict[str, Any], seq: int = 2) -> str:
        operator.run(NEXT, [operator.label("乙")], events)
        (reason,) = [deletions(operator, seq)[operator.token("8613800000001")]]
        return reason

    @pytest.fixture(autouse=True)
    def _both_are_listed(self, operator: Operator) -> None:
        operator.run(DAY, [operator.label("甲"), operator.label("乙")])

    def test_an_appeal(self, operator: Operator) -> None:
        party = operator.parties["甲"]
        assert self.taken_back(operator, event(party, "appeal_upheld")) == "appeal_upheld"

    def test_an_appeal_outranks_everything_else(self, operator: Operator) -> None:
        operator.order(Terminate(order_ref="t", at=noon(NEXT), subscription_ref="甲"))
        party = operator.parties["甲"]
        assert self.taken_back(operator, event(party, "appeal_upheld")) == "appeal_upheld"

    @pytest.mark.parametrize("reasons", [("fraud", "spam_sms"), ("spam_sms", "fraud")])
    def test_the_gravest_of_several_reasons_is_told(
        self, operator: Operator, reasons: tuple[str, str]
    ) -> None:
        """One number, two entries: one was appealed against, the other ran out."""
        both = [operator.label("丙", reason=reason) for reason in reasons]
        operator.run(DAY, [operator.label("乙"), *both])
        party = operator.parties["丙"]
        told = [
            event(party, "appeal_upheld", reason=reasons[0]),
            event(party, "expire", reason=reasons[1]),
        ]
        operator.run(NEXT, [operator.label("乙")], told)
        assert deletions(operator, 3)[operator.token("8613800000003")] == "appeal_upheld"

    def test_a_label_that_ran_out(self, operator: Operator) -> None:
        assert self.taken_back(operator, event(operator.parties["甲"], "expire")) == "expired"

    def test_a_label_withdrawn(self, operator: Operator) -> None:
        assert self.taken_back(operator, event(operator.parties["甲"], "revoke")) == "withdrawn"

    def test_a_source_that_took_its_word_back(self, operator: Operator) -> None:
        told = event(operator.parties["甲"], "revoke", source="partner")
        assert self.taken_back(operator, told) == "source_withdrew"

    def test_another_reasons_event_says_nothing(self, operator: Operator) -> None:
        told = event(operator.parties["甲"], "appeal_upheld", reason="fraud")
        assert self.taken_back(operator, told) == "withdrawn"

    def test_a_terminated_subscription(self, operator: Operator) -> None:
        operator.order(Terminate(order_ref="t", at=noon(NEXT), subscription_ref="甲"))
        operator.run(NEXT, [operator.label("甲"), operator.label("乙")])
        assert deletions(operator, 2) == {operator.token("8613800000001"): "number_reassigned"}

    def test_a_transferred_subscription(self, operator: Operator) -> None:
        operator.order(
            TransferOwner(order_ref="t", at=noon(NEXT), subscription_ref="甲", party=person("新"))
        )
        operator.run(NEXT, [operator.label("甲"), operator.label("乙")])
        assert deletions(operator, 2) == {operator.token("8613800000001"): "number_reassigned"}

    def test_a_changed_number_is_withdrawn_and_the_new_one_listed(self, operator: Operator) -> None:
        operator.order(
            ChangeNumber(
                order_ref="c", at=noon(NEXT), subscription_ref="甲", msisdn="8613800000099"
            )
        )
        operator.run(NEXT, [operator.label("甲"), operator.label("乙")])
        assert deletions(operator, 2) == {operator.token("8613800000001"): "number_reassigned"}
        assert operator.token("8613800000099") in operator.received().rows

    def test_that_someone_is_protected_is_not_told(self, operator: Operator) -> None:
        operator.order(
            Protect(
                order_ref="p",
                at=noon(NEXT),
                party_ref="甲",
                scope="all",
                until=noon(NEXT + timedelta(90)),
                maker="clerk",
                checker="chief",
            )
        )
        operator.run(NEXT, [operator.label("甲"), operator.label("乙")])
        assert deletions(operator, 2) == {operator.token("8613800000001"): "withdrawn"}

    def test_an_entry_past_its_end(self, operator: Operator) -> None:
        """The label is still there, but its term is over."""
        ended = operator.label("甲", valid_to=noon(NEXT).replace(tzinfo=None))
        operator.run(NEXT, [operator.label("乙")], [])
        assert deletions(operator, 2)[operator.token("8613800000001")] == "withdrawn"
        operator.run(
            NEXT,
            [operator.label("乙"), operator.label("丙", valid_to=ended["valid_to"] + timedelta(1))],
        )
        third = NEXT + timedelta(1)
        operator.run(third, [operator.label("乙")])
        assert deletions(operator, 4) == {operator.token("8613800000003"): "expired"}

    def test_a_change_of_agreement(self, operator: Operator) -> None:
        agree(operator, ('receives = ["fraud", "spam_sms", ', 'receives = ["fraud", '))
        operator.run(NEXT, [operator.label("甲"), operator.label("乙")])
        assert set(deletions(operator, 2).values()) == {"withdrawn"}

    def test_the_same_day_again_after_an_appeal(self, operator: Operator) -> None:
        """The day's list has been made anew; what was published is still known."""
        told = event(operator.parties["甲"], "appeal_upheld")
        operator.run(DAY, [operator.label("乙")], [told])
        assert deletions(operator, 2) == {operator.token("8613800000001"): "appeal_upheld"}


class TestKeys:
    """Epochs of the token key."""

    def test_a_new_epoch_replaces_every_token(self, operator: Operator) -> None:
        operator.run(DAY, [operator.label("甲")])
        old = operator.token("8613800000001")
        agree(operator, ("token_epoch = 1", "token_epoch = 2"))
        operator.run(NEXT, [operator.label("甲")])
        state = operator.received()
        assert (state.epoch, list(state.rows)) == (2, [operator.token("8613800000001", 2)])
        assert deletions(operator, 2) == {old: "rekeyed"}

    def test_an_epoch_does_not_come_back(self, operator: Operator) -> None:
        agree(operator, ("token_epoch = 1", "token_epoch = 2"))
        operator.run(DAY, [operator.label("甲")])
        agree(operator)
        with pytest.raises(InputRefused, match="epoch 1 is past, 2 has been published"):
            operator.run(NEXT, [operator.label("甲")])

    def test_a_lost_key_stops_publication(self, operator: Operator) -> None:
        operator.run(DAY, [operator.label("甲")])
        key_path(operator.night.settings.secrets, "bank_demo", 1).unlink()
        with pytest.raises(InputRefused, match="restore it from the backup"):
            operator.run(NEXT, [operator.label("甲")])
        assert operator.received().seq == 1


def test_a_channel_keeps_its_name(operator: Operator) -> None:
    """A partner would refuse the rest of its own list as somebody else's."""
    operator.run(DAY, [operator.label("甲")])
    agree(operator, ("c7f3a91d5b20", "d8f3a91d5b21"))
    with pytest.raises(InputRefused, match="channel and list of what is published are fixed"):
        operator.run(NEXT, [operator.label("甲")])
    assert operator.received().seq == 1


def test_a_number_that_is_gone_by_now_is_left_out(operator: Operator) -> None:
    """The list was built, then the number is found to have ended before the night."""
    operator.know(DAY, [operator.label("甲"), operator.label("乙")])
    build(operator.night, DAY)
    operator.order(Terminate(order_ref="t", at=noon(DAY), subscription_ref="甲"))
    publish(operator.night, DAY)
    assert list(operator.received().rows) == [operator.token("8613800000002")]


def test_what_moves_every_night_changes_no_row(operator: Operator) -> None:
    """One night more seen, a little surer, and so a day longer: nothing a partner can use."""
    operator.run(DAY, [operator.label("甲", confidence=72)])
    moved = {
        "last_seen": noon(NEXT).replace(tzinfo=None),
        "valid_to": noon(NEXT + timedelta(60)).replace(tzinfo=None),
    }
    operator.run(NEXT, [operator.label("甲", confidence=80, **moved)])
    assert len(body(numbered(operator.channel, 2), "delta.csv.gz")) == 1, "the header alone"
    operator.run(NEXT + timedelta(1), [operator.label("甲", confidence=60, **moved)])
    rows = body(numbered(operator.channel, 3), "delta.csv.gz")[1:]
    assert [row[:3] for row in rows] == ["MOD"]


def test_an_entry_the_format_cannot_carry_stops_publication(operator: Operator) -> None:
    operator.know(DAY, [label(operator.parties["甲"], [operator.subscriptions["甲"]], since=None)])
    build(operator.night, DAY)
    with pytest.raises(ValueError, match="cannot be written in the format"):
        publish(operator.night, DAY)
    assert not operator.channel.exists()


@pytest.mark.parametrize("function", ["pathlib.Path.rename", "os.fsync", "pathlib.Path.replace"])
def test_a_disk_that_refuses_leaves_the_last_release(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    operator.run(DAY, [operator.label("甲")])
    before = operator.received()
    operator.know(NEXT, [operator.label("乙")])
    build(operator.night, NEXT)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(function, full)
        with pytest.raises(LakeError, match=r"bank_demo: .*No space left.* stays the latest"):
            publish(operator.night, NEXT)
    assert operator.received() == before
    publish(operator.night, NEXT)
    assert operator.received().seq == 2
