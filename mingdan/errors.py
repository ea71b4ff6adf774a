"""Errors a user can act on.

Here: one class per kind of refusal, each with a message that names the thing
and the way out. Not here: programming errors (let them raise as they are).
The CLI turns `InputRefused` into exit code 1 and `WrongUsage` into 2; Dagster
shows the message as the failure's description.
"""

from __future__ import annotations


class MingdanError(Exception):
    """Anything Mingdan refuses knowingly; the message is written for its user."""


class WrongUsage(MingdanError):
    """The call itself is wrong: an unknown name, a bad date, a missing option."""


class InputRefused(MingdanError):
    """A file, row set or order that was handed in cannot be taken."""


class MissingInput(InputRefused):
    """Something a night needs has not arrived; nothing downstream may run."""


class LakeError(MingdanError):
    """A partition could not be written or read; the old one is still in place."""

    def __init__(self, message: str) -> None:
        """`message` without the statement a database quotes in its own."""
        super().__init__(message.partition("\n\nLINE ")[0])


class Busy(MingdanError):
    """Another run holds what this one needs."""


class Contended(Busy):
    """Two writers stood in each other's way and the database undid this one: ask again."""


class Unreachable(Busy):
    """A database went away in the middle; what was asked for may be done or not."""
