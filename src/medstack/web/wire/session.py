"""Who is signed in, and where."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from medstack.flows.signin import Me
from medstack.kit.actor import Role
from medstack.kit.ids import PatientId, id_out
from medstack.people import Account, Session, SessionId
from medstack.web.wire.base import Ask, Secret, Wire


class UserOut(Wire):
    id: str
    email: str
    display_name: str
    role: Role
    patient_id: str | None
    is_enabled: bool
    must_change_password: bool
    created_at: datetime


class SignInIn(Ask):
    email: Annotated[str, Meta(min_length=1, max_length=254)]
    password: Secret


class MeOut(Wire):
    """Who is signed in. `csrf_token` goes back as X-CSRF-Token; null for a bearer token."""

    user: UserOut
    csrf_token: str | None


class SessionOut(Wire):
    id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    is_this: bool


def user_out(account: Account, patient_id: PatientId | None) -> UserOut:
    return UserOut(
        id=id_out(account.id),
        email=account.email,
        display_name=account.display_name,
        role=account.role,
        patient_id=patient_id,
        is_enabled=account.is_enabled,
        must_change_password=account.must_change_password,
        created_at=account.created_at,
    )


def me_out(me: Me, csrf_token: str | None) -> MeOut:
    return MeOut(user=user_out(me.account, me.patient_id), csrf_token=csrf_token)


def session_out(session: Session, this: SessionId | None) -> SessionOut:
    return SessionOut(
        id=id_out(session.id),
        created_at=session.created_at,
        seen_at=session.seen_at,
        expires_at=session.expires_at,
        address=session.address,
        agent=session.agent,
        is_this=session.id == this,
    )
