"""The disk store: order of calls, modes, dead processes' litter, and a disk that fails."""

from __future__ import annotations

import errno
import mmap
import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.unit.vault.faulty import FaultyFs

from medstack.db import StorageFull
from medstack.kit.errors import Busy
from medstack.vault.fs import Fs, StorageFailed
from medstack.vault.stores import DiskStore

DATA = os.urandom(3000)
ERRORS = [errno.ENOSPC, errno.EIO]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


def unfinished(root: Path) -> list[Path]:
    return [path for path in (root / "tmp").rglob("*") if path.is_file()]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_bytes_then_name_then_folder_are_synced_before_finish_returns(root: Path) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    store.put("aaobject1", [b"the first of its folder"])
    fs.log.clear()
    store.put("aaobject2", [DATA])
    calls = [name for name, _ in fs.log]
    assert calls == [
        "open", "write", "fsync", "close",  # the temporary file
        "link",  # its name
        "open", "fsync", "close",  # the folder
        "unlink",  # the temporary name
    ]  # fmt: skip
    store.close()


def test_a_new_folder_is_synced_into_its_parent_before_it_is_used(root: Path) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    fs.log.clear()
    store.put("aaobject1", [DATA])
    calls = [name for name, _ in fs.log]
    assert calls[4:9] == ["mkdir", "open", "fsync", "close", "link"]
    assert fs.log[5][1][0] == str(root / "objects")
    store.close()


def test_nobody_else_can_read_files_or_folders(root: Path) -> None:
    before = os.umask(0)
    try:
        store = DiskStore(root)
        store.put("aaobject1", [DATA])
        writer = store.writer("aaobject2")
        for path in (root, *root.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600)
        writer.abort()
        store.close()
    finally:
        os.umask(before)


def test_objects_outlive_the_store(root: Path) -> None:
    first = DiskStore(root)
    first.put("aaobject1", [DATA])
    first.close()
    second = DiskStore(root)
    assert second.read_at("aaobject1", 0, 5000) == DATA
    second.close()


def test_an_orderly_end_leaves_no_temporary_folder(root: Path) -> None:
    store = DiskStore(root)
    store.writer("aaobject1").write(b"half")
    store.close()
    store.close()
    assert list((root / "tmp").iterdir()) == []


def test_what_a_killed_process_left_is_removed_at_the_next_start(root: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from medstack.vault.stores import DiskStore\n"
        "store = DiskStore(Path(sys.argv[1]))\n"
        "store.writer('aaobject1').write(b'half')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program, str(root)], env=environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(unfinished(root)) == 1
    DiskStore(root).close()
    assert unfinished(root) == []


def test_what_a_living_process_is_writing_is_left_alone(root: Path) -> None:
    first = DiskStore(root)
    writer = first.writer("aaobject1")
    writer.write(DATA)
    second = DiskStore(root)
    writer.finish()
    assert second.read_at("aaobject1", 0, 5000) == DATA
    first.close()
    second.close()


def test_files_of_others_in_the_folder_are_not_listed_and_do_no_harm(root: Path) -> None:
    store = DiskStore(root)
    store.put("aaobject1", [DATA])
    (root / "objects" / ".DS_Store").write_bytes(b"")
    (root / "objects" / "aa" / "Thumbs.db").write_bytes(b"")
    (root / "tmp" / "note.txt").write_bytes(b"")
    assert [stored.name for stored in store.page()] == ["aaobject1"]
    store.close()
    DiskStore(root).close()


def test_a_link_in_place_of_an_object_is_not_followed(root: Path, tmp_path: Path) -> None:
    store = DiskStore(root)
    store.put("aaobject1", [DATA])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"not ours")
    (root / "objects" / "aa" / "aaobject2").symlink_to(elsewhere)
    assert store.size("aaobject2") is None
    with pytest.raises(StorageFailed):
        store.read_at("aaobject2", 0, 8)
    store.close()


def test_open_files_are_bounded_and_each_read_is_of_the_right_one(root: Path) -> None:
    store = DiskStore(root, open_files=4)
    names = [f"object{number:03}" for number in range(40)]
    for name in names:
        store.put(name, [name.encode() * 100])
    before = open_descriptors()

    def read(name: str) -> bool:
        return all(store.read_at(name, 9 * at, 9) == name.encode() for at in range(100))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, names * 3))
    assert open_descriptors() <= before + 4
    store.close()
    assert open_descriptors() < before


# A disk that fails


def put_once(root: Path, fs: Fs) -> bool:
    """One object's whole life in a store; True if it was acknowledged."""
    acknowledged = False
    try:
        store = DiskStore(root, fs=fs)
        try:
            writer = store.writer("aaobject1")
            writer.write(DATA[:1000])
            writer.write(DATA[1000:])
            acknowledged = writer.finish() == len(DATA)
        finally:
            store.close()
    except (StorageFull, StorageFailed):
        assert isinstance(fs, FaultyFs)
        assert fs.has_failed
    return acknowledged


def calls_of_a_put(root: Path) -> int:
    fs = FaultyFs()
    put_once(root, fs)
    return fs.count


