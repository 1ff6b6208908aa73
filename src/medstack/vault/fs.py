"""The file calls the vault makes, in one place, so that a test can make any of them fail.

Also: what an OSError of a disk means to the rest of the house.
"""

from __future__ import annotations

import errno
import fcntl
import os

from medstack.db import StorageFull
from medstack.kit.errors import Busy


class StorageFailed(Busy):
    """The disk (or the service) reported an error. Nothing was acknowledged."""

    code = "storage-failed"
    title = "The storage does not work properly"


_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Fs:
    """The kernel's file calls under their own names. They raise OSError."""

    close = staticmethod(os.close)
    flock = staticmethod(fcntl.flock)
    fsync = staticmethod(os.fsync)
    link = staticmethod(os.link)
    mkdir = staticmethod(os.mkdir)
    open = staticmethod(os.open)
    pread = staticmethod(os.pread)
    rmdir = staticmethod(os.rmdir)
    stat = staticmethod(os.stat)
    statvfs = staticmethod(os.statvfs)
    unlink = staticmethod(os.unlink)
    write = staticmethod(os.write)

    def set_direct(self, fd: int, is_on: bool, /) -> None:
        """Let writes go past the page cache, or not. EINVAL where a file system cannot."""
        flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_DIRECT if is_on else flags & ~os.O_DIRECT)

    def listdir(self, folder: str) -> list[str]:
        return os.listdir(folder)  # noqa: PTH208 - names are wanted, not paths


def refusal(error: OSError) -> Busy:
    """The problem to raise for a failed call; never names a path."""
    if error.errno in _FULL:
        return StorageFull("Free some space on the disk of the data folder.")
    reason = errno.errorcode.get(error.errno or 0, "unknown")
    return StorageFailed("The disk reported an error.", reason=reason.lower())


def write_all(fs: Fs, fd: int, data: memoryview) -> None:
    """Write every byte; one call may take only some of them."""
    while data:
        data = data[fs.write(fd, data) :]


def sync_folder(fs: Fs, path: str) -> None:
    """Make the names in a folder survive a crash."""
    fd = fs.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fs.fsync(fd)
    finally:
        fs.close(fd)
