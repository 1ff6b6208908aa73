"""Sealed storage: contents encrypted under a hierarchy of keys, in a store that sees ciphertext.

A foundation: knows no patient but the number a key hangs on, and no rule of care.
The format of what it writes is in docs/on-disk-format.md.
"""

from medstack.vault.keyring import QUARANTINE, Keyring
from medstack.vault.keys.contract import RootProvider
from medstack.vault.keys.database_key import open_database_key
from medstack.vault.keys.file import FileRoot
from medstack.vault.keys.passphrase import PassphraseRoot
from medstack.vault.parts import DataKey, PartWriter, SealedPart
from medstack.vault.source import ContentSource
from medstack.vault.stores.disk import DiskStore
from medstack.vault.upkeep import CheckReport, Finding
from medstack.vault.vault import ForeignPart, OffsetConflict, Vault

__all__ = [
    "QUARANTINE",
    "CheckReport",
    "ContentSource",
    "DataKey",
    "DiskStore",
    "FileRoot",
    "Finding",
    "ForeignPart",
    "Keyring",
    "OffsetConflict",
    "PartWriter",
    "PassphraseRoot",
    "RootProvider",
    "SealedPart",
    "Vault",
    "open_database_key",
]
