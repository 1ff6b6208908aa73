"""A failing disk under the whole vault: whatever call fails, what was acknowledged stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.unit.vault.faulty import FaultyFs

from medstack.db import Database, StorageFull
from medstack.kit.clock import SetClock
from medstack.kit.errors import Broken, Busy
from medstack.kit.ids import ContentId, TimeOrderedIds
from medstack.kit.streams import chunks_of
from medstack.vault import DiskStore, Keyring, Vault

pytestmark = pytest.mark.slow
PIECES = [os.urandom(size) for size in (10, 70_000, 600_000)]


class LosesBytes(DiskStore):
    """The negative control: says yes to every object, whatever became of it."""

    def place(self, tmp: str, name: str) -> None:
        try:
            super().place(tmp, name)
        except OSError:
            return

    def size(self, name: str) -> int | None:
        found = super().size(name)
        return self.promised if found is None else found

    promised = 0


class Uploads:
    """One content, appended to piece by piece over a disk of which one call fails."""

    def __init__(
        self, db: Database, keyring: Keyring, clock: SetClock, ids: TimeOrderedIds
    ) -> None:
        self.db, self.keyring, self.clock, self.ids = db, keyring, clock, ids

    def vault(self, store: DiskStore) -> Vault:
        return Vault(store, self.keyring, clock=self.clock, ids=self.ids)

    def run(self, store: DiskStore, content_id: ContentId) -> bytes:
        """Send what the disk takes, each piece once; returns what was acknowledged."""
        vault = self.vault(store)
        acknowledged = b""
        with self.db.read() as tx:
            key = vault.data_key(tx, content_id)
        for piece in PIECES:
            try:
                part = vault.seal(key, [piece])
                if isinstance(store, LosesBytes):
                    store.promised = part.sealed_size
                with self.db.begin() as tx:
                    vault.append(tx, content_id, part, at=len(acknowledged))
            except Busy as problem:
                assert problem.code in ("storage-full", "storage-failed")
            else:
                acknowledged += piece
        return acknowledged

    def new(self, store: DiskStore) -> ContentId:
        with self.db.begin() as tx:
            return self.vault(store).create(tx, subject=1)

    def found(self, root: Path, content_id: ContentId) -> bytes:
        store = DiskStore(root)
        vault = self.vault(store)
        with self.db.read() as tx:
            source = vault.open(tx, content_id)
        try:
            return b"".join(chunks_of(source))
        finally:
            source.close()
            store.close()


@pytest.fixture
def uploads(db: Database, keyring: Keyring, clock: SetClock, ids: TimeOrderedIds) -> Uploads:
    return Uploads(db, keyring, clock, ids)


def calls_of_a_run(uploads: Uploads, root: Path) -> int:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    content_id = uploads.new(store)
    fs.count = 0
    uploads.run(store, content_id)
    calls = fs.count
    store.close()
    return calls


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_whichever_call_fails_what_was_acknowledged_is_there_and_nothing_else(
    uploads: Uploads, tmp_path: Path, error: int
) -> None:
    calls = calls_of_a_run(uploads, tmp_path / "counting")
    refusals = 0
    for number in range(1, calls + 1):
        root = tmp_path / f"{number}"
        fs = FaultyFs(torn=True)
        store = DiskStore(root, fs=fs)
        content_id = uploads.new(store)
        fs.count, fs.fail_at, fs.error = 0, number, error
        acknowledged = uploads.run(store, content_id)
        assert fs.has_failed
        refusals += len(acknowledged) < sum(map(len, PIECES))
        store.close()
        assert uploads.found(root, content_id) == acknowledged
    assert refusals == calls


def test_a_vault_over_a_store_that_ignores_failures_would_be_caught(
    uploads: Uploads, tmp_path: Path
) -> None:
    calls = calls_of_a_run(uploads, tmp_path / "counting")
    caught = 0
    for number in range(1, calls + 1):
        root = tmp_path / f"{number}"
        fs = FaultyFs()
        store = LosesBytes(root, fs=fs)
        content_id = uploads.new(store)
        fs.count, fs.fail_at, fs.error = 0, number, errno.EIO
        acknowledged = uploads.run(store, content_id)
        store.close()
        try:
            caught += uploads.found(root, content_id) != acknowledged
        except Broken:
            caught += 1
    assert caught > 0


def test_a_disk_that_stays_full_refuses_every_upload_and_keeps_what_it_has(
    uploads: Uploads, tmp_path: Path
) -> None:
    class Full(FaultyFs):
        is_full = False

        def _counted(self, name, call):  # type: ignore[no-untyped-def]
            def counted(*args, **kwargs):  # type: ignore[no-untyped-def]
                if self.is_full and name in ("write", "fsync", "mkdir"):
                    raise OSError(errno.ENOSPC, "full")
                return call(*args, **kwargs)

            return counted

    fs = Full()
    store = DiskStore(tmp_path / "store", fs=fs)
    content_id = uploads.new(store)
    vault = uploads.vault(store)
    with uploads.db.read() as tx:
        key = vault.data_key(tx, content_id)
    part = vault.seal(key, [b"before"])
    with uploads.db.begin() as tx:
        vault.append(tx, content_id, part, at=0)
    fs.is_full = True
    for piece in PIECES:
        with pytest.raises(StorageFull):
            vault.seal(key, [piece])
    fs.is_full = False
    store.close()
    assert uploads.found(tmp_path / "store", content_id) == b"before"


def test_a_part_writer_after_a_failure_takes_no_more(uploads: Uploads, tmp_path: Path) -> None:
    fs = FaultyFs()
    store = DiskStore(tmp_path / "store", fs=fs)
    content_id = uploads.new(store)
    vault = uploads.vault(store)
    with uploads.db.read() as tx:
        key = vault.data_key(tx, content_id)
    writer = vault.part_writer(key)
    fs.count, fs.fail_at, fs.error = 0, 1, errno.ENOSPC
    with pytest.raises(StorageFull):
        writer.write(bytes(4_000_000))
    with pytest.raises(ValueError, match="abandoned"):
        writer.finish()
    writer.abort()
    store.close()
