"""Who is here: patients, and the accounts, assignments and providers that care for them.

Visits and cases are in `schedule`. Every change is one transaction with its event in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from medstack import access, audit, people
from medstack.access import Right
from medstack.audit import Action
from medstack.db import Tx
from medstack.flows.house import House
from medstack.flows.standing import require, require_here, scope_of
from medstack.flows.witness import refusals_recorded
from medstack.kit.actor import Actor, Role
from medstack.kit.ids import AccountId, PatientId, PatientKey
from medstack.people import (
    Account,
    Assignment,
    AssignmentId,
    Demographics,
    Patient,
    PatientPage,
    SessionId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    account: Account
    patient_id: PatientId | None  # whose chart it belongs to


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    items: tuple[AccountView, ...]
    next_after: AccountId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentView:
    assignment: Assignment
    user_email: str
    patient_id: PatientId


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentPage:
    items: tuple[AssignmentView, ...]
    next_after: AssignmentId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEdit:
    """What changes about an account; None leaves it as it is."""

    display_name: str | None = None
    role: Role | None = None
    is_enabled: bool | None = None
    patient_id: str | None = None  # the chart, where the role is or becomes patient


# ── patients ──────────────────────────────────────────────────────────────────────────────
def add_patient(
    house: House, actor: Actor, demographics: Demographics, *, chart_number: str | None = None
) -> Patient:
    """Open a chart. Raises Denied, BadField, ChartNumberTaken."""
    with (
        refusals_recorded(house, actor, Action.PATIENT_CREATED),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.PATIENT_CREATE)
        patient = people.create_patient(
            tx, demographics, ids=house.ids, now=house.clock.now(), chart_number=chart_number
        )
        audit.write(tx, Action.PATIENT_CREATED, actor=actor, patient=patient.key)
    return patient


def list_patients(
    house: House,
    actor: Actor,
    *,
    q: str = "",
    is_archived: bool = False,
    after: PatientKey | None = None,
    limit: int = 50,
) -> PatientPage:
    """The caller's patients by name; the log names every one on the page."""
    with house.db.begin() as tx:
        require_here(tx, actor, Right.PATIENT_LIST)
        page = people.list_patients(
            tx,
            scope_of(house, actor),
            q=q,
            is_archived=is_archived,
            after=after,
            limit=limit,
        )
        shown = [patient.key for patient in page.items]
        searched = {"q": q} if q else None  # personal: it may have to be erased one day
        audit.write(tx, Action.PATIENT_LISTED, actor=actor, patient=shown, personal=searched)
    return page


def get_patient(house: House, actor: Actor, patient_id: str) -> Patient:
    """Raises Missing for nobody and for somebody else's patient alike."""
    with (
        refusals_recorded(house, actor, Action.PATIENT_VIEWED, asked=patient_id),
        house.db.begin() as tx,
    ):
        patient = people.find_patient(tx, scope_of(house, actor), patient_id)
        require(tx, house, actor, Right.PATIENT_READ, patient_key=patient.key)
        audit.write(tx, Action.PATIENT_VIEWED, actor=actor, patient=patient.key)
    return patient


def change_patient(
    house: House,
    actor: Actor,
    patient_id: str,
    change: Callable[[Demographics], Demographics],
    *,
    expected: int | None,
) -> Patient:
    """Change what is known of a patient.

    expected: the revision the caller saw; None changes whatever is there.
    Raises Missing, Denied, BadField, Stale.
    """
    with (
        refusals_recorded(house, actor, Action.PATIENT_CHANGED, asked=patient_id),
        house.db.begin() as tx,
    ):
        patient = people.find_patient(tx, scope_of(house, actor), patient_id)
        require(tx, house, actor, Right.PATIENT_EDIT, patient_key=patient.key)
        changed = replace(
            patient,
            demographics=change(patient.demographics),
            revision=patient.revision if expected is None else expected,
        )
        saved = people.save_patient(tx, changed)
        audit.write(tx, Action.PATIENT_CHANGED, actor=actor, patient=patient.key)
    return saved


def shelve_patient(house: House, actor: Actor, patient_id: str, *, is_archived: bool) -> Patient:
    """Archive an inactive patient's chart, or bring it back. Raises Missing, Denied."""
    action = Action.PATIENT_ARCHIVED if is_archived else Action.PATIENT_UNARCHIVED
    with (
        refusals_recorded(house, actor, action, asked=patient_id),
        house.db.begin() as tx,
    ):
        patient = people.find_patient(tx, scope_of(house, actor), patient_id)
        require(tx, house, actor, Right.PATIENT_ARCHIVE, patient_key=patient.key)
        if patient.is_archived == is_archived:
            return patient
        saved = people.save_patient(tx, replace(patient, is_archived=is_archived))
        audit.write(tx, action, actor=actor, patient=patient.key)
    return saved


