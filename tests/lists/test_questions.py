"""`match_only`: a partner learns its own customers' entries, and we learn nothing of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mingdan.errors import InputRefused
from mingdan.lists.client.match import Answer, Matcher
from mingdan.lists.client.questions import ask
from mingdan.lists.oprf import engine, group
from mingdan.lists.oprf.sealing import open_attributes, seal_attributes, split
from mingdan.lists.questions import answer, quota
from mingdan.lists.refusals import Damaged
from tests.lists.pairs import Pair, live, now, number

SEED = bytes.fromhex("a3" * 32)


class TestTheFunction:
    """RFC 9497, appendix A.1.2: VOPRF mode of ristretto255-SHA512."""

    PRIVATE = "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909"
    PUBLIC = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e"
    BLIND = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706"
    VECTORS = (
        (
            "00",
            "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
            (
                "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d"
                "a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c"
            ),
        ),
        (
            "5a" * 17,
            "cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",
            "60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",
            (
                "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60"
                "356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6"
            ),
        ),
    )

    def test_keys(self) -> None:
        private = group.derive_key(SEED, b"test key")
        assert private.hex() == self.PRIVATE
        assert group.public_key(private).hex() == self.PUBLIC

    @pytest.mark.parametrize(("data", "blinded", "evaluated", "output"), VECTORS)
    def test_a_vector(self, data: str, blinded: str, evaluated: str, output: str) -> None:
        given, blind = bytes.fromhex(data), bytes.fromhex(self.BLIND)
        element = group.blind(given, blind)
        assert element.hex() == blinded
        private, public = bytes.fromhex(self.PRIVATE), bytes.fromhex(self.PUBLIC)
        made, proof = group.evaluate(private, [element])
        assert made[0].hex() == evaluated
        group.check_proof(public, [element], made, proof)
        assert group.finalize(given, blind, made[0]).hex() == output
        assert group.evaluate_known(private, given).hex() == output

    def test_a_proof_of_the_appendix(self) -> None:
        """The first vector's proof, made with randomness we do not choose."""
        _, blinded, evaluated, _ = map(bytes.fromhex, self.VECTORS[0])
        proof = bytes.fromhex(
            "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06"
            "6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d"
        )
        public = bytes.fromhex(self.PUBLIC)
        group.check_proof(public, [blinded], [evaluated], proof)
        other = group.public_key(group.derive_key(SEED, b"another key"))
        with pytest.raises(group.ProofInvalid):
            group.check_proof(other, [blinded], [evaluated], proof)

    @pytest.mark.parametrize("at", [0, 31, 32, 63])
    def test_a_changed_proof(self, at: int) -> None:
        private = group.derive_key(SEED, engine.INFO)
        elements = [group.blind(b"x", group.blind_of(b"s" * 32, b"x"))] * 2
        made, proof = group.evaluate(private, elements)
        bad = bytearray(proof)
        bad[at] ^= 1
        public = group.public_key(private)
        with pytest.raises(group.ProofInvalid):
            group.check_proof(public, elements, made, bytes(bad))
        with pytest.raises(group.ProofInvalid):
            group.check_proof(public, elements, [made[0], elements[0]], proof)
        with pytest.raises(group.ProofInvalid):
            group.check_proof(public, elements, made[:1], proof)

    def test_the_fallback_gives_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the faster library every byte but the proof's randomness is the same."""
        elements = [group.blind(bytes([at]), group.blind_of(b"s" * 32, b"x")) for at in range(5)]
        numbers = [number(at) for at in range(5)]
        public, known = engine.public_key(SEED), engine.evaluate_known(SEED, numbers)
        (fast,) = engine.evaluate_blinded(SEED, elements)
        monkeypatch.setattr(engine, "ristretto", None)
        assert (engine.public_key(SEED), engine.evaluate_known(SEED, numbers)) == (public, known)
        (own,) = engine.evaluate_blinded(SEED, elements)
        assert own[64:] == fast[64:]
        for made in (fast, own):
            cut = [made[at : at + 32] for at in range(64, len(made), 32)]
            group.check_proof(public, elements, cut, made[:64])

    @pytest.mark.parametrize("library", [True, False])
    @pytest.mark.parametrize("element", [bytes(32), b"\xff" * 32, b"short"])
    def test_what_is_no_element(
        self, monkeypatch: pytest.MonkeyPatch, element: bytes, library: bool
    ) -> None:
        if not library:
            monkeypatch.setattr(engine, "ristretto", None)
        with pytest.raises((InputRefused, ValueError), match=r"none|32"):
            list(engine.evaluate_blinded(SEED, [element]))

    def test_a_panic_of_the_library_is_a_refusal(self, capfd: pytest.CaptureFixture[str]) -> None:
        """It is no `Exception`: unwrapped it would end the process."""
        from voprf import ristretto

        evaluator = ristretto.Evaluator.from_seed(SEED, b"")
        other = ristretto.Evaluator.from_seed(SEED, b"other")
        client, blinded = ristretto.Client.blind(b"x")  # type: ignore[arg-type]
        output = other.evaluate_batch([blinded])
        with pytest.raises(InputRefused, match="library refused"):
            engine.guarded(
                lambda: ristretto.Client.finalize_batch([client], output, evaluator.public_key)
            )
        assert "panicked" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            engine.guarded(interrupted)


