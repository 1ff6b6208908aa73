"""The root key from a passphrase, by argon2id (RFC 9106).

A small file beside the data keeps salt, costs and a check value, so that a wrong passphrase is
known at once. Neither the passphrase nor the key is ever written.
"""

from __future__ import annotations

import os
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import msgspec
from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

from medstack.kit.errors import Invalid, Problem
from medstack.vault.keys import private_file
from medstack.vault.keys.contract import KeyMissing, KeyRefused, RootHealth, WrongPassphrase
from medstack.vault.keys.wrapping import KEY_BYTES, place, unwrap, wrap

SALT_BYTES = 16
SHORTEST = 12  # characters, asked for when the vault is made
_CHECK = place("passphrase", "check", parent="passphrase", version=1)
_CHECKED = b"medstack"


class WeakPassphrase(Invalid):
    code = "weak-passphrase"
    title = f"The passphrase needs at least {SHORTEST} characters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a guess shall cost. The defaults took about a second on a small server."""

    iterations: int = 3
    memory_kib: int = 256 * 1024
    lanes: int = 4

    def are_sane(self) -> bool:
        """Neither worthless nor made to exhaust the machine."""
        return (
            1 <= self.iterations <= 1000
            and 8 * 1024 <= self.memory_kib <= 4 * 1024 * 1024
            and 1 <= self.lanes <= 64
        )


class _Beside(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The small file."""

    format: str
    salt: bytes
    iterations: int
    memory_kib: int
    lanes: int
    check: bytes


_FORMAT = "medstack-argon2id-1"


class PassphraseRoot:
    """Derives the key once, when it is first needed, and keeps it in memory.

    beside: path of the small file, made on the first `wrap`.
    """

    def __init__(self, passphrase: str, *, beside: Path, costs: Costs | None = None) -> None:
        self._passphrase = unicodedata.normalize("NFKC", passphrase)
        self._beside = beside
        self._costs = costs or Costs()
        self._lock = threading.Lock()
        self._key: bytes | None = None

    @property
    def id(self) -> str:
        return "passphrase"

    def wrap(self, secret: bytes, *, aad: bytes) -> bytes:
        return wrap(self._root(create=True), secret, aad=aad)

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        return unwrap(self._root(create=False), wrapped, aad=aad)

    def health(self) -> RootHealth:
        try:
            self._root(create=False)
        except Problem as problem:
            return RootHealth(is_ready=False, code=problem.code, detail=problem.detail)
        return RootHealth(is_ready=True)

    def _root(self, *, create: bool) -> bytes:
        with self._lock:
            if self._key is None:
                found = private_file.read(self._beside)
                if found is None and create:
                    self._make()
                    found = private_file.read(self._beside)
                if found is None:
                    raise KeyMissing("The passphrase file with salt and costs is gone.")
                self._key = self._opened(found)
            return self._key

    def _make(self) -> None:
        if len(self._passphrase) < SHORTEST:
            raise WeakPassphrase
        salt = os.urandom(SALT_BYTES)
        key = self._derive(salt, self._costs)
        made = _Beside(
            format=_FORMAT,
            salt=salt,
            iterations=self._costs.iterations,
            memory_kib=self._costs.memory_kib,
            lanes=self._costs.lanes,
            check=wrap(key, _CHECKED, aad=_CHECK),
        )
        private_file.create(self._beside, msgspec.json.format(msgspec.json.encode(made)))

    def _opened(self, content: bytes) -> bytes:
        try:
            found = msgspec.json.decode(content, type=_Beside)
        except msgspec.DecodeError as error:
            raise KeyRefused("The passphrase file is damaged.") from error
        costs = Costs(iterations=found.iterations, memory_kib=found.memory_kib, lanes=found.lanes)
        if found.format != _FORMAT or len(found.salt) != SALT_BYTES or not costs.are_sane():
            raise KeyRefused("The passphrase file is damaged.")
        key = self._derive(found.salt, costs)
        try:
            unwrap(key, found.check, aad=_CHECK)
        except KeyRefused as error:
            raise WrongPassphrase from error
        return key

    def _derive(self, salt: bytes, costs: Costs) -> bytes:
        return hash_secret_raw(
            self._passphrase.encode(),
            salt,
            time_cost=costs.iterations,
            memory_cost=costs.memory_kib,
            parallelism=costs.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
            version=ARGON2_VERSION,
        )
