"""A vault over each database, with its store in memory and a clock that stands."""

from __future__ import annotations

import pytest

from medstack.db import Database
from medstack.kit.clock import SetClock
from medstack.kit.ids import TimeOrderedIds
from medstack.vault import Keyring, Vault
from medstack.vault.keys import MemoryRoot
from medstack.vault.stores import MemoryStore


@pytest.fixture
def root() -> MemoryRoot:
    return MemoryRoot()


@pytest.fixture
def keyring(db: Database, root: MemoryRoot, clock: SetClock, ids: TimeOrderedIds) -> Keyring:
    made = Keyring(root, clock=clock, ids=ids)
    made.unlock(db)
    return made


@pytest.fixture
def store(clock: SetClock) -> MemoryStore:
    return MemoryStore(clock)


@pytest.fixture
def vault(store: MemoryStore, keyring: Keyring, clock: SetClock, ids: TimeOrderedIds) -> Vault:
    return Vault(store, keyring, clock=clock, ids=ids)
