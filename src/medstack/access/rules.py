"""Who may do what: one table, and the one function that reads it.

Pure: looks nothing up, knows no clock. What is not in the table is refused. Lists are cut by the
Scope of the same caller (`access.scope`), which is made from the same rows.
Source: the owner's role-based access (patient: own records only; staff: assigned patients;
dentist: all patients, clinically; admin: system-wide, and management).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from medstack.access.policies import ADMIN_CONTENT_NEEDS_REASON, SHIPPED, Policies
from medstack.access.problems import LevelAbove, ReasonNeeded, RightMissing
from medstack.kit.actor import Actor, Role
from medstack.kit.errors import Missing


class Right(StrEnum):
    """Everything somebody may be allowed to do."""

    PATIENT_LIST = "patient.list"
    PATIENT_READ = "patient.read"
    PATIENT_CREATE = "patient.create"
    PATIENT_EDIT = "patient.edit"
    PATIENT_ARCHIVE = "patient.archive"
    RECORD_LIST = "record.list"
    RECORD_READ = "record.read"
    RECORD_DOWNLOAD = "record.download"
    RECORD_EDIT = "record.edit"
    RECORD_FILE = "record.file"  # out of an inbox, into a chart
    RECORD_ARCHIVE = "record.archive"
    RECORD_ADD_VERSION = "record.add-version"
    RECORD_RESTORE_VERSION = "record.restore-version"
    RECORD_ANNOTATE = "record.annotate"
    UPLOAD = "upload"
    LINK_CREATE = "link.create"
    LINK_REVOKE = "link.revoke"
    BATCH_DOWNLOAD = "batch.download"
    BATCH_CATEGORISE = "batch.categorise"
    BATCH_ARCHIVE = "batch.archive"
    ACCESS_LOG_READ = "access-log.read"
    FOLDER_READ = "folder.read"
    FOLDER_MANAGE = "folder.manage"
    CASE_READ = "case.read"
    CASE_MANAGE = "case.manage"
    APPOINTMENT_READ = "appointment.read"
    APPOINTMENT_MANAGE = "appointment.manage"
    PROVIDER_READ = "provider.read"
    PROVIDER_MANAGE = "provider.manage"
    ASSIGNMENT_READ = "assignment.read"
    ASSIGNMENT_MANAGE = "assignment.manage"
    ACCOUNT_READ = "account.read"
    ACCOUNT_MANAGE = "account.manage"
    PASSWORD_CHANGE = "password.change"  # noqa: S105 - the name of a right
    SESSION_MANAGE = "session.manage"
    TOKEN_CREATE = "token.create"  # noqa: S105
    REVIEW_READ = "review.read"
    REVIEW_RELEASE = "review.release"
    REVIEW_DESTROY = "review.destroy"
    MALWARE_RELEASE = "malware.release"
    JOB_READ = "job.read"
    JOB_RETRY = "job.retry"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFY = "audit.verify"
    POLICY_READ = "policy.read"
    POLICY_MANAGE = "policy.manage"
    EXPORT = "export"
    SYSTEM_READ = "system.read"  # metrics, health in full


class Relation(StrEnum):
    """What binds the caller to what the request is about."""

    OWN = "own"  # the caller's own chart, account, session, job
    ASSIGNED = "assigned"  # of a patient on the caller's panel
    INBOX = "inbox"  # of no patient yet, brought by the caller
    OTHER = "other"  # of anybody else
    PRACTICE = "practice"  # of nobody in particular: a list, the audit log, a new patient


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a request is about, as far as rules care."""

    relation: Relation
    level: str | None = None  # a record's access level; None where there is none


PRACTICE = Resource(relation=Relation.PRACTICE)

# ── the table ─────────────────────────────────────────────────────────────────────────────
Reach = frozenset[Relation]
_NONE: Reach = frozenset()
_OWN: Reach = frozenset({Relation.OWN})
_CARE: Reach = frozenset({Relation.ASSIGNED})
_HOUSE: Reach = frozenset({Relation.PRACTICE})
_INBOX: Reach = frozenset({Relation.INBOX})
_ALL: Reach = frozenset(Relation)


def _row(*, patient: Reach, staff: Reach, dentist: Reach, admin: Reach = _ALL) -> dict[Role, Reach]:
    return {Role.PATIENT: patient, Role.STAFF: staff, Role.DENTIST: dentist, Role.ADMIN: admin}


