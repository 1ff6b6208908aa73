"""The vault as the flows see it, on both databases."""

from __future__ import annotations

import os
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from medstack.db import Database
from medstack.kit.clock import SetClock
from medstack.kit.errors import Broken, Missing
from medstack.kit.ids import ContentId
from medstack.kit.streams import chunks_of
from medstack.vault import QUARANTINE, ForeignPart, OffsetConflict, Vault
from medstack.vault.keys.contract import KeyRefused
from medstack.vault.parts import DataKey
from medstack.vault.rows import PartPlaced
from medstack.vault.sealing import Altered, WrongSize
from medstack.vault.stores import MemoryStore, ObjectMissing
from medstack.vault.tables import content, data_key, part, stored_object, subject_key

PATIENT, OTHER = 1001, 1002
BLOCK = os.urandom(200_000)
NOW = timedelta(0)


def place(db: Database, vault: Vault, content_id: ContentId, *pieces: bytes) -> int:
    """Append each piece as a part of its own."""
    with db.read() as tx:
        key = vault.data_key(tx, content_id)
        size = vault.size(tx, content_id)
    for piece in pieces:
        sealed = vault.seal(key, [piece])
        with db.begin() as tx:
            size = vault.append(tx, content_id, sealed, at=size)
    return size


def new(db: Database, vault: Vault, *pieces: bytes, subject: int = PATIENT) -> ContentId:
    with db.begin() as tx:
        content_id = vault.create(tx, subject=subject)
    place(db, vault, content_id, *pieces)
    return content_id


def read(db: Database, vault: Vault, content_id: ContentId) -> bytes:
    with db.read() as tx:
        source = vault.open(tx, content_id)
    try:
        return b"".join(chunks_of(source))
    finally:
        source.close()


def shred(db: Database, vault: Vault, content_id: ContentId) -> None:
    with db.begin() as tx:
        vault.shred(tx, content_id)


def test_what_goes_in_comes_out(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, BLOCK[:70_000], BLOCK[70_000:])
    assert read(db, vault, content_id) == BLOCK
    with db.read() as tx:
        assert vault.size(tx, content_id) == len(BLOCK)


def test_a_new_content_is_empty_and_can_be_read(db: Database, vault: Vault) -> None:
    assert read(db, vault, new(db, vault)) == b""


def test_empty_parts_do_no_harm(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, b"", b"", b"one", b"", b"two", b"")
    assert read(db, vault, content_id) == b"onetwo"
    assert vault.check(db, deep=True).is_whole


def test_nothing_of_the_plaintext_is_in_the_store(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    new(db, vault, b"CANARY" * 1000)
    for stored in store.page():
        assert b"CANARY" not in store.read_at(stored.name, 0, stored.size)


def test_object_names_say_nothing_of_patient_or_content(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault, b"bytes", subject=123456789)
    (stored,) = store.page()
    assert len(stored.name) == 32
    assert "123456789" not in stored.name
    assert f"{content_id:x}" not in stored.name


def test_an_append_at_the_wrong_place_is_a_conflict_and_changes_nothing(
    db: Database, vault: Vault
) -> None:
    content_id = new(db, vault, b"first")
    with db.read() as tx:
        sealed = vault.seal(vault.data_key(tx, content_id), [b"second"])
    for at in (0, 4, 6):
        with pytest.raises(OffsetConflict) as refused, db.begin() as tx:
            vault.append(tx, content_id, sealed, at=at)
        assert refused.value.facts["size"] == 5
    assert read(db, vault, content_id) == b"first"


def test_of_many_appends_at_one_place_exactly_one_wins(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, b"first")
    with db.read() as tx:
        key = vault.data_key(tx, content_id)
    pieces = [bytes([number]) * 10 for number in range(6)]
    gate = threading.Barrier(6)

    def race(piece: bytes) -> bool:
        sealed = vault.seal(key, [piece])
        gate.wait()
        try:
            with db.begin() as tx:
                vault.append(tx, content_id, sealed, at=5)
        except OffsetConflict:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(race, pieces))
    assert won.count(True) == 1
    assert read(db, vault, content_id) == b"first" + pieces[won.index(True)]


def test_an_append_undone_leaves_the_content_as_it_was(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, b"first")
    with db.read() as tx:
        sealed = vault.seal(vault.data_key(tx, content_id), [b"second"])
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        vault.append(tx, content_id, sealed, at=5)
        raise ZeroDivisionError
    assert read(db, vault, content_id) == b"first"
    with db.begin() as tx:
        vault.append(tx, content_id, sealed, at=5)
    assert read(db, vault, content_id) == b"firstsecond"


