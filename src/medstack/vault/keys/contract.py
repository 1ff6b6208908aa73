"""What the keeper of the root key promises.

The root key never leaves its keeper and is never in the database. It wraps a handful of small
secrets; each wrap is bound to its place by `aad`, so it opens nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from medstack.kit.errors import Broken, Busy, Denied


class KeysUnavailable(Busy):
    """The keeper of the root key does not answer."""

    code = "keys-unavailable"
    title = "The root key cannot be reached"


class KeyMissing(KeysUnavailable):
    """A wrapped secret exists, but the root key that wrapped it is not where it should be."""

    code = "key-missing"
    title = "The root key is missing"


class KeyFileExposed(KeysUnavailable):
    """Other users of this machine can read or replace the key file."""

    code = "key-file-exposed"
    title = "The key file is not private"


class KeyFileBesideData(KeysUnavailable):
    """The key file lies in the data folder: whoever takes the disk takes the key with it."""

    code = "key-file-beside-data"
    title = "The key file lies beside the data it protects"


class WrongPassphrase(Denied):
    """The passphrase is not the one this vault was made with."""

    code = "wrong-passphrase"
    title = "The passphrase is wrong"


class KeyRefused(Broken):
    """A wrapped secret does not open: another root key, an altered row, or a row moved."""

    code = "key-refused"
    title = "A stored key does not open"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootHealth:
    is_ready: bool
    code: str = ""  # of the problem, if not ready
    detail: str = ""


class RootProvider(Protocol):
    """Safe to share between threads. May wait for a disk, a network or a slow hash."""

    @property
    def id(self) -> str:
        """Names the keeper in rows: lower case, stable, no secret ("file")."""
        ...

    def wrap(self, secret: bytes, *, aad: bytes) -> bytes:
        """Encrypt a small secret; makes the root key if there never was one.

        Raises KeysUnavailable and its kin, WrongPassphrase.
        """
        ...

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        """Decrypt what `wrap` returned for the same `aad`. Never makes a root key.

        Raises KeyRefused; KeysUnavailable and its kin, WrongPassphrase.
        """
        ...

    def health(self) -> RootHealth:
        """Whether `unwrap` would work now; makes nothing."""
        ...
