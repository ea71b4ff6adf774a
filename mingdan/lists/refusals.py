"""Why a release is not accepted: one class per kind, so that a caller can tell them apart.

Here: refusals of the reading side. Not here: what is checked (`reader.py`).
Whatever is refused, the state held before stays as it was.
"""

from __future__ import annotations

from mingdan.errors import InputRefused


class ListRefused(InputRefused):
    """A release, or a file of one, that cannot be accepted."""


class Missing(ListRefused):
    """A file that should be there is not."""


class Damaged(ListRefused):
    """Bytes that are not those announced: a digest, size or resulting state differs."""


class Malformed(ListRefused):
    """A file outside the format: grammar, order, counts, more than it may hold."""


class WrongChannel(ListRefused):
    """A release for someone else, or of another list."""


class Gap(ListRefused):
    """Changes that do not continue from the state held."""


class Rollback(ListRefused):
    """An older release than the one already held."""


class NotForUs(ListRefused):
    """Something encrypted to another key than ours, or changed since."""


class Untrusted(ListRefused):
    """Signatures or expiry of the channel do not hold: what is offered is not the publisher's."""


class OutOfReach(ListRefused):
    """The channel cannot be fetched at all; what is held goes on ageing."""
