"""A patient's own folders: nested, named, each name once among its siblings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.kit.errors import Conflict, Invalid, Missing
from medstack.kit.ids import AccountId, FolderId, PatientKey
from medstack.records.fields import BadField, check_line
from medstack.records.sight import sees
from medstack.records.tables import record_folders as table
from medstack.records.tables import records

NAME_LENGTH = 100
DEPTH = 20
FOLDERS = 2000  # of one patient


class FolderExists(Conflict):
    code = "folder-exists"
    title = "There is a folder of this name here already"


class FolderNotEmpty(Conflict):
    code = "folder-not-empty"
    title = "The folder still holds something"


class FolderCycle(Conflict):
    code = "folder-cycle"
    title = "A folder cannot lie inside itself"


class TooManyFolders(Conflict):
    """`facts`: rule (depth, count), limit."""

    code = "too-many-folders"
    title = "The folders are nested too deep, or too many"


class WrongFolder(Invalid):
    """The folder does not exist or is another patient's: both look alike."""

    code = "wrong-folder"
    title = "The record's patient has no such folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    id: FolderId
    patient_key: PatientKey
    parent_id: FolderId | None
    name: str
    created_at: datetime
    created_by: AccountId


def create(tx: Tx, scope: Scope, folder: Folder) -> Folder:
    """Raises Missing, WrongFolder, BadField, FolderExists, TooManyFolders."""
    if not sees(tx, scope, folder.patient_key):
        raise Missing
    tree = _tree(tx, folder.patient_key)
    if len(tree) >= FOLDERS:
        raise TooManyFolders(rule="count", limit=FOLDERS)
    _check_place(tree, folder.parent_id)
    name = _check_name(folder.name)
    _check_free(tree, folder.parent_id, name)
    tx.execute(
        insert(table).values(
            id=folder.id,
            patient_key=folder.patient_key,
            parent_id=folder.parent_id,
            created_at=folder.created_at,
            created_by=folder.created_by,
            **_named(folder.parent_id, name),
        )
    )
    return get(tx, scope, folder.id)


def get(tx: Tx, scope: Scope, folder_id: FolderId) -> Folder:
    """Raises Missing."""
    row = tx.execute(select(table).where(table.c.id == folder_id)).first()
    if row is None or not sees(tx, scope, row.patient_key):
        raise Missing
    return _folder_out(row)


def of_patient(tx: Tx, scope: Scope, patient_key: PatientKey) -> tuple[Folder, ...]:
    """All folders of a patient, by name; () if he is not the caller's to see."""
    if not sees(tx, scope, patient_key):
        return ()
    return tuple(sorted(_tree(tx, patient_key).values(), key=lambda f: (f.name.casefold(), f.id)))


def change(
    tx: Tx, scope: Scope, folder_id: FolderId, *, name: str, parent_id: FolderId | None
) -> Folder:
    """Rename or move. Raises Missing, WrongFolder, BadField, FolderExists, FolderCycle, TooMany…"""
    folder = get(tx, scope, folder_id)
    tree = _tree(tx, folder.patient_key)
    _check_place(tree, parent_id)
    above = parent_id
    while above is not None:
        if above == folder_id:
            raise FolderCycle
        above = tree[above].parent_id
    _check_depths(tree, folder_id, parent_id)
    checked = _check_name(name)
    _check_free(tree, parent_id, checked, but=folder_id)
    tx.execute(
        update(table)
        .where(table.c.id == folder_id)
        .values(parent_id=parent_id, **_named(parent_id, checked))
    )
    return get(tx, scope, folder_id)


def remove(tx: Tx, scope: Scope, folder_id: FolderId) -> None:
    """Remove an empty folder. Raises Missing, FolderNotEmpty."""
    get(tx, scope, folder_id)
    within = select(table.c.id).where(table.c.parent_id == folder_id)
    kept = select(records.c.id).where(records.c.folder_id == folder_id)
    if tx.execute(within.limit(1)).first() or tx.execute(kept.limit(1)).first():
        raise FolderNotEmpty
    try:
        tx.execute(delete(table).where(table.c.id == folder_id))
    except IntegrityError:  # somebody put a record in between
        raise FolderNotEmpty from None


def check(tx: Tx, folder_id: FolderId | None, patient_key: PatientKey | None) -> None:
    """Raises WrongFolder unless the folder is the patient's; no folder is always right."""
    if folder_id is None:
        return
    here = select(table.c.id).where(table.c.id == folder_id, table.c.patient_key == patient_key)
    if tx.execute(here).first() is None:
        raise WrongFolder


def _tree(tx: Tx, patient_key: PatientKey) -> dict[FolderId, Folder]:
    """A patient's folders; locked, where a transaction may write, so no two moves make a ring."""
    if tx.may_write:
        tx.exclusive(f"folders.{patient_key}")
    rows = tx.execute(select(table).where(table.c.patient_key == patient_key))
    return {FolderId(row.id): _folder_out(row) for row in rows}


def _check_place(tree: dict[FolderId, Folder], parent_id: FolderId | None) -> None:
    if parent_id is not None and parent_id not in tree:
        raise WrongFolder
    if _depth(tree, parent_id) >= DEPTH:
        raise TooManyFolders(rule="depth", limit=DEPTH)


def _check_depths(
    tree: dict[FolderId, Folder], folder_id: FolderId, parent_id: FolderId | None
) -> None:
    """A moved folder takes what lies in it along."""
    height = max(
        _depth(tree, f.id) for f in tree.values() if folder_id in _path(tree, f.id)
    ) - _depth(tree, folder_id)
    if _depth(tree, parent_id) + 1 + height > DEPTH:
        raise TooManyFolders(rule="depth", limit=DEPTH)


def _depth(tree: dict[FolderId, Folder], folder_id: FolderId | None) -> int:
    return len(_path(tree, folder_id))


def _path(tree: dict[FolderId, Folder], folder_id: FolderId | None) -> tuple[FolderId, ...]:
    path = []
    while folder_id is not None:
        path.append(folder_id)
        folder_id = tree[folder_id].parent_id
    return tuple(path)


def _check_name(name: str) -> str:
    checked = " ".join(check_line("name", name, longest=NAME_LENGTH).split())
    if not checked:
        raise BadField("A folder needs a name.", field="name", rule="empty")
    return checked


def _check_free(
    tree: dict[FolderId, Folder],
    parent_id: FolderId | None,
    name: str,
    *,
    but: FolderId | None = None,
) -> None:
    for other in tree.values():
        if other.id != but and other.parent_id == parent_id and _fold(other.name) == _fold(name):
            raise FolderExists


def _fold(name: str) -> str:
    return name.casefold()


def _named(parent_id: FolderId | None, name: str) -> dict[str, Any]:  # columns
    return {"place": parent_id or 0, "name": name, "folded_name": _fold(name)}


def _folder_out(row: Row[Any]) -> Folder:
    return Folder(
        id=FolderId(row.id),
        patient_key=PatientKey(row.patient_key),
        parent_id=None if row.parent_id is None else FolderId(row.parent_id),
        name=row.name,
        created_at=row.created_at,
        created_by=AccountId(row.created_by),
    )