TABLE: Mapping[Right, Mapping[Role, Reach]] = {
    Right.PATIENT_LIST: _row(patient=_HOUSE, staff=_HOUSE, dentist=_ALL),
    Right.PATIENT_READ: _row(patient=_OWN, staff=_CARE, dentist=_ALL),
    Right.PATIENT_CREATE: _row(patient=_NONE, staff=_HOUSE, dentist=_ALL),
    Right.PATIENT_EDIT: _row(patient=_NONE, staff=_CARE, dentist=_ALL),
    Right.PATIENT_ARCHIVE: _row(patient=_NONE, staff=_CARE, dentist=_ALL),
    Right.RECORD_LIST: _row(
        patient=_HOUSE | _OWN | _INBOX, staff=_HOUSE | _CARE | _INBOX, dentist=_ALL
    ),
    Right.RECORD_READ: _row(patient=_OWN | _INBOX, staff=_CARE | _INBOX, dentist=_ALL),
    Right.RECORD_DOWNLOAD: _row(patient=_OWN | _INBOX, staff=_CARE | _INBOX, dentist=_ALL),
    Right.RECORD_EDIT: _row(patient=_NONE, staff=_CARE | _INBOX, dentist=_ALL),
    Right.RECORD_FILE: _row(patient=_NONE, staff=_CARE, dentist=_ALL),
    Right.RECORD_ARCHIVE: _row(patient=_NONE, staff=_CARE | _INBOX, dentist=_ALL),
    Right.RECORD_ADD_VERSION: _row(patient=_NONE, staff=_CARE | _INBOX, dentist=_ALL),
    Right.RECORD_RESTORE_VERSION: _row(patient=_NONE, staff=_NONE, dentist=_ALL),
    Right.RECORD_ANNOTATE: _row(patient=_NONE, staff=_CARE, dentist=_ALL),
    Right.UPLOAD: _row(patient=_INBOX, staff=_CARE | _INBOX, dentist=_ALL),
    Right.LINK_CREATE: _row(patient=_OWN, staff=_CARE, dentist=_ALL),
    Right.LINK_REVOKE: _row(patient=_OWN, staff=_OWN | _CARE, dentist=_ALL),
    Right.BATCH_DOWNLOAD: _row(patient=_OWN, staff=_CARE | _INBOX, dentist=_ALL),
    Right.BATCH_CATEGORISE: _row(patient=_NONE, staff=_CARE | _INBOX, dentist=_ALL),
    Right.BATCH_ARCHIVE: _row(patient=_NONE, staff=_CARE | _INBOX, dentist=_ALL),
    Right.ACCESS_LOG_READ: _row(patient=_OWN, staff=_NONE, dentist=_ALL),
    Right.FOLDER_READ: _row(patient=_OWN, staff=_CARE, dentist=_ALL),
    Right.FOLDER_MANAGE: _row(patient=_NONE, staff=_CARE, dentist=_ALL),
    Right.CASE_READ: _row(patient=_HOUSE | _OWN, staff=_HOUSE | _CARE, dentist=_ALL),
    Right.CASE_MANAGE: _row(patient=_NONE, staff=_CARE, dentist=_ALL),
    Right.APPOINTMENT_READ: _row(patient=_HOUSE | _OWN, staff=_HOUSE | _CARE, dentist=_ALL),
    Right.APPOINTMENT_MANAGE: _row(patient=_NONE, staff=_CARE, dentist=_ALL),
    Right.PROVIDER_READ: _row(patient=_HOUSE, staff=_HOUSE, dentist=_ALL),
    Right.PROVIDER_MANAGE: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
    Right.ASSIGNMENT_READ: _row(patient=_NONE, staff=_OWN, dentist=_ALL),
    Right.ASSIGNMENT_MANAGE: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
    Right.ACCOUNT_READ: _row(patient=_OWN, staff=_OWN, dentist=_OWN),
    Right.ACCOUNT_MANAGE: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
    Right.PASSWORD_CHANGE: _row(patient=_OWN, staff=_OWN, dentist=_OWN, admin=_OWN),
    Right.SESSION_MANAGE: _row(patient=_OWN, staff=_OWN, dentist=_OWN),
    Right.TOKEN_CREATE: _row(patient=_OWN, staff=_OWN, dentist=_OWN),
    Right.REVIEW_READ: _row(patient=_NONE, staff=_HOUSE | _CARE | _INBOX, dentist=_ALL),
    Right.REVIEW_RELEASE: _row(patient=_NONE, staff=_NONE, dentist=_ALL),
    Right.REVIEW_DESTROY: _row(patient=_NONE, staff=_NONE, dentist=_ALL),
    Right.MALWARE_RELEASE: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
    Right.JOB_READ: _row(patient=_OWN, staff=_OWN | _CARE, dentist=_ALL),
    Right.JOB_RETRY: _row(patient=_NONE, staff=_OWN, dentist=_ALL),
    Right.AUDIT_READ: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
    Right.AUDIT_VERIFY: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
    Right.POLICY_READ: _row(patient=_HOUSE, staff=_HOUSE, dentist=_HOUSE),
    Right.POLICY_MANAGE: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
    Right.EXPORT: _row(patient=_NONE, staff=_NONE, dentist=_ALL),
    Right.SYSTEM_READ: _row(patient=_NONE, staff=_NONE, dentist=_NONE),
}

