"""The hierarchy of keys: root provider → master versions → subject key → data key.

A subject is a patient; subject 0 is quarantine. Every key is random and is kept wrapped by the
one above it, bound to its row by AES-GCM's associated data: a row moved or swapped does not
open. Deleting a row therefore destroys everything below it.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, Row, delete, exists, func, insert, select, update

from medstack.db import Database, Tx
from medstack.kit.clock import Clock
from medstack.kit.errors import Conflict, Missing
from medstack.kit.ids import Ids
from medstack.vault.keys.contract import KeyRefused, RootProvider
from medstack.vault.keys.wrapping import KEY_BYTES, place, subkey, unwrap, wrap
from medstack.vault.tables import master_key, subject_key, vault_secret

QUARANTINE = 0
_DERIVATION = "derivation"
_MASTERS = "vault.masters"


class MasterInUse(Conflict):
    """Keys still hang on this master version, or it is the newest."""

    code = "master-in-use"
    title = "This master key is still needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKey:
    """A patient's key, open. Never kept longer than a transaction."""

    id: int
    secret: bytes

    def __repr__(self) -> str:
        return f"SubjectKey(id={self.id})"


class Keyring:
    """Keeps unwrapped master keys in memory; safe to share between threads."""

    def __init__(self, provider: RootProvider, *, clock: Clock, ids: Ids) -> None:
        self._provider = provider
        self._clock = clock
        self._ids = ids
        self._lock = threading.Lock()
        self._masters: dict[int, bytes] = {}
        self._derivation: bytes | None = None

    def unlock(self, db: Database) -> None:
        """Ask the provider for the master keys, making the first if there is none.

        Called once by wiring, so that no later transaction waits for the provider.
        Raises KeysUnavailable and its kin, WrongPassphrase, KeyRefused.
        """
        with db.begin() as tx:
            self._newest_master(tx)
            for version in tx.execute(select(master_key.c.version)).scalars().all():
                self._master(tx, version)
            derivation = self.secret(tx, _DERIVATION)
        self._derivation = derivation  # only now is it known to be kept

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose ("links/1"); the same for this vault's whole life.

        Rotating the master does not change it. Needs `unlock` first.
        """
        if self._derivation is None:
            raise RuntimeError("the keyring is locked")
        return subkey(self._derivation, purpose)

    def secret(self, tx: Tx, name: str) -> bytes:
        """Thirty-two random bytes kept under `name` ("audit-signing"), made on first use.

        In a reading transaction raises Missing if there are none yet.
        """
        row = tx.execute(select(vault_secret).where(vault_secret.c.name == name)).one_or_none()
        if row is None:
            return self._make_secret(tx, name)
        aad = _secret_place(name, row.master_version)
        return unwrap(self._master(tx, row.master_version), row.wrapped, aad=aad)

    # Subjects

    def subject_key(self, tx: Tx, subject: int) -> SubjectKey:
        """The subject's key, made on first use; it cannot be shredded before `tx` ends."""
        row = self._subject_rows(tx, subject).one_or_none()
        if row is None:
            self._make_subject(tx, subject)
            row = self._subject_rows(tx, subject).one()
        return self._open_subject(tx, row)

    def subject_key_by_id(self, tx: Tx, key_id: int) -> SubjectKey:
        """The key a content hangs on. Raises KeyRefused."""
        row = tx.execute(select(subject_key).where(subject_key.c.id == key_id)).one_or_none()
        if row is None:
            raise KeyRefused("A subject's key is gone.")
        return self._open_subject(tx, row)

    def lock_subject(self, tx: Tx, subject: int) -> int | None:
        """The id of the subject's key, locked so that nothing new hangs on it; None if none."""
        wanted = select(subject_key.c.id).where(subject_key.c.subject == subject)
        found: int | None = tx.execute(wanted.with_for_update()).scalar()
        return found

    # Rotation

    def rotate_master(self, tx: Tx) -> int:
        """Make a new master version, under which new keys are wrapped. Returns it.

        Old versions stay readable. Call `rewrap` until it returns 0, then, once no backup
        needs it any more, `retire_master`.
        """
        tx.exclusive(_MASTERS)
        newest = tx.execute(select(func.max(master_key.c.version))).scalar()
        return self._make_master(tx, (newest or 0) + 1)

    def rewrap(self, tx: Tx, *, limit: int = 1000) -> int:
        """Wrap up to `limit` keys of older masters under the newest; 0 when none is left.

        Each call may be a transaction of its own; stopping anywhere loses nothing.
        """
        newest = self._newest_master(tx)
        master = self._master(tx, newest)
        subjects = tx.execute(
            select(subject_key)
            .where(subject_key.c.master_version != newest)
            .order_by(subject_key.c.id)
            .limit(limit)
            .with_for_update()
        ).all()
        for row in subjects:
            secret = self._open_subject(tx, row).secret
            wrapped = wrap(master, secret, aad=_subject_place(row.id, row.subject, newest))
            tx.execute(
                update(subject_key)
                .where(subject_key.c.id == row.id)
                .values(master_version=newest, wrapped=wrapped)
            )
        return len(subjects) + self._rewrap_secrets(tx, newest, limit=limit - len(subjects))

    def retire_master(self, tx: Tx, version: int) -> None:
        """Destroy an old master version. Raises MasterInUse."""
        newest = self._newest_master(tx)
        needed = tx.execute(
            select(
                exists().where(subject_key.c.master_version == version)
                | exists().where(vault_secret.c.master_version == version)
            )
        ).scalar()
        if needed or version == newest:
            raise MasterInUse(version=version)
        tx.execute(delete(master_key).where(master_key.c.version == version))
        tx.after_commit(lambda: self._forget(version))

    # Below: rows and wraps

    # Row types are checked where rows become values, hence Any.
    def _open_subject(self, tx: Tx, row: Row[Any]) -> SubjectKey:
        aad = _subject_place(row.id, row.subject, row.master_version)
        secret = unwrap(self._master(tx, row.master_version), row.wrapped, aad=aad)
        return SubjectKey(id=row.id, secret=secret)

    def _master(self, tx: Tx, version: int) -> bytes:
        found = self._masters.get(version)
        if found is not None:
            return found
        row = tx.execute(select(master_key).where(master_key.c.version == version)).one_or_none()
        if row is None:
            raise KeyRefused("A master key is gone.", version=version)
        if row.root != self._provider.id:
            raise KeyRefused("The keys were wrapped by another key provider.", root=row.root)
        secret = self._provider.unwrap(row.wrapped, aad=_master_place(version, row.root))
        if tx.may_write:  # the row may be this transaction's own, and be undone with it
            tx.after_commit(lambda: self._remember(version, secret))
        else:
            self._remember(version, secret)
        return secret

    def _newest_master(self, tx: Tx) -> int:
        newest = select(func.max(master_key.c.version))
        version: int | None = tx.execute(newest).scalar()
        if version is None:
            tx.exclusive(_MASTERS)
            version = tx.execute(newest).scalar()
        return self._make_master(tx, 1) if version is None else version

    def _make_master(self, tx: Tx, version: int) -> int:
        secret = os.urandom(KEY_BYTES)
        wrapped = self._provider.wrap(secret, aad=_master_place(version, self._provider.id))
        tx.execute(
            insert(master_key).values(
                version=version,
                root=self._provider.id,
                wrapped=wrapped,
                created_at=self._clock.now(),
            )
        )
        return version

    def _remember(self, version: int, secret: bytes) -> None:
        with self._lock:
            self._masters[version] = secret

    def _forget(self, version: int) -> None:
        with self._lock:
            self._masters.pop(version, None)

    def _subject_rows(self, tx: Tx, subject: int) -> CursorResult[Any]:
        wanted = select(subject_key).where(subject_key.c.subject == subject)
        return tx.execute(wanted.with_for_update(read=True))

    def _make_subject(self, tx: Tx, subject: int) -> None:
        tx.exclusive(f"vault.subject.{subject}")
        if self._subject_rows(tx, subject).first() is not None:
            return
        key_id, newest = self._ids.new(), self._newest_master(tx)
        wrapped = wrap(
            self._master(tx, newest),
            os.urandom(KEY_BYTES),
            aad=_subject_place(key_id, subject, newest),
        )
        tx.execute(
            insert(subject_key).values(
                id=key_id,
                subject=subject,
                master_version=newest,
                wrapped=wrapped,
                created_at=self._clock.now(),
            )
        )

    def _make_secret(self, tx: Tx, name: str) -> bytes:
        if not tx.may_write:
            raise Missing
        tx.exclusive(_MASTERS)
        if tx.execute(select(vault_secret.c.name).where(vault_secret.c.name == name)).first():
            return self.secret(tx, name)
        fresh, newest = os.urandom(KEY_BYTES), self._newest_master(tx)
        wrapped = wrap(self._master(tx, newest), fresh, aad=_secret_place(name, newest))
        tx.execute(insert(vault_secret).values(name=name, master_version=newest, wrapped=wrapped))
        return fresh

    def _rewrap_secrets(self, tx: Tx, newest: int, *, limit: int) -> int:
        wanted = select(vault_secret).where(vault_secret.c.master_version != newest)
        rows = tx.execute(wanted.limit(max(limit, 0)).with_for_update()).all()
        for row in rows:
            secret = self.secret(tx, row.name)
            aad = _secret_place(row.name, newest)
            tx.execute(
                update(vault_secret)
                .where(vault_secret.c.name == row.name)
                .values(
                    master_version=newest, wrapped=wrap(self._master(tx, newest), secret, aad=aad)
                )
            )
        return len(rows)


def _master_place(version: int, root: str) -> bytes:
    return place("master", version, parent=root, version=version)


def _subject_place(key_id: int, subject: int, master_version: int) -> bytes:
    return place("subject", subject, parent=master_version, version=key_id)


def _secret_place(name: str, master_version: int) -> bytes:
    return place("secret", name, parent=master_version, version=1)
