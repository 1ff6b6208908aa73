"""The stages of the way in, each told once: what is asked of the file, and what an answer means.

A stage reads, decides, and writes its outcome in one transaction. What stops a file is raised
as Halted with the step to take and a stable code, never with a word of what the file holds.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date

from medstack import access, audit, intake, people, records
from medstack.access import Measure
from medstack.audit import Action
from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.flows import identity
from medstack.flows.story import Halted, Story
from medstack.formats import tasks as formats
from medstack.formats.contract import Encrypted, FileMetadata, Inspection, Rendition
from medstack.kit.actor import SYSTEM
from medstack.kit.errors import Invalid, Missing, TooLarge, Unsupported
from medstack.kit.ids import ContentId, PatientKey
from medstack.kit.sandbox import ParserDied
from medstack.kit.streams import CHUNK_BYTES, MemorySource, chunks_of
from medstack.records import Record, ScanSummary, StageState, Step, Version
from medstack.records.model import Rendition as KeptRendition
from medstack.scanners import look_through
from medstack.scanners.contract import Verdict
from medstack.scanners.policy import Action as ScanAction
from medstack.scanners.policy import Decision
from medstack.vault import QUARANTINE, DataKey, SealedPart

_SCAN_STEPS = {
    ScanAction.QUARANTINE: Step.QUARANTINE,
    ScanAction.REJECT: Step.REJECT,
    ScanAction.HOLD: Step.HOLD,
}
_LOCKED = frozenset({"pdf.encrypted"})  # what engines call a file they have no password for
_FILMS = frozenset({"mp4"})
_UNVALIDATED = Inspection(
    kind="unknown",
    media_type="application/octet-stream",
    extension="bin",
    metadata=FileMetadata(),
)


def scan(story: Story) -> None:
    """Every engine looks at the file and at everything inside it."""
    story.begin("scan")
    report = look_through(story.bench.scanners, story.bench.sandbox, story.source, kind="")
    decision = report.decide()
    step = _SCAN_STEPS.get(decision.action)
    worst = decision.because[0] if decision.because else report.worst
    summary = ScanSummary(
        outcome=worst.outcome.value,
        engine=worst.engine,
        version=worst.version,
        signature=worst.signature,
    )
    with story.house.db.begin() as tx:
        records.note_scan(tx, story.record.id, summary)
        if step is None:
            story.finish(tx, "scan")
    if step is not None:
        raise Halted(step, _why(decision, worst))


def _why(decision: Decision, worst: Verdict) -> str:
    """The code of what the engines found."""
    if decision.is_waiting_for_engine:
        return "scanner-unavailable"
    if all(verdict.signature in _LOCKED for verdict in decision.because):
        return Encrypted.code
    return f"scan-{worst.outcome}"


def validate(story: Story) -> None:
    """The content decides what the file is, and is read to its end."""
    story.begin("validate")
    try:
        found = _inspect(story)
        _check_size(story, found.kind)
    except ParserDied as died:
        raise Halted(Step.HOLD, died.code) from died
    except Encrypted as locked:
        raise Halted(Step.HOLD, locked.code) from locked
    except (Invalid, Unsupported, TooLarge) as refusal:
        raise Halted(Step.REJECT, refusal.code) from refusal
    with story.house.db.begin() as tx:
        _note(tx, story.record, found)
        story.finish(tx, "validate")


def _inspect(story: Story) -> Inspection:
    """The inspection of this story's file, made once."""
    if story.inspection is None:
        upload = story.upload
        kind = story.bench.sandbox.run(
            formats.identify,
            story.source,
            extension=story.extension,
            declared=upload.fields.get("filetype", ""),
        )
        story.inspection = story.bench.sandbox.run(formats.inspect, story.source, kind=kind)
    return story.inspection


def _inspect_again(story: Story) -> Inspection:
    """For a later stage: what validation found, or nothing where a person waved it through."""
    try:
        return _inspect(story)
    except (Invalid, Unsupported):
        return replace(_UNVALIDATED, extension=story.extension or "bin")


