"""What every store of sealed objects promises, asked of each."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medstack.vault.fs import Fs
from medstack.vault.stores import (
    STORES,
    AlreadyStored,
    DiskStore,
    MemoryStore,
    ObjectMissing,
    Store,
)

NAMES = st.text("abc0", min_size=8, max_size=10)


class Unsynced(Fs):
    """For the many small stores of the property tests."""

    fsync = staticmethod(lambda fd: None)


def make(kind: type[Store], folder: Path, fs: Fs | None = None) -> Store:
    if kind is DiskStore:
        return DiskStore(folder / "store", fs=fs)
    assert kind is MemoryStore, "teach this suite how to make the new store"
    return MemoryStore()


@pytest.fixture(params=STORES, ids=lambda kind: kind.kind)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = make(request.param, tmp_path)
    yield made
    made.close()


def test_what_is_put_is_read_back(store: Store) -> None:
    assert store.put("object01", [b"some ", bytearray(b"sealed "), memoryview(b"bytes")]) == 17
    assert store.read_at("object01", 0, 17) == b"some sealed bytes"
    assert store.size("object01") == 17


def test_an_empty_object_is_an_object(store: Store) -> None:
    assert store.put("object01", []) == 0
    assert store.size("object01") == 0
    assert store.read_at("object01", 0, 10) == b""


@settings(deadline=None)
@given(data=st.binary(max_size=200), offset=st.integers(0, 220), length=st.integers(0, 220))
def test_a_ranged_read_equals_the_slice(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, offset: int, length: int
) -> None:
    for kind in STORES:
        store = make(kind, tmp_path_factory.mktemp("ranged"), Unsynced())
        store.put("object01", [data])
        assert store.read_at("object01", offset, length) == data[offset : offset + length]
        store.close()


def test_a_name_is_taken_once_and_keeps_its_bytes(store: Store) -> None:
    store.put("object01", [b"first"])
    with pytest.raises(AlreadyStored):
        store.put("object01", [b"second"])
    assert store.read_at("object01", 0, 10) == b"first"


def test_of_many_writers_of_one_name_exactly_one_wins(store: Store) -> None:
    gate = threading.Barrier(8)

    def race(number: int) -> bool:
        writer = store.writer("object01")
        writer.write(bytes([number]) * 100)
        gate.wait()
        try:
            writer.finish()
        except AlreadyStored:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(race, range(8)))
    assert won.count(True) == 1
    assert store.read_at("object01", 0, 200) == bytes([won.index(True)]) * 100


def test_an_object_cannot_be_seen_before_it_is_finished(store: Store) -> None:
    writer = store.writer("object01")
    writer.write(b"half")
    assert store.size("object01") is None
    assert store.page() == []
    writer.finish()
    assert store.size("object01") == 4


def test_an_abandoned_object_leaves_nothing(store: Store) -> None:
    writer = store.writer("object01")
    writer.write(b"half")
    writer.abort()
    writer.abort()
    assert store.size("object01") is None
    store.put("object01", [b"whole"])


def test_aborting_after_finish_keeps_the_object(store: Store) -> None:
    writer = store.writer("object01")
    writer.write(b"whole")
    writer.finish()
    writer.abort()
    assert store.size("object01") == 5


def test_a_finished_writer_takes_no_more(store: Store) -> None:
    writer = store.writer("object01")
    writer.finish()
    with pytest.raises(ValueError, match="finished"):
        writer.write(b"late")
    with pytest.raises(ValueError, match="finished"):
        writer.finish()


def test_a_writer_does_not_keep_the_buffer_it_was_given(store: Store) -> None:
    buffer = bytearray(b"first")
    writer = store.writer("object01")
    writer.write(buffer)
    buffer[:] = b"later"
    writer.finish()
    assert store.read_at("object01", 0, 5) == b"first"


def test_pieces_whose_source_fails_leave_nothing(store: Store) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.put("object01", pieces())
    assert store.size("object01") is None


def test_what_is_deleted_is_gone(store: Store) -> None:
    store.put("object01", [b"bytes"])
    store.read_at("object01", 0, 1)
    store.delete("object01")
    assert store.size("object01") is None
    assert store.page() == []
    with pytest.raises(ObjectMissing):
        store.read_at("object01", 0, 1)


def test_deleting_what_is_not_there_is_harmless(store: Store) -> None:
    store.delete("object01")


def test_reading_what_was_never_stored_is_refused(store: Store) -> None:
    with pytest.raises(ObjectMissing):
        store.read_at("object01", 0, 1)


@pytest.mark.parametrize(
    "name", ["", "short", "../../etc/passwd", "UPPERCASE", "a" * 65, "a/bcdefgh"]
)
def test_a_name_that_could_be_a_path_is_refused(store: Store, name: str) -> None:
    for attempt in (store.writer, store.size, store.delete):
        with pytest.raises(ValueError, match="name"):
            attempt(name)
    with pytest.raises(ValueError, match="name"):
        store.read_at(name, 0, 1)


@settings(deadline=None)
@given(
    names=st.sets(NAMES, max_size=12),
    prefix=st.text("abc0", max_size=3),
    after=st.one_of(st.just(""), NAMES),
    limit=st.integers(1, 5),
)
def test_pages_list_every_matching_object_once_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    names: set[str],
    prefix: str,
    after: str,
    limit: int,
) -> None:
    for kind in STORES:
        store = make(kind, tmp_path_factory.mktemp("pages"), Unsynced())
        for name in names:
            store.put(name, [name.encode()])
        listed: list[str] = []
        place = after
        while page := store.page(prefix=prefix, after=place, limit=limit):
            assert len(page) <= limit
            listed += [stored.name for stored in page]
            place = page[-1].name
        assert listed == sorted(n for n in names if n.startswith(prefix) and n > after)
        store.close()


def test_a_listing_tells_size_and_time(store: Store) -> None:
    store.put("object01", [b"bytes"])
    (stored,) = store.page()
    assert stored.size == 5
    assert abs(datetime.now(UTC) - stored.stored_at) < timedelta(minutes=5)


def test_many_threads_read_and_write_at_once(store: Store) -> None:
    blocks = {f"object{number:02}": os.urandom(50_000) for number in range(16)}

    def work(name: str) -> bool:
        store.put(name, [blocks[name]])
        return all(
            store.read_at(name, at, 1000) == blocks[name][at : at + 1000]
            for at in range(0, 50_000, 1000)
        )

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, blocks))


def test_a_store_says_it_is_ready(store: Store) -> None:
    assert store.health().is_ready
    assert store.page() == []
