"""A content as its readers see it: plaintext of known size, at any offset, from many threads."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from medstack.vault.lru import Lru
from medstack.vault.parts import DataKey, part_place
from medstack.vault.sealing import (
    HEADER_BYTES,
    SegmentCipher,
    SegmentMemory,
    Unsealer,
)
from medstack.vault.stores.contract import Store

CIPHERS = 4096
SEGMENTS = 1024  # of 64 KiB each, by one process


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPart:
    """A part and the key that opens it."""

    object_name: str
    size: int
    key: DataKey


class Remembered:
    """What one process keeps of objects it has read: derived keys, and segments read in part."""

    def __init__(self, *, ciphers: int = CIPHERS, segments: int = SEGMENTS) -> None:
        self.ciphers: Lru[str, SegmentCipher] = Lru(ciphers)
        self.segments: Lru[tuple[str, int], bytes] = Lru(segments, picky=True)

    def forget(self, object_names: set[str]) -> None:
        self.ciphers.drop(lambda name: name in object_names)
        self.segments.drop(lambda key: key[0] in object_names)


class _Shared:
    """Segments of one object in the memory every reader shares."""

    __slots__ = ("_name", "_segments")

    def __init__(self, segments: Lru[tuple[str, int], bytes], name: str) -> None:
        self._segments = segments
        self._name = name

    def get(self, index: int) -> bytes | None:
        return self._segments.get((self._name, index))

    def put(self, index: int, segment: bytes) -> None:
        self._segments.put((self._name, index), segment)


class _Latest:
    """The segment a reader going straight on will ask for again; it displaces nobody's."""

    __slots__ = ("_latest",)

    def __init__(self) -> None:
        self._latest: tuple[int, bytes] = (-1, b"")

    def get(self, index: int) -> bytes | None:
        kept, segment = self._latest
        return segment if kept == index else None

    def put(self, index: int, segment: bytes) -> None:
        self._latest = (index, segment)


class ContentSource:
    """A Source over the parts of one content. Reading needs no transaction.

    The caller has compared every object's size with its row. What is open stays readable until
    `close`, also if the content is shredded meanwhile and its objects are not yet swept.
    """

    def __init__(self, parts: Sequence[OpenPart], *, store: Store, remembered: Remembered) -> None:
        self._parts = parts
        self._starts = [0, *accumulate(part.size for part in parts)]
        self._store = store
        self._remembered = remembered
        self._readers: dict[int, tuple[Unsealer, _Shared, _Latest]] = {}
        self._goes_on_at = 0
        self._is_open = True

    @property
    def size(self) -> int:
        return self._starts[-1]

    def read_at(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`, fewer only at the end.

        Raises Altered, WrongSize, ObjectMissing (all Broken); StorageFailed.
        """
        if offset < 0 or length < 0:
            raise ValueError("offset and length are not negative")
        end = min(offset + length, self._starts[-1])
        if offset >= end:
            return b""
        goes_on = offset == self._goes_on_at
        self._goes_on_at = end
        index = bisect_right(self._starts, offset) - 1
        if end <= self._starts[index + 1]:
            return self._read_part(index, offset, end, goes_on=goes_on)
        pieces = []
        while offset < end:
            stop = min(end, self._starts[index + 1])
            pieces.append(self._read_part(index, offset, stop, goes_on=goes_on))
            offset = stop
            index += 1
        return b"".join(pieces)

    def verify(self) -> None:
        """Read and authenticate every sealed byte. Raises as `read_at`."""
        for index in range(len(self._parts)):
            self._reader(index)[0].verify()

    def close(self) -> None:
        """Let go of the keys. Reading afterwards is a ValueError."""
        self._is_open = False
        self._readers.clear()
        for part in self._parts:
            part.key.wipe()

    def _read_part(self, index: int, offset: int, end: int, *, goes_on: bool) -> bytes:
        reader = self._readers.get(index) or self._reader(index)
        unsealer, shared, latest = reader
        memory: SegmentMemory = latest if goes_on else shared
        return unsealer.read_at(offset - self._starts[index], end - offset, memory)

    def _reader(self, index: int) -> tuple[Unsealer, _Shared, _Latest]:
        if not self._is_open:
            raise ValueError("this source is closed")
        part = self._parts[index]
        read = partial(self._store.read_at, part.object_name)
        unsealer = Unsealer(self._cipher(part), size=part.size, read=read)
        shared = _Shared(self._remembered.segments, part.object_name)
        return self._readers.setdefault(index, (unsealer, shared, _Latest()))

    def _cipher(self, part: OpenPart) -> SegmentCipher:
        cipher = self._remembered.ciphers.get(part.object_name)
        if cipher is None:
            header = self._store.read_at(part.object_name, 0, HEADER_BYTES)
            aad = part_place(part.object_name)
            cipher = SegmentCipher.derive(part.key.reveal(), header, aad=aad)
            if not self._is_open:  # the key may have been wiped under our hands
                raise ValueError("this source is closed")
            self._remembered.ciphers.put(part.object_name, cipher)
        return cipher
