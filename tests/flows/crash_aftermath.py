"""What must hold after a crash: nothing acknowledged is lost, nothing has happened twice.

Every function returns the faults it found, a line each; none is what is hoped for.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from tests.flows.crash_story import STORY, Memory, Said, Setting

from medstack import audit, people, records
from medstack.audit import Action, Filter
from medstack.db.scope import Scope
from medstack.flows import receive, retrieve, soundness, tending
from medstack.flows.house import House
from medstack.flows.retrieve import Asked
from medstack.kit.clock import SetClock
from medstack.kit.errors import Problem
from medstack.kit.ids import ContentId, PatientKey, RecordId, UploadId
from medstack.kit.streams import chunks_of
from medstack.records import Filters, Status

EVERYBODY = Scope(panel=None, levels=frozenset())


def lose_power(said: Sequence[Said]) -> None:
    """Take from the disk what was not synced when the power went."""
    dirty: set[str] = set()
    names: list[str] = []
    for line in said:
        if "dirty" in line:
            dirty.add(line["dirty"])
        elif "named" in line:
            names.append(line["named"])
        elif "synced" in line:
            dirty.discard(line["synced"])
            names = [name for name in names if str(Path(name).parent) != line["synced"]]
    for path in dirty:
        if Path(path).exists():
            os.truncate(path, 0)
    for name in reversed(names):
        if Path(name).is_dir():
            shutil.rmtree(name)
        else:
            Path(name).unlink(missing_ok=True)


def losses(house: House, setting: Setting, memory: dict[int, Memory]) -> Iterator[str]:
    """Bytes the client was told had arrived, and have not."""
    for number, kept in memory.items():
        if kept.upload is None:
            continue
        try:
            upload = receive.find(house, setting.actor, UploadId(kept.upload))
            assert upload.content_id is not None
            found = _content(house, upload.content_id)
        except Problem as problem:
            yield f"chapter {number}: upload {problem.code}"
            continue
        if upload.offset < kept.offset:
            yield f"chapter {number}: {upload.offset} bytes of {kept.offset} acknowledged"
        if found != STORY[number].data[: upload.offset]:
            yield f"chapter {number}: {len(found)} other bytes than were sent"
        if kept.record is not None and upload.record_id != kept.record:
            yield f"chapter {number}: its record is another one"


def _content(house: House, content_id: ContentId) -> bytes:
    with house.db.read() as tx:
        source = house.vault.open(tx, content_id)
    with closing(source):
        return b"".join(chunks_of(source))


def flaws(house: House, setting: Setting, memory: dict[int, Memory]) -> Iterator[str]:
    """Where the story's end is not the one it has when nobody dies."""
    with house.db.read() as tx:
        patient = people.find_patient(tx, EVERYBODY, setting.patient)
    yield from _records_wrong(house, patient.key, memory)
    for number, chapter in enumerate(STORY):
        if chapter.replaces is None:
            yield from _versions_wrong(house, setting, memory, number)
    yield from _litter(house, patient.key)
    yield from unsound(house)


def unsound(house: House) -> Iterator[str]:
    """What `medstack check` and `medstack audit verify` object to."""
    report = soundness.check(house, deep=True)
    if not report.is_sound:
        yield from report.lines
    with house.db.begin() as tx:
        signer = audit.Signer(name="test", seed=house.keyring.secret(tx, "audit-signing"))
    with house.db.read() as tx:
        log = audit.verify(tx, verifier=signer.verifier)
    yield from (f"audit {finding.fault}: {finding.seq}" for finding in log.findings)


def _records_wrong(house: House, key: PatientKey, memory: dict[int, Memory]) -> Iterator[str]:
    with house.db.read() as tx:
        page = records.page(
            tx, records.WHOLE_ARCHIVE, Filters(patient_key=key), cursor=None, limit=50
        )
    meant = [memory[n].record for n, chapter in enumerate(STORY) if chapter.replaces is None]
    if {record.id for record in page.items} != set(meant):
        yield f"{len(page.items)} records for {len(meant)} files"
    for record in page.items:
        if record.status is not Status.AVAILABLE:
            yield f"record {record.id} is {record.status} ({record.status_reason})"


def _versions_wrong(
    house: House, setting: Setting, memory: dict[int, Memory], number: int
) -> Iterator[str]:
    """Each version is there once, with its bytes, its pictures and its one event."""
    record_id = RecordId(memory[number].record or 0)
    sent = [c.data for n, c in enumerate(STORY) if number in (n, c.replaces)]
    with house.db.read() as tx:
        kept = records.versions(tx, records.WHOLE_ARCHIVE, record_id)
    if [version.sha256 for version in kept] != [hashlib.sha256(data).digest() for data in sent]:
        yield f"record {record_id}: {len(kept)} versions for {len(sent)} sent"
        return
    for version in kept:
        asked = Asked(version=version.number)
        opened = retrieve.open_file(house, setting.actor, record_id, asked)
        with closing(opened.source):
            if b"".join(chunks_of(opened.source)) != sent[version.number - 1]:
                yield f"record {record_id} version {version.number}: other bytes"
        with house.db.read() as tx:
            pictures = records.renditions(tx, records.WHOLE_ARCHIVE, record_id, version.number)
        if {p.name for p in pictures} != {"thumbnail", "preview"}:
            yield f"record {record_id} version {version.number}: {len(pictures)} pictures"
        for picture in pictures:
            if len(_content(house, picture.content_id)) != picture.size:
                yield f"record {record_id}: its {picture.name} is not whole"
    yield from _events_wrong(house, record_id, len(sent))


def _events_wrong(house: House, record_id: RecordId, versions: int) -> Iterator[str]:
    wanted = Filter(
        record=record_id, actions=frozenset({Action.RECORD_STORED, Action.VERSION_ADDED})
    )
    with house.db.read() as tx:
        events = audit.listing(tx, wanted)
    told = sorted(int(event.facts["version"]) for event in events)
    if told != list(range(1, versions + 1)):
        yield f"record {record_id}: stored events for versions {told}"


def _litter(house: House, key: PatientKey) -> Iterator[str]:
    """Once unfinished uploads have expired, quota and store hold what was sent, once."""
    tomorrow = SetClock(house.clock.now() + timedelta(days=2))
    later = House(
        db=house.db,
        vault=house.vault,
        keyring=house.keyring,
        clock=tomorrow,
        ids=house.ids,
        passwords=house.passwords,
    )
    tending.expire_uploads(later)
    house.vault.sweep(house.db, older_than=timedelta())
    with house.db.read() as tx:
        usage = records.quota_usage(tx, key)
    meant = sum(len(chapter.data) for chapter in STORY)
    if (usage.used, usage.reserved) != (meant, 0):
        yield f"quota: {usage.used} used, {usage.reserved} reserved, {meant} sent"
