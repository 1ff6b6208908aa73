"""The vault against a model of it: any order of appends, joins, moves, shreds and sweeps."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from sqlalchemy import select

from medstack.db import Database
from medstack.db.schema import metadata
from medstack.kit.clock import SetClock
from medstack.kit.errors import Missing
from medstack.kit.ids import ContentId, TimeOrderedIds
from medstack.kit.streams import chunks_of
from medstack.vault import Keyring, OffsetConflict, SealedPart, Vault
from medstack.vault.keys import MemoryRoot
from medstack.vault.sealing import HEADER_BYTES, ROOM_BYTES
from medstack.vault.stores import MemoryStore
from medstack.vault.tables import part, vault_secret

GRACE = timedelta(hours=1)
SUBJECTS = st.integers(0, 3)
FIRST = ROOM_BYTES - HEADER_BYTES
SIZES = st.one_of(
    st.integers(0, 300),
    st.sampled_from([FIRST - 1, FIRST, FIRST + 1, FIRST + ROOM_BYTES, FIRST + ROOM_BYTES + 1]),
)


@dataclass
class Known:
    """What the model says of one content."""

    data: bytes
    subject: int


def filler(size: int, seed: int) -> bytes:
    """Bytes that differ from place to place, cheaply."""
    return bytes((at * 31 + seed) % 251 for at in range(min(size, 997))) * (size // 997 + 1)


class VaultModel(RuleBasedStateMachine):
    contents = Bundle("contents")
    parts = Bundle("parts")

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "model.db"
        self.db = Database.open(f"sqlite:///{path}", key=bytes(32))
        with self.db.begin() as tx:
            tables = [t for t in metadata.sorted_tables if t.name.startswith("vault_")]
            assert vault_secret in tables
            metadata.create_all(tx.connection, tables=tables)
        self.clock = SetClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
        ids = TimeOrderedIds(self.clock)
        self.keyring = Keyring(MemoryRoot(), clock=self.clock, ids=ids)
        self.keyring.unlock(self.db)
        self.store = MemoryStore(self.clock)
        self.vault = Vault(self.store, self.keyring, clock=self.clock, ids=ids)
        self.known: dict[ContentId, Known] = {}
        self.seed = 0

    def teardown(self) -> None:
        if hasattr(self, "db"):
            self.nothing_but_what_is_used_outlives_a_sweep()
            self.db.close()
            self.folder.cleanup()

    def nothing_but_what_is_used_outlives_a_sweep(self) -> None:
        self.clock.advance(2 * 3600)
        self.vault.sweep(self.db, older_than=GRACE)
        with self.db.read() as tx:
            used = set(tx.execute(select(part.c.object_name)).scalars())
        assert {stored.name for stored in self.store.page()} == used
        assert self.vault.check(self.db, deep=True).is_whole

    def fresh(self, size: int) -> bytes:
        self.seed += 1
        return filler(size, self.seed)[:size]

    @rule(target=contents, subject=SUBJECTS)
    def create(self, subject: int) -> ContentId:
        with self.db.begin() as tx:
            content_id = self.vault.create(tx, subject=subject)
        self.known[content_id] = Known(data=b"", subject=subject)
        return content_id

    @rule(target=parts, content_id=contents, size=SIZES)
    def seal(self, content_id: ContentId, size: int) -> object:
        if content_id not in self.known:
            with pytest.raises(Missing), self.db.read() as tx:
                self.vault.data_key(tx, content_id)
            return multiple()
        with self.db.read() as tx:
            key = self.vault.data_key(tx, content_id)
        data = self.fresh(size)
        return content_id, data, self.vault.seal(key, [data[:100], data[100:]]), self.clock.now()

    @rule(sealed=consumes(parts), slip=st.sampled_from([0, 0, 0, 1, -1]))
    def append(self, sealed: tuple[ContentId, bytes, SealedPart, datetime], slip: int) -> None:
        content_id, data, part, sealed_at = sealed
        found = self.known.get(content_id)
        if found is None:
            with pytest.raises(Missing), self.db.begin() as tx:
                self.vault.append(tx, content_id, part, at=0)
            return
        at = len(found.data) + slip
        if slip:
            with pytest.raises(OffsetConflict), self.db.begin() as tx:
                self.vault.append(tx, content_id, part, at=at)
        elif self.store.size(part.object_name) is not None:
            with self.db.begin() as tx:
                size = self.vault.append(tx, content_id, part, at=at)
            found.data += data
            assert size == len(found.data)
        else:
            assert self.clock.now() - sealed_at >= GRACE

    @rule(target=contents, some=st.lists(contents, min_size=1, max_size=4), subject=SUBJECTS)
    def join(self, some: list[ContentId], subject: int) -> object:
        if any(content_id not in self.known for content_id in some):
            with pytest.raises(Missing), self.db.begin() as tx:
                self.vault.join(tx, some, subject=subject)
            return multiple()
        objects = self.store.page()
        with self.db.begin() as tx:
            joined = self.vault.join(tx, some, subject=subject)
        assert self.store.page() == objects
        data = b"".join(self.known[content_id].data for content_id in some)
        self.known[joined] = Known(data=data, subject=subject)
        return joined

    @rule(content_id=contents, subject=SUBJECTS)
    def move(self, content_id: ContentId, subject: int) -> None:
        if content_id in self.known:
            with self.db.begin() as tx:
                self.vault.move(tx, content_id, subject=subject)
            self.known[content_id].subject = subject

    @rule(content_id=contents)
    def shred(self, content_id: ContentId) -> None:
        if content_id in self.known:
            with self.db.begin() as tx:
                self.vault.shred(tx, content_id)
            del self.known[content_id]
        with pytest.raises(Missing), self.db.read() as tx:
            self.vault.open(tx, content_id)

    @rule(subject=SUBJECTS)
    def shred_subject(self, subject: int) -> None:
        with self.db.begin() as tx:
            self.vault.shred_subject(tx, subject)
        self.known = {k: v for k, v in self.known.items() if v.subject != subject}

    @rule()
    def rotate(self) -> None:
        with self.db.begin() as tx:
            self.keyring.rotate_master(tx)
            self.keyring.rewrap(tx, limit=2)

    @rule(minutes=st.sampled_from([10, 45, 90]))
    def sweep(self, minutes: int) -> None:
        self.clock.advance(minutes * 60)
        self.vault.sweep(self.db, older_than=GRACE)

    @rule(content_id=contents, data=st.data())
    def read_a_range(self, content_id: ContentId, data: st.DataObject) -> None:
        if (found := self.known.get(content_id)) is None:
            return
        with self.db.read() as tx:
            source = self.vault.open(tx, content_id)
        for _ in range(5):
            offset = data.draw(st.integers(0, len(found.data) + 5))
            length = data.draw(st.integers(0, len(found.data) + 5))
            assert source.read_at(offset, length) == found.data[offset : offset + length]
        source.close()

    @invariant()
    def every_content_reads_as_the_model_says(self) -> None:
        for content_id, found in getattr(self, "known", {}).items():
            with self.db.read() as tx:
                assert self.vault.size(tx, content_id) == len(found.data)
                source = self.vault.open(tx, content_id)
            assert b"".join(chunks_of(source, chunk_bytes=50_000)) == found.data
            source.close()

    @invariant()
    def rows_and_bytes_agree(self) -> None:
        if hasattr(self, "vault"):
            report = self.vault.check(self.db)
            assert report.is_whole
            assert report.contents == len(self.known)


TestVaultModel = pytest.mark.slow(VaultModel.TestCase)
TestVaultModel.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