def test_a_part_sealed_for_another_content_is_refused(db: Database, vault: Vault) -> None:
    mine, other = new(db, vault), new(db, vault)
    with db.read() as tx:
        sealed = vault.seal(vault.data_key(tx, other), [b"bytes"])
    with pytest.raises(ForeignPart), db.begin() as tx:
        vault.append(tx, mine, sealed, at=0)


def test_a_part_is_placed_once(db: Database, vault: Vault) -> None:
    content_id = new(db, vault)
    with db.read() as tx:
        sealed = vault.seal(vault.data_key(tx, content_id), [b"bytes"])
    with db.begin() as tx:
        vault.append(tx, content_id, sealed, at=0)
    with pytest.raises(PartPlaced), db.begin() as tx:
        vault.append(tx, content_id, sealed, at=5)
    assert read(db, vault, content_id) == b"bytes"


def test_a_part_whose_bytes_are_gone_is_not_placed(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault)
    with db.read() as tx:
        sealed = vault.seal(vault.data_key(tx, content_id), [b"bytes"])
    store.delete(sealed.object_name)
    with pytest.raises(ObjectMissing), db.begin() as tx:
        vault.append(tx, content_id, sealed, at=0)
    assert vault.check(db).is_whole


def test_an_abandoned_part_leaves_nothing(db: Database, vault: Vault, store: MemoryStore) -> None:
    content_id = new(db, vault)
    with db.read() as tx:
        key = vault.data_key(tx, content_id)
    with pytest.raises(ZeroDivisionError), vault.part_writer(key) as writer:
        writer.write(b"half")
        assert writer.size == 4
        raise ZeroDivisionError
    assert store.page() == []


def test_what_is_not_there_is_missing(db: Database, vault: Vault) -> None:
    gone = ContentId(1)
    with db.begin() as tx:
        for attempt in (vault.size, vault.data_key, vault.open, vault.shred):
            with pytest.raises(Missing):
                attempt(tx, gone)
        with pytest.raises(Missing):
            vault.move(tx, gone, subject=PATIENT)
        with pytest.raises(Missing):
            vault.join(tx, [gone], subject=PATIENT)


# Reading


def test_a_source_is_read_by_many_threads_at_once(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, BLOCK[:66_000], BLOCK[66_000:66_010], BLOCK[66_010:])
    with db.read() as tx:
        source = vault.open(tx, content_id)

    def look(seed: int) -> bool:
        return all(
            source.read_at(at, 700 * seed) == BLOCK[at : at + 700 * seed]
            for at in range(seed, len(BLOCK), 7919)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(1, 17)))
    source.close()


def test_a_closed_source_is_not_read(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, b"bytes")
    with db.read() as tx:
        source = vault.open(tx, content_id)
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.read_at(0, 1)
    assert read(db, vault, content_id) == b"bytes"


def test_a_source_closed_while_it_derives_a_key_spoils_nothing_for_others(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault, b"bytes")
    with db.read() as tx:
        source = vault.open(tx, content_id)
    read_at = store.read_at

    def read_and_close(name: str, offset: int, length: int) -> bytes:
        source.close()
        return read_at(name, offset, length)

    store.read_at = read_and_close  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="closed"):
        source.read_at(0, 1)
    store.read_at = read_at  # type: ignore[method-assign]
    assert read(db, vault, content_id) == b"bytes"


def test_negative_places_are_refused(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, b"bytes")
    with db.read() as tx:
        source = vault.open(tx, content_id)
    for offset, length in ((-1, 1), (0, -1)):
        with pytest.raises(ValueError, match="negative"):
            source.read_at(offset, length)


def test_a_shortened_object_is_refused_before_its_intact_beginning_is_served(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault, BLOCK)
    (stored,) = store.page()
    sealed = store.read_at(stored.name, 0, stored.size)
    for wrong in (sealed[:-1], sealed[:65536], sealed + b"x"):
        store.delete(stored.name)
        store.put(stored.name, [wrong])
        with pytest.raises(WrongSize), db.read() as tx:
            vault.open(tx, content_id)


def test_a_lost_object_is_refused_before_another_part_is_served(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault, b"first", b"second")
    with db.read() as tx:
        names = tx.execute(select(part.c.object_name).order_by(part.c.position)).scalars().all()
    store.delete(names[1])
    with pytest.raises(ObjectMissing), db.read() as tx:
        vault.open(tx, content_id)


