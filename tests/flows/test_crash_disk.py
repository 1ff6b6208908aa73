"""A disk that is full, or dies, at any one call of a file's way in.

Whoever was sending is told so in our words; nothing acknowledged is lost, and once there is room
again the client and the worker go on to the end it always has.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.flows.conftest import a_patient, an_account
from tests.flows.crash_aftermath import flaws, losses, unsound
from tests.flows.crash_story import PART_BYTES, STORY, Memory, Setting, Teller, opened, worker_of
from tests.places import NewPlace, Place
from tests.unit.vault.faulty import FaultyFs

from medstack import records
from medstack.flows import receive, tending
from medstack.flows.house import House
from medstack.kit.actor import Role
from medstack.kit.errors import Busy
from medstack.kit.ids import RecordId
from medstack.records import Record, Status
from medstack.vault import DiskStore
from medstack.vault.fs import Fs

pytestmark = pytest.mark.slow
ROOT = bytes(range(32)).hex()
CHUNKS = 4
ERRORS = (errno.ENOSPC, errno.EIO)
WRITES = frozenset({"close", "fsync", "link", "mkdir", "open", "unlink", "write"})
TAKE_ROOM = frozenset({"fsync", "link", "mkdir", "write"})
CODES = frozenset({"storage-full", "storage-failed"})


class FailingWrites(FaultyFs):
    """Counts the calls in `names`, and fails one of them, or all from there on."""

    def __init__(self, *, error: int, names: frozenset[str] = WRITES, torn: bool = False) -> None:
        self.names = names
        self.lasts = False
        super().__init__(error=error, torn=torn)

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        counted = super()._counted(name, call)

        def failing(*args: Any, **kwargs: Any) -> Any:
            if name not in self.names:
                return call(*args, **kwargs)
            if self.lasts and self.has_failed:
                self.fail_at = self.count + 1
            return counted(*args, **kwargs)

        return failing

    def rest(self) -> None:
        self.lasts, self.fail_at = False, 0


class SaysYes(DiskStore):
    """The negative control: whatever the disk says, the object counts as stored."""

    def __init__(self, root: Path, *, fs: Fs | None = None) -> None:
        self._promised: dict[str, int] = {}
        super().__init__(root, fs=fs)

    def place(self, tmp: str, name: str) -> None:
        self._promised[name] = Path(tmp).stat().st_size
        try:
            super().place(tmp, name)
        except OSError:
            return

    def size(self, name: str) -> int | None:
        return self._promised.get(name, super().size(name))


@pytest.fixture
def place(new_place: NewPlace) -> Place:
    return new_place("sqlite")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receive, "PART_BYTES", PART_BYTES)


def a_setting(house: House, place: Place, folder: Path) -> Setting:
    patient, dentist = a_patient(house, "Quill", "Rosa"), an_account(house, Role.DENTIST)
    return Setting(
        url=place.url,
        folder=str(folder),
        root=ROOT,
        account=dentist.account_id,
        patient=patient.id,
    )


def insist(house: House, setting: Setting, memory: dict[int, Memory]) -> int:
    """Tell the story, again after every refusal; returns how many there were."""
    refusals = 0
    while True:
        try:
            Teller(house, setting, memory=memory, say=lambda said: None).tell()
        except Busy as refusal:
            assert refusal.code in CODES
            refusals += 1
            assert list(losses(house, setting, memory)) == []
        else:
            return refusals


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whichever_write_fails_nothing_acknowledged_is_lost_and_the_story_ends_well(
    place: Place, tmp_path: Path, chunk: int
) -> None:
    fs = FailingWrites(error=errno.ENOSPC, torn=True)
    folder = tmp_path / "objects"
    refused = number = 0
    with opened(place, folder, ROOT, make_store=lambda root: DiskStore(root, fs=fs)) as house:
        for turn, number in enumerate(range(chunk + 1, 10_000, CHUNKS)):
            fs.error = ERRORS[turn % 2]
            setting = a_setting(house, place, folder)
            fs.count, fs.fail_at = 0, number
            memory: dict[int, Memory] = {}
            refused += insist(house, setting, memory)
            was_reached = fs.has_failed
            fs.rest()
            assert list(flaws(house, setting, memory)) == [], f"write {number} failed"
            if not was_reached:
                break
    assert refused >= 5
    assert number >= 50


def test_a_full_disk_holds_a_file_only_until_there_is_room(place: Place, tmp_path: Path) -> None:
    fs = FailingWrites(error=errno.ENOSPC, names=TAKE_ROOM)
    folder = tmp_path / "objects"
    with opened(place, folder, ROOT, make_store=lambda root: DiskStore(root, fs=fs)) as house:
        setting = a_setting(house, place, folder)
        memory: dict[int, Memory] = {}
        teller = Teller(house, setting, memory=memory, say=lambda said: None)
        upload = teller.send(0, STORY[0])
        fs.count, fs.fail_at, fs.lasts = 0, 1, True
        worker = worker_of(house)
        worker.drain()
        held = _record(house, upload.record_id)
        assert (held.status, held.status_reason) == (Status.HELD, "storage-full")
        assert list(unsound(house)) == []
        fs.rest()
        assert tending.retry_waiting(house) == 1
        worker.drain()
        assert _record(house, upload.record_id).status is Status.AVAILABLE
        insist(house, setting, memory)
        assert list(flaws(house, setting, memory)) == []


def test_a_full_database_refuses_and_loses_nothing(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    with opened(place, folder, ROOT) as house:
        let_grow(house, 30)
        refused = 0
        while refused < 5:
            with roomy(house, 20):
                setting = a_setting(house, place, folder)
            memory: dict[int, Memory] = {}
            more = 0
            while not is_sent(house, setting, memory):
                refused += 1
                more += 2
                let_grow(house, more)
            with roomy(house, 10_000):
                insist(house, setting, memory)
            assert list(flaws(house, setting, memory)) == []


def is_sent(house: House, setting: Setting, memory: dict[int, Memory]) -> bool:
    """Send the first file; False if the database had no room, and said so."""
    try:
        Teller(house, setting, memory=memory, say=lambda said: None).send(0, STORY[0])
    except Busy as refusal:
        assert refusal.code == "storage-full"
        assert list(losses(house, setting, memory)) == []
        return False
    return True


@contextmanager
def roomy(house: House, pages: int) -> Iterator[None]:
    """So many pages more for a while; nothing more afterwards."""
    let_grow(house, pages)
    yield
    let_grow(house, 0)


def let_grow(house: House, pages: int) -> None:
    """Let the database have so many pages more than it has now, and then be full."""
    with house.db.begin() as tx:
        has = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count = {has + pages}").fetchall()


def test_a_store_that_hides_the_disks_failures_is_caught(place: Place, tmp_path: Path) -> None:
    fs = FailingWrites(error=errno.EIO, names=frozenset({"link"}))
    folder = tmp_path / "objects"
    with opened(place, folder, ROOT, make_store=lambda root: SaysYes(root, fs=fs)) as house:
        setting = a_setting(house, place, folder)
        teller = Teller(house, setting, memory={}, say=lambda said: None)
        fs.count, fs.fail_at = 0, 2
        teller.send(0, STORY[0])
    with opened(place, folder, ROOT) as house:
        assert any("object-missing" in fault for fault in unsound(house))


def _record(house: House, record_id: RecordId | None) -> Record:
    assert record_id is not None
    with house.db.read() as tx:
        return records.get(tx, records.WHOLE_ARCHIVE, record_id)
