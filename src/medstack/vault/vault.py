"""The vault: sealed contents, each an ordered list of parts, readable as long as their keys live.

Bytes go into the store first and are durable before a row names them. Deleting is the mirror
image: keys and rows go with the transaction, bytes are swept later. Knows no patient but the
number of a key, and no rule of care.
"""

from __future__ import annotations

import hmac
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from medstack.db import Database, Tx
from medstack.kit.clock import Clock
from medstack.kit.errors import Conflict
from medstack.kit.ids import ContentId, Ids
from medstack.vault import rows, upkeep
from medstack.vault.chain import chain_key, chain_of, next_link
from medstack.vault.keyring import Keyring, SubjectKey
from medstack.vault.keys.wrapping import KEY_BYTES, place, unwrap, wrap
from medstack.vault.parts import DataKey, PartWriter, SealedPart
from medstack.vault.rows import ContentRow, PartRow, PartUnknown
from medstack.vault.sealing import Altered, Buffer, WrongSize
from medstack.vault.source import ContentSource, OpenPart, Remembered
from medstack.vault.stores.contract import ObjectMissing, Store


class OffsetConflict(Conflict):
    """An append at another place than the end. `facts`: size, at."""

    code = "offset-conflict"
    title = "The content is longer or shorter than expected"


class ForeignPart(Conflict):
    """A part was sealed with another content's key."""

    code = "foreign-part"
    title = "This part belongs to another content"


