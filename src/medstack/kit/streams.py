"""Bytes on the move: sources that are read at an offset, in bounded pieces.

Nothing here holds a whole file in memory.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

CHUNK_BYTES = 256 * 1024


class Source(Protocol):
    """Plaintext of known size that can be read anywhere, any number of times."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`, fewer only at the end."""
        ...

    def close(self) -> None: ...


class MemorySource:
    """A Source over bytes already in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]

    def close(self) -> None:
        return None


def chunks_of(
    source: Source, start: int = 0, end: int | None = None, *, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[bytes]:
    """Yield [start, end) in pieces of at most `chunk_bytes`."""
    end = source.size if end is None else min(end, source.size)
    while start < end:
        piece = source.read_at(start, min(chunk_bytes, end - start))
        if not piece:
            return
        yield piece
        start += len(piece)


class SourceFile(io.RawIOBase):
    """A Source as a seekable, read-only binary file, for libraries that want one."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._source.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        piece = self._source.read_at(self._at, len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


def file_of(source: Source) -> io.BufferedReader:
    """A buffered, seekable file over `source`; closing it leaves the source open."""
    return io.BufferedReader(SourceFile(source), buffer_size=CHUNK_BYTES)


class FileSource:
    """A Source over a file on this machine, for what its owner hands us."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._size = os.fstat(self._file.fileno()).st_size

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        return os.pread(self._file.fileno(), length, offset)

    def close(self) -> None:
        self._file.close()
