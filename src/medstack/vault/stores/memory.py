"""A store in memory: the true double for tests and demonstrations."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable
from typing import ClassVar

from medstack.kit.clock import Clock, SystemClock
from medstack.vault.stores.contract import (
    PAGE,
    AlreadyStored,
    Buffer,
    ObjectMissing,
    Stored,
    StoreHealth,
    checked,
    put_pieces,
)


class MemoryStore:
    """Objects in a dictionary; gone with the process."""

    kind: ClassVar[str] = "memory"

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._objects: dict[str, tuple[Stored, bytes]] = {}

    def writer(self, name: str) -> MemoryWriter:
        return MemoryWriter(self, checked(name))

    def put(self, name: str, pieces: Iterable[Buffer]) -> int:
        return put_pieces(self.writer(name), pieces)

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        found = self._objects.get(checked(name))
        if found is None:
            raise ObjectMissing
        return found[1][offset : offset + length]

    def size(self, name: str) -> int | None:
        found = self._objects.get(checked(name))
        return None if found is None else len(found[1])

    def delete(self, name: str) -> None:
        with self._lock:
            self._objects.pop(checked(name), None)

    def page(self, *, prefix: str = "", after: str = "", limit: int = PAGE) -> list[Stored]:
        with self._lock:
            names = sorted(name for name in self._objects if name.startswith(prefix))
            page = names[bisect_right(names, after) :][:limit]
            return [self._objects[name][0] for name in page]

    def health(self) -> StoreHealth:
        return StoreHealth(is_ready=True)

    def close(self) -> None:
        return None

    def publish(self, name: str, data: bytes) -> None:
        """For MemoryWriter only."""
        with self._lock:
            if name in self._objects:
                raise AlreadyStored
            stored = Stored(name=name, size=len(data), stored_at=self._clock.now())
            self._objects[name] = (stored, data)


class MemoryWriter:
    def __init__(self, store: MemoryStore, name: str) -> None:
        self._store = store
        self._name = name
        self._data = bytearray()
        self._is_open = True

    def write(self, data: Buffer) -> None:
        self._must_be_open()
        self._data += data

    def finish(self) -> int:
        self._must_be_open()
        self._is_open = False
        self._store.publish(self._name, bytes(self._data))
        return len(self._data)

    def abort(self) -> None:
        self._is_open = False

    def _must_be_open(self) -> None:
        if not self._is_open:
            raise ValueError("this object is finished or abandoned")
