"""Many files as one ZIP, made while it is sent: nothing is gathered on a disk first.

Every file in it is recorded by itself, and the bundle once more, before the first byte.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime

from typing_extensions import Buffer

from medstack import audit
from medstack.audit import Action
from medstack.flows.house import House
from medstack.flows.retrieve import Opened, open_file
from medstack.kit.actor import Actor
from medstack.kit.errors import Invalid
from medstack.kit.ids import RecordId
from medstack.kit.streams import chunks_of

MOST = 1000


class BadSelection(Invalid):
    code = "bad-selection"
    title = "These records cannot be taken together"


def open_bundle(house: House, actor: Actor, record_ids: Sequence[RecordId]) -> Iterator[bytes]:
    """Open every file, record it, and return the ZIP's bytes as an iterator.

    All or nothing: a record that is not the caller's refuses the whole. Raises BadSelection,
    Missing, Denied, NotAvailable.
    """
    chosen = tuple(dict.fromkeys(record_ids))
    if not 1 <= len(chosen) <= MOST:
        raise BadSelection(f"Choose 1 to {MOST} records.", limit=MOST)
    opened: list[Opened] = []
    try:
        for record_id in chosen:
            opened.append(open_file(house, actor, record_id))
        with house.db.begin() as tx:
            audit.write(tx, Action.BATCH_DOWNLOADED, actor=actor, record=chosen, files=len(chosen))
    except BaseException:
        _close(opened)
        raise
    return _pieces(opened, at=house.clock.now())


def _pieces(opened: Sequence[Opened], *, at: datetime) -> Iterator[bytes]:
    try:
        yield from zip_of(opened, at=at)
    finally:
        _close(opened)


def _close(opened: Sequence[Opened]) -> None:
    for file in opened:
        file.source.close()


def zip_of(files: Sequence[Opened], *, at: datetime) -> Iterator[bytes]:
    """A ZIP archive of stored members, in pieces as they are made.

    Medical images and films are compressed already; deflating them again gains nothing.
    """
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, file in _named(files):
            about = zipfile.ZipInfo(name, date_time=at.timetuple()[:6])
            about.file_size = file.size
            with archive.open(about, "w") as member:
                for piece in chunks_of(file.source):
                    member.write(piece)
                    yield outlet.take()
            yield outlet.take()
    yield outlet.take()


class _Outlet(io.RawIOBase):
    """Where the archive writes to: holds what was not yet sent on; cannot seek."""

    def __init__(self) -> None:
        super().__init__()
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        self._held += data
        return len(memoryview(data))

    def take(self) -> bytes:
        taken = bytes(self._held)
        self._held.clear()
        return taken


def _named(files: Sequence[Opened]) -> Iterator[tuple[str, Opened]]:
    """Each file under a name of its own."""
    seen: dict[str, int] = {}
    for file in files:
        count = seen[file.file_name] = seen.get(file.file_name, 0) + 1
        stem, dot, end = file.file_name.rpartition(".")
        yield file.file_name if count == 1 else f"{stem} ({count}){dot}{end}", file
