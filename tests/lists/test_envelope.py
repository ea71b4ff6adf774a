"""A channel: who may sign it, how it is renewed, how its keys are changed under a partner."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.errors import InputRefused, WrongUsage
from mingdan.lists.envelope import root as roots
from mingdan.lists.envelope.deliver import accept_card, alarms, keep_fresh
from mingdan.lists.envelope.roles import ONLINE
from mingdan.lists.keys import make_key, public_path, read_public
from mingdan.lists.refusals import NotForUs, Untrusted
from mingdan.lists.seal import read_identity, unseal
from tests.lists.pairs import POLICY, Pair, live, now, number


def test_a_partner_takes_what_was_released(pair: Pair) -> None:
    assert len(pair.held()) == 2
    pair.release({number(1): live(), number(3): live()})
    done = pair.sync()
    assert (done.position.seq, done.before, done.by) == (2, 1, "changes")
    assert pair.sync().by == "nothing"


def test_nothing_served_can_be_read_without_the_partners_key(pair: Pair) -> None:
    (token,) = [one for one in pair.held() if one][:1]
    text = b"".join(pair.served().values())
    for hidden in (token.encode(), b"bank_demo", b"Risk scoring", b"spam_sms", b"joint"):
        assert hidden not in text
    names = {name.split("/")[-1] for name in pair.served()}
    assert {name.split(".", 1)[1] for name in names if name.endswith(".age")} == {
        *("latest.json.age", "000001.manifest.json.age"),
        *("000001.snapshot.csv.gz.age", "000001.delta.csv.gz.age"),
    }


def test_delivering_again_changes_no_byte(pair: Pair) -> None:
    before = pair.served()
    pair.deliver()
    assert pair.served() == before


class TestRoot:
    """Nothing is in force before enough offline keys have signed it."""

    def draft(self, pair: Pair, *signed_by: Path, **asked: object) -> roots.Metadata[roots.Root]:
        made = roots.propose(pair.place, POLICY, now(), **asked)  # type: ignore[arg-type]
        for path in signed_by:
            roots.sign(made, path)
        return made

    @pytest.mark.parametrize("count", [0, 1])
    def test_too_few_signatures(self, pair: Pair, count: int) -> None:
        draft = self.draft(pair, *pair.roots[:count], rotate=["timestamp"])
        with pytest.raises(InputRefused, match=f"lacks signatures: {2 - count} of the keys"):
            roots.install(pair.place, POLICY, draft, now())
        root = pair.place.newest_root()
        assert root is not None
        assert root.signed.version == 1

    def test_a_strangers_signature_does_not_count(self, pair: Pair, tmp_path: Path) -> None:
        stranger = tmp_path / "stranger.pem"
        make_key(stranger)
        draft = self.draft(pair, pair.roots[0], stranger)
        with pytest.raises(InputRefused, match="lacks signatures: 1 of the keys of this root"):
            roots.install(pair.place, POLICY, draft, now())

    def test_keys_a_root_brings_itself_do_not_make_it_trusted(
        self, pair: Pair, tmp_path: Path
    ) -> None:
        """Whoever holds the online machine proposes a root of strangers' keys."""
        strangers = [tmp_path / f"stranger-{at}.pem" for at in range(2)]
        publics = [make_key(path) for path in strangers]
        draft = self.draft(pair, *strangers, add=publics)
        with pytest.raises(InputRefused, match="2 of the keys of the root in force"):
            roots.install(pair.place, POLICY, draft, now())

    def test_a_root_of_one_signature_is_refused(self, pair: Pair) -> None:
        draft = roots.propose(pair.place, POLICY, now())
        draft.signed.roles["root"].threshold = 1
        for path in pair.roots[:2]:
            roots.sign(draft, path)
        with pytest.raises(InputRefused, match="too few signatures"):
            roots.install(pair.place, POLICY, draft, now())

    def test_versions_are_not_skipped_and_not_repeated(self, pair: Pair) -> None:
        first = self.draft(pair, *pair.roots[:2])
        roots.install(pair.place, POLICY, first, now())
        with pytest.raises(InputRefused, match="the next one is 3"):
            roots.install(pair.place, POLICY, first, now())

    def test_a_root_that_has_run_out(self, pair: Pair) -> None:
        draft = roots.propose(pair.place, POLICY, now() - timedelta(400))
        for path in pair.roots[:2]:
            roots.sign(draft, path)
        with pytest.raises(InputRefused, match="has run out"):
            roots.install(pair.place, POLICY, draft, now())

    def test_fewer_keys_than_must_sign(self, pair: Pair) -> None:
        publics = [read_public(public_path(path)).keyid for path in pair.roots]
        with pytest.raises(InputRefused, match="2 root keys must sign together"):
            roots.propose(pair.place, POLICY, now(), remove=publics[:2])
        with pytest.raises(WrongUsage, match="0 root keys begin with"):
            roots.propose(pair.place, POLICY, now(), remove=["none"])

    def test_a_root_key_under_a_passphrase(self, pair: Pair, tmp_path: Path) -> None:
        locked = tmp_path / "locked.pem"
        public = make_key(locked, "correct horse")
        draft = roots.propose(pair.place, POLICY, now(), add=[public])
        with pytest.raises(InputRefused, match="needs its passphrase"):
            roots.sign(draft, locked)
        with pytest.raises(InputRefused, match="another passphrase"):
            roots.sign(draft, locked, "wrong")
        roots.sign(draft, locked, "correct horse")
        with pytest.raises(InputRefused, match="never overwritten"):
            make_key(locked)


