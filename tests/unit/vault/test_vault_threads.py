"""Many threads in one vault: whatever they do to each other, rows and bytes agree at the end."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from medstack.db import Database
from medstack.kit.clock import SystemClock
from medstack.kit.errors import Broken, Missing
from medstack.kit.ids import ContentId, TimeOrderedIds
from medstack.kit.streams import chunks_of
from medstack.vault import DiskStore, Keyring, OffsetConflict, Vault
from medstack.vault.keys import MemoryRoot
from medstack.vault.rows import PartPlaced
from medstack.vault.stores import ObjectMissing

pytestmark = pytest.mark.slow
STEPS = 25
THREADS = 6


class Shelf:
    """What every thread may reach for, and what it must read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[ContentId, bytes] = {}

    def add(self, content_id: ContentId, data: bytes) -> None:
        with self._lock:
            self._known[content_id] = data

    def pick(self, dice: random.Random) -> tuple[ContentId, bytes] | None:
        with self._lock:
            return dice.choice(list(self._known.items())) if self._known else None

    def remove(self, content_id: ContentId) -> None:
        with self._lock:
            self._known.pop(content_id, None)


class Worker:
    """One thread's random day. Contents on the shelf are never appended to again."""

    def __init__(self, db: Database, vault: Vault, keyring: Keyring, shelf: Shelf, seed: int):
        self.db, self.vault, self.keyring, self.shelf = db, vault, keyring, shelf
        self.dice = random.Random(seed)

    def run(self) -> None:
        acts = [self.upload, self.upload, self.read, self.join, self.move, self.shred]
        acts += [self.sweep, self.rotate, self.shred_subject]
        for _ in range(STEPS):
            self.dice.choice(acts)()

    def upload(self) -> None:
        try:
            with self.db.begin() as tx:
                content_id = self.vault.create(tx, subject=self.dice.randrange(4))
                key = self.vault.data_key(tx, content_id)
            data = b""
            for _ in range(3):
                piece = self.dice.randbytes(self.dice.randrange(100_000))
                part = self.vault.seal(key, [piece])
                with self.db.begin() as tx:
                    self.vault.append(tx, content_id, part, at=len(data))
                data += piece
        except (PartPlaced, ObjectMissing):
            return  # the sweeper, here without any grace, was quicker
        except Missing:
            return  # the subject was shredded meanwhile
        self.shelf.add(content_id, data)

    def read(self) -> None:
        if (picked := self.shelf.pick(self.dice)) is None:
            return
        content_id, data = picked
        try:
            with self.db.read() as tx:
                source = self.vault.open(tx, content_id)
        except Missing:
            return
        except ObjectMissing:
            self.must_be_gone(content_id)
            return
        try:
            assert b"".join(chunks_of(source)) == data
        except ObjectMissing:
            self.must_be_gone(content_id)
        finally:
            source.close()

    def must_be_gone(self, content_id: ContentId) -> None:
        """Bytes may vanish under an open reader only if their content was shredded."""
        with self.db.read() as tx, pytest.raises(Missing):
            self.vault.size(tx, content_id)

    def join(self) -> None:
        picked = [self.shelf.pick(self.dice) for _ in range(2)]
        some = [one for one in picked if one is not None]
        try:
            with self.db.begin() as tx:
                joined = self.vault.join(
                    tx, [content_id for content_id, _ in some], subject=self.dice.randrange(4)
                )
        except Missing:
            return
        self.shelf.add(joined, b"".join(data for _, data in some))

    def move(self) -> None:
        if (picked := self.shelf.pick(self.dice)) is not None:
            try:
                with self.db.begin() as tx:
                    self.vault.move(tx, picked[0], subject=self.dice.randrange(4))
            except Missing:
                return

    def shred(self) -> None:
        if (picked := self.shelf.pick(self.dice)) is not None:
            self.shelf.remove(picked[0])
            try:
                with self.db.begin() as tx:
                    self.vault.shred(tx, picked[0])
            except Missing:
                return

    def shred_subject(self) -> None:
        with self.db.begin() as tx:
            self.vault.shred_subject(tx, self.dice.randrange(4))

    def sweep(self) -> None:
        self.vault.sweep(self.db, older_than=timedelta(0))

    def rotate(self) -> None:
        with self.db.begin() as tx:
            self.keyring.rotate_master(tx)
        with self.db.begin() as tx:
            self.keyring.rewrap(tx, limit=3)


def test_threads_that_do_everything_at_once_leave_a_whole_vault(
    db: Database, tmp_path: Path
) -> None:
    clock = SystemClock()
    ids = TimeOrderedIds(clock)
    keyring = Keyring(MemoryRoot(), clock=clock, ids=ids)
    keyring.unlock(db)
    vault = Vault(DiskStore(tmp_path / "store"), keyring, clock=clock, ids=ids)
    shelf = Shelf()
    workers = [Worker(db, vault, keyring, shelf, seed) for seed in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(worker.run) for worker in workers]:
            done.result()
    vault.sweep(db, older_than=timedelta(0))
    report = vault.check(db, deep=True)
    assert report.findings == ()
    assert report.objects == len(vault.store.page())
    vault.close()


def test_readers_keep_reading_while_the_content_grows_moves_and_is_rotated(
    db: Database, vault: Vault, keyring: Keyring
) -> None:
    with db.begin() as tx:
        content_id = vault.create(tx, subject=1)
        key = vault.data_key(tx, content_id)
    stop = threading.Event()

    def look() -> int:
        seen = 0
        while not stop.is_set():
            for begin in (db.read, db.begin):
                with begin() as tx:
                    source = vault.open(tx, content_id)
                data = b"".join(chunks_of(source))
                source.close()
                assert data == bytes(range(len(data)))
                assert len(data) >= seen
                seen = len(data)
        return seen

    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(look) for _ in range(3)]
        try:
            for at in range(30):
                part = vault.seal(key, [bytes([at])])
                with db.begin() as tx:
                    assert vault.append(tx, content_id, part, at=at) == at + 1
                with db.begin() as tx:
                    vault.move(tx, content_id, subject=at % 3)
                    keyring.rotate_master(tx)
                with db.begin() as tx:
                    keyring.rewrap(tx)
        finally:
            stop.set()
        for reader in readers:
            assert reader.result() <= 30


def test_nobody_mistakes_a_conflict_for_damage() -> None:
    assert not issubclass(OffsetConflict, Broken)
    assert not issubclass(PartPlaced, Broken)
