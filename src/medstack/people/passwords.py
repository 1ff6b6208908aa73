"""Passwords: hashed slowly, two at a time, with the same effort for accounts that are none.

Holds no connection and keeps no password. Parameters are RFC 9106's second choice, which a
small machine can afford; a hash made with others is renewed at the next sign-in.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from medstack.people.problems import PasswordsBusy

MEMORY_KIB = 64 * 1024
PASSES = 3
LANES = 1
AT_ONCE = 2
WAIT_S = 10.0


class Passwords:
    """Made once in wiring and shared by every thread. Weaker parameters are for tests only."""

    def __init__(
        self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES, wait_s: float = WAIT_S
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=LANES, type=Type.ID
        )
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._wait_s = wait_s
        self._nobody = self._hasher.hash("the password of nobody")

    def hash(self, password: str) -> str:
        """An argon2id hash in its usual text form. Raises PasswordsBusy."""
        with self._turn():
            return self._hasher.hash(_bytes(password))

    def fits(self, stored: str | None, password: str) -> bool:
        """Does the password belong to the hash? None is nobody's, and takes as long to refuse.

        Raises PasswordsBusy.
        """
        with self._turn():
            try:
                self._hasher.verify(stored or self._nobody, _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
        return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Was this hash made with other parameters than today's?"""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._turns.acquire(timeout=self._wait_s):
            raise PasswordsBusy("Try again in a moment.")
        try:
            yield
        finally:
            self._turns.release()


def _bytes(password: str) -> bytes:
    """The same bytes for the same letters, however a keyboard composes them. Source: RFC 8265."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