def test_objects_swapped_in_the_store_are_refused(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault, b"first", b"other")
    one, two = (stored.name for stored in store.page())
    sealed = [store.read_at(name, 0, 1000) for name in (one, two)]
    store.delete(one)
    store.delete(two)
    store.put(one, [sealed[1]])
    store.put(two, [sealed[0]])
    with pytest.raises(Altered):
        read(db, vault, content_id)


# Rows an attacker touched


def test_a_data_key_row_swapped_with_anothers_is_refused(db: Database, vault: Vault) -> None:
    mine, other = new(db, vault, b"mine"), new(db, vault, b"other")
    with db.begin() as tx:
        wraps = {row.content_id: row.wrapped for row in tx.execute(select(data_key))}
        for content_id, donor in ((mine, other), (other, mine)):
            tx.execute(
                update(data_key)
                .where(data_key.c.content_id == content_id)
                .values(wrapped=wraps[donor])
            )
    for content_id in (mine, other):
        with pytest.raises(KeyRefused):
            read(db, vault, content_id)


def test_a_subject_key_row_swapped_with_anothers_is_refused(db: Database, vault: Vault) -> None:
    mine = new(db, vault, b"mine")
    new(db, vault, b"other", subject=OTHER)
    with db.begin() as tx:
        wraps = {row.subject: row.wrapped for row in tx.execute(select(subject_key))}
        for subject, donor in ((PATIENT, OTHER), (OTHER, PATIENT)):
            tx.execute(
                update(subject_key)
                .where(subject_key.c.subject == subject)
                .values(wrapped=wraps[donor])
            )
    with pytest.raises(KeyRefused):
        read(db, vault, mine)


def test_a_content_hung_on_another_patients_key_is_refused(db: Database, vault: Vault) -> None:
    mine, other = new(db, vault, b"mine"), new(db, vault, b"other", subject=OTHER)
    with db.begin() as tx:
        key_id = tx.execute(
            select(content.c.subject_key_id).where(content.c.id == other)
        ).scalar_one()
        tx.execute(update(content).where(content.c.id == mine).values(subject_key_id=key_id))
    with pytest.raises(KeyRefused):
        read(db, vault, mine)


def swap_parts(db: Database, content_id: ContentId) -> None:
    with db.begin() as tx:
        for old, fresh in ((0, 9), (1, 0), (9, 1)):
            tx.execute(
                update(part)
                .where(part.c.content_id == content_id, part.c.position == old)
                .values(position=fresh)
            )


def drop_last_part(db: Database, content_id: ContentId) -> None:
    with db.begin() as tx:
        tx.execute(delete(part).where(part.c.content_id == content_id, part.c.position == 1))
        tx.execute(update(content).where(content.c.id == content_id).values(size=5, part_count=1))


def repeat_a_part(db: Database, content_id: ContentId) -> None:
    with db.begin() as tx:
        row = tx.execute(select(part).where(part.c.position == 0)).one()
        tx.execute(insert(part).values(**{**row._mapping, "position": 2}))
        tx.execute(update(content).where(content.c.id == content_id).values(size=15, part_count=3))


@pytest.mark.parametrize("tamper", [swap_parts, drop_last_part, repeat_a_part])
def test_a_list_of_parts_that_was_altered_is_refused(
    db: Database, vault: Vault, tamper: object
) -> None:
    content_id = new(db, vault, b"first", b"other")
    assert callable(tamper)
    tamper(db, content_id)
    with pytest.raises(Altered):
        read(db, vault, content_id)
    assert {finding.code for finding in vault.check(db).findings} >= {"sealed-bytes-altered"}


# Joining, moving, shredding


