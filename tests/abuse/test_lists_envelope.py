"""Abuse of a channel: by who can change what is served, by a partner, by a thief.

A case a test; whoever is in the middle has everything that is served and may
serve anything, but no key. Whatever is refused, the copy stays as it was.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone, tzinfo
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from tuf.ngclient._internal import trusted_metadata_set

import mingdan
from mingdan.errors import InputRefused
from mingdan.lists.client.home import Home
from mingdan.lists.client.match import receipt
from mingdan.lists.client.questions import ask
from mingdan.lists.client.sync import sync
from mingdan.lists.envelope.deliver import accept_card, deliver, keep_fresh
from mingdan.lists.envelope.repository import publish as list_targets
from mingdan.lists.envelope.repository import put_target, read_state
from mingdan.lists.format import LATEST
from mingdan.lists.keys import read_signer
from mingdan.lists.manifest import newest
from mingdan.lists.questions import Question, answer, write_question
from mingdan.lists.receipts import RECEIPT, read_statement, sign_statement
from mingdan.lists.refusals import (
    Damaged,
    ListRefused,
    Malformed,
    Missing,
    NotForUs,
    OutOfReach,
    Rollback,
    Untrusted,
    WrongChannel,
)
from mingdan.lists.seal import seal
from mingdan.lists.standing import renew_all, standing, take, take_delivered
from tests.lists.channels import edit
from tests.lists.pairs import POLICY, Pair, live, now, number


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Release 1 is taken, release 2 is out."""
    made = Pair(tmp_path)
    made.release({number(1): live()})
    made.sync()
    made.release({number(1): live(), number(2): live()})
    return made


def refused(pair: Pair, kind: type[ListRefused], match: str | None = None) -> None:
    """The next sync is refused for exactly this reason, and nothing has changed."""
    before, at = pair.held(), pair.position()
    with pytest.raises(ListRefused, match=match) as refusal:
        pair.sync()
    assert type(refusal.value) is kind
    assert (pair.held(), pair.position()) == (before, at)


def serve(pair: Pair, name: str, change: Callable[[bytes], bytes]) -> None:
    path = pair.place.metadata / name[1:] if name[0] == "/" else pair.find(name)
    path.write_bytes(change(path.read_bytes()))


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


TARGET = "latest.json.age"


