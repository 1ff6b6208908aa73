"""A bounded memory of what was used last. Safe to share between threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lru(Generic[K, V]):
    """At most `most` entries; the least recently used goes first."""

    def __init__(self, most: int, *, picky: bool = False) -> None:
        """picky: keep only what was put before and missed since, among as many again.

        What is read once then displaces nothing, and costs no memory.
        """
        self._most = most
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._picky = picky
        self._put_once: OrderedDict[K, None] = OrderedDict()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: K, value: V) -> None:
        with self._lock:
            if self._picky and key not in self._kept and not self._is_wanted_again(key):
                return
            self._kept[key] = value
            self._kept.move_to_end(key)
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)

    def drop(self, is_unwanted: Callable[[K], bool]) -> None:
        """Forget every entry whose key is unwanted."""
        with self._lock:
            for key in [key for key in self._kept if is_unwanted(key)]:
                del self._kept[key]

    def _is_wanted_again(self, key: K) -> bool:
        if key in self._put_once:
            del self._put_once[key]
            return True
        self._put_once[key] = None
        if len(self._put_once) > self._most:
            self._put_once.popitem(last=False)
        return False

    def __len__(self) -> int:
        return len(self._kept)
