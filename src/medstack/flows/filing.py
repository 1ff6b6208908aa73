"""Where a file is to go: the sender's words about it, checked and turned into our values.

Done before the first byte is taken, and once more when the last one is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from medstack import access, intake, people, records
from medstack.access import Context, Limit, Measure, Policies, Right
from medstack.db import Tx
from medstack.db.scope import Scope
from medstack.flows.house import House
from medstack.flows.standing import require, scope_of
from medstack.kit.actor import Actor, Role
from medstack.kit.errors import Conflict, Invalid
from medstack.kit.ids import (
    AppointmentId,
    BatchId,
    CaseId,
    FolderId,
    PatientKey,
    ProviderId,
    RecordId,
    id_in,
)
from medstack.records import AccessLevel, Category, Record, Said, Status, fields

T = TypeVar("T", bound=int)

UNNAMED = "unnamed"
_DEFAULT_CATEGORIES = {
    Category.DIAGNOSTIC_IMAGES: frozenset({"dcm", "dicom", "ima", "stl", "ply", "obj", "wav"}),
    Category.TREATMENT_PHOTOS: frozenset(
        {"jpg", "jpeg", "png", "tif", "tiff", "bmp", "heic", "webp", "mp4", "mov"}
    ),
}


class UnknownAccessLevel(Invalid):
    code = "unknown-access-level"
    title = "This access level does not exist"


class UnknownContext(Invalid):
    code = "unknown-context"
    title = "This upload context does not exist"


class NothingToReplace(Conflict):
    """`facts`: status. Its first version is still on its way in, or was stopped."""

    code = "nothing-to-replace"
    title = "This record has no content yet that a new version could follow"


class WrongChart(Invalid):
    """An appointment, case, folder or record named beside the patient is another patient's."""

    code = "wrong-chart"
    title = "These belong to different patients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filing:
    """A checked place for a file."""

    patient_key: PatientKey | None  # None: the uploader's inbox
    original_name: str
    category: Category
    subcategory: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    appointment_id: AppointmentId | None = None
    case_id: CaseId | None = None
    folder_id: FolderId | None = None
    provider_id: ProviderId | None = None
    batch_id: BatchId | None = None
    context: Context | None = None  # a purpose with limits of its own
    declared_kind: str = ""  # by name or declared type: what the limits go by until it is known
    access_level: AccessLevel = AccessLevel.PATIENT
    said: Said = field(default_factory=Said)
    replaces: RecordId | None = None

    def file_limit(self, policies: Policies, *, kind: str | None = None) -> Limit:
        """What one file may have here. kind: what its content is, once that is known."""
        return policies.limit(
            Measure.FILE, context=self.context, kind=kind or self.declared_kind or None
        )

    def batch_limit(self, policies: Policies) -> Limit:
        return policies.limit(Measure.BATCH, context=self.context, kind=self.declared_kind or None)


def extension_of(name: str) -> str:
    """The end of a file name, lower case, without its dot; "" if it has none."""
    stem, dot, end = name.rpartition(".")
    return end.lower() if dot and stem else ""


def file_away(tx: Tx, house: House, actor: Actor, words: Mapping[str, str]) -> Filing:
    """Check every word, and the right to file there.

    words: the owner's field names and `filename`; others are ignored, as tus clients add their
    own. Raises Missing for a patient (or anything of one) that is not there or not the
    caller's, Denied without the right, Invalid leaves for words outside the rules.
    """
    scope = scope_of(house, actor)
    patient = _patient(tx, scope, words)
    right = Right.RECORD_ADD_VERSION if words.get("replaces") else Right.UPLOAD
    require(tx, house, actor, right, patient_key=patient, uploader=actor.account_id)
    name = fields.check_original_name(words.get("filename") or words.get("name") or UNNAMED)
    category = _category(words, extension_of(name))
    return Filing(
        patient_key=patient,
        original_name=name,
        declared_kind=_declared_kind(name, words.get("filetype", "")),
        category=category,
        subcategory=records.subcategory_of(category, words.get("subcategory")),
        description=fields.check_description(words.get("description", "")),
        tags=fields.check_tags(tuple(filter(str.strip, words.get("tags", "").split(",")))),
        access_level=_access_level(actor, words.get("accessLevel")),
        said=_said(words),
        provider_id=_id(words, "providerId", ProviderId),
        **_context(tx, actor, words),
        **_of_patient(tx, scope, patient, words),
    )


