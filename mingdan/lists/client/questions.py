"""Asking for one's own customers without naming them (`match_only`).

Here: blinding customers into a question, and what its answer makes of them. Not
here: the files (`mingdan.lists.questions`) and the function (`oprf/group.py`).

A question blinds each number with a secret of its own, in shuffled order; the
publisher evaluates elements that tell it nothing. The answer is proved to be
made with the key handed over, else every partner could be given its own key and
be told apart by it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mingdan.errors import InputRefused
from mingdan.lists.client.copy import Copy
from mingdan.lists.client.fetch import Channel
from mingdan.lists.client.home import Home, Trust
from mingdan.lists.format import SEALED
from mingdan.lists.keys import read_signer
from mingdan.lists.oprf import group
from mingdan.lists.oprf.sealing import split
from mingdan.lists.questions import MOST, Question, read_answer, write_question
from mingdan.lists.refusals import Damaged, Missing, Untrusted


@dataclass(frozen=True)
class Taken:
    """What became of a question."""

    id: str
    customers: int
    refused: str | None


def ask(home: Home, numbers: Iterable[str], clock: datetime) -> bytes | None:
    """A question about those customers not asked about yet in this epoch; None if there are none.

    At most `MOST` of them: ask again for the rest. Raises InputRefused for a list
    whose tokens need no question.
    """
    trust = home.trust
    if trust.token_alg != SEALED:
        raise InputRefused("this list's tokens are made here: match needs no question")
    epoch = max(map(int, trust.keys))
    copy = Copy(home.copy)
    try:
        run = copy.connection.execute
        held = {row[0] for row in run("SELECT number FROM answers WHERE epoch = ?", (epoch,))}
        held |= {
            row[0]
            for row in run(
                "SELECT number FROM asked JOIN questions ON question = id WHERE epoch = ?",
                (epoch,),
            )
        }
        fresh = sorted(set(numbers) - held)[:MOST]
        if not fresh:
            return None
        secrets.SystemRandom().shuffle(fresh)
        ident, secret = secrets.token_hex(16), secrets.token_bytes(32)
        body = b"".join(_blinded(secret, fresh))
        question = Question(
            trust.channel, trust.list, epoch, ident, len(fresh), hashlib.sha256(body).hexdigest()
        )
        with copy.transaction():
            told = (ident, epoch, secret.hex(), clock.isoformat())
            run("INSERT INTO questions VALUES (?, ?, ?, ?)", told)
            copy.connection.executemany(
                "INSERT INTO asked VALUES (?, ?, ?)",
                ((ident, place, number) for place, number in enumerate(fresh)),
            )
        return write_question(question, body, read_signer(home.receipt_key))
    finally:
        copy.close()


def take_answers(home: Home, channel: Channel, copy: Copy) -> list[Taken]:
    """Take the answers that have come to open questions; one transaction each.

    Raises Untrusted if one was not made with the key handed over, Damaged if it
    answers another question; the question then stays open.
    """
    trust = home.trust
    open_ones = list(copy.connection.execute("SELECT id, epoch, secret FROM questions ORDER BY id"))
    taken = []
    for ident, epoch, secret in open_ones:
        try:
            data = channel.get(f"answer-{ident}")
        except Missing:
            continue
        taken.append(_take(trust, copy, ident, int(epoch), bytes.fromhex(secret), data))
    return taken


def _take(trust: Trust, copy: Copy, ident: str, epoch: int, secret: bytes, data: bytes) -> Taken:
    run = copy.connection.execute
    numbers = [
        row[0]
        for row in run("SELECT number FROM asked WHERE question = ? ORDER BY place", (ident,))
    ]
    got = read_answer(data, trust.channel, ident)
    found: list[tuple[str, int, str, str]] = []
    if got.refused is None:
        elements = list(_blinded(secret, numbers))
        if got.question_sha256 != hashlib.sha256(b"".join(elements)).hexdigest():
            raise Damaged(f"the answer to {ident} answers another question")
        public = bytes.fromhex(trust.keys[str(epoch)])
        at = 0
        for proof, evaluated in got.batches:
            mine = elements[at : at + len(evaluated)]
            try:
                group.check_proof(public, mine, evaluated, proof)
            except group.ProofInvalid as error:
                raise Untrusted(f"the answer to {ident}: {error}") from None
            for number, element in zip(numbers[at:], evaluated, strict=False):
                data_in = number.encode("ascii")
                output = group.finalize(data_in, group.blind_of(secret, data_in), element)
                token, opens = split(output)
                found.append((number, epoch, token, opens.hex()))
            at += len(evaluated)
        if at != len(numbers):
            raise Damaged(f"the answer to {ident} is of {at} customers, asked were {len(numbers)}")
    with copy.transaction():
        copy.connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)", found)
        run("DELETE FROM answers WHERE epoch < ?", (epoch,))
        run("DELETE FROM asked WHERE question = ?", (ident,))
        run("DELETE FROM questions WHERE id = ?", (ident,))
    return Taken(ident, len(found), got.refused)


def _blinded(secret: bytes, numbers: Iterable[str]) -> Iterable[bytes]:
    for number in numbers:
        data = number.encode("ascii")
        yield group.blind(data, group.blind_of(secret, data))
