"""Where the root key lives. One contract, one file per kind of keeper."""

from medstack.vault.keys.contract import (
    KeyFileBesideData,
    KeyFileExposed,
    KeyMissing,
    KeyRefused,
    KeysUnavailable,
    RootHealth,
    RootProvider,
    WrongPassphrase,
)
from medstack.vault.keys.file import FileRoot
from medstack.vault.keys.memory import MemoryRoot
from medstack.vault.keys.passphrase import PassphraseRoot

PROVIDERS: tuple[type[RootProvider], ...] = (FileRoot, PassphraseRoot, MemoryRoot)

__all__ = [
    "PROVIDERS",
    "FileRoot",
    "KeyFileBesideData",
    "KeyFileExposed",
    "KeyMissing",
    "KeyRefused",
    "KeysUnavailable",
    "MemoryRoot",
    "PassphraseRoot",
    "RootHealth",
    "RootProvider",
    "WrongPassphrase",
]
