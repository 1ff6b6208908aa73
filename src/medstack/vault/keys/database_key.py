"""The key of the encrypted database file, which must exist before the database opens.

It is 32 random bytes wrapped by the root, in a small file in the data folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from medstack.vault.keys import private_file
from medstack.vault.keys.contract import KeyMissing, KeyRefused, RootProvider
from medstack.vault.keys.wrapping import KEY_BYTES, place

_FORMAT = "medstack-sealed-key-1"


class _Sealed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The small file."""

    format: str
    root: str  # the keeper's id
    wrapped: bytes


def open_database_key(provider: RootProvider, path: Path, *, create: bool = True) -> bytes:
    """Return the database's 32 bytes, made and kept at `path` on first use.

    create: pass False where a database exists already; a fresh key could not open it.
    Raises KeyMissing, KeyRefused, and whatever the provider raises.
    """
    content = private_file.read(path)
    if content is None:
        if not create:
            raise KeyMissing("The sealed database key is gone; restore it from a backup.")
        private_file.create(path, _made(provider))
        content = private_file.read(path)  # another process may have been quicker
    if content is None:
        raise KeyMissing("The sealed database key is gone; restore it from a backup.")
    return _opened(provider, content)


def _made(provider: RootProvider) -> bytes:
    wrapped = provider.wrap(os.urandom(KEY_BYTES), aad=_place(provider))
    sealed = _Sealed(format=_FORMAT, root=provider.id, wrapped=wrapped)
    return msgspec.json.format(msgspec.json.encode(sealed))


def _opened(provider: RootProvider, content: bytes) -> bytes:
    try:
        sealed = msgspec.json.decode(content, type=_Sealed)
    except msgspec.DecodeError as error:
        raise KeyRefused("The sealed database key is damaged.") from error
    if sealed.format != _FORMAT:
        raise KeyRefused("The sealed database key is of a kind we do not know.")
    if sealed.root != provider.id:
        raise KeyRefused("The database key was sealed by another key provider.", root=sealed.root)
    return provider.unwrap(sealed.wrapped, aad=_place(provider))


def _place(provider: RootProvider) -> bytes:
    return place("database", "database", parent=provider.id, version=1)
