"""The publisher's evaluations: by the faster library where it is there, else by our own.

Here: which of the two, over how many processes, and keeping the library's panics
from killing the process. Not here: the function itself (`group.py`), which gives
the same bytes and takes over when `voprf` (two releases, one author) has no wheel.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import TypeVar

from mingdan.errors import InputRefused
from mingdan.lists.oprf import group

try:
    from voprf import ristretto
except ModuleNotFoundError:
    ristretto = None  # type: ignore[assignment]

INFO = b"mingdan match_only"
"""What a key is derived for (DeriveKeyPair's `info`)."""
BATCH = 8_192
"""Elements under one proof."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def guarded(call: Callable[[], Result]) -> Result:
    """What `call` gives; a panic of the library becomes InputRefused.

    Its panics are no `Exception`: `except Exception` would let them end the process.
    """
    try:
        return call()
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise InputRefused(f"the evaluation library refused: {error}") from None


def public_key(seed: bytes) -> bytes:
    """The public key of a seed."""
    if ristretto is None:
        return group.public_key(group.derive_key(seed, INFO))
    return guarded(lambda: ristretto.Evaluator.from_seed(seed, INFO).public_key.serialize())


def evaluate_known(seed: bytes, numbers: Sequence[str]) -> list[bytes]:
    """Outputs for numbers we know ourselves: those of our own list."""
    batches = list(_batched(numbers, BATCH))
    return [one for part in _spread(_known, seed, batches) for one in part]


def evaluate_blinded(seed: bytes, elements: Sequence[bytes]) -> Iterator[bytes]:
    """For each batch its proof and evaluated elements, `64 + 32 n` bytes.

    Raises InputRefused if an element is none: the whole question is refused.
    """
    yield from _spread(_blinded, seed, list(_batched(elements, BATCH)))


def _known(seed: bytes, numbers: Sequence[str]) -> list[bytes]:
    if ristretto is None:
        private = group.derive_key(seed, INFO)
        return [group.evaluate_known(private, one.encode("ascii")) for one in numbers]
    evaluator = ristretto.Evaluator.from_seed(seed, INFO)
    return guarded(lambda: [evaluator.evaluate_known_input(one.encode("ascii")) for one in numbers])


def _blinded(seed: bytes, elements: Sequence[bytes]) -> bytes:
    if ristretto is None:
        if not all(map(group.is_element, elements)):
            raise InputRefused("an element of the question is none")
        evaluated, proof = group.evaluate(group.derive_key(seed, INFO), elements)
        return proof + b"".join(evaluated)
    evaluator = ristretto.Evaluator.from_seed(seed, INFO)
    try:
        read = guarded(lambda: [ristretto.BlindedInput.deserialize(one) for one in elements])
        return guarded(lambda: evaluator.evaluate_batch(read).serialize())
    except ValueError:
        raise InputRefused("an element of the question is none") from None


def _batched(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _spread(
    work: Callable[[bytes, Sequence[Item]], Result], seed: bytes, batches: list[Sequence[Item]]
) -> Iterator[Result]:
    """`work` on every batch, in order; over processes where it is worth starting them."""
    if len(batches) < 3 or (os.cpu_count() or 1) < 2:
        yield from map(work, repeat(seed), batches)
        return
    with ProcessPoolExecutor() as pool:
        yield from pool.map(work, repeat(seed), batches)