def _check_size(story: Story, kind: str) -> None:
    """The kind's own limit, now that the kind is known. Raises TooLarge."""
    with story.house.db.read() as tx:
        limit = access.load_policies(tx).limit(Measure.FILE, context=story.context, kind=kind)
    limit.check(story.record.file_size)


def _note(tx: Tx, record: Record, found: Inspection) -> None:
    records.note_inspection(
        tx,
        record.id,
        kind=found.kind,
        media_type=found.media_type,
        extension=found.extension,
        found=found.metadata,
        identity=found.identity,
    )


def check_identity(story: Story) -> None:
    """The places that name a person are on the record; a file of somebody else stops here."""
    story.begin("phi")
    claimed = _inspect_again(story).claimed
    if story.record.patient_key is not None and claimed is not None:
        with story.house.db.read() as tx:
            patient = people.get_patient(tx, story.record.patient_key)
            other = _whose_chart(tx, claimed.patient_id)
        agreement = identity.compare(claimed, patient.demographics, chart_number=patient.id)
        is_anothers_chart = other is not None and other != patient.key
        if agreement is identity.Agreement.CONTRADICTS or is_anothers_chart:
            raise Halted(Step.QUARANTINE, "wrong-patient")
    with story.house.db.begin() as tx:
        story.note(tx, "clean", StageState.SKIPPED, code="original-kept")
        story.finish(tx, "phi")


def _whose_chart(tx: Tx, chart_number: str) -> PatientKey | None:
    """The patient of ours whose chart number a header carries, if it is one."""
    try:
        everybody = Scope(panel=None, levels=frozenset())
        return people.find_patient(tx, everybody, chart_number).key
    except (Missing, Invalid):
        return None


def store(story: Story) -> None:
    """Draw its pictures, read its text, hang its key on the patient, and let it be found."""
    story.begin("store")
    found = _inspect_again(story)
    pictures, text = _derive(story, found)
    digest = _sha256(story)
    sealed = _seal(story, pictures)
    try:
        with story.house.db.begin() as tx:
            _place(tx, story, found, sealed, digest=digest, text=text)
            for stage in ("encrypt", "index", "notify"):
                story.note(tx, stage, StageState.DONE)
            story.finish(tx, "store")
    except TooLarge as refusal:
        raise Halted(Step.REJECT, refusal.code) from refusal


def _derive(story: Story, found: Inspection) -> tuple[tuple[Rendition, ...], str]:
    """Pictures and text. A file that validated is kept even where no picture can be drawn."""
    if found is _UNVALIDATED or found.kind == _UNVALIDATED.kind:
        return (), ""
    sandbox = story.bench.sandbox
    try:
        pictures = sandbox.run(formats.render, story.source, kind=found.kind)
    except Invalid as problem:
        pictures = ()
        story.remark("picture", problem.code)
    if not pictures and found.kind in _FILMS:
        pictures = _poster(story)
    try:
        text = sandbox.run(formats.text, story.source, kind=found.kind)
    except Invalid as problem:
        text = ""
        story.remark("text", problem.code)
    return pictures, text


def _poster(story: Story) -> tuple[Rendition, ...]:
    """One telling frame of a film, drawn at our sizes; () without the film tool."""
    frame = story.bench.poster(story.source)
    if frame is None:
        story.remark("picture", "no-film-tool")
        return ()
    return story.bench.sandbox.run(formats.render, MemorySource(frame), kind="png")


def _sha256(story: Story) -> bytes:
    """The recorded digest, of the plaintext, in one pass."""
    digest = hashlib.sha256()
    for piece in chunks_of(story.source, chunk_bytes=4 * CHUNK_BYTES):
        digest.update(piece)
    return digest.digest()


