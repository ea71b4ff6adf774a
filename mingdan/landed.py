"""Delivered files are plain files inside the landing folder, and nothing else.

Here: telling them from links, pipes and devices, and opening them. Not here: where they
lie (`usage`, `reports`) and what they hold. Who delivers may write into the landing
folder: a link must not make the night read what they could not, a pipe not hold it up.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class NotPlain(OSError):
    """Something in the landing folder that is no plain file; `strerror` says what it is."""


def open_plain(path: Path) -> BufferedReader:
    """A delivered file, open for reading. Raises NotPlain, else OSError as the disk does."""
    # looked at first: to open a device can do something
    _check(path, path.lstat().st_mode)
    # it may have become a link or a pipe since
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        _check(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def there(path: Path) -> bool:
    """Whether anything has that name, a link to nowhere included."""
    return os.path.lexists(path)


def check_inside(path: Path, landing: Path) -> None:
    """Raises NotPlain if `path`, or a folder between it and the landing folder, is a link.

    The landing folder itself may be one: that is the operator's.
    """
    inside = path.relative_to(landing)
    for part in (inside, *inside.parents):
        if part != Path() and (landing / part).is_symlink():
            raise NotPlain(
                errno.ELOOP, f"{landing / part} is a symbolic link; what lies behind it is not read"
            )


def _check(path: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        raise NotPlain(errno.EINVAL, f"it is {kind}, not a plain file", str(path))
