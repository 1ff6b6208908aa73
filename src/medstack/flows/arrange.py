"""Putting records in order: folders, and one act on many records at once.

A batch is not all or nothing: every record is its own transaction and gets its own answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from medstack import audit, people, records
from medstack.access import Right
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows.curate import archived, edited
from medstack.flows.house import House
from medstack.flows.standing import require, scope_of
from medstack.flows.witness import refusals_recorded
from medstack.kit.actor import Actor
from medstack.kit.errors import Problem
from medstack.kit.ids import FolderId, PatientId, RecordId
from medstack.records import Edit, Folder, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderView:
    folder: Folder
    patient_id: PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """What became of one record of a batch; `refusal` is None where it went well."""

    record_id: RecordId
    refusal: Problem | None = None


# ── folders ───────────────────────────────────────────────────────────────────────────────
def list_folders(house: House, actor: Actor, patient_id: str) -> tuple[FolderView, ...]:
    """All folders of a patient, by name. Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.FOLDER_LISTED, asked=patient_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        patient = people.find_patient(tx, scope, patient_id)
        require(tx, house, actor, Right.FOLDER_READ, patient_key=patient.key)
        found = records.folders_of(tx, scope, patient.key)
        audit.write(tx, Action.FOLDER_LISTED, actor=actor, patient=patient.key, shown=len(found))
    return tuple(FolderView(folder=folder, patient_id=patient.id) for folder in found)


def add_folder(
    house: House,
    actor: Actor,
    *,
    patient_id: str,
    name: str,
    parent_id: FolderId | None = None,
) -> FolderView:
    """Raises Missing, Denied, WrongFolder, BadField, FolderExists, TooManyFolders."""
    with (
        refusals_recorded(house, actor, Action.FOLDER_CREATED, asked=patient_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        patient = people.find_patient(tx, scope, patient_id)
        require(tx, house, actor, Right.FOLDER_MANAGE, patient_key=patient.key)
        wanted = Folder(
            id=FolderId(house.ids.new()),
            patient_key=patient.key,
            parent_id=parent_id,
            name=name,
            created_at=house.clock.now(),
            created_by=actor.account_id,
        )
        made = records.create_folder(tx, scope, wanted)
        audit.write(tx, Action.FOLDER_CREATED, actor=actor, patient=patient.key, folder=made.id)
    return FolderView(folder=made, patient_id=patient.id)


def change_folder(
    house: House,
    actor: Actor,
    folder_id: FolderId,
    place: Callable[[Folder], tuple[str, FolderId | None]],
) -> FolderView:
    """Rename or move; `place` says the new name and parent of the folder as it is.

    Raises Missing, Denied, WrongFolder, BadField, FolderExists, FolderCycle, TooManyFolders.
    """
    with (
        refusals_recorded(house, actor, Action.FOLDER_CHANGED, asked=folder_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        before = records.get_folder(tx, scope, folder_id)
        require(tx, house, actor, Right.FOLDER_MANAGE, patient_key=before.patient_key)
        name, parent_id = place(before)
        after = records.change_folder(tx, scope, folder_id, name=name, parent_id=parent_id)
        audit.write(
            tx, Action.FOLDER_CHANGED, actor=actor, patient=after.patient_key, folder=folder_id
        )
        return FolderView(folder=after, patient_id=people.get_patient(tx, after.patient_key).id)


def remove_folder(house: House, actor: Actor, folder_id: FolderId) -> None:
    """Remove an empty folder. Raises Missing, Denied, FolderNotEmpty."""
    with (
        refusals_recorded(house, actor, Action.FOLDER_REMOVED, asked=folder_id),
        house.db.begin() as tx,
    ):
        scope = scope_of(house, actor)
        folder = records.get_folder(tx, scope, folder_id)
        require(tx, house, actor, Right.FOLDER_MANAGE, patient_key=folder.patient_key)
        records.remove_folder(tx, scope, folder_id)
        audit.write(
            tx, Action.FOLDER_REMOVED, actor=actor, patient=folder.patient_key, folder=folder_id
        )


# ── many at once ──────────────────────────────────────────────────────────────────────────
def categorise_many(
    house: House,
    actor: Actor,
    record_ids: Iterable[RecordId],
    *,
    category: str,
    subcategory: str | None,
) -> tuple[ItemResult, ...]:
    """Give many records one category. Raises UnknownCategory, UnknownSubcategory at once."""
    chosen = records.category_of(category)
    edit = Edit(category=chosen, subcategory=records.subcategory_of(chosen, subcategory))

    def act(tx: Tx, record_id: RecordId) -> Record:
        return edited(tx, house, actor, record_id, lambda _: edit, right=Right.BATCH_CATEGORISE)

    return _each(house, actor, Action.BATCH_CATEGORISED, record_ids, act)


def archive_many(
    house: House, actor: Actor, record_ids: Iterable[RecordId]
) -> tuple[ItemResult, ...]:
    """Archive many records."""

    def act(tx: Tx, record_id: RecordId) -> Record:
        return archived(tx, house, actor, record_id, right=Right.BATCH_ARCHIVE)

    return _each(house, actor, Action.BATCH_ARCHIVED, record_ids, act)


def _each(
    house: House,
    actor: Actor,
    action: Action,
    record_ids: Iterable[RecordId],
    act: Callable[[Tx, RecordId], Record],
) -> tuple[ItemResult, ...]:
    """Do one thing to each record; then one event says how the whole batch went."""
    results = tuple(_one(house, actor, action, one, act) for one in dict.fromkeys(record_ids))
    refused = sum(result.refusal is not None for result in results)
    with house.db.begin() as tx:
        done = [result.record_id for result in results if result.refusal is None]
        audit.write(tx, action, actor=actor, record=done, done=len(done), refused=refused)
    return results


def _one(
    house: House,
    actor: Actor,
    action: Action,
    record_id: RecordId,
    act: Callable[[Tx, RecordId], Record],
) -> ItemResult:
    try:
        with refusals_recorded(house, actor, action, record=record_id), house.db.begin() as tx:
            act(tx, record_id)
    except Problem as refusal:
        return ItemResult(record_id=record_id, refusal=refusal)
    return ItemResult(record_id=record_id)