class TestRotation:
    """A key of every role is replaced, and no sync fails for it."""

    @pytest.mark.parametrize("role", [*ONLINE, "root"])
    def test_of_a_role(self, pair: Pair, role: str, tmp_path: Path) -> None:
        root = pair.place.newest_root()
        assert root is not None
        old = root.signed.roles[role].keyids[0]
        if role == "root":
            fresh = tmp_path / "fresh.pem"
            make_key(fresh)
            leaving = read_public(public_path(pair.roots[0])).keyid
            pair.change_root(signed_by=[*pair.roots[:2], fresh], add=[fresh], remove=[leaving])
            old = leaving
        else:
            pair.change_root(rotate=[role])
        assert pair.sync().by == "nothing", "also at once, with the old release"
        pair.release({number(3): live()})
        assert pair.sync().position.seq == 2
        root = pair.place.newest_root()
        assert root is not None
        assert old not in root.signed.roles[role].keyids

    @pytest.mark.parametrize("role", ONLINE)
    def test_a_leaked_key_signs_nothing_a_partner_takes(
        self, pair: Pair, role: str, tmp_path: Path
    ) -> None:
        """The thief has the old key and the served folder; the partner has seen the new root."""
        root = pair.place.newest_root()
        assert root is not None
        leaked = pair.place.key(role, root.signed.roles[role].keyids[0]).read_bytes()
        pair.change_root(rotate=[role])
        pair.release({number(3): live()})
        pair.sync()
        root = pair.place.newest_root()
        assert root is not None
        pair.place.key(role, root.signed.roles[role].keyids[0]).write_bytes(leaked)
        pair.release({number(4): live()})
        with pytest.raises(Untrusted, match=role):
            pair.sync()
        assert pair.position().seq == 2  # type: ignore[union-attr]

    def test_a_lost_key_says_how_to_replace_it(self, pair: Pair) -> None:
        root = pair.place.newest_root()
        assert root is not None
        pair.place.key("targets", root.signed.roles["targets"].keyids[0]).unlink()
        with pytest.raises(InputRefused, match="keys propose bank_demo --rotate targets"):
            pair.release({number(3): live()})
        assert pair.sync().by == "nothing"

    def test_of_the_token_key(self, pair: Pair) -> None:
        """Another epoch: everything is taken back and added under new tokens."""
        before = set(pair.held())
        pair.partner = pair.agreed(token_epoch=2)
        pair.release({number(1): live()})
        assert pair.sync().position.epoch == 2
        assert before.isdisjoint(pair.held())

    def test_of_the_partners_own_keys(self, pair: Pair, tmp_path: Path) -> None:
        """The partner's laptop was stolen: what it held opens nothing from the next moment on."""
        thief = read_identity(pair.home.identity)
        for path in (pair.home.path / "keys").iterdir():
            path.unlink()
        accept_card(pair.place, pair.home.make_card())
        pair.deliver()
        for name, data in pair.served().items():
            if name.endswith(".age"):
                with pytest.raises(NotForUs):
                    unseal(data, [thief], name)
        pair.release({number(3): live()})
        assert pair.sync().position.seq == 2


