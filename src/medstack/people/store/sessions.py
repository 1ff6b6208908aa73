"""Sessions and bearer tokens: from a secret to whom it stands for."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Table, delete, insert, select, update

from medstack.db import Tx
from medstack.kit.actor import Actor
from medstack.kit.errors import Missing
from medstack.kit.ids import AccountId, Ids
from medstack.people import rules, secrets
from medstack.people.model import Account, BearerToken, Session, SessionId, SignedIn, TokenId
from medstack.people.store.accounts import get_account
from medstack.people.tables import sessions, tokens


def open_session(
    tx: Tx, account: Account, *, ids: Ids, now: datetime, address: str = "", agent: str = ""
) -> tuple[Session, str]:
    """Start a session; the secret is returned here and never again."""
    secret = secrets.new_secret()
    session = Session(
        id=SessionId(ids.new()),
        account_id=account.id,
        created_at=now,
        seen_at=now,
        expires_at=now + rules.ABSOLUTE[account.role],
        address=address[:60],
        agent=_printable(agent),
    )
    row = {
        "id": session.id,
        "account_id": session.account_id,
        "created_at": session.created_at,
        "seen_at": session.seen_at,
        "expires_at": session.expires_at,
        "address": session.address,
        "agent": session.agent,
    }
    tx.execute(insert(sessions).values(**row, secret_hash=secrets.hash_of(secret)))
    return session, secret


def session_of(tx: Tx, secret: str, *, at: datetime) -> SignedIn | None:
    """Whom a session's secret stands for; None if nobody, expired, ended or disabled."""
    found = _by_secret(tx, sessions, secret)
    if found is None:
        return None
    session, account = _session(found[0]), found[1]
    is_live = rules.is_session_live(
        account.role, seen_at=session.seen_at, expires_at=session.expires_at, at=at
    )
    return SignedIn(account=account, session=session) if is_live and account.is_enabled else None


def touch(tx: Tx, session: Session, *, at: datetime) -> None:
    """Note that the session was used. Worth a write only if `rules.needs_touch`."""
    used = sessions.c.id == session.id, sessions.c.seen_at < at
    tx.execute(update(sessions).where(*used).values(seen_at=at))


def rotate(tx: Tx, session_id: SessionId) -> str:
    """Give the session a new secret; the old one is worth nothing from now on. Raises Missing."""
    secret = secrets.new_secret()
    changed = update(sessions).where(sessions.c.id == session_id)
    if tx.execute(changed.values(secret_hash=secrets.hash_of(secret))).rowcount != 1:
        raise Missing()
    return secret


def list_sessions(tx: Tx, account_id: AccountId, *, at: datetime) -> tuple[Session, ...]:
    """An account's sessions that have not expired, newest first."""
    chosen = sessions.c.account_id == account_id, sessions.c.expires_at > at
    asked = select(sessions).where(*chosen).order_by(sessions.c.id.desc())
    return tuple(_session(row) for row in tx.execute(asked))


def end_session(tx: Tx, session_id: SessionId, *, of: AccountId) -> None:
    """End one session of an account. Raises Missing if it has none such."""
    _remove(tx, sessions, session_id, of)


def create_token(
    tx: Tx, account: Account, *, name: str, ttl: timedelta, ids: Ids, now: datetime
) -> tuple[BearerToken, str]:
    """Make a bearer token; the secret is returned here and never again. Raises BadField."""
    rules.check_line("name", name, most=100)
    rules.check_ttl(ttl)
    secret = secrets.TOKEN_PREFIX + secrets.new_secret()
    token = BearerToken(
        id=TokenId(ids.new()),
        account_id=account.id,
        name=name,
        created_at=now,
        expires_at=now + ttl,
    )
    row = {
        "id": token.id,
        "account_id": token.account_id,
        "name": token.name,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }
    tx.execute(insert(tokens).values(**row, secret_hash=secrets.hash_of(secret)))
    return token, secret


def bearer_of(tx: Tx, secret: str, *, at: datetime) -> SignedIn | None:
    """Whom a bearer token stands for; None if nobody, expired, revoked or disabled."""
    found = _by_secret(tx, tokens, secret)
    if found is None:
        return None
    token, account = _token(found[0]), found[1]
    is_live = at < token.expires_at and account.is_enabled
    return SignedIn(account=account, token=token) if is_live else None


def list_tokens(tx: Tx, account_id: AccountId, *, at: datetime) -> tuple[BearerToken, ...]:
    """An account's tokens that have not expired, newest first."""
    chosen = tokens.c.account_id == account_id, tokens.c.expires_at > at
    asked = select(tokens).where(*chosen).order_by(tokens.c.id.desc())
    return tuple(_token(row) for row in tx.execute(asked))


def revoke_token(tx: Tx, token_id: TokenId, *, of: AccountId) -> None:
    """Revoke one token of an account. Raises Missing if it has none such."""
    _remove(tx, tokens, token_id, of)


def sweep_expired(tx: Tx, *, at: datetime) -> int:
    """Forget sessions and tokens past their end. Returns how many."""
    over = (delete(table).where(table.c.expires_at <= at) for table in (sessions, tokens))
    return sum(tx.execute(asked).rowcount for asked in over)


def actor_of(who: SignedIn, *, address: str = "", request_id: str = "", reason: str = "") -> Actor:
    """The signed-in account as one request's flows see it."""
    return Actor(
        account_id=who.account.id,
        role=who.account.role,
        patient_key=who.account.patient_key,
        via="session" if who.session is not None else "token",
        address=address,
        request_id=request_id,
        reason=reason,
    )


def _by_secret(tx: Tx, table: Table, secret: str) -> tuple[Row[Any], Account] | None:
    row = tx.execute(select(table).where(table.c.secret_hash == secrets.hash_of(secret))).first()
    return None if row is None else (row, get_account(tx, row.account_id))


def _remove(tx: Tx, table: Table, key: int, of: AccountId) -> None:
    if tx.execute(delete(table).where(table.c.id == key, table.c.account_id == of)).rowcount != 1:
        raise Missing()


def _printable(agent: str) -> str:
    return "".join(letter for letter in agent if letter.isprintable())[:200]


def _session(row: Row[Any]) -> Session:
    return Session(
        id=SessionId(row.id),
        account_id=AccountId(row.account_id),
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
        address=row.address,
        agent=row.agent,
    )


def _token(row: Row[Any]) -> BearerToken:
    return BearerToken(
        id=TokenId(row.id),
        account_id=AccountId(row.account_id),
        name=row.name,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