def test_a_join_is_its_contents_end_to_end_without_a_byte_copied(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    first, second = new(db, vault, b"one", b"two"), new(db, vault, BLOCK, subject=QUARANTINE)
    before = store.page()
    with db.begin() as tx:
        joined = vault.join(tx, [first, second, first], subject=OTHER)
    assert store.page() == before
    assert read(db, vault, joined) == b"onetwo" + BLOCK + b"onetwo"
    assert vault.check(db, deep=True).is_whole


def test_a_joined_content_outlives_what_it_was_joined_from(
    db: Database, vault: Vault, clock: SetClock
) -> None:
    first, second = new(db, vault, b"one"), new(db, vault, b"two", subject=OTHER)
    with db.begin() as tx:
        joined = vault.join(tx, [first, second], subject=PATIENT)
    shred(db, vault, first)
    with db.begin() as tx:
        vault.shred_subject(tx, OTHER)
    assert vault.sweep(db, older_than=NOW) == 0
    assert read(db, vault, joined) == b"onetwo"
    shred(db, vault, joined)
    assert vault.sweep(db, older_than=NOW) == 2


def test_a_joined_content_can_be_appended_to_moved_and_joined_again(
    db: Database, vault: Vault
) -> None:
    with db.begin() as tx:
        joined = vault.join(tx, [new_in(vault, tx)], subject=QUARANTINE)
    place(db, vault, joined, b"first")
    with db.begin() as tx:
        again = vault.join(tx, [joined, joined], subject=QUARANTINE)
        vault.move(tx, again, subject=PATIENT)
    place(db, vault, again, b"last")
    assert read(db, vault, again) == b"firstfirstlast"


def new_in(vault: Vault, tx: object) -> ContentId:
    return vault.create(tx, subject=PATIENT)  # type: ignore[arg-type]


def test_a_move_touches_no_object_and_leaves_the_old_subjects_key_useless(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault, BLOCK, subject=QUARANTINE)
    before = store.page()
    with db.begin() as tx:
        vault.move(tx, content_id, subject=PATIENT)
        vault.shred_subject(tx, QUARANTINE)
    assert store.page() == before
    assert read(db, vault, content_id) == BLOCK
    with db.begin() as tx:
        vault.shred_subject(tx, PATIENT)
        with pytest.raises(Missing):
            vault.open(tx, content_id)


def test_what_is_shredded_is_missing_at_once_and_its_bytes_go_with_the_sweep(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault, BLOCK, b"more")
    shred(db, vault, content_id)
    with pytest.raises(Missing):
        read(db, vault, content_id)
    assert len(store.page()) == 2
    assert vault.sweep(db, older_than=NOW) == 2
    assert store.page() == []
    assert vault.check(db).is_whole


def test_shredding_leaves_no_key_row(db: Database, vault: Vault) -> None:
    new(db, vault, b"one")
    new(db, vault, b"two")
    with db.begin() as tx:
        vault.shred_subject(tx, PATIENT)
        vault.shred_subject(tx, PATIENT)
        for table in (content, data_key, part, subject_key):
            assert tx.execute(select(table)).all() == []


def test_shredding_forgets_what_was_remembered_of_the_objects(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, BLOCK)
    with db.read() as tx:
        source = vault.open(tx, content_id)
    for offset in (70_000, 80_000):  # a segment is kept the second time it is asked for
        source.read_at(offset, 100)
    remembered = vault._remembered
    assert len(remembered.ciphers) == len(remembered.segments) == 1
    shred(db, vault, content_id)
    assert len(remembered.ciphers) == len(remembered.segments) == 0


def test_a_shred_undone_changes_nothing(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, BLOCK)
    with pytest.raises(ZeroDivisionError), db.begin() as tx:
        vault.shred(tx, content_id)
        raise ZeroDivisionError
    assert vault.sweep(db, older_than=NOW) == 0
    assert read(db, vault, content_id) == BLOCK


def test_a_shredded_subject_may_have_new_contents(db: Database, vault: Vault) -> None:
    old = new(db, vault, b"old")
    with db.begin() as tx:
        vault.shred_subject(tx, PATIENT)
    assert read(db, vault, new(db, vault, b"fresh")) == b"fresh"
    with pytest.raises(Missing):
        read(db, vault, old)


def test_contents_made_while_their_subject_is_shredded_are_readable_or_gone(
    db: Database, vault: Vault
) -> None:
    def work(number: int) -> None:
        if number % 3:
            with db.begin() as tx:
                vault.create(tx, subject=PATIENT)
        else:
            with db.begin() as tx:
                vault.shred_subject(tx, PATIENT)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(30)))
    assert vault.check(db).is_whole


# Sweeping and checking


def test_a_part_never_placed_is_swept_once_it_is_old(
    db: Database, vault: Vault, store: MemoryStore, clock: SetClock
) -> None:
    content_id = new(db, vault)
    with db.read() as tx:
        sealed = vault.seal(vault.data_key(tx, content_id), [b"bytes"])
    clock.advance(3600)
    assert vault.sweep(db, older_than=timedelta(hours=2)) == 0
    clock.advance(3601)
    assert vault.sweep(db, older_than=timedelta(hours=2)) == 1
    assert store.page() == []
    with pytest.raises(ObjectMissing), db.begin() as tx:
        vault.append(tx, content_id, sealed, at=0)


