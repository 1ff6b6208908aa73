"""Every kind of event the log knows, as it is written in the log and documented.

Subject, then what happened to it. A word once used is never given another meaning, because
old events keep it for as long as the log lives.
"""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    # who comes in
    SESSION_OPENED = "session.opened"
    SESSION_REFUSED = "session.refused"
    SESSION_CLOSED = "session.closed"
    SESSION_REVOKED = "session.revoked"
    TOKEN_CREATED = "token.created"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    PASSWORD_CHANGED = "password.changed"  # noqa: S105

    # who they are and whom they care for
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_LISTED = "account.listed"
    PATIENT_CREATED = "patient.created"
    PATIENT_CHANGED = "patient.changed"
    PATIENT_VIEWED = "patient.viewed"
    PATIENT_LISTED = "patient.listed"
    PATIENT_ARCHIVED = "patient.archived"
    PATIENT_UNARCHIVED = "patient.unarchived"
    ASSIGNMENT_CREATED = "assignment.created"
    ASSIGNMENT_LISTED = "assignment.listed"
    ASSIGNMENT_ENDED = "assignment.ended"
    PROVIDER_CREATED = "provider.created"
    PROVIDER_CHANGED = "provider.changed"
    APPOINTMENT_CREATED = "appointment.created"
    APPOINTMENT_CHANGED = "appointment.changed"
    APPOINTMENT_LISTED = "appointment.listed"
    CASE_OPENED = "case.opened"
    CASE_LISTED = "case.listed"
    CASE_CHANGED = "case.changed"
    CASE_CLOSED = "case.closed"
    FOLDER_CREATED = "folder.created"
    FOLDER_LISTED = "folder.listed"
    FOLDER_CHANGED = "folder.changed"
    FOLDER_REMOVED = "folder.removed"

    # the way in
    UPLOAD_CREATED = "upload.created"
    UPLOAD_FINISHED = "upload.finished"
    UPLOAD_TERMINATED = "upload.terminated"
    UPLOAD_EXPIRED = "upload.expired"
    UPLOAD_REFUSED = "upload.refused"
    UPLOAD_FILED = "upload.filed"
    RECORD_RECEIVED = "record.received"
    RECORD_STORED = "record.stored"
    RECORD_HELD = "record.held"
    RECORD_QUARANTINED = "record.quarantined"
    RECORD_REJECTED = "record.rejected"
    RECORD_RELEASED = "record.released"
    RECORD_DESTROYED = "record.destroyed"
    IMPORT_FINISHED = "import.finished"

    # the way out
    RECORD_LISTED = "record.listed"
    RECORD_VIEWED = "record.viewed"
    CONTENT_READ = "content.read"
    CONTENT_DOWNLOADED = "content.downloaded"
    CONTENT_SENT = "content.sent"
    LINK_CREATED = "link.created"
    LINK_REDEEMED = "link.redeemed"
    LINK_REFUSED = "link.refused"
    LINK_REVOKED = "link.revoked"
    BATCH_DOWNLOADED = "batch.downloaded"
    EXPORT_MADE = "export.made"
    ACCESS_REFUSED = "access.refused"
    ACCESS_LOG_READ = "access-log.read"

    # what happens to a record
    RECORD_CHANGED = "record.changed"
    RECORD_ARCHIVED = "record.archived"
    RECORD_UNARCHIVED = "record.unarchived"
    VERSION_ADDED = "version.added"
    VERSION_RESTORED = "version.restored"
    ANNOTATION_SAVED = "annotation.saved"
    BATCH_CATEGORISED = "batch.categorised"
    BATCH_ARCHIVED = "batch.archived"

    # running the house
    POLICY_CHANGED = "policy.changed"
    JOB_RETRIED = "job.retried"
    JOB_CANCELLED = "job.cancelled"
    JOB_FAILED = "job.failed"
    AUDIT_READ = "audit.read"
    AUDIT_VERIFIED = "audit.verified"
    AUDIT_CHECKPOINTED = "audit.checkpointed"
    AUDIT_DETAILS_ERASED = "audit.details-erased"
    INTEGRITY_FAILED = "integrity.failed"
    KEYS_ROTATED = "keys.rotated"
    SERVER_STARTED = "server.started"
    SERVER_STOPPED = "server.stopped"


class Outcome(StrEnum):
    """How what was tried went."""

    OK = "ok"
    REFUSED = "refused"  # by a rule; `code` names the problem
    FAILED = "failed"  # by a fault of ours; `code` names it