# The record access levels a role may read. Source: the owner's AccessLevel.
LEVELS: Mapping[Role, frozenset[str]] = {
    Role.PATIENT: frozenset({"patient"}),
    Role.STAFF: frozenset({"patient", "staff"}),
    Role.DENTIST: frozenset({"patient", "staff", "dentist"}),
    Role.ADMIN: frozenset({"patient", "staff", "dentist", "admin"}),
}

# Rights that show clinical content: an administrator's use of them is marked in the log.
CONTENT_RIGHTS = frozenset(
    {
        Right.RECORD_READ,
        Right.RECORD_DOWNLOAD,
        Right.LINK_CREATE,
        Right.BATCH_DOWNLOAD,
        Right.EXPORT,
    }
)


# ── the decision ──────────────────────────────────────────────────────────────────────────
class Verdict(StrEnum):
    ALLOWED = "allowed"
    MISSING = "missing"  # not even that it exists
    DENIED = "denied"  # they may know it, and may not do this
    REASON_NEEDED = "reason-needed"  # allowed once they say why


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the rules say, and by which rule; the whole of it belongs in the audit event."""

    verdict: Verdict
    right: Right
    rule: str  # "record.read/staff", "levels/staff", or a policy's name
    is_marked: bool = False  # an administrator looks at content
    ask: Role | None = None  # who could do it, where denied

    @property
    def is_allowed(self) -> bool:
        return self.verdict is Verdict.ALLOWED


def decide(
    actor: Actor, right: Right, resource: Resource, *, policies: Policies = SHIPPED
) -> Decision:
    """May the actor do this to that? Always answers."""
    rule = f"{right}/{actor.role}"
    if not _reads_level(actor.role, resource):
        return Decision(verdict=Verdict.MISSING, right=right, rule=f"levels/{actor.role}")
    if resource.relation not in TABLE[right][actor.role]:
        if not _is_in_sight(actor.role, resource):
            return Decision(verdict=Verdict.MISSING, right=right, rule=rule)
        ask = _least_role(right, resource)
        return Decision(verdict=Verdict.DENIED, right=right, rule=rule, ask=ask)
    is_marked = actor.role is Role.ADMIN and actor.via != "job" and right in CONTENT_RIGHTS
    if is_marked and policies.is_on(ADMIN_CONTENT_NEEDS_REASON) and not _says_why(actor):
        needed = Verdict.REASON_NEEDED
        return Decision(verdict=needed, right=right, rule=ADMIN_CONTENT_NEEDS_REASON)
    return Decision(verdict=Verdict.ALLOWED, right=right, rule=rule, is_marked=is_marked)


def require(
    actor: Actor, right: Right, resource: Resource, *, policies: Policies = SHIPPED
) -> Decision:
    """Decide, and raise Missing, RightMissing or ReasonNeeded unless it is allowed."""
    decision = decide(actor, right, resource, policies=policies)
    match decision.verdict:
        case Verdict.MISSING:
            raise Missing()
        case Verdict.DENIED:
            raise RightMissing(right=right, ask=decision.ask)
        case Verdict.REASON_NEEDED:
            raise ReasonNeeded("State the purpose and repeat the request.", right=right.value)
    return decision


def check_level(actor: Actor, level: str) -> None:
    """Nobody puts a record on a level they cannot read themselves. Raises LevelAbove."""
    if level not in LEVELS[actor.role]:
        raise LevelAbove("Choose a level that you may read yourself.")


def _reads_level(role: Role, resource: Resource) -> bool:
    return resource.level is None or resource.level in LEVELS[role]


def _says_why(actor: Actor) -> bool:
    """A link's issuer said why when issuing it."""
    return actor.via == "link" or bool(actor.reason.strip())


def _is_in_sight(role: Role, resource: Resource) -> bool:
    """May this role know that the thing is there?"""
    if resource.relation is Relation.PRACTICE:
        return True
    sees = TABLE[Right.RECORD_READ][role] | TABLE[Right.ACCOUNT_READ][role]
    return resource.relation in sees


def _least_role(right: Right, resource: Resource) -> Role | None:
    """The least of the roles a colleague may have that could do it."""
    for role in (Role.STAFF, Role.DENTIST, Role.ADMIN):
        # To a colleague with the patient in care, or to anybody for the practice's things.
        reach = TABLE[right][role]
        if resource.relation in reach or (reach & _CARE and resource.relation is Relation.OWN):
            return role
    return None