class TestInTheMiddle:
    @pytest.mark.parametrize(
        "name", [TARGET, "000002.manifest.json.age", "000002.delta.csv.gz.age"]
    )
    def test_tampered(self, pair: Pair, name: str) -> None:
        good = pair.served()
        serve(pair, name, flipped)
        if "delta" in name:
            assert pair.sync().by == "snapshot", "the other way to the same list"
        else:
            refused(pair, Damaged)
            pair.restore(good)
            assert pair.sync().position.seq == 2, "a refusal costs a night, not the channel"

    @pytest.mark.parametrize("role", ["timestamp.json", "snapshot.json", "targets.json"])
    def test_tampered_metadata(self, pair: Pair, role: str) -> None:
        version = read_state(pair.place).versions[role.split(".")[0]]
        serve(pair, role if role == "timestamp.json" else f"/{version}.{role}", longer_life)
        refused(pair, Untrusted)

    def test_truncated(self, pair: Pair) -> None:
        serve(pair, TARGET, lambda data: data[:-10])
        refused(pair, Damaged)

    def test_oversized(self, pair: Pair) -> None:
        serve(pair, TARGET, lambda data: data + b"x" * 1000)
        refused(pair, Damaged, "exceeding")

    def test_endless_metadata(self, pair: Pair) -> None:
        serve(pair, "timestamp.json", lambda _: b" " * 20_000)
        refused(pair, Damaged, "exceeding")

    @pytest.mark.parametrize("name", [TARGET, "000002.manifest.json.age"])
    def test_missing(self, pair: Pair, name: str) -> None:
        pair.find(name).unlink()
        refused(pair, Missing)

    def test_missing_changes_are_replaced_by_the_snapshot(self, pair: Pair) -> None:
        pair.find("000002.delta").unlink()
        assert pair.sync().by == "snapshot"

    def test_missing_altogether(self, pair: Pair) -> None:
        shutil.rmtree(pair.place.served)
        refused(pair, OutOfReach)

    def test_reordered(self, pair: Pair) -> None:
        """One file under the name of another."""
        one, other = pair.find("000001.delta"), pair.find("000002.delta")
        data = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(data)
        assert pair.sync().by == "snapshot"
        assert len(pair.held()) == 2

    def test_replayed_and_rolled_back(self, pair: Pair) -> None:
        """The whole channel of yesterday, with all its good signatures."""
        old = pair.served()
        pair.release({number(3): live()})
        pair.sync()
        pair.restore(old)
        refused(pair, Rollback, "older than what we have seen")

    def test_rolled_back_after_the_metadata_was_lost(self, pair: Pair) -> None:
        """The signed ratchet is gone; the copy's own holds."""
        old = pair.served()
        pair.release({number(3): live()})
        pair.sync()
        shutil.rmtree(pair.home.tuf)
        pair.restore(old)
        refused(pair, Rollback, "offers release 2, held is 3")

    def test_rolled_back_after_the_copy_was_lost(self, pair: Pair) -> None:
        """The copy's ratchet is gone; the signed one holds."""
        old = pair.served()
        pair.release({number(3): live()})
        pair.sync()
        pair.home.copy.unlink()
        pair.restore(old)
        with pytest.raises(Rollback):
            pair.sync()

    def test_frozen(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing new is served, all signatures good: it ends with the timestamp's life."""
        pair.sync()
        assert pair.sync().by == "nothing"
        at_time(monkeypatch, hours=25)
        refused(pair, Untrusted, "expired")

    def test_expired(self, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
        """The publisher's timer stopped; once it runs again, all is well."""
        at_time(monkeypatch, hours=25)
        refused(pair, Untrusted, "no longer renews it")
        keep_fresh(pair.place, POLICY, now() + timedelta(hours=25))
        assert pair.sync().position.seq == 2

    def test_the_clock_set_back_to_when_it_was_still_signed(self, pair: Pair) -> None:
        """The partner's clock is turned back so that an old channel looks alive."""
        pair.sync()
        seen = now() + timedelta(hours=48)
        keep_fresh(pair.place, POLICY, seen)
        pair.sync(seen)
        pair.settings.channels.mkdir(exist_ok=True)
        keep_fresh(pair.place, POLICY, now())
        with pytest.raises(Rollback, match="the clock was set back"):
            pair.sync(now())

    def test_mixed_and_matched(self, pair: Pair) -> None:
        """The targets of one publication with the snapshot of another."""
        versions = read_state(pair.place).versions
        newer = pair.place.metadata / f"{versions['targets']}.targets.json"
        older = pair.place.metadata / f"{versions['targets'] - 1}.targets.json"
        newer.write_bytes(older.read_bytes())
        refused(pair, Rollback)

    def test_a_stranger_signs(self, pair: Pair, tmp_path: Path) -> None:
        """A whole channel, in itself correct, under keys of its own."""
        other = Pair(tmp_path / "other")
        other.release({number(9): live()})
        accept_card(other.place, pair.home.card())
        other.deliver()
        pair.restore(other.served())
        refused(pair, Untrusted)

    def test_a_stranger_has_also_replaced_the_root_seen_so_far(
        self, pair: Pair, tmp_path: Path
    ) -> None:
        """Trust begins from the root handed over, whatever lies in the folder of metadata."""
        other = Pair(tmp_path / "other")
        other.release({number(9): live()})
        other.sync()
        accept_card(other.place, pair.home.card())
        other.deliver()
        shutil.rmtree(pair.home.tuf)
        shutil.copytree(other.home.tuf, pair.home.tuf, symlinks=True)
        pair.restore(other.served())
        refused(pair, Untrusted)

    def test_over_the_network(self, pair: Pair, tmp_path: Path) -> None:
        """Any static server will do; a body cut on the way is a refusal, not a crash."""
        with web(pair.place.served) as (url, cut):
            trust = pair.home.path / "trust.json"
            told = json.loads(trust.read_text())
            trust.write_text(json.dumps(told | {"url": url}))
            cut.append("latest.json")
            refused(pair, OutOfReach)
            cut.clear()
            assert pair.sync().position.seq == 2


class TestTheWrongParty:
    @pytest.fixture
    def other(self, pair: Pair, tmp_path: Path) -> Pair:
        """Another partner of the same publisher."""
        made = Pair(tmp_path / "other", channel="anotherchannel", name="other")
        made.release({number(7): live()})
        return made

    def test_anothers_channel(self, pair: Pair, other: Pair) -> None:
        pair.restore(other.served())
        refused(pair, Untrusted)

    def test_anothers_channel_from_the_very_start(self, pair: Pair, other: Pair) -> None:
        """It follows the root of the other channel, but was never sealed to us."""
        sealed = seal(other.handover().text().encode(), [pair.home.card().age])
        mine = Home(pair.folder / "second")
        shutil.copytree(pair.home.path / "keys", mine.path / "keys")
        mine.join(sealed, str(other.place.served))
        with pytest.raises(NotForUs, match=r"latest\.json"):
            sync(mine, now())

    def test_anothers_list_sealed_to_us_by_our_own_publisher(self, pair: Pair, other: Pair) -> None:
        """A mix-up at the publisher, with all signatures: the channel's name inside tells."""
        deliver(pair.place, POLICY, other.releases, newest(other.releases), now())
        refused(pair, WrongChannel, "for channel anotherchannel")

    def test_two_files_of_one_name_sealed_anew(self, pair: Pair) -> None:
        """An old pointer sealed again and signed as new: the number inside tells."""
        pair.sync()
        pair.release({number(3): live()})
        pair.sync()
        state = dict(read_state(pair.place).targets)
        old = (pair.releases / LATEST).read_text().replace('"seq":3', '"seq":2')
        manifest = pair.releases / "000002" / "manifest.json"
        told = json.loads(old) | {
            name: json.loads(manifest.read_text())[name] for name in ("day", "state_sha256")
        }
        told["manifest_sha256"] = hashlib.sha256(manifest.read_bytes()).hexdigest()
        data = seal(json.dumps(told).encode(), [pair.home.card().age])
        state[TARGET] = put_target(pair.place, TARGET, data, "forged")
        root = pair.place.newest_root()
        assert root is not None
        list_targets(pair.place, POLICY, state, now(), [root.signed])
        refused(pair, Rollback, "offers release 2, held is 3")

    def test_a_fork_under_the_same_number(self, pair: Pair, tmp_path: Path) -> None:
        """The publisher began anew and signs another release 2 than the one held."""
        pair.sync()
        shutil.rmtree(pair.releases)
        for at in (8, 9):
            pair.release({number(at): live()})
        refused(pair, Damaged, "another list under the same number 2")

    def test_a_wrong_state_announced_by_an_insider(self, pair: Pair) -> None:
        """Everything is signed, but the rows do not make the list they claim to make."""
        for name in ("snapshot.csv.gz", "delta.csv.gz"):
            edit(pair.releases, 2, name, ",fraud,", ",fraue,")
        pair.deliver()
        refused(pair, Damaged)


class TestReceipts:
    def test_of_another_partner(self, pair: Pair, tmp_path: Path) -> None:
        other = Pair(tmp_path / "other")
        other.release({number(1): live()})
        other.sync()
        with pytest.raises(Untrusted, match="not signed by the key"):
            take(pair.settings, pair.partner, receipt(other.home, now()).encode(), now())

    def test_altered(self, pair: Pair) -> None:
        text = receipt(pair.home, now())
        envelope = json.loads(text)
        envelope["payload"] = envelope["payload"][:-4] + "fQ=="
        for bad in (json.dumps(envelope), "{}", "[]", "rubbish", text[:-20], "[" * 9000):
            with pytest.raises(ListRefused):
                take(pair.settings, pair.partner, bad.encode(), now())
        with pytest.raises(Malformed, match="larger than"):
            take(pair.settings, pair.partner, b" " * 20_000, now())

    @pytest.mark.parametrize(
        ("change", "kind"),
        [
            ({"state_sha256": "0" * 64}, Damaged),
            ({"seq": 9}, Damaged),
            ({"seq": True}, Malformed),
            ({"channel": "anotherchannel"}, WrongChannel),
            ({"at": "yesterday"}, Malformed),
            ({"more": 1}, Malformed),
        ],
    )
    def test_of_what_was_never_published(
        self, pair: Pair, change: dict[str, object], kind: type[ListRefused]
    ) -> None:
        good = read_statement(
            RECEIPT, receipt(pair.home, now()).encode(), pair.home.card().receipt_key
        )
        text = sign_statement(RECEIPT, good | change, read_signer(pair.home.receipt_key))
        with pytest.raises(ListRefused) as refusal:
            take(pair.settings, pair.partner, text.encode(), now())
        assert type(refusal.value) is kind

    def test_another_statement_of_the_same_key_is_no_receipt(self, pair: Pair) -> None:
        text = sign_statement("mingdan-question/1", {}, read_signer(pair.home.receipt_key))
        with pytest.raises(Malformed, match="another kind"):
            take(pair.settings, pair.partner, text.encode(), now())

    def test_who_still_holds_what_was_taken_back_is_an_alarm(self, pair: Pair) -> None:
        pair.release({number(2): live()})  # takes number 1 back
        later = now() + timedelta(days=3)

        def alarms() -> list[str]:
            found = standing(pair.settings, pair.partner, POLICY, later).alarms
            return [one for one in found if "retractions" in one]

        assert alarms() == ["retractions_not_confirmed: 1 since release 3"]
        inbox = pair.settings.landing / "receipts" / "bank_demo"
        inbox.mkdir(parents=True)
        (inbox / "old.json").write_text(receipt(pair.home, now()))
        (inbox / "bad.json").write_text("rubbish")
        taken, odd = take_delivered(pair.settings, pair.partner, now())
        assert (taken, len(odd)) == (1, 1)
        assert alarms(), "it holds release 1"
        pair.sync()
        (inbox / "new.json").write_text(receipt(pair.home, now()))
        take_delivered(pair.settings, pair.partner, now())
        assert alarms() == []
        assert [path.name for path in inbox.rglob("*.json")] == ["bad.json"]


class TestQuestions:
    @pytest.fixture
    def bank(self, tmp_path: Path) -> Pair:
        made = Pair(tmp_path, disclosure="match_only", quota=100)
        made.release({number(1): live()})
        made.sync()
        return made

    def asked(self, bank: Pair, *numbers: int) -> bytes:
        question = ask(bank.home, [number(at) for at in numbers], now())
        assert question is not None
        return question

    def refused(self, bank: Pair, question: bytes, kind: type[InputRefused]) -> None:
        with pytest.raises(InputRefused) as refusal:
            answer(bank.settings, bank.partner, question, now())
        assert type(refusal.value) is kind
        assert not list((bank.place.own / "answers").glob("*"))

    def test_quota_walking(self, bank: Pair) -> None:
        """Many small questions cost what one large one does."""
        bank.partner = bank.agreed(evaluations_per_year=5)
        told = [
            answer(bank.settings, bank.partner, self.asked(bank, at, at + 50), now())["answered"]
            for at in range(1, 5)
        ]
        assert told == ["evaluated", "evaluated", "refused: quota", "refused: quota"]

    def test_two_partners_colluding(self, bank: Pair, tmp_path: Path) -> None:
        """Tokens of one are nothing to the other; only their quotas add up."""
        other = Pair(tmp_path / "other", disclosure="match_only", channel="anotherchannel")
        other.release({number(1): live()})
        other.sync()
        assert set(bank.held()).isdisjoint(other.held())

    def test_somebody_elses_question(self, bank: Pair, tmp_path: Path) -> None:
        """Else one partner could use up another's quota."""
        other = Pair(tmp_path / "other", disclosure="match_only", quota=9)
        other.release({number(1): live()})
        other.sync()
        self.refused(bank, self.asked(other, 1), Untrusted)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda data: data[:-1],
            lambda data: data + b"x" * 32,
            lambda data: data[:-32] + b"\x01" * 32,
        ],
    )
    def test_a_changed_body(self, bank: Pair, spoil: Callable[[bytes], bytes]) -> None:
        self.refused(bank, spoil(self.asked(bank, 1, 2)), Damaged)

    @pytest.mark.parametrize("data", [b"", b"\n", b"{}\n", b"x" * 20_000, b"[" * 9000 + b"\n"])
    def test_rubbish(self, bank: Pair, data: bytes) -> None:
        self.refused(bank, data, Malformed)

    @pytest.mark.parametrize("element", [bytes(32), b"\xff" * 32])
    def test_a_signed_body_that_is_no_element(self, bank: Pair, element: bytes) -> None:
        """The identity would give the key away by its own output."""
        told = Question(bank.channel, "joint", 1, "0" * 32, 1, hashlib.sha256(element).hexdigest())
        signer = read_signer(bank.home.receipt_key)
        self.refused(bank, write_question(told, element, signer), InputRefused)

    def test_another_question_under_an_id_that_was_counted(self, bank: Pair) -> None:
        """Else everything could be asked under one id, and be counted once."""
        first, second = self.asked(bank, 1), self.asked(bank, 2)
        answer(bank.settings, bank.partner, first, now())
        told = Question(**{**json_of(second), "id": json_of(first)["id"]})
        body = second.partition(b"\n")[2]
        forged = write_question(told, body, read_signer(bank.home.receipt_key))
        with pytest.raises(Damaged, match="another question under the same id"):
            answer(bank.settings, bank.partner, forged, now())

    def test_an_answer_under_another_key(self, bank: Pair) -> None:
        """A publisher that gives a partner a key of its own could tell it apart by its hits."""
        question = self.asked(bank, 1)
        (bank.settings.secrets / "bank_demo-1.key").write_text("07" * 32)
        answer(bank.settings, bank.partner, question, now())
        bank.deliver()
        with pytest.raises(Untrusted, match="not evaluated with the key handed over"):
            bank.sync()

    def test_an_answer_to_another_question(self, bank: Pair) -> None:
        first, second = self.asked(bank, 1), self.asked(bank, 2)
        ids = [json_of(one)["id"] for one in (first, second)]
        answer(bank.settings, bank.partner, first, now())
        answers = bank.place.own / "answers"
        (answers / ids[0]).rename(answers / ids[1])
        bank.deliver()
        with pytest.raises(WrongChannel):
            bank.sync()