def interrupted() -> None:
    raise KeyboardInterrupt


class TestSealing:
    def test_only_its_own_token_opens_it(self) -> None:
        token, key = split(bytes(range(64)))
        sealed = seal_attributes(key, token, live())
        assert open_attributes(key, token, sealed) == live()
        assert sealed == seal_attributes(key, token, live()), "equal lists, equal digests"
        for wrong_key, wrong_token in ((bytes(32), token), (key, "0" * 40)):
            with pytest.raises(Damaged):
                open_attributes(wrong_key, wrong_token, sealed)

    def test_its_length_tells_nothing(self) -> None:
        token, key = split(bytes(range(64)))
        told = {seal_attributes(key, token, live(reason)) for reason in ("fraud", "spam_sms")}
        assert {len(one) for one in told} == {251}
        assert len({one[:16] for one in told}) == 2, "another nonce for other content"
        with pytest.raises(ValueError, match="longer than"):
            seal_attributes(key, token, "x" * 161)


@pytest.fixture
def bank(tmp_path: Path) -> Pair:
    """A bank that may only match, with a quota of five; 1 and 2 are listed."""
    made = Pair(tmp_path, disclosure="match_only", quota=5)
    made.partner = made.agreed()
    made.release({number(1): live(), number(2): live("spam_sms")})
    made.sync()
    return made


def asked(bank: Pair, *numbers: int) -> bytes:
    question = ask(bank.home, [number(at) for at in numbers], now())
    assert question is not None
    return question


def answered(bank: Pair, question: bytes) -> str:
    told = answer(bank.settings, bank.partner, question, now())["answered"]
    bank.deliver()
    bank.sync()
    return str(told)


def found(bank: Pair, *numbers: int) -> dict[int, Answer]:
    matcher = Matcher(bank.home, now())
    try:
        every = matcher.answers([number(at) for at in numbers])
        return dict(zip(numbers, every, strict=True))
    finally:
        matcher.close()


def test_a_bank_learns_its_own_customers_entries(bank: Pair) -> None:
    assert {one.outcome for one in found(bank, 1, 2, 3).values()} == {"not_asked"}
    assert answered(bank, asked(bank, 1, 3)) == "evaluated"
    got = found(bank, 1, 2, 3)
    assert [got[at].outcome for at in (1, 2, 3)] == ["listed", "not_asked", "not_listed"]
    assert got[1].entry is not None
    assert got[1].entry.reason_code == "fraud"
    assert ask(bank.home, [number(1), number(3)], now()) is None, "asked once, known for good"
    bank.release({number(3): live()})
    bank.sync()
    assert [one.outcome for one in found(bank, 1, 3).values()] == ["not_listed", "listed"]


def test_a_question_says_nothing_of_whom_it_asks_about(bank: Pair) -> None:
    """Equal customers, other elements each time, in another order."""
    questions = []
    for _ in range(2):
        questions.append(asked(bank, 1, 2, 3).partition(b"\n")[2])
        bank.home.copy.unlink()
        bank.sync()
    parts = [{body[at : at + 32] for at in range(0, 96, 32)} for body in questions]
    assert parts[0].isdisjoint(parts[1])
    assert number(1).encode() not in b"".join(questions)


def test_a_row_tells_nothing_to_who_did_not_ask(bank: Pair) -> None:
    rows = list(bank.held().items())
    assert all(len(token) == 40 for token, _ in rows)
    assert not any("fraud" in told or "2026" in told for _, told in rows)


def test_the_same_question_again_is_answered_once(bank: Pair) -> None:
    question = asked(bank, 1, 2)
    assert answered(bank, question) == "evaluated"
    assert answered(bank, question) == "before"
    assert quota(bank.settings, bank.partner, now()) == {"agreed": 5, "used": 2, "left": 3}


def test_over_the_quota_nothing_is_evaluated(bank: Pair) -> None:
    assert answered(bank, asked(bank, 1, 2, 3)) == "evaluated"
    assert answered(bank, asked(bank, 4, 5, 6)) == "refused: quota"
    assert quota(bank.settings, bank.partner, now())["used"] == 3
    assert found(bank, 4)[4].outcome == "not_asked"
    later = now() + timedelta(366)
    assert quota(bank.settings, bank.partner, later)["left"] == 5


def test_another_epoch_is_another_key(bank: Pair) -> None:
    old = asked(bank, 1)
    bank.partner = bank.agreed(token_epoch=2)
    bank.release({number(1): live()})
    bank.join()
    assert answered(bank, old) == "refused: epoch"
    assert answered(bank, asked(bank, 1)) == "evaluated"
    assert found(bank, 1)[1].outcome == "listed"


def test_a_keyed_list_needs_no_question(tmp_path: Path) -> None:
    made = Pair(tmp_path)
    made.release({number(1): live()})
    made.sync()
    with pytest.raises(InputRefused, match="match needs no question"):
        ask(made.home, [number(1)], now())
