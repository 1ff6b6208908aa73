"""Brings files from folders and ZIPs to the pipeline, and waits for what becomes of each.

A ZIP is opened in the sandbox, member by member; nothing is unpacked to a disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import Progress

from medstack import records
from medstack.flows import receive
from medstack.flows.house import Bench, House
from medstack.kit.actor import SYSTEM
from medstack.kit.errors import Problem
from medstack.kit.ids import RecordId
from medstack.kit.streams import CHUNK_BYTES, FileSource
from medstack.records import Status
from medstack.scanners import tasks
from medstack.scanners.tasks import EntryPiece

_ZIP = b"PK\x03\x04"
_SETTLED = frozenset({Status.AVAILABLE, Status.HELD, Status.QUARANTINED, Status.REJECTED})
_LOOK_EVERY_S = 0.1
_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one file. `name` is for the person at the terminal only."""

    name: str
    status: str
    code: str = ""
    record_id: RecordId | None = None

    @property
    def is_available(self) -> bool:
        return self.status == Status.AVAILABLE.value


class Import:
    """One run of `medstack import`."""

    def __init__(self, house: House, tools: Bench, *, patient_id: str, category: str) -> None:
        self._house = house
        self._tools = tools
        self._words = {"patientId": patient_id} | ({"category": category} if category else {})

    def run(self, paths: Sequence[Path], progress: Progress) -> list[Result]:
        """Send everything, then wait until nothing is on its way any more."""
        sending = progress.add_task("sending", total=None)
        results: list[Result] = []
        for path in files_in(paths):
            for result in self._bring(path):
                results.append(result)
                progress.update(sending, completed=len(results))
        progress.update(sending, total=len(results), completed=len(results))
        working = progress.add_task("making safe", total=len(results))
        return self._settled(results, lambda done: progress.update(working, completed=done))

    def _bring(self, path: Path) -> Iterator[Result]:
        try:
            with path.open("rb") as file:
                is_zip = file.read(4) == _ZIP
                file.seek(0)
                if is_zip and path.suffix.lower() == ".zip":
                    yield from self._bring_zip(path)
                else:
                    yield self._send(path.name, iter(lambda: file.read(4 * CHUNK_BYTES), b""))
        except OSError as error:
            yield Result(name=str(path), status="unread", code=f"errno-{error.errno}")

    def _bring_zip(self, path: Path) -> Iterator[Result]:
        source = FileSource(path)
        try:
            pieces = self._tools.sandbox.stream(tasks.entries, source)
            for name, data in _files_of(pieces):
                yield replace(self._send(name, data), name=f"{path.name}: {name}")
        except Problem as problem:
            yield Result(name=path.name, status="rejected", code=problem.code)
        finally:
            source.close()

    def _send(self, name: str, pieces: Iterable[bytes]) -> Result:
        words = self._words | {"filename": name}
        try:
            upload = receive.receive_whole(self._house, SYSTEM, words, pieces)
        except Problem as problem:
            return Result(name=name, status="rejected", code=problem.code)
        return Result(name=name, status="received", record_id=upload.record_id)

    def _settled(self, results: list[Result], shown: Callable[[int], None]) -> list[Result]:
        waiting = {r.record_id: place for place, r in enumerate(results) if r.record_id}
        while waiting:
            for some in _portions(tuple(waiting)):
                with self._house.db.read() as tx:
                    found = records.get_many(tx, records.WHOLE_ARCHIVE, some)
                for record in found:
                    if record.status in _SETTLED:
                        place = waiting.pop(record.id)
                        results[place] = replace(
                            results[place], status=record.status.value, code=record.status_reason
                        )
            shown(len(results) - len(waiting))
            time.sleep(_LOOK_EVERY_S)
        return results


def files_in(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file named or below a folder named, in a stable order; hidden ones left out."""
    for path in paths:
        if path.is_dir():
            below = (p for p in sorted(path.rglob("*")) if p.is_file())
            yield from (p for p in below if not p.name.startswith("."))
        else:
            yield path


def _files_of(pieces: Iterator[EntryPiece]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each file of a ZIP as its name and its bytes; what was not read of one is passed over."""
    for piece in pieces:
        if piece.is_first:
            rest = _rest_of(piece, pieces)
            yield piece.name, rest
            for _ in rest:
                pass


def _rest_of(first: EntryPiece, pieces: Iterator[EntryPiece]) -> Iterator[bytes]:
    piece = first
    yield piece.data
    while not piece.is_last:
        piece = next(pieces)
        yield piece.data


def _portions(ids: tuple[RecordId, ...]) -> Iterator[tuple[RecordId, ...]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