class TestRenewal:
    """The timestamp lives a day; a job renews it, and half its life is an alarm."""

    def test_only_the_timestamp_changes(self, pair: Pair) -> None:
        before = pair.served()
        keep_fresh(pair.place, POLICY, now() + timedelta(hours=6))
        after = pair.served()
        assert {name for name in after if after[name] != before.get(name)} == {
            "metadata/timestamp.json"
        }
        assert pair.sync().position.signed_until == (now() + timedelta(hours=30)).isoformat()

    def test_half_of_a_life_is_an_alarm(self, pair: Pair) -> None:
        assert alarms(pair.place, POLICY, now()) == []
        assert alarms(pair.place, POLICY, now() + timedelta(hours=13)) == ["timestamp"]
        late = alarms(pair.place, POLICY, now() + timedelta(days=200))
        assert sorted(late) == ["root", "snapshot", "targets", "timestamp"]

    def test_nothing_is_renewed_before_the_first_delivery(self, tmp_path: Path) -> None:
        made = Pair(tmp_path)
        assert keep_fresh(made.place, POLICY, now()) is None
        assert not (made.place.metadata / "timestamp.json").exists()


class TestWhatIsServedIsNeverBelieved:
    """Whoever can write to the web server gets nothing signed by us."""

    def test_a_foreign_target_is_not_signed(self, pair: Pair) -> None:
        for path in list(pair.place.metadata.glob("*.targets.json")):
            path.write_bytes(path.read_bytes().replace(b"latest", b"foreign"))
        for path in pair.place.targets.iterdir():
            path.write_bytes(b"foreign")
        pair.release({number(3): live()})
        assert pair.sync().position.seq == 2

    def test_what_was_removed_is_put_back(self, pair: Pair) -> None:
        pair.find("manifest.json.age").unlink()
        pair.deliver()
        (pair.home.copy).unlink()
        assert pair.sync().by == "snapshot"

    def test_a_folder_of_last_month_does_not_turn_versions_back(self, pair: Pair) -> None:
        old = pair.served()
        pair.release({number(3): live()})
        pair.sync()
        pair.restore(old)
        pair.deliver()
        assert pair.sync().position.seq == 2

    def test_a_lost_memory_goes_on_from_what_is_served(self, pair: Pair) -> None:
        keep_fresh(pair.place, POLICY, now())
        pair.sync()
        (pair.place.own / "state.json").unlink()
        pair.deliver()
        assert pair.sync().by == "nothing"


def test_old_files_stay_a_day_for_who_is_in_the_middle_of_a_sync(pair: Pair) -> None:
    first = pair.find("snapshot.csv.gz.age")
    pair.release({number(3): live()})
    pair.release({number(4): live()})
    assert first.exists(), "it is not listed, but young"
    old = time.time() - 2 * 86_400
    os.utime(first, (old, old))
    pair.release({number(5): live()})
    assert not first.exists()
    assert pair.sync().position.seq == 4


class Died(BaseException):
    """The process is gone: nothing after it may run."""


def test_killed_before_every_disk_operation(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """At every instant a partner gets the old release or the new one, and a rerun completes."""
    step = 0
    alive = False
    while not alive:
        step += 1
        before = pair.sync().position.seq
        with monkeypatch.context() as patch:
            die_at(patch, step)
            try:
                pair.release({number(step + 10): live()})
                alive = True
            except Died:
                pass
        assert pair.sync().position.seq - before in (0, 1), f"killed before operation {step}"
        pair.deliver()
    assert step > 25


def die_at(patch: pytest.MonkeyPatch, step: int) -> None:
    done = 0

    def fatal(real: Callable[..., object]) -> Callable[..., object]:
        def operation(*args: object, **kwargs: object) -> object:
            nonlocal done
            done += 1
            if done == step:
                raise Died
            return real(*args, **kwargs)

        return operation

    patch.setattr(os, "fsync", fatal(os.fsync))
    for name in ("rename", "replace"):
        patch.setattr(Path, name, fatal(getattr(Path, name)))
