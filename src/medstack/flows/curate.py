"""Working with records that are in: find, read, edit, shelve, bring back.

Bytes are never touched here; `retrieve` serves them. What a caller sees is recorded before he
sees it, and a refusal like a success. Folders and batches are in `arrange`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from medstack import access, audit, jobs, people, records
from medstack.access import Decision, Right
from medstack.audit import Action
from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.flows.house import House
from medstack.flows.standing import require_here, require_on, scope_of
from medstack.flows.witness import refusals_recorded
from medstack.kit.actor import Actor
from medstack.kit.errors import Missing
from medstack.kit.ids import (
    AccountId,
    AppointmentId,
    CaseId,
    FolderId,
    PatientId,
    PatientKey,
    ProviderId,
    RecordId,
)
from medstack.records import Change, Edit, Filters, Record, Status, Version

_NOBODY = AccountId(0)  # an id no account has
REINDEX = "record.reindex"  # the job that indexes a current version's text again


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """A record as one caller is shown it."""

    record: Record
    patient_id: PatientId | None  # None: in its uploader's inbox

    @property
    def file_name(self) -> str:
        """The owner's naming convention; the original name until there is a number for it."""
        if self.patient_id is None or self.record.name is None:
            return self.record.original_name
        return records.download_name(self.patient_id, self.record.name, self.record.extension)

    @property
    def etag(self) -> str:
        return records.etag(self.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    items: tuple[RecordView, ...]
    next_cursor: RecordId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list is narrowed to, as a caller says it; every condition given must hold."""

    patient_id: str | None = None
    category: str | None = None
    subcategory: str | None = None
    q: str | None = None
    uploaded_from: datetime | None = None
    uploaded_before: datetime | None = None
    tag: str | None = None
    uploaded_by: str | None = None  # an email
    uploader_id: AccountId | None = None
    provider_id: ProviderId | None = None
    appointment_id: AppointmentId | None = None
    case_id: CaseId | None = None
    folder_id: FolderId | None = None
    status: Status | None = None
    archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    versions: tuple[Version, ...]  # newest first
    current: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLine:
    """One event about a record, with the name of who caused it."""

    seq: int
    at: datetime
    action: str
    outcome: str
    by: str
    role: str
    via: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPage:
    items: tuple[AccessLine, ...]
    next_before: int | None


# ── finding and reading ───────────────────────────────────────────────────────────────────
def list_records(
    house: House, actor: Actor, wanted: Wanted, *, cursor: RecordId | None = None, limit: int = 50
) -> RecordPage:
    """One page, newest first; the log names every record on it.

    Raises Missing for a patient who is not there or not the caller's, UnknownCategory, BadLimit.
    """
    with refusals_recorded(house, actor, Action.RECORD_LISTED, asked=wanted.patient_id):
        with house.db.read() as tx:
            require_here(tx, actor, Right.RECORD_LIST)
            scope = scope_of(house, actor)
            filters = _filters(tx, scope, wanted)
            page = records.page(tx, scope, filters, cursor=cursor, limit=limit)
            views = views_of(tx, page.items)
        with house.db.begin() as tx:
            _record_sight(tx, actor, Action.RECORD_LISTED, page.items, q=wanted.q)
    return RecordPage(items=views, next_cursor=page.next_cursor)


def get_record(house: House, actor: Actor, record_id: RecordId) -> RecordView:
    """Raises Missing for what is not there and for what is not the caller's alike."""
    with (
        refusals_recorded(house, actor, Action.RECORD_VIEWED, record=record_id),
        house.db.begin() as tx,
    ):
        record = records.get(tx, scope_of(house, actor), record_id)
        decision = require_on(tx, house, actor, Right.RECORD_READ, record)
        _record_sight(tx, actor, Action.RECORD_VIEWED, (record,), decision=decision)
        return view_of(tx, record)


# ── changing ──────────────────────────────────────────────────────────────────────────────
def edit_record(
    house: House,
    actor: Actor,
    record_id: RecordId,
    asked: Callable[[Record], Edit],
    *,
    expected: int | None,
) -> RecordView:
    """Change what is written about a record; `asked` says how, seeing the record as it is.

    expected: the revision the caller saw; None changes whatever is there.
    Raises Missing, Denied, BadField, UnknownSubcategory, WrongFolder, StaleRevision.
    """
    with (
        refusals_recorded(house, actor, Action.RECORD_CHANGED, record=record_id),
        house.db.begin() as tx,
    ):
        return view_of(tx, edited(tx, house, actor, record_id, asked, expected=expected))


def edited(
    tx: Tx,
    house: House,
    actor: Actor,
    record_id: RecordId,
    asked: Callable[[Record], Edit],
    *,
    expected: int | None = None,
    right: Right = Right.RECORD_EDIT,
) -> Record:
    """The edit itself, in the caller's transaction."""
    scope = scope_of(house, actor)
    before = records.get(tx, scope, record_id)
    require_on(tx, house, actor, right, before)
    edit = asked(before)
    if isinstance(edit.access_level, str):
        access.check_level(actor, edit.access_level)
    _check_links(tx, scope, before.patient_key, edit)
    after = records.edit(
        tx,
        scope,
        record_id,
        edit,
        by=actor.account_id,
        now=house.clock.now(),
        ids=house.ids,
        expected=expected,
    )
    audit.write(
        tx,
        Action.RECORD_CHANGED,
        actor=actor,
        record=record_id,
        patient=after.patient_key,
        revision=after.revision,
    )
    return after


def archive_record(
    house: House, actor: Actor, record_id: RecordId, *, expected: int | None = None
) -> RecordView:
    """Take a record out of the daily lists; it stays whole. Raises Missing, Denied, Stale…"""
    with (
        refusals_recorded(house, actor, Action.RECORD_ARCHIVED, record=record_id),
        house.db.begin() as tx,
    ):
        return view_of(tx, archived(tx, house, actor, record_id, expected=expected))


def archived(
    tx: Tx,
    house: House,
    actor: Actor,
    record_id: RecordId,
    *,
    expected: int | None = None,
    right: Right = Right.RECORD_ARCHIVE,
) -> Record:
    """The archiving itself, in the caller's transaction."""
    before = records.get(tx, scope_of(house, actor), record_id)
    require_on(tx, house, actor, right, before)
    records.check_revision(before.revision, expected)
    after = records.archive(tx, record_id, now=house.clock.now())
    audit.write(
        tx, Action.RECORD_ARCHIVED, actor=actor, record=record_id, patient=after.patient_key
    )
    return after


def unarchive_record(house: House, actor: Actor, record_id: RecordId) -> RecordView:
    """Bring an archived record back. Raises Missing, Denied."""
    with (
        refusals_recorded(house, actor, Action.RECORD_UNARCHIVED, record=record_id),
        house.db.begin() as tx,
    ):
        before = records.get(tx, scope_of(house, actor), record_id)
        require_on(tx, house, actor, Right.RECORD_ARCHIVE, before)
        after = records.unarchive(tx, record_id, now=house.clock.now())
        audit.write(
            tx, Action.RECORD_UNARCHIVED, actor=actor, record=record_id, patient=after.patient_key
        )
        return view_of(tx, after)


# ── versions, changes, looks ──────────────────────────────────────────────────────────────
def list_versions(house: House, actor: Actor, record_id: RecordId) -> Versions:
    """Every content a record has had. Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.RECORD_VIEWED, record=record_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        record = records.get(tx, scope, record_id)
        decision = require_on(tx, house, actor, Right.RECORD_READ, record)
        found = records.versions(tx, scope, record_id)
        _record_sight(tx, actor, Action.RECORD_VIEWED, (record,), decision=decision)
    return Versions(versions=found[::-1], current=record.version)


def restore_version(
    house: House, actor: Actor, record_id: RecordId, number: int, *, expected: int | None = None
) -> RecordView:
    """Make an earlier content the current one again, as a new version.

    Raises Missing, Denied, StaleRevision.
    """
    with (
        refusals_recorded(house, actor, Action.VERSION_RESTORED, record=record_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        before = records.get(tx, scope, record_id)
        require_on(tx, house, actor, Right.RECORD_RESTORE_VERSION, before)
        fresh = records.restore(
            tx,
            scope,
            record_id,
            number,
            by=actor.account_id,
            now=house.clock.now(),
            expected=expected,
        )
        after = records.get(tx, scope, record_id)
        audit.write(
            tx,
            Action.VERSION_RESTORED,
            actor=actor,
            record=record_id,
            patient=after.patient_key,
            version=number,
            as_version=fresh.number,
        )
        jobs.enqueue(tx, REINDEX, record=record_id)
        return view_of(tx, after)


def list_changes(house: House, actor: Actor, record_id: RecordId) -> tuple[Change, ...]:
    """Every edit by a person, newest first. Raises Missing, Denied."""
    with (
        refusals_recorded(house, actor, Action.RECORD_VIEWED, record=record_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        record = records.get(tx, scope, record_id)
        decision = require_on(tx, house, actor, Right.RECORD_READ, record)
        found = records.history(tx, scope, record_id)
        _record_sight(tx, actor, Action.RECORD_VIEWED, (record,), decision=decision)
    return found[::-1]


def access_log(
    house: House, actor: Actor, record_id: RecordId, *, before: int | None, limit: int
) -> AccessPage:
    """Who looked at a record, changed it or tried to, newest first. Raises Missing, Denied."""
    with (
        refusals_recorded(house, actor, Action.ACCESS_LOG_READ, record=record_id),
        house.db.begin() as tx,
    ):
        record = records.get(tx, scope_of(house, actor), record_id)
        require_on(tx, house, actor, Right.ACCESS_LOG_READ, record)
        found = audit.listing(tx, audit.Filter(record=record_id), before=before, limit=limit + 1)
        shown = found[:limit]
        names = people.names_of(tx, {event.actor_id for event in shown})
        _record_sight(tx, actor, Action.ACCESS_LOG_READ, (record,))
    lines = tuple(
        AccessLine(
            seq=event.seq,
            at=event.at,
            action=event.action,
            outcome=event.outcome,
            by=names.get(event.actor_id, ""),
            role=event.role,
            via=event.via,
        )
        for event in shown
    )
    return AccessPage(items=lines, next_before=lines[-1].seq if len(found) > limit else None)


# ── what callers are shown ────────────────────────────────────────────────────────────────
def views_of(tx: Tx, found: Iterable[Record]) -> tuple[RecordView, ...]:
    """Records as they are shown, in the same order."""
    shown = tuple(found)
    keys = {record.patient_key for record in shown if record.patient_key is not None}
    charts = people.get_patients(tx, keys)
    return tuple(
        RecordView(
            record=record,
            patient_id=None if record.patient_key is None else charts[record.patient_key].id,
        )
        for record in shown
    )


def view_of(tx: Tx, record: Record) -> RecordView:
    (view,) = views_of(tx, (record,))
    return view


def _filters(tx: Tx, scope: Scope, wanted: Wanted) -> Filters:
    """A caller's words as the room's values. Raises Missing, UnknownCategory, BadField."""
    patient_key = None
    if wanted.patient_id is not None:
        patient_key = people.find_patient(tx, scope, wanted.patient_id).key
    uploader = wanted.uploader_id
    if wanted.uploaded_by is not None:
        uploader = _uploader(tx, wanted.uploaded_by)
    return Filters(
        patient_key=patient_key,
        category=None if wanted.category is None else records.category_of(wanted.category),
        subcategory=wanted.subcategory,
        q=wanted.q or None,
        uploaded_from=wanted.uploaded_from,
        uploaded_before=wanted.uploaded_before,
        tag=wanted.tag,
        uploaded_by=uploader,
        provider_id=wanted.provider_id,
        appointment_id=wanted.appointment_id,
        case_id=wanted.case_id,
        folder_id=wanted.folder_id,
        status=wanted.status,
        archived=wanted.archived,
    )


def _uploader(tx: Tx, email: str) -> AccountId:
    """Whose account this is; nobody's lists nothing, so that a list tells of no account."""
    try:
        return people.find_account(tx, email).id
    except Missing:
        return _NOBODY


def _check_links(tx: Tx, scope: Scope, patient_key: PatientKey | None, edit: Edit) -> None:
    """An appointment or case must be the record's own patient's. Raises Missing."""
    if isinstance(edit.appointment_id, int):
        linked = people.get_appointment(tx, scope, edit.appointment_id)
        _must_agree(linked.patient_key, patient_key)
    if isinstance(edit.case_id, int):
        _must_agree(people.get_case(tx, scope, edit.case_id).patient_key, patient_key)
    if isinstance(edit.provider_id, int):
        people.get_provider(tx, edit.provider_id)


def _must_agree(linked: PatientKey, own: PatientKey | None) -> None:
    if linked != own:
        raise Missing


def _record_sight(
    tx: Tx,
    actor: Actor,
    action: Action,
    seen: Iterable[Record],
    *,
    q: str | None = None,
    decision: Decision | None = None,
) -> None:
    """One event for everything one answer shows; marked where an administrator sees content."""
    shown = tuple(seen)
    audit.write(
        tx,
        action,
        actor=actor,
        record=[record.id for record in shown],
        patient=[r.patient_key for r in shown if r.patient_key is not None],
        personal={"q": q} if q else None,
        rule=None if decision is None else decision.rule,
        marked=decision is not None and decision.is_marked,
    )
