"""Open files by name: a bounded number, least recently used closed first.

A descriptor is never closed while it is being read, so its number cannot come to mean
another file under a reader's hands.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from medstack.vault.fs import Fs


class Descriptor:
    __slots__ = ("fd", "is_dropped", "readers")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.readers = 0
        self.is_dropped = False


class Descriptors:
    """Safe to share between threads."""

    def __init__(self, fs: Fs, *, open_file: Callable[[str], int], most: int) -> None:
        self._fs = fs
        self._open_file = open_file
        self._most = most
        self._lock = threading.Lock()
        self._open: OrderedDict[str, Descriptor] = OrderedDict()

    def pread(self, name: str, offset: int, length: int) -> bytes:
        """One pread of the named file, opened if need be. Raises OSError."""
        with self._lock:
            found = self._open.get(name)
            if found is not None:
                self._open.move_to_end(name)
                found.readers += 1
        if found is None:
            found = self._add(name)
        try:
            return self._fs.pread(found.fd, length, offset)
        finally:
            self._let_go(found)

    def drop(self, name: str) -> None:
        """Close the named file as soon as nobody reads it."""
        with self._lock:
            found = self._open.pop(name, None)
            close = self._dropped(found)
        self._close(close)

    def close(self) -> None:
        for name in tuple(self._open):
            self.drop(name)

    def _add(self, name: str) -> Descriptor:
        fresh = Descriptor(self._open_file(name))
        with self._lock:
            found = self._open.setdefault(name, fresh)
            found.readers += 1
            old = self._open.popitem(last=False)[1] if len(self._open) > self._most else None
            close = self._dropped(old)
        self._close(close)
        if found is not fresh:  # another thread was quicker
            self._fs.close(fresh.fd)
        return found

    def _dropped(self, found: Descriptor | None) -> Descriptor | None:
        """Mark as dropped, under the lock; returned if it may be closed now."""
        if found is None:
            return None
        found.is_dropped = True
        return found if found.readers == 0 else None

    def _let_go(self, found: Descriptor) -> None:
        with self._lock:
            found.readers -= 1
            close = found if found.is_dropped and found.readers == 0 else None
        self._close(close)

    def _close(self, found: Descriptor | None) -> None:
        if found is not None:
            self._fs.close(found.fd)