def test_a_part_the_sweeper_has_condemned_can_no_longer_be_placed(
    db: Database, vault: Vault, store: MemoryStore
) -> None:
    content_id = new(db, vault)
    with db.read() as tx:
        sealed = vault.seal(vault.data_key(tx, content_id), [b"bytes"])

    class StopsBeforeDeleting(MemoryStore):
        page = store.page  # type: ignore[assignment]

        def delete(self, name: str) -> None:
            raise ZeroDivisionError

    stopped = Vault(StopsBeforeDeleting(), vault._keyring, clock=vault._clock, ids=vault._ids)
    with pytest.raises(ZeroDivisionError):
        stopped.sweep(db, older_than=NOW)
    with pytest.raises(PartPlaced), db.begin() as tx:
        vault.append(tx, content_id, sealed, at=0)
    assert vault.sweep(db, older_than=NOW) == 1
    assert store.page() == []


def test_what_is_in_use_is_never_swept(db: Database, vault: Vault, clock: SetClock) -> None:
    content_id = new(db, vault, BLOCK)
    clock.advance(365 * 86400)
    assert vault.sweep(db, older_than=NOW) == 0
    assert read(db, vault, content_id) == BLOCK


def test_a_sound_vault_checks_clean(db: Database, vault: Vault) -> None:
    new(db, vault, BLOCK, b"two")
    report = vault.check(db, deep=True)
    assert report.is_whole
    assert (report.contents, report.objects) == (1, 2)


def test_check_finds_each_kind_of_damage(
    db: Database, vault: Vault, store: MemoryStore, clock: SetClock
) -> None:
    lost, cut, flipped, sound = (new(db, vault, BLOCK) for _ in range(4))
    with db.read() as tx:
        names = {
            row.content_id: row.object_name
            for row in tx.execute(select(part.c.content_id, part.c.object_name))
        }
    store.delete(names[lost])
    for content_id, change in ((cut, lambda s: s[:-1]), (flipped, flip_a_bit)):
        sealed = store.read_at(names[content_id], 0, 300_000)
        store.delete(names[content_id])
        store.put(names[content_id], [change(sealed)])
    store.put("f" * 32, [b"litter"])
    with db.begin() as tx:
        tx.execute(update(stored_object).where(stored_object.c.name == names[sound]).values(uses=7))
    shallow = {(f.code, f.content_id, f.object_name) for f in vault.check(db).findings}
    assert shallow == {
        ("object-missing", lost, None),
        ("sealed-size-wrong", cut, None),
        ("object-uses-wrong", None, names[sound]),
    }
    clock.advance(2 * 86400)
    deep = {(f.code, f.content_id, f.object_name) for f in vault.check(db, deep=True).findings}
    assert deep - shallow == {
        ("sealed-bytes-altered", flipped, None),
        ("object-without-row", None, "f" * 32),
    }


def flip_a_bit(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes([sealed[-1] ^ 1])


def test_a_failing_disk_is_a_finding_and_does_not_end_the_check(db: Database, vault: Vault) -> None:
    class Fails(MemoryStore):
        def size(self, name: str) -> int | None:
            from medstack.vault.fs import StorageFailed

            raise StorageFailed

    content_id = new(db, vault, b"bytes")
    failing = Vault(Fails(), vault._keyring, clock=vault._clock, ids=vault._ids)
    assert [(f.code, f.content_id) for f in failing.check(db).findings] == [
        ("storage-failed", content_id)
    ]


# Keys in memory


def test_a_data_key_never_shows_its_bytes() -> None:
    secret = os.urandom(32)
    key = DataKey(7, secret)
    for words in (repr(key), str(key), f"{key}", repr([key]), repr({"key": key})):
        assert words.count("DataKey(id=7)") == 1
        assert secret.hex() not in words
        assert repr(secret)[2:-1] not in words
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_closing_a_source_wipes_its_keys(db: Database, vault: Vault) -> None:
    content_id = new(db, vault, b"bytes")
    with db.read() as tx:
        source = vault.open(tx, content_id)
    keys = [piece.key for piece in source._parts]
    source.close()
    assert all(bytes(key.reveal()) == bytes(32) for key in keys)


def test_every_refusal_of_stored_bytes_is_broken() -> None:
    assert all(issubclass(leaf, Broken) for leaf in (Altered, WrongSize, ObjectMissing, KeyRefused))