class TestWithheld:
    def test_a_suspended_partners_channel_runs_out(self, pair: Pair) -> None:
        """Fail closed: nothing is renewed for whom nothing may leave."""
        policy = pair.settings.data / "policy" / "reports" / "partners.toml"
        shipped = Path(mingdan.__file__).parent / "reports" / "partners.toml"
        policy.parent.mkdir(parents=True)
        policy.write_text(shipped.read_text("utf-8").replace('"active"', '"suspended"'), "utf-8")
        before = pair.served()
        assert renew_all(pair.settings, now()) == {
            "bank_demo": "left to run out: partner_suspended"
        }
        assert pair.served() == before

    def test_one_broken_channel_keeps_no_other_from_being_renewed(self, pair: Pair) -> None:
        root = pair.place.newest_root()
        assert root is not None
        pair.place.key("timestamp", root.signed.roles["timestamp"].keyids[0]).unlink()
        with pytest.raises(InputRefused, match=r"bank_demo: .*timestamp-.* is gone"):
            renew_all(pair.settings, now())


def longer_life(data: bytes) -> bytes:
    """The same metadata, said to live for another century."""
    told = json.loads(data)
    told["signed"]["expires"] = "2126-01-01T00:00:00Z"
    return json.dumps(told).encode()


def json_of(question: bytes) -> dict[str, Any]:
    """What the signed line of a question says."""
    payload = json.loads(question.partition(b"\n")[0])["payload"]
    told: dict[str, Any] = json.loads(base64.b64decode(payload))
    told.pop("fmt")
    return told


def at_time(monkeypatch: pytest.MonkeyPatch, *, hours: int) -> None:
    """Let the partner's machine be so much later."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(hours=hours)

    monkeypatch.setattr(
        trusted_metadata_set, "datetime", SimpleNamespace(datetime=Later, timezone=timezone)
    )


class web:  # noqa: N801
    """A static server over a folder; bodies whose path holds a word of `cut` end early."""

    def __init__(self, folder: Path) -> None:
        cut: list[str] = []

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *args: object) -> None:
                super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

            def copyfile(self, source: object, outputfile: object) -> None:
                data = source.read()  # type: ignore[attr-defined]
                if any(word in self.path for word in cut):
                    data = data[: len(data) // 2]
                    self.close_connection = True
                outputfile.write(data)  # type: ignore[attr-defined]

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._cut = cut

    def __enter__(self) -> tuple[str, list[str]]:
        Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}", self._cut

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