def _declared_kind(name: str, media_type: str) -> str:
    """What its sender takes the file for; only limits go by it, and only until it is read."""
    if extension_of(name) in ("dcm", "dicom", "ima") or media_type == "application/dicom":
        return "dicom"
    return extension_of(name)


def _patient(tx: Tx, scope: Scope, words: Mapping[str, str]) -> PatientKey | None:
    """The patient named; a new version goes where the record it replaces is."""
    if words.get("patientId"):
        return people.find_patient(tx, scope, words["patientId"]).key
    replaced = _id(words, "replaces", RecordId)
    return None if replaced is None else records.get(tx, scope, replaced).patient_key


def _category(words: Mapping[str, str], extension: str) -> Category:
    """As said; else what such files usually are, for a person to correct."""
    if words.get("category"):
        return records.category_of(words["category"])
    for category, extensions in _DEFAULT_CATEGORIES.items():
        if extension in extensions:
            return category
    return Category.FORMS_DOCUMENTS


def _context(tx: Tx, actor: Actor, words: Mapping[str, str]) -> dict[str, Any]:
    """The batch a file comes with, and the purpose that sets its limits."""
    batch_id = _id(words, "batchId", BatchId)
    said = words.get("context", "")
    if batch_id is not None:
        said = said or intake.get_batch(tx, batch_id, actor.account_id).context
    return {"batch_id": batch_id, "context": check_context(said)}


def check_context(text: str) -> Context | None:
    """Read an upload context; empty is the usual one. Raises UnknownContext."""
    if text in ("", "default"):
        return None
    if text not in tuple(Context):
        raise UnknownContext("Give one of these, or none.", allowed=tuple(Context))
    return Context(text)


def _access_level(actor: Actor, text: str | None) -> AccessLevel:
    """A patient's own files are the patient's to see; others say, or leave it open."""
    if not text or actor.role is Role.PATIENT:
        return AccessLevel.PATIENT
    if text not in tuple(AccessLevel):
        raise UnknownAccessLevel("Give one of the four levels.", allowed=tuple(AccessLevel))
    access.check_level(actor, text)
    return AccessLevel(text)


def _said(words: Mapping[str, str]) -> Said:
    return fields.check_said(
        Said(
            captured_at=words.get("captureDate"),
            equipment=words.get("equipment"),
            body_part=words.get("bodyPart"),
            procedure=words.get("procedure"),
            notes=words.get("notes"),
        )
    )


def _id(words: Mapping[str, str], name: str, kind: Callable[[int], T]) -> T | None:
    return kind(id_in(words[name])) if words.get(name) else None


def _of_patient(
    tx: Tx, scope: Scope, patient: PatientKey | None, words: Mapping[str, str]
) -> dict[str, Any]:  # the Filing's own fields
    """What is named by id and must be this patient's own."""
    visit = _id(words, "appointmentId", AppointmentId)
    case = _id(words, "caseId", CaseId)
    folder = _id(words, "folderId", FolderId)
    replaced = _replaced(tx, scope, words)
    owners = [
        visit and people.get_appointment(tx, scope, visit).patient_key,
        case and people.get_case(tx, scope, case).patient_key,
        folder and records.get_folder(tx, scope, folder).patient_key,
        replaced and replaced.patient_key,
    ]
    if any(owner is not None and owner != patient for owner in owners):
        raise WrongChart("Name the patient these belong to.")
    return {
        "appointment_id": visit,
        "case_id": case,
        "folder_id": folder,
        "replaces": replaced and replaced.id,
    }


def _replaced(tx: Tx, scope: Scope, words: Mapping[str, str]) -> Record | None:
    """The record that is to get a new version; its own content has to be there first."""
    record_id = _id(words, "replaces", RecordId)
    if record_id is None:
        return None
    record = records.get(tx, scope, record_id)
    if record.status is not Status.AVAILABLE:
        raise NothingToReplace("Send it once the record is available.", status=record.status.value)
    return record
