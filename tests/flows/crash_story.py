"""One story of a client and a worker, told so that it can be broken off anywhere and told on.

The client remembers only what it was answered; told again with that memory, it asks where its
uploads stand and goes on there, as a real one would.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from tests.places import DATABASE_KEY, Place

from medstack.flows import ingest, receive, tending
from medstack.flows.house import Bench, House
from medstack.flows.receive import Receiver
from medstack.intake import Upload
from medstack.jobs.memory import MemoryJobs
from medstack.kit.actor import Actor, Role
from medstack.kit.clock import Clock, SystemClock
from medstack.kit.ids import AccountId, RecordId, TimeOrderedIds, UploadId, id_out
from medstack.kit.sandbox import InProcess
from medstack.people import Passwords
from medstack.scanners import scanners_for
from medstack.vault import DiskStore, Keyring, Vault
from medstack.vault.keys.memory import MemoryRoot

PART_BYTES = 4096  # instead of the product's, so that a small file has several parts
PIECE_BYTES = 2048
Said = dict[str, Any]  # one JSON line: what the client was answered about one file


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One file the client means to send, in so many requests."""

    name: str
    data: bytes
    requests: int
    replaces: int | None = None  # the chapter whose record gets this as its new version


@dataclass(slots=True, kw_only=True)
class Memory:
    """What the client was answered about one file."""

    upload: int | None = None
    offset: int = 0
    record: int | None = None


def _picture() -> bytes:
    noise = random.Random(1).randbytes(40 * 30 * 3)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (40, 30), noise).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def _note() -> bytes:
    lines = (f"Synthetic finding {n}: none.\n" for n in range(300))
    return "".join(lines).encode()


STORY = (
    Chapter(name="note.txt", data=_note(), requests=2),
    Chapter(name="photo.jpg", data=_picture(), requests=1, replaces=0),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Where a story takes place: the same for the one who dies and the one who goes on."""

    url: str
    folder: str
    root: str  # the root key, in hex
    account: int
    patient: str

    @property
    def place(self) -> Place:
        key = DATABASE_KEY if self.url.startswith("sqlite") else None
        return Place(url=self.url, key=key)

    @property
    def actor(self) -> Actor:
        return Actor(account_id=AccountId(self.account), role=Role.DENTIST)


StoreMaker = Callable[[Path], DiskStore]


@contextmanager
def opened(
    place: Place,
    folder: Path,
    root: str,
    *,
    make_store: StoreMaker = DiskStore,
    clock: Clock | None = None,
) -> Iterator[House]:
    """The house as a fresh process finds it."""
    clock = clock or SystemClock()
    ids = TimeOrderedIds(clock)
    db = place.open()
    keyring = Keyring(MemoryRoot(bytes.fromhex(root)), clock=clock, ids=ids)
    keyring.unlock(db)
    vault = Vault(make_store(folder), keyring, clock=clock, ids=ids)
    yield House(
        db=db,
        vault=vault,
        keyring=keyring,
        clock=clock,
        ids=ids,
        passwords=Passwords(memory_kib=8, passes=1),
    )
    vault.close()
    db.close()


def worker_of(house: House) -> MemoryJobs:
    """Runs what is queued when told to."""
    sandbox = InProcess()
    engines = scanners_for(clamd="", sandbox=sandbox, clock=house.clock)
    bench = Bench(sandbox=sandbox, scanners=engines)
    jobs = MemoryJobs(house.db, clock=house.clock, ids=house.ids)
    jobs.register(
        ingest.JOB, partial(ingest.run, house, bench), given_up=partial(ingest.given_up, house)
    )
    return jobs


class Teller:
    """The client, and the worker when it is its turn."""

    def __init__(
        self,
        house: House,
        setting: Setting,
        *,
        memory: dict[int, Memory],
        say: Callable[[Said], None],
    ) -> None:
        self._house = house
        self._setting = setting
        self._memory = memory
        self._say = say
        self._worker = worker_of(house)

    def tell(self) -> None:
        """The story to its end, from wherever it stands."""
        for number, chapter in enumerate(STORY):
            self.send(number, chapter)
            self._worker.drain()
            while tending.retry_waiting(self._house):
                self._worker.drain()

    def send(self, number: int, chapter: Chapter) -> Upload:
        """One file, in as many requests as it takes; returns the complete upload."""
        upload = self._upload(number, chapter)
        size = -(-len(chapter.data) // chapter.requests)
        while not upload.is_complete:
            end = min((upload.offset // size + 1) * size, len(chapter.data))
            upload = self._request(upload, chapter.data[:end])
            self._heard(number, offset=upload.offset, record=upload.record_id)
        self._heard(number, offset=upload.offset, record=upload.record_id)
        return upload

    def _upload(self, number: int, chapter: Chapter) -> Upload:
        """Where the upload stands by the server's word; begun if no answer ever came."""
        known = self._memory.setdefault(number, Memory()).upload
        if known is not None:
            return receive.find(self._house, self._setting.actor, UploadId(known))
        words = {"filename": chapter.name, "patientId": self._setting.patient}
        words["category"] = "administrative"
        if chapter.replaces is not None:
            target = self._memory[chapter.replaces].record
            assert target is not None
            words["replaces"] = id_out(RecordId(target))
        upload = receive.begin(self._house, self._setting.actor, words, length=len(chapter.data))
        self._heard(number, upload=upload.id)
        return upload

    def _request(self, upload: Upload, data: bytes) -> Upload:
        start = upload.offset
        with Receiver(self._house, self._setting.actor, upload.id, offset=start) as receiver:
            for at in range(start, len(data), PIECE_BYTES):
                receiver.write(data[at : at + PIECE_BYTES])
            return receiver.keep()

    def _heard(self, number: int, **answer: Any) -> None:
        learn(self._memory, {"chapter": number, **answer})
        self._say({"chapter": number, **answer})


def learn(memory: dict[int, Memory], said: Said) -> None:
    """Keep one answer."""
    kept = memory.setdefault(said["chapter"], Memory())
    for name, value in said.items():
        if name != "chapter":
            setattr(kept, name, value)
