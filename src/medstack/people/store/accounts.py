"""Accounts: who may sign in, as what, and the hash of their password."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from medstack.db import Tx
from medstack.kit.actor import Role
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, Ids, PatientKey
from medstack.people import rules
from medstack.people.model import Account, SessionId
from medstack.people.problems import EmailTaken, LastAdmin
from medstack.people.store import pages
from medstack.people.store.revisions import change
from medstack.people.tables import accounts, sessions, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a sign-in is checked against. Never leaves the flow that asked."""

    account: Account | None
    password_hash: str | None = field(repr=False)


def create_account(
    tx: Tx,
    *,
    email: str,
    role: Role,
    password_hash: str | None,
    ids: Ids,
    now: datetime,
    display_name: str = "",
    patient_key: PatientKey | None = None,
    must_change_password: bool = False,
) -> Account:
    """Make an account; without a password hash nobody can sign in to it.

    Raises BadField, EmailTaken.
    """
    account = Account(
        id=AccountId(ids.new()),
        email=email.strip(),
        display_name=display_name.strip() or email.partition("@")[0],
        role=role,
        patient_key=patient_key,
        is_enabled=True,
        must_change_password=must_change_password,
        created_at=now,
        revision=1,
    )
    row = _row(account) | {
        "id": account.id,
        "password_hash": password_hash,
        "created_at": now,
        "revision": 1,
    }
    into = pg_insert(accounts) if tx.dialect == "postgresql" else sqlite_insert(accounts)
    asked = into.values(row).on_conflict_do_nothing(index_elements=["email_key"])
    if tx.execute(asked.returning(accounts.c.id)).one_or_none() is None:
        raise EmailTaken("Use another address, or enable the account that has this one.")
    return account


def save_account(tx: Tx, account: Account) -> Account:
    """Keep a changed account; its revision must still be the stored one.

    Every session and token ends when role, patient or `is_enabled` change.
    Raises Stale, Missing, EmailTaken, LastAdmin.
    """
    tx.exclusive("people.accounts")  # the last administrator is a rule over all rows
    before = get_account(tx, account.id)
    taken = select(accounts.c.id).where(
        accounts.c.email_key == rules.email_key(account.email), accounts.c.id != account.id
    )
    if tx.execute(taken).first() is not None:
        raise EmailTaken("Use another address.")
    revision = change(
        tx, accounts, "id", of=account.id, revision=account.revision, values=_row(account)
    )
    if _is_admin(before) and not _is_admin(account) and not _has_admin(tx):
        raise LastAdmin("Make another account administrator first.")
    if _standing(before) != _standing(account):
        end_all(tx, account.id)
    return replace(account, revision=revision)


def set_password(
    tx: Tx,
    account_id: AccountId,
    password_hash: str,
    *,
    must_change: bool = False,
    keep: SessionId | None = None,
) -> None:
    """Replace the password; every session but `keep`, and every token, ends. Raises Missing."""
    changed = (
        update(accounts)
        .where(accounts.c.id == account_id)
        .values(
            password_hash=password_hash,
            must_change_password=must_change,
            revision=accounts.c.revision + 1,
        )
    )
    if tx.execute(changed).rowcount != 1:
        raise Missing()
    end_all(tx, account_id, keep=keep)


def renew_hash(tx: Tx, account_id: AccountId, password_hash: str) -> None:
    """The same password, hashed with today's parameters."""
    tx.execute(
        update(accounts).where(accounts.c.id == account_id).values(password_hash=password_hash)
    )


def end_all(tx: Tx, account_id: AccountId, *, keep: SessionId | None = None) -> int:
    """End every session but `keep`, and every token. Returns how many ended."""
    open_ones = delete(sessions).where(sessions.c.account_id == account_id)
    if keep is not None:
        open_ones = open_ones.where(sessions.c.id != keep)
    ended = tx.execute(open_ones).rowcount
    return ended + tx.execute(delete(tokens).where(tokens.c.account_id == account_id)).rowcount


def credentials(tx: Tx, email: str) -> Credentials:
    """What a sign-in with this address is checked against; empty if there is no account."""
    asked = select(accounts).where(accounts.c.email_key == rules.email_key(email))
    row = tx.execute(asked).one_or_none()
    if row is None:
        return Credentials(account=None, password_hash=None)
    return Credentials(account=_account(row), password_hash=row.password_hash)


def get_account(tx: Tx, account_id: AccountId) -> Account:
    """Raises Missing."""
    row = tx.execute(select(accounts).where(accounts.c.id == account_id)).one_or_none()
    if row is None:
        raise Missing()
    return _account(row)


def find_account(tx: Tx, email: str) -> Account:
    """Raises Missing."""
    found = credentials(tx, email).account
    if found is None:
        raise Missing()
    return found


def list_accounts(
    tx: Tx, *, role: Role | None = None, after: AccountId | None = None, limit: int = 50
) -> tuple[Account, ...]:
    """Accounts, oldest first; the next page lies after the last one's id."""
    asked = select(accounts).order_by(accounts.c.id).limit(pages.rows(limit))
    if role is not None:
        asked = asked.where(accounts.c.role == role.value)
    if after is not None:
        asked = asked.where(accounts.c.id > after)
    return tuple(_account(row) for row in tx.execute(asked))


def names_of(tx: Tx, ids: set[AccountId]) -> dict[AccountId, str]:
    """Display names, for lists that say who did something."""
    asked = select(accounts.c.id, accounts.c.display_name).where(accounts.c.id.in_(sorted(ids)))
    return {AccountId(row.id): row.display_name for row in tx.execute(asked)}


def _is_admin(account: Account) -> bool:
    return account.role is Role.ADMIN and account.is_enabled


def _has_admin(tx: Tx) -> bool:
    enabled = accounts.c.is_enabled.is_(True) & (accounts.c.role == Role.ADMIN.value)
    return bool(tx.execute(select(func.count()).select_from(accounts).where(enabled)).scalar_one())


def _standing(account: Account) -> tuple[Role, PatientKey | None, bool]:
    return account.role, account.patient_key, account.is_enabled


def _row(account: Account) -> dict[str, Any]:
    return {
        "email": account.email,
        "email_key": rules.email_key(account.email),
        "display_name": account.display_name,
        "role": account.role.value,
        "patient_key": account.patient_key,
        "is_enabled": account.is_enabled,
        "must_change_password": account.must_change_password,
    }


def _account(row: Row[Any]) -> Account:
    return Account(
        id=AccountId(row.id),
        email=row.email,
        display_name=row.display_name,
        role=Role(row.role),
        patient_key=None if row.patient_key is None else PatientKey(row.patient_key),
        is_enabled=row.is_enabled,
        must_change_password=row.must_change_password,
        created_at=row.created_at,
        revision=row.revision,
    )
