"""The hierarchy of keys: made on first use, bound to its rows, rotated without a pause."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from medstack.db import Database
from medstack.kit.clock import SetClock
from medstack.kit.errors import Missing
from medstack.kit.ids import TimeOrderedIds
from medstack.kit.streams import chunks_of
from medstack.vault import ContentSource, Keyring, Vault
from medstack.vault.keyring import MasterInUse, SubjectKey
from medstack.vault.keys import KeyRefused, KeysUnavailable, MemoryRoot
from medstack.vault.stores import MemoryStore
from medstack.vault.tables import data_key, master_key, subject_key, vault_secret


class Counting(MemoryRoot):
    """Counts how often it is asked, and may be out of reach."""

    asked = 0
    is_down = False

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        self.asked += 1
        if self.is_down:
            raise KeysUnavailable
        return super().unwrap(wrapped, aad=aad)


@pytest.fixture
def root() -> Counting:
    return Counting()


def reopened(root: MemoryRoot, db: Database, clock: SetClock, ids: TimeOrderedIds) -> Keyring:
    """The keyring of the next start."""
    keyring = Keyring(root, clock=clock, ids=ids)
    keyring.unlock(db)
    return keyring


def subject_secret(keyring: Keyring, db: Database, subject: int) -> bytes:
    with db.begin() as tx:
        return keyring.subject_key(tx, subject).secret


def rewrap_all(keyring: Keyring, db: Database, *, limit: int = 1000) -> int:
    """Rewrap to the end; returns in how many transactions."""
    rounds = 0
    while True:
        with db.begin() as tx:
            if keyring.rewrap(tx, limit=limit) == 0:
                return rounds
        rounds += 1


def test_keys_are_the_same_after_a_restart(
    keyring: Keyring, root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    secret = subject_secret(keyring, db, 7)
    with db.begin() as tx:
        seed = keyring.secret(tx, "audit-signing")
    again = reopened(root, db, clock, ids)
    assert subject_secret(again, db, 7) == secret
    assert again.derive("links/1") == keyring.derive("links/1")
    with db.read() as tx:
        assert again.secret(tx, "audit-signing") == seed


def test_no_transaction_after_unlocking_asks_the_provider(
    keyring: Keyring, root: Counting, db: Database
) -> None:
    asked = root.asked
    root.is_down = True
    subject_secret(keyring, db, 7)
    subject_secret(keyring, db, 7)
    with db.begin() as tx:
        keyring.secret(tx, "audit-signing")
    assert root.asked == asked


def test_a_provider_out_of_reach_is_said_to_be_at_the_start(
    keyring: Keyring, root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    root.is_down = True
    with pytest.raises(KeysUnavailable):
        reopened(root, db, clock, ids)


def test_another_root_does_not_unlock(
    keyring: Keyring, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    with pytest.raises(KeyRefused):
        reopened(MemoryRoot(), db, clock, ids)
    with db.read() as tx:
        assert tx.execute(select(func.count()).select_from(master_key)).scalar_one() == 1


def test_an_undone_first_start_leaves_nothing_that_later_keys_hang_on(
    root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    keyring = Keyring(root, clock=clock, ids=ids)
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        keyring.subject_key(tx, 7)
        raise ZeroDivisionError
    secret = subject_secret(keyring, db, 7)
    assert subject_secret(reopened(root, db, clock, ids), db, 7) == secret


def test_processes_that_are_first_together_share_one_hierarchy(
    root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    with ThreadPoolExecutor(4) as pool:
        rings = list(pool.map(lambda _: reopened(root, db, clock, ids), range(4)))
        secrets = list(pool.map(lambda ring: subject_secret(ring, db, 7), rings))
    assert len(set(secrets)) == 1
    assert len({ring.derive("links/1") for ring in rings}) == 1
    with db.read() as tx:
        assert tx.execute(select(func.count()).select_from(master_key)).scalar_one() == 1


def test_each_purpose_has_a_key_of_its_own(keyring: Keyring) -> None:
    keys = {keyring.derive(purpose) for purpose in ("links/1", "links/2", "dedup/7", "dedup/8")}
    assert len(keys) == 4
    assert all(len(key) == 32 for key in keys)


def test_a_locked_keyring_derives_nothing(
    root: Counting, clock: SetClock, ids: TimeOrderedIds
) -> None:
    with pytest.raises(RuntimeError, match="locked"):
        Keyring(root, clock=clock, ids=ids).derive("links/1")


def test_a_reading_transaction_makes_no_secret(keyring: Keyring, db: Database) -> None:
    with db.read() as tx, pytest.raises(Missing):
        keyring.secret(tx, "audit-signing")


def test_rows_show_no_key(keyring: Keyring, db: Database) -> None:
    secret = subject_secret(keyring, db, 7)
    with db.begin() as tx:
        seed = keyring.secret(tx, "audit-signing")
        for table in (master_key, subject_key, vault_secret):
            for row in tx.execute(select(table.c.wrapped)):
                assert secret not in row.wrapped
                assert seed not in row.wrapped


def test_a_subject_key_does_not_show_in_words() -> None:
    secret = os.urandom(32)
    words = repr(SubjectKey(id=3, secret=secret)) + str(SubjectKey(id=3, secret=secret))
    assert repr(secret)[2:-1] not in words
    assert words.count("SubjectKey(id=3)") == 2


@pytest.mark.parametrize("column", ["master_version", "subject", "id"])
def test_a_subject_key_row_altered_or_moved_does_not_open(
    keyring: Keyring, db: Database, column: str
) -> None:
    subject_secret(keyring, db, 7)
    with db.begin() as tx:
        keyring.rotate_master(tx)
        value = {"master_version": 2, "subject": 8, "id": 12345}[column]
        tx.execute(update(subject_key).values({column: value}))
    with pytest.raises(KeyRefused), db.begin() as tx:
        keyring.subject_key(tx, 8 if column == "subject" else 7)


def test_a_secret_moved_to_another_name_does_not_open(keyring: Keyring, db: Database) -> None:
    with db.begin() as tx:
        keyring.secret(tx, "audit-signing")
        tx.execute(
            update(vault_secret).where(vault_secret.c.name == "audit-signing").values(name="other")
        )
    with pytest.raises(KeyRefused), db.read() as tx:
        keyring.secret(tx, "other")


def test_a_master_row_moved_to_another_version_does_not_open(
    keyring: Keyring, root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    with db.begin() as tx:
        keyring.rotate_master(tx)
        wraps = {row.version: row.wrapped for row in tx.execute(select(master_key))}
        for version, donor in ((1, 2), (2, 1)):
            tx.execute(
                update(master_key)
                .where(master_key.c.version == version)
                .values(wrapped=wraps[donor])
            )
    with pytest.raises(KeyRefused):
        reopened(root, db, clock, ids)


# Rotation


def test_rotating_changes_no_key_below_and_no_derived_key(keyring: Keyring, db: Database) -> None:
    secrets = {subject: subject_secret(keyring, db, subject) for subject in range(1, 20)}
    derived = keyring.derive("links/1")
    with db.begin() as tx:
        assert keyring.rotate_master(tx) == 2
    for stage in ("before", "half way", "after"):
        if stage == "half way":
            with db.begin() as tx:
                assert keyring.rewrap(tx, limit=7) == 7
        if stage == "after":
            rewrap_all(keyring, db, limit=7)
        for subject, secret in secrets.items():
            assert subject_secret(keyring, db, subject) == secret
    assert keyring.derive("links/1") == derived


def test_a_rotation_stopped_anywhere_is_readable_and_goes_on(
    keyring: Keyring, root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    secrets = {subject: subject_secret(keyring, db, subject) for subject in range(1, 8)}
    with db.begin() as tx:
        keyring.rotate_master(tx)
    done = 0
    while True:
        keyring = reopened(root, db, clock, ids)  # as after a kill -9
        for subject, secret in secrets.items():
            assert subject_secret(keyring, db, subject) == secret
        with pytest.raises(ZeroDivisionError), db.begin() as tx:
            keyring.rewrap(tx, limit=3)
            raise ZeroDivisionError
        with db.begin() as tx:
            count = keyring.rewrap(tx, limit=3)
        done += count
        if count == 0:
            break
    assert done == 7 + 1  # the subjects' and the derivation secret


def test_new_keys_hang_on_the_newest_master(keyring: Keyring, db: Database) -> None:
    with db.begin() as tx:
        keyring.rotate_master(tx)
    subject_secret(keyring, db, 7)
    with db.begin() as tx:
        keyring.secret(tx, "audit-signing")
        assert tx.execute(select(subject_key.c.master_version)).scalar_one() == 2
        wanted = select(vault_secret.c.master_version).where(vault_secret.c.name == "audit-signing")
        assert tx.execute(wanted).scalar_one() == 2


def test_a_master_is_retired_only_when_nothing_hangs_on_it(
    keyring: Keyring, root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    secret = subject_secret(keyring, db, 7)
    with db.begin() as tx:
        keyring.rotate_master(tx)
        for version in (1, 2):
            with pytest.raises(MasterInUse):
                keyring.retire_master(tx, version)
    rewrap_all(keyring, db)
    with db.begin() as tx:
        keyring.retire_master(tx, 1)
    for ring in (keyring, reopened(root, db, clock, ids)):
        assert subject_secret(ring, db, 7) == secret


def test_a_newer_master_made_by_another_process_is_found(
    keyring: Keyring, root: Counting, db: Database, clock: SetClock, ids: TimeOrderedIds
) -> None:
    other = reopened(root, db, clock, ids)
    with db.begin() as tx:
        other.rotate_master(tx)
    secret = subject_secret(other, db, 7)
    assert subject_secret(keyring, db, 7) == secret


def test_a_rotation_touches_no_object_and_no_data_key(
    vault: Vault, keyring: Keyring, store: MemoryStore, db: Database
) -> None:
    with db.begin() as tx:
        content_id = vault.create(tx, subject=7)
        key = vault.data_key(tx, content_id)
    part = vault.seal(key, [b"x" * 100_000])
    with db.begin() as tx:
        vault.append(tx, content_id, part, at=0)
        wrapped = tx.execute(select(data_key.c.wrapped)).scalar_one()
        keyring.rotate_master(tx)
    objects = store.page()
    rewrap_all(keyring, db)
    with db.read() as tx:
        assert tx.execute(select(data_key.c.wrapped)).scalar_one() == wrapped
        source: ContentSource = vault.open(tx, content_id)
    assert b"".join(chunks_of(source)) == b"x" * 100_000
    assert store.page() == objects
