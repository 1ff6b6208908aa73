"""Where sealed objects live. One contract, one file per kind of place."""

from medstack.vault.fs import StorageFailed
from medstack.vault.stores.contract import (
    AlreadyStored,
    ObjectMissing,
    ObjectWriter,
    Store,
    Stored,
    StoreHealth,
)
from medstack.vault.stores.disk import DiskStore
from medstack.vault.stores.memory import MemoryStore

STORES: tuple[type[Store], ...] = (DiskStore, MemoryStore)

__all__ = [
    "STORES",
    "AlreadyStored",
    "DiskStore",
    "MemoryStore",
    "ObjectMissing",
    "ObjectWriter",
    "StorageFailed",
    "Store",
    "StoreHealth",
    "Stored",
]