@pytest.mark.parametrize("torn", [False, True], ids=["nothing written", "half written"])
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_whichever_call_fails_nothing_acknowledged_is_lost_and_the_next_put_works(
    tmp_path: Path, error: int, torn: bool
) -> None:
    acknowledged = 0
    calls = calls_of_a_put(tmp_path / "counting")
    for number in range(1, calls + 1):
        root = tmp_path / str(number)
        before = open_descriptors()
        fs = FaultyFs(fail_at=number, error=error, torn=torn)
        is_acknowledged = put_once(root, fs)
        acknowledged += is_acknowledged
        assert fs.has_failed
        assert open_descriptors() == before, f"call {number} leaked a descriptor"
        again = DiskStore(root)
        assert unfinished(root) == []
        found = again.size("aaobject1")
        assert found == len(DATA) or (found is None and not is_acknowledged)
        if found:
            assert again.read_at("aaobject1", 0, 5000) == DATA
        again.put("aaobject2", [DATA])
        assert again.read_at("aaobject2", 0, 5000) == DATA
        again.close()
    assert 0 < acknowledged < calls / 2


class ForgetsToSync(DiskStore):
    """The negative control: acknowledges an object whatever became of it."""

    def place(self, tmp: str, name: str) -> None:
        try:
            super().place(tmp, name)
        except OSError:
            return


def test_a_store_that_ignores_failures_would_be_caught(tmp_path: Path) -> None:
    lost = 0
    for number in range(1, calls_of_a_put(tmp_path / "counting") + 1):
        root = tmp_path / str(number)
        try:
            store = ForgetsToSync(root, fs=FaultyFs(fail_at=number, error=errno.EIO))
            try:
                store.put("aaobject1", [DATA])
            finally:
                store.close()
        except Busy:
            continue
        again = DiskStore(root)
        lost += again.size("aaobject1") is None
        again.close()
    assert lost > 0


def test_a_failed_sync_is_not_tried_again(root: Path) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    writer = store.writer("aaobject1")
    writer.write(DATA)
    fs.log.clear()
    fs.count, fs.fail_at, fs.error = 0, 1, errno.EIO
    with pytest.raises(StorageFailed):
        writer.finish()
    assert [name for name, _ in fs.log] == ["fsync", "close", "unlink"]
    with pytest.raises(ValueError, match="abandoned"):
        writer.finish()
    assert store.size("aaobject1") is None
    store.close()


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageFailed),
        (errno.EROFS, StorageFailed),
    ],
)
def test_each_failure_has_its_stable_code(root: Path, error: int, problem: type[Busy]) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    writer = store.writer("aaobject1")
    fs.count, fs.fail_at, fs.error = 0, 1, error
    with pytest.raises(problem) as refused:
        writer.write(DATA)
    assert refused.value.code in ("storage-full", "storage-failed")
    assert "object" not in str(refused.value)
    store.close()


def test_a_failing_read_is_said_to_be_one(root: Path) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    store.put("aaobject1", [DATA])
    for number in (1, 2):
        fs.count, fs.fail_at, fs.error = 0, number, errno.EIO
        store._files.close()
        with pytest.raises(StorageFailed):
            store.read_at("aaobject1", 0, 10)
    store.close()


def test_a_full_disk_shows_in_the_stores_health(root: Path) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    assert store.health().free_bytes
    fs.count, fs.fail_at, fs.error = 0, 3, errno.ENOSPC
    assert not store.health().is_ready
    store.close()


PAGES = mmap.mmap(-1, 1 << 20)
PAGES[:] = os.urandom(1 << 20)


def test_large_blocks_of_whole_pages_go_past_the_page_cache_and_the_rest_does_not(
    root: Path,
) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    fs.log.clear()
    store.put("aaobject1", [memoryview(PAGES), memoryview(PAGES), DATA])
    ways = [args[1] for name, args in fs.log if name == "set_direct"]
    assert ways == [True, False]
    assert store.read_at("aaobject1", 0, 1 << 22) == PAGES[:] * 2 + DATA
    store.close()


@pytest.mark.parametrize("call", ["set_direct", "write"])
def test_a_file_system_that_takes_no_direct_writes_is_served_all_the_same(
    root: Path, call: str
) -> None:
    fs = FaultyFs()
    store = DiskStore(root, fs=fs)
    writer = store.writer("aaobject1")
    fs.count, fs.error = 0, errno.EINVAL
    fs.fail_at = {"set_direct": 1, "write": 2}[call]
    writer.write(memoryview(PAGES))
    assert fs.log[-1][0] == "write" and fs.has_failed
    writer.write(memoryview(PAGES))
    writer.write(DATA)
    writer.finish()
    assert store.read_at("aaobject1", 0, 1 << 22) == PAGES[:] * 2 + DATA
    store.close()


def test_memory_that_begins_on_no_page_is_written_all_the_same(root: Path) -> None:
    store = DiskStore(root)
    odd = memoryview(PAGES[:] + b"x")[1:]
    store.put("aaobject1", [odd])
    assert store.read_at("aaobject1", 0, 1 << 21) == bytes(odd)
    store.close()
