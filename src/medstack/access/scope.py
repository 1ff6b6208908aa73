"""From a caller to the Scope every query asks for."""

from __future__ import annotations

from sqlalchemy import Select

from medstack.access.rules import LEVELS, Relation, Resource
from medstack.db.scope import Scope
from medstack.kit.actor import Actor, Role
from medstack.kit.ids import AccountId, PatientKey


def scope(actor: Actor, panel: Select[tuple[int]] | None) -> Scope:
    """What the caller may read.

    panel: the patients in the caller's care, from `people.panel`; None only for roles that
        see every patient. Raises ValueError for a patient or staff without one: an omission
        here would open every chart.
    """
    sees_everybody = actor.role in (Role.DENTIST, Role.ADMIN)
    if panel is None and not sees_everybody:
        raise ValueError("this role sees the patients of a panel only")
    return Scope(
        panel=None if sees_everybody else panel,
        levels=LEVELS[actor.role],
        inbox_of=None if sees_everybody else actor.account_id,
    )


def resource(
    actor: Actor,
    *,
    patient_key: PatientKey | None,
    is_on_panel: bool = False,
    uploader: AccountId | None = None,
    level: str | None = None,
) -> Resource:
    """What a chart or record is to the caller.

    is_on_panel: from `people.is_on_panel`. uploader: who brought a record without a patient.
    """
    if patient_key is None:
        relation = Relation.INBOX if uploader == actor.account_id else Relation.OTHER
    elif actor.role is Role.PATIENT:
        relation = Relation.OWN if patient_key == actor.patient_key else Relation.OTHER
    else:
        relation = Relation.ASSIGNED if is_on_panel else Relation.OTHER
    return Resource(relation=relation, level=level)


def belonging(actor: Actor, account_id: AccountId) -> Resource:
    """What somebody's account, session, token or job is to the caller."""
    own = account_id == actor.account_id
    return Resource(relation=Relation.OWN if own else Relation.OTHER)