# ── accounts ──────────────────────────────────────────────────────────────────────────────
def add_account(
    house: House,
    actor: Actor,
    *,
    email: str,
    role: Role,
    password: str,
    display_name: str = "",
    patient_id: str | None = None,
    must_change_password: bool = False,
) -> AccountView:
    """Make an account. Raises Denied, Missing (no such patient), BadField, EmailTaken,
    WeakPassword.
    """
    with refusals_recorded(house, actor, Action.ACCOUNT_CREATED):
        with house.db.read() as tx:
            require_here(tx, actor, Right.ACCOUNT_MANAGE)
        people.check_password(password, email=email)
        password_hash = house.passwords.hash(password)
        with house.db.begin() as tx:
            patient = None
            if patient_id is not None:
                patient = people.find_patient(tx, scope_of(house, actor), patient_id)
            account = people.create_account(
                tx,
                email=email,
                role=role,
                password_hash=password_hash,
                ids=house.ids,
                now=house.clock.now(),
                display_name=display_name,
                patient_key=None if patient is None else patient.key,
                must_change_password=must_change_password,
            )
            audit.write(
                tx,
                Action.ACCOUNT_CREATED,
                actor=actor,
                patient=account.patient_key,
                account=account.id,
                role=role.value,
            )
    return AccountView(account=account, patient_id=None if patient is None else patient.id)


def list_accounts(
    house: House,
    actor: Actor,
    *,
    role: Role | None = None,
    after: AccountId | None = None,
    limit: int = 50,
) -> AccountPage:
    """Accounts, oldest first. Raises Denied."""
    with (
        refusals_recorded(house, actor, Action.ACCOUNT_LISTED),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.ACCOUNT_READ)
        found = people.list_accounts(tx, role=role, after=after, limit=limit + 1)
        shown = _account_views(tx, found[:limit])
        audit.write(tx, Action.ACCOUNT_LISTED, actor=actor, shown=len(shown))
    more = len(found) > limit
    return AccountPage(items=shown, next_after=shown[-1].account.id if more else None)


def get_account(house: House, actor: Actor, account_id: AccountId) -> AccountView:
    """One's own account, or any for whoever manages them. Raises Missing."""
    with (
        refusals_recorded(house, actor, Action.ACCOUNT_LISTED, asked=account_id),
        house.db.read() as tx,
    ):
        access.require(actor, Right.ACCOUNT_READ, access.belonging(actor, account_id))
        (view,) = _account_views(tx, (people.get_account(tx, account_id),))
    return view


