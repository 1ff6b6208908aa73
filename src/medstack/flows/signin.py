"""Coming in and going out: from a password or a secret to somebody the house knows.

Wrong password, unknown address and disabled account are one answer, in one time. The password
is hashed outside every transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from medstack import audit, people
from medstack.audit import Action, Outcome
from medstack.db import Tx
from medstack.flows.house import House
from medstack.kit.actor import Actor, Role
from medstack.kit.errors import Denied, Problem, Unauthenticated
from medstack.kit.ids import AccountId, PatientId
from medstack.people import Account, BearerToken, Session, SessionId, SignedIn, SignInRefused

NOBODY = AccountId(0)


class PasswordMustChange(Denied):
    code = "password-must-change"
    title = "Choose a password of your own first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Where a sign-in comes from, before anybody knows who it is."""

    address: str = ""
    agent: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody recognised, as one request sees him."""

    actor: Actor
    who: SignedIn

    @property
    def session_id(self) -> SessionId | None:
        return None if self.who.session is None else self.who.session.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """A person's own account, with the chart it belongs to if it is a patient's."""

    account: Account
    patient_id: PatientId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A fresh session. Its secret is told once, to the browser that signed in."""

    me: Me
    secret: str = field(repr=False)


def sign_in(house: House, *, email: str, password: str, visitor: Visitor) -> Opened:
    """Open a session. Raises SignInRefused, TooManyAttempts, PasswordsBusy."""
    try:
        with house.db.begin() as tx:
            attempt = people.begin_attempt(
                tx,
                email=email,
                address=visitor.address,
                ids=house.ids,
                now=house.clock.now(),
            )
            asked = people.credentials(tx, email)
    except people.TooManyAttempts as refusal:
        _record_refusal(house, None, visitor, refusal)
        raise
    fits = house.passwords.fits(asked.password_hash, password)
    if not fits or asked.account is None or not asked.account.is_enabled:
        wrong = SignInRefused()
        _record_refusal(house, asked.account, visitor, wrong)
        raise wrong
    renewed = _renewed(house, asked, password)
    with house.db.begin() as tx:
        if people.credentials(tx, email) != asked:  # disabled or changed while we hashed
            raise SignInRefused
        people.forgive(tx, attempt)
        if renewed is not None:
            people.renew_hash(tx, asked.account.id, renewed)
        _, secret = people.open_session(
            tx,
            asked.account,
            ids=house.ids,
            now=house.clock.now(),
            address=visitor.address,
            agent=visitor.agent,
        )
        audit.write(tx, Action.SESSION_OPENED, actor=_visiting(asked.account, visitor))
        me = _me(tx, asked.account)
    return Opened(me=me, secret=secret)


def recognise(
    house: House, secret: str, *, is_token: bool, visitor: Visitor, reason: str = ""
) -> Caller:
    """Whom a secret stands for, now. Raises Unauthenticated."""
    now = house.clock.now()
    with house.db.read() as tx:
        if is_token:
            who = people.bearer_of(tx, secret, at=now)
        else:
            who = people.session_of(tx, secret, at=now)
    if who is None:
        raise Unauthenticated
    actor = people.actor_of(
        who, address=visitor.address, request_id=visitor.request_id, reason=reason
    )
    return Caller(actor=actor, who=who)


def keep_alive(house: House, caller: Caller) -> None:
    """Note that a session is in use, at most once a minute."""
    session, now = caller.who.session, house.clock.now()
    if session is not None and people.needs_touch(session.seen_at, now):
        with house.db.begin() as tx:
            people.touch(tx, session, at=now)


def who_am_i(house: House, actor: Actor) -> Me:
    """The caller's own account."""
    with house.db.read() as tx:
        return _me(tx, people.get_account(tx, actor.account_id))


def sign_out(house: House, caller: Caller) -> None:
    """End the session the caller came with; a bearer token is revoked."""
    actor, who = caller.actor, caller.who
    with house.db.begin() as tx:
        if who.session is not None:
            people.end_session(tx, who.session.id, of=actor.account_id)
            audit.write(tx, Action.SESSION_CLOSED, actor=actor)
        elif who.token is not None:
            people.revoke_token(tx, who.token.id, of=actor.account_id)
            audit.write(tx, Action.TOKEN_REVOKED, actor=actor)


def sign_out_everywhere(house: House, actor: Actor) -> int:
    """End every session and token of the caller. Returns how many ended."""
    with house.db.begin() as tx:
        ended = people.end_all(tx, actor.account_id)
        audit.write(tx, Action.SESSION_REVOKED, actor=actor, ended=ended)
    return ended


def list_sessions(house: House, actor: Actor) -> tuple[Session, ...]:
    """Where the caller is signed in, newest first."""
    with house.db.read() as tx:
        return people.list_sessions(tx, actor.account_id, at=house.clock.now())


def end_session(house: House, actor: Actor, session_id: SessionId) -> None:
    """End one of the caller's own sessions. Raises Missing."""
    with house.db.begin() as tx:
        people.end_session(tx, session_id, of=actor.account_id)
        audit.write(tx, Action.SESSION_REVOKED, actor=actor, ended=1)


def create_token(
    house: House, actor: Actor, email: str, *, name: str, ttl: timedelta
) -> tuple[BearerToken, str]:
    """Make a bearer token for an account; for the command line, which decides who may.

    The secret is returned here and never again. Raises Missing, BadField.
    """
    with house.db.begin() as tx:
        account = people.find_account(tx, email)
        token, secret = people.create_token(
            tx, account, name=name, ttl=ttl, ids=house.ids, now=house.clock.now()
        )
        audit.write(tx, Action.TOKEN_CREATED, actor=actor, account=account.id)
    return token, secret


def _renewed(house: House, asked: people.Credentials, password: str) -> str | None:
    """The same password under today's parameters, if its hash was made with others."""
    if asked.password_hash is None or not house.passwords.is_outdated(asked.password_hash):
        return None
    return house.passwords.hash(password)


def _record_refusal(
    house: House, account: Account | None, visitor: Visitor, refusal: Problem
) -> None:
    with house.db.begin() as tx:
        audit.write(
            tx,
            Action.SESSION_REFUSED,
            actor=_visiting(account, visitor),
            outcome=Outcome.REFUSED,
            code=refusal.code,
        )


def _visiting(account: Account | None, visitor: Visitor) -> Actor:
    nobody = Actor(
        account_id=NOBODY,
        role=Role.PATIENT,
        address=visitor.address,
        request_id=visitor.request_id,
    )
    if account is None:
        return nobody
    return replace(
        nobody, account_id=account.id, role=account.role, patient_key=account.patient_key
    )


def _me(tx: Tx, account: Account) -> Me:
    if account.patient_key is None:
        return Me(account=account, patient_id=None)
    return Me(account=account, patient_id=people.get_patient(tx, account.patient_key).id)