def _seal(
    story: Story, pictures: tuple[Rendition, ...]
) -> list[tuple[Rendition, ContentId, SealedPart]]:
    """Seal the pictures. Their rows come first, so that a story broken off leaves no litter."""
    house, record = story.house, story.record
    subject = record.patient_key or QUARANTINE
    keys: list[tuple[Rendition, ContentId, DataKey]] = []
    with house.db.begin() as tx:
        for old in records.contents(tx, record.id):
            house.vault.shred(tx, old)
        records.drop_renditions(tx, record.id)
        for picture in pictures:
            content_id = house.vault.create(tx, subject=subject)
            records.put_rendition(tx, _kept(record, picture, content_id))
            keys.append((picture, content_id, house.vault.data_key(tx, content_id)))
    return [
        (picture, content_id, house.vault.seal(key, [picture.data]))
        for picture, content_id, key in keys
    ]


def _kept(record: Record, picture: Rendition, content_id: ContentId) -> KeptRendition:
    return KeptRendition(
        record_id=record.id,
        version=1,
        name=picture.name,
        content_id=content_id,
        media_type=picture.media_type,
        width_px=picture.width_px,
        height_px=picture.height_px,
        size=len(picture.data),
    )


def _place(
    tx: Tx,
    story: Story,
    found: Inspection,
    sealed: list[tuple[Rendition, ContentId, SealedPart]],
    *,
    digest: bytes,
    text: str,
) -> None:
    """Everything that makes the file available, in one transaction."""
    house, record = story.house, story.record
    for _, content_id, part in sealed:
        house.vault.append(tx, content_id, part, at=0)
    if record.patient_key is not None:
        house.vault.move(tx, story.content_id, subject=record.patient_key)
    target = _target(tx, story, found)
    version = records.add_version(
        tx,
        target.id,
        content_id=story.content_id,
        sha256=digest,
        size=story.source.size,
        media_type=found.media_type,
        kind=found.kind,
        extension=found.extension,
        uploaded_by=record.uploaded_by,
        now=house.clock.now(),
    )
    for picture, content_id, _ in sealed:
        kept = _kept(record, picture, content_id)
        records.put_rendition(tx, replace(kept, record_id=target.id, version=version.number))
    named = records.give_name(tx, target.id, _date_of(story, found))
    records.index_text(tx, named, body=text)
    _file_series(tx, story, found)
    records.commit_quota(tx, story.upload.id)
    intake.stored(tx, story.upload.id, now=house.clock.now())
    _tell(tx, story, version)


def _target(tx: Tx, story: Story, found: Inspection) -> Record:
    """The record that gets the version: this one, or the one this upload replaces."""
    if story.record.replaces is None:
        return story.record
    records.drop_renditions(tx, story.record.id)
    target = records.lock(tx, story.record.replaces)
    _note(tx, target, found)
    return target


def _date_of(story: Story, found: Inspection) -> date:
    """The day in the download name: when it was taken, else when it came."""
    said = story.record.said.captured_at or found.metadata.captured_at
    try:
        return date.fromisoformat(said[:10]) if said else story.record.uploaded_at.date()
    except ValueError:
        return story.record.uploaded_at.date()


def _file_series(tx: Tx, story: Story, found: Inspection) -> None:
    """A DICOM image joins its series; the series' limit holds for all of it."""
    if found.instance is None or story.record.replaces is not None:
        return
    limit = access.load_policies(tx).limit(Measure.SERIES, context=story.context)
    records.add_instance(
        tx, story.record, found.instance, new_id=story.house.ids.new(), limit=limit.bytes
    )


def _tell(tx: Tx, story: Story, version: Version) -> None:
    action = Action.RECORD_STORED if version.number == 1 else Action.VERSION_ADDED
    audit.write(
        tx,
        action,
        actor=SYSTEM,
        record=version.record_id,
        patient=story.record.patient_key,
        version=version.number,
        bytes=version.size,
        sha256=version.sha256.hex(),
    )