class Vault:
    """Safe to share between threads; each brings its own transaction."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        *,
        clock: Clock,
        ids: Ids,
        remembered: Remembered | None = None,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._ids = ids
        self._remembered = remembered or Remembered()

    @property
    def store(self) -> Store:
        return self._store

    # The way in

    def create(self, tx: Tx, *, subject: int) -> ContentId:
        """Make an empty content with a key of its own, under the subject's key."""
        parent = self._keyring.subject_key(tx, subject)
        return self._add_content(tx, parent, [])

    def data_key(self, tx: Tx, content_id: ContentId) -> DataKey:
        """The key to seal further parts of a content with. Raises Missing, KeyRefused."""
        row = rows.get_content(tx, content_id, lock="share")
        return DataKey(row.data_key_id, self._keys(tx, row)[row.data_key_id])

    def part_writer(self, key: DataKey) -> PartWriter:
        """Start a part: push plaintext, `finish`, then `append`. Needs no transaction."""
        return PartWriter(self._store, key)

    def seal(self, key: DataKey, pieces: Iterable[Buffer]) -> SealedPart:
        """Seal a whole part at once. Raises StorageFull, StorageFailed."""
        with self.part_writer(key) as writer:
            for piece in pieces:
                writer.write(piece)
            return writer.finish()

    def append(self, tx: Tx, content_id: ContentId, part: SealedPart, *, at: int) -> int:
        """Make a finished part the content's next; returns the content's new size.

        Raises OffsetConflict unless the content is `at` bytes long, ForeignPart, PartPlaced,
        ObjectMissing; Missing.
        """
        row = rows.get_content(tx, content_id, lock="update")
        if row.size != at:
            raise OffsetConflict(size=row.size, at=at)
        if part.data_key_id != row.data_key_id:
            raise ForeignPart
        rows.add_object(tx, part)
        self._check_size(part.object_name, part.sealed_size)
        own = self._keys(tx, row)[row.data_key_id]
        fresh = PartRow(
            position=row.part_count,
            object_name=part.object_name,
            data_key_id=part.data_key_id,
            size=part.size,
            sealed_size=part.sealed_size,
        )
        rows.add_parts(tx, content_id, [fresh])
        rows.grow_content(
            tx,
            content_id,
            size=row.size + part.size,
            part_count=row.part_count + 1,
            chain=next_link(chain_key(own), row.chain, fresh),
        )
        return row.size + part.size

    def join(self, tx: Tx, content_ids: Sequence[ContentId], *, subject: int) -> ContentId:
        """Make a content that is these contents end to end, without copying a byte.

        The new content shares their objects and has copies of their keys, so it outlives them.
        Raises Missing; Altered, KeyRefused.
        """
        parent = self._keyring.subject_key(tx, subject)
        found = rows.lock_contents(tx, content_ids)
        pieces: list[tuple[PartRow, bytes]] = []
        for content_id in content_ids:
            row = found[content_id]
            keys = self._keys(tx, row)
            pieces += [(piece, keys[piece.data_key_id]) for piece in self._parts(tx, row, keys)]
        rows.use_objects(tx, Counter(piece.object_name for piece, _ in pieces))
        return self._add_content(tx, parent, pieces)

    def move(self, tx: Tx, content_id: ContentId, *, subject: int) -> None:
        """Hang a content on another subject's key, as from quarantine to its patient.

        No object is touched. Raises Missing, KeyRefused.
        """
        parent = self._keyring.subject_key(tx, subject)
        row = rows.get_content(tx, content_id, lock="update")
        for key_id, secret in self._keys(tx, row).items():
            aad = _data_place(content_id, key_id, parent)
            rows.rewrap_data_key(tx, key_id, wrap(parent.secret, secret, aad=aad))
        rows.hang_content(tx, content_id, subject_key_id=parent.id)

    # The way out

    def size(self, tx: Tx, content_id: ContentId) -> int:
        """Bytes of plaintext. Raises Missing."""
        return rows.get_content(tx, content_id).size

    def open(self, tx: Tx, content_id: ContentId) -> ContentSource:
        """A Source over the whole content; reading it needs no transaction. Close it.

        Every part's stored size is compared with its row here, before the first byte.
        Raises Missing; WrongSize, ObjectMissing, Altered, KeyRefused, PartUnknown (Broken).
        """
        row = rows.get_content(tx, content_id, lock="share")
        keys = self._keys(tx, row)
        parts = self._parts(tx, row, keys)
        for part in parts:
            self._check_size(part.object_name, part.sealed_size)
        opened = {key_id: DataKey(key_id, secret) for key_id, secret in keys.items()}
        return ContentSource(
            [
                OpenPart(object_name=part.object_name, size=part.size, key=opened[part.data_key_id])
                for part in parts
            ],
            store=self._store,
            remembered=self._remembered,
        )

    # The end

    def shred(self, tx: Tx, content_id: ContentId) -> None:
        """Destroy a content: its keys and rows go with `tx`, its objects with the next sweep.

        Objects a joined content shares stay. Raises Missing.
        """
        rows.get_content(tx, content_id, lock="update")
        self._drop(tx, [content_id])

    def shred_subject(self, tx: Tx, subject: int) -> None:
        """Destroy every content of a subject, and the subject's key. Harmless if there is none."""
        key_id = self._keyring.lock_subject(tx, subject)
        if key_id is None:
            return
        self._drop(tx, rows.contents_of(tx, key_id))
        rows.drop_subject_key(tx, key_id)

    def sweep(self, db: Database, *, older_than: timedelta) -> int:
        """Remove objects shredded, or stored and never placed, longer ago than `older_than`.

        Returns how many were removed. Stopping anywhere is harmless.
        """
        return upkeep.sweep(db, self._store, now=self._clock.now(), older_than=older_than)

    def check(self, db: Database, *, deep: bool = False) -> upkeep.CheckReport:
        """Compare every row with its bytes and every object with its row; see `upkeep.check`."""
        return upkeep.check(db, self._store, self.open, now=self._clock.now(), deep=deep)

    def known(self, tx: Tx) -> set[ContentId]:
        """Every content there is."""
        return rows.all_contents(tx)

    def close(self) -> None:
        self._store.close()

    # Below

    def _add_content(
        self, tx: Tx, parent: SubjectKey, pieces: Sequence[tuple[PartRow, bytes]]
    ) -> ContentId:
        """A new content over `pieces`, parts of others with the keys that open them."""
        content_id, own_id = ContentId(self._ids.new()), self._ids.new()
        own = os.urandom(KEY_BYTES)
        secrets = {own_id: own}
        copies: dict[int, int] = {}  # key ids of the others → ours
        placed: list[PartRow] = []
        for position, (piece, secret) in enumerate(pieces):
            key_id = copies.setdefault(piece.data_key_id, self._ids.new())
            secrets[key_id] = secret
            placed.append(
                PartRow(
                    position=position,
                    object_name=piece.object_name,
                    data_key_id=key_id,
                    size=piece.size,
                    sealed_size=piece.sealed_size,
                )
            )
        row = ContentRow(
            id=content_id,
            subject_key_id=parent.id,
            data_key_id=own_id,
            size=sum(piece.size for piece in placed),
            part_count=len(placed),
            chain=chain_of(chain_key(own), content_id, placed),
        )
        rows.add_content(tx, row, self._clock.now())
        for key_id, secret in secrets.items():
            aad = _data_place(content_id, key_id, parent)
            rows.add_data_key(tx, key_id, content_id, wrap(parent.secret, secret, aad=aad))
        rows.add_parts(tx, content_id, placed)
        return content_id

    def _keys(self, tx: Tx, row: ContentRow) -> dict[int, bytes]:
        """A content's data keys, open. Raises KeyRefused, PartUnknown."""
        parent = self._keyring.subject_key_by_id(tx, row.subject_key_id)
        keys = {
            key_id: unwrap(parent.secret, wrapped, aad=_data_place(row.id, key_id, parent))
            for key_id, wrapped in rows.data_keys(tx, row.id).items()
        }
        if row.data_key_id not in keys:
            raise PartUnknown
        return keys

    def _parts(self, tx: Tx, row: ContentRow, keys: dict[int, bytes]) -> list[PartRow]:
        """A content's parts as they were placed. Raises Altered."""
        parts = rows.parts_of(tx, row.id)
        chain = chain_of(chain_key(keys[row.data_key_id]), row.id, parts)
        whole = row.size == sum(part.size for part in parts) and row.part_count == len(parts)
        if not whole or not hmac.compare_digest(chain, row.chain):
            raise Altered("The list of parts is not the one we wrote.", content=row.id)
        return parts

    def _check_size(self, object_name: str, sealed_size: int) -> None:
        found = self._store.size(object_name)
        if found is None:
            raise ObjectMissing
        if found != sealed_size:
            raise WrongSize(recorded=sealed_size, found=found)

    def _drop(self, tx: Tx, content_ids: Sequence[ContentId]) -> None:
        gone = rows.drop_contents(tx, content_ids, self._clock.now())
        tx.after_commit(lambda: self._remembered.forget(gone))


def _data_place(content_id: ContentId, key_id: int, parent: SubjectKey) -> bytes:
    return place("data", f"{content_id}.{key_id}", parent=parent.id, version=1)
