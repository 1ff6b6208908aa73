"""A byte changed under the vault: refused, and said in the log by whoever met it."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.flows.conftest import Send

from medstack import audit
from medstack.audit import Action, Event, Filter
from medstack.flows import retrieve
from medstack.flows.house import House
from medstack.jobs.memory import MemoryJobs
from medstack.kit.actor import SYSTEM, Actor
from medstack.kit.errors import Broken
from medstack.kit.streams import chunks_of

NOTE = b"Synthetic note: upper left molar, no findings.\n"


def flip_last_bytes(folder: Path) -> None:
    for path in (folder / "objects" / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            data = bytearray(path.read_bytes())
            data[-1] ^= 1
            path.write_bytes(data)


def failures(house: House) -> list[Event]:
    with house.db.read() as tx:
        chosen = Filter(actions=frozenset({Action.INTEGRITY_FAILED.value}))
        return list(audit.listing(tx, chosen, before=None, limit=10))


def test_damage_met_while_a_file_is_sent_is_in_the_log(
    house: House, worker: MemoryJobs, send: Send, dentist: Actor, tmp_path: Path
) -> None:
    upload = send(NOTE, "note.txt")
    worker.drain()
    flip_last_bytes(tmp_path)
    assert upload.record_id is not None
    opened = retrieve.open_file(house, dentist, upload.record_id)
    with pytest.raises(Broken) as met:
        list(chunks_of(opened.source))
    opened.source.close()
    (event,) = failures(house)
    assert (event.records, event.outcome) == ((upload.record_id,), "failed")
    assert (event.actor_id, event.facts["code"]) == (dentist.account_id, met.value.code)


def test_damage_met_on_the_way_in_is_in_the_log(
    house: House, worker: MemoryJobs, send: Send, tmp_path: Path
) -> None:
    upload = send(NOTE, "note.txt")
    flip_last_bytes(tmp_path)
    worker.drain()
    events = failures(house)
    assert events
    assert {event.records for event in events} == {(upload.record_id,)}
    assert {event.actor_id for event in events} == {SYSTEM.account_id}
