"""A root key in memory: the true double for tests and demonstrations."""

from __future__ import annotations

import os

from medstack.vault.keys.contract import RootHealth
from medstack.vault.keys.wrapping import KEY_BYTES, unwrap, wrap


class MemoryRoot:
    """Gone with the process, and with it everything it wrapped."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or os.urandom(KEY_BYTES)

    @property
    def id(self) -> str:
        return "memory"

    def wrap(self, secret: bytes, *, aad: bytes) -> bytes:
        return wrap(self._key, secret, aad=aad)

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        return unwrap(self._key, wrapped, aad=aad)

    def health(self) -> RootHealth:
        return RootHealth(is_ready=True)
