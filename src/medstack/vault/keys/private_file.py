"""Small files only their owner may read, made whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from medstack.vault.fs import Fs, refusal, sync_folder, write_all
from medstack.vault.keys.contract import KeyFileExposed

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MOST_BYTES = 64 * 1024


def create(path: Path, content: bytes, *, fs: Fs | None = None) -> bool:
    """Make the file durably, 0600; False, and nothing changed, if there is one already.

    Raises StorageFull, StorageFailed.
    """
    fs = fs or Fs()
    tmp = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_ours = _linked(fs, tmp, path, content)
        for folder in (path.parent, path.parent.parent):  # also for another's, just made
            sync_folder(fs, str(folder))
    except OSError as error:
        raise refusal(error) from error
    return is_ours


def read(path: Path) -> bytes | None:
    """The file's content, None if there is no file.

    Raises KeyFileExposed unless it is an ordinary file of ours (or root's) that nobody else
    may read or write; StorageFailed.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refusal(error) from error
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise KeyFileExposed("It must be an ordinary file.")
        if stat.S_IMODE(found.st_mode) & _OTHERS:
            raise KeyFileExposed("Take every right from group and others: chmod 600.")
        if found.st_uid not in (0, os.geteuid()):
            raise KeyFileExposed("It must belong to the user MedStack runs as.")
        return file.read(_MOST_BYTES)


def _linked(fs: Fs, tmp: Path, path: Path, content: bytes) -> bool:
    """Write aside, then give it its name; False if the name is taken."""
    try:
        _write(fs, tmp, content)
        fs.link(tmp, path)
    except FileExistsError:
        return False
    finally:
        tmp.unlink(missing_ok=True)
    return True


def _write(fs: Fs, path: Path, content: bytes) -> None:
    fd = fs.open(path, _CREATE, 0o600)
    try:
        write_all(fs, fd, memoryview(content))
        fs.fsync(fd)
    finally:
        fs.close(fd)
