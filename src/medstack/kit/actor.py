"""Who is asking: the value every flow takes first and every audit event names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from medstack.kit.ids import AccountId, PatientKey


class Role(StrEnum):
    """The owner's four roles, which are his four access levels too, least first."""

    PATIENT = "patient"
    STAFF = "staff"
    DENTIST = "dentist"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A signed-in account as one request sees it."""

    account_id: AccountId
    role: Role
    patient_key: PatientKey | None = None  # a patient's own, else None
    via: str = "session"  # session, token, link, cli or job
    address: str = ""  # the peer's network address, for the audit log
    request_id: str = ""
    reason: str = ""  # stated purpose, where a policy asks for one


SYSTEM = Actor(account_id=AccountId(0), role=Role.ADMIN, via="job")