def change_account(
    house: House,
    actor: Actor,
    account_id: AccountId,
    edit: AccountEdit,
    *,
    expected: int | None,
) -> AccountView:
    """Change a name or a role, disable or enable. A new standing ends every session.

    Raises Denied, Missing, BadField, Stale, LastAdmin.
    """
    with (
        refusals_recorded(house, actor, Action.ACCOUNT_CHANGED, asked=account_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.ACCOUNT_MANAGE)
        before = people.get_account(tx, account_id)
        patient_key = before.patient_key
        if edit.patient_id is not None:
            patient_key = people.find_patient(tx, scope_of(house, actor), edit.patient_id).key
        saved = people.save_account(tx, _edited(before, edit, patient_key, expected))
        audit.write(
            tx,
            Action.ACCOUNT_CHANGED,
            actor=actor,
            account=account_id,
            role=saved.role.value,
            enabled=saved.is_enabled,
        )
        (view,) = _account_views(tx, (saved,))
    return view


def set_password(
    house: House,
    actor: Actor,
    account_id: AccountId,
    password: str,
    *,
    current: str | None = None,
    keep: SessionId | None = None,
) -> None:
    """Change one's own password (which needs the current one), or reset another's.

    Every other session and every token of the account ends; a reset one must be changed by its
    owner. Raises Denied, Missing, WeakPassword, SignInRefused.
    """
    is_own = account_id == actor.account_id
    with refusals_recorded(house, actor, Action.PASSWORD_CHANGED, asked=account_id):
        with house.db.read() as tx:
            if is_own:
                access.require(actor, Right.PASSWORD_CHANGE, access.belonging(actor, account_id))
            else:
                require_here(tx, actor, Right.ACCOUNT_MANAGE)
            account = people.get_account(tx, account_id)
            stored = people.credentials(tx, account.email).password_hash
        if is_own and not house.passwords.fits(stored, current or ""):
            raise people.SignInRefused("The current password does not fit.")
        people.check_password(password, email=account.email)
        password_hash = house.passwords.hash(password)
        with house.db.begin() as tx:
            people.set_password(
                tx, account_id, password_hash, must_change=not is_own, keep=keep if is_own else None
            )
            audit.write(
                tx, Action.PASSWORD_CHANGED, actor=actor, account=account_id, is_reset=not is_own
            )


# ── assignments ───────────────────────────────────────────────────────────────────────────
def assign(
    house: House,
    actor: Actor,
    *,
    user_email: str,
    patient_id: str,
    until_at: datetime | None = None,
) -> AssignmentView:
    """Put a patient into a staff member's care. Raises Denied, Missing, AlreadyAssigned."""
    with (
        refusals_recorded(house, actor, Action.ASSIGNMENT_CREATED, asked=patient_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.ASSIGNMENT_MANAGE)
        patient = people.find_patient(tx, scope_of(house, actor), patient_id)
        account = people.find_account(tx, user_email)
        made = people.assign(
            tx,
            account,
            patient,
            by=actor,
            ids=house.ids,
            now=house.clock.now(),
            until_at=until_at,
        )
        audit.write(
            tx,
            Action.ASSIGNMENT_CREATED,
            actor=actor,
            patient=patient.key,
            account=account.id,
            assignment=made.id,
        )
    return AssignmentView(assignment=made, user_email=account.email, patient_id=patient.id)


def list_assignments(
    house: House,
    actor: Actor,
    *,
    user_email: str | None = None,
    patient_id: str | None = None,
    is_running: bool = True,
    after: AssignmentId | None = None,
    limit: int = 50,
) -> AssignmentPage:
    """Who cares for whom; staff see their own. Raises Denied, Missing."""
    with (
        refusals_recorded(house, actor, Action.ASSIGNMENT_LISTED),
        house.db.read() as tx,
    ):
        account_id = _whose_assignments(tx, actor, user_email)
        patient_key = None
        if patient_id is not None:
            patient_key = people.find_patient(tx, scope_of(house, actor), patient_id).key
        found = people.list_assignments(
            tx,
            at=house.clock.now() if is_running else None,
            account_id=account_id,
            patient_key=patient_key,
            after=after,
            limit=limit + 1,
        )
        shown = _assignment_views(tx, found[:limit])
    more = len(found) > limit
    return AssignmentPage(items=shown, next_after=shown[-1].assignment.id if more else None)


def end_assignment(house: House, actor: Actor, assignment_id: AssignmentId) -> None:
    """Take a patient out of somebody's care, from now on. Raises Denied, Missing."""
    with (
        refusals_recorded(house, actor, Action.ASSIGNMENT_ENDED, asked=assignment_id),
        house.db.begin() as tx,
    ):
        require_here(tx, actor, Right.ASSIGNMENT_MANAGE)
        ended = people.end_assignment(tx, assignment_id, now=house.clock.now())
        audit.write(
            tx,
            Action.ASSIGNMENT_ENDED,
            actor=actor,
            patient=ended.patient_key,
            account=ended.account_id,
            assignment=ended.id,
        )


def _whose_assignments(tx: Tx, actor: Actor, user_email: str | None) -> AccountId | None:
    """Staff ask for their own; others for anybody's or all. Raises Denied, Missing."""
    if user_email is not None:
        asked = people.find_account(tx, user_email).id
    elif actor.role is Role.STAFF:
        asked = actor.account_id
    else:
        require_here(tx, actor, Right.ASSIGNMENT_READ)
        return None
    access.require(actor, Right.ASSIGNMENT_READ, access.belonging(actor, asked))
    return asked


def _edited(
    before: Account, edit: AccountEdit, patient_key: PatientKey | None, expected: int | None
) -> Account:
    role = before.role if edit.role is None else edit.role
    return replace(
        before,
        display_name=before.display_name if edit.display_name is None else edit.display_name,
        role=role,
        patient_key=patient_key if role is Role.PATIENT or edit.patient_id is not None else None,
        is_enabled=before.is_enabled if edit.is_enabled is None else edit.is_enabled,
        revision=before.revision if expected is None else expected,
    )


def _account_views(tx: Tx, accounts: tuple[Account, ...]) -> tuple[AccountView, ...]:
    keys = {account.patient_key for account in accounts if account.patient_key is not None}
    charts = {key: patient.id for key, patient in people.get_patients(tx, keys).items()}
    return tuple(
        AccountView(
            account=account,
            patient_id=None if account.patient_key is None else charts[account.patient_key],
        )
        for account in accounts
    )


def _assignment_views(tx: Tx, assignments: tuple[Assignment, ...]) -> tuple[AssignmentView, ...]:
    charts = people.get_patients(tx, {one.patient_key for one in assignments})
    emails = {one.account_id: people.get_account(tx, one.account_id).email for one in assignments}
    return tuple(
        AssignmentView(
            assignment=one,
            user_email=emails[one.account_id],
            patient_id=charts[one.patient_key].id,
        )
        for one in assignments
    )
