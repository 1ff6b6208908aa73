"""Accounts, passwords, sessions and tokens."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.unit.people.practice import NOW, make_account, open_chart

from medstack import people
from medstack.db import Database
from medstack.kit.actor import Role
from medstack.kit.clock import SetClock
from medstack.kit.errors import Missing
from medstack.kit.ids import Ids
from medstack.people import Account, BadField, Passwords, WeakPassword, rules, secrets

MINUTE = timedelta(minutes=1)


# ── accounts ──────────────────────────────────────────────────────────────────────────────
def test_an_account_reads_back_as_it_was_made(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        made = make_account(tx, ids)
    with db.read() as tx:
        assert people.get_account(tx, made.id) == made
        assert people.find_account(tx, "ADA@Demo.Test") == made
        assert people.list_accounts(tx) == (made,)
        assert people.names_of(tx, {made.id}) == {made.id: "ada"}


@pytest.mark.parametrize("email", ["ADA@demo.test", " ada@demo.test ", "ａda@demo.test"])
def test_one_address_has_one_account_however_it_is_written(
    db: Database, ids: Ids, email: str
) -> None:
    with db.begin() as tx:
        make_account(tx, ids)
        with pytest.raises(people.EmailTaken):
            make_account(tx, ids, email)


def test_an_address_cannot_be_changed_to_one_in_use(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        make_account(tx, ids)
        other = make_account(tx, ids, "bob@demo.test")
        with pytest.raises(people.EmailTaken):
            people.save_account(tx, replace(other, email="Ada@demo.test"))


def test_only_patients_belong_to_a_chart(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        chart = open_chart(tx, ids)
        with pytest.raises(BadField):
            make_account(tx, ids, role=Role.PATIENT)
        with pytest.raises(BadField):
            make_account(tx, ids, role=Role.STAFF, patient_key=chart.key)
        assert make_account(tx, ids, role=Role.PATIENT, patient_key=chart.key).patient_key


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"role": Role.DENTIST}])
def test_the_last_administrator_stays(db: Database, ids: Ids, change: dict[str, object]) -> None:
    with db.begin() as tx:
        admin = make_account(tx, ids, role=Role.ADMIN)
        disabled = make_account(tx, ids, "off@demo.test", role=Role.ADMIN)
        people.save_account(tx, replace(disabled, is_enabled=False))
    with pytest.raises(people.LastAdmin), db.begin() as tx:
        people.save_account(tx, replace(admin, **change))  # type: ignore[arg-type]
    with db.read() as tx:
        assert people.get_account(tx, admin.id) == admin


def test_one_of_two_administrators_may_go(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        admin = make_account(tx, ids, role=Role.ADMIN)
        make_account(tx, ids, "eve@demo.test", role=Role.ADMIN)
        assert not people.save_account(tx, replace(admin, is_enabled=False)).is_enabled


def test_a_password_hash_is_in_no_representation(db: Database, ids: Ids) -> None:
    with db.begin() as tx:
        make_account(tx, ids, password_hash="$argon2id$secret")
        found = people.credentials(tx, "ada@demo.test")
    assert found.password_hash == "$argon2id$secret"
    assert "secret" not in repr(found)


# ── passwords ─────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(memory_kib=64, passes=1)


def test_a_password_fits_its_own_hash_only(passwords: Passwords) -> None:
    stored = passwords.hash("correct horse 17")
    assert passwords.fits(stored, "correct horse 17")
    assert not passwords.fits(stored, "correct horse 18")
    assert not passwords.fits(None, "the password of nobody")
    assert not passwords.fits("no hash at all", "correct horse 17")


def test_the_shipped_parameters_are_those_decided() -> None:
    assert Passwords().hash("x" * 12).startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_a_hash_of_weaker_parameters_is_outdated(passwords: Passwords) -> None:
    assert Passwords().is_outdated(passwords.hash("x" * 12))
    assert not passwords.is_outdated(passwords.hash("x" * 12))


def test_letters_composed_differently_are_the_same_password(passwords: Passwords) -> None:
    assert passwords.fits(passwords.hash("caf\u00e9 zw\u00f6lf"), "cafe\u0301 zwo\u0308lf")


def test_a_third_sign_in_waits_for_its_turn_and_is_told_so() -> None:
    crowded = Passwords(memory_kib=64, passes=1, wait_s=0.05)
    entered, leave = threading.Barrier(3), threading.Event()

    def occupy() -> None:
        with crowded._turn():
            entered.wait()
            leave.wait()

    others = [threading.Thread(target=occupy) for _ in range(2)]
    for other in others:
        other.start()
    entered.wait()
    try:
        with pytest.raises(people.PasswordsBusy):
            crowded.fits(None, "x")
    finally:
        leave.set()
        for other in others:
            other.join()
    assert not crowded.fits(None, "x")


@pytest.mark.parametrize("password", ["demo-practice", "Tr0ub4dor&3xyz", "zwölf Zähne!", "x9-" * 5])
def test_a_good_password_is_taken(password: str) -> None:
    if len(set(password)) >= 5:
        rules.check_password(password, email="admin@demo.test")
    else:
        with pytest.raises(WeakPassword):
            rules.check_password(password)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "elevenchars",
        "aaaaaaaaaaaaa",
        "1234567890123",
        "abcdefghijklm",
        "password12345",
        "Administrator1",
        "PASSWORDpassword!",
        "marlowe@demo.test",
        "marlowe-123456",
        "ababababababab",
        " " * 12,
        "x" * 100 + "abcdefg" * 30,
        "\ud800bcdefghijkl",
    ],
)
def test_a_password_anybody_would_guess_is_refused_without_repeating_it(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        rules.check_password(password, email="marlowe@demo.test")
    if len(password) > 3 and password.strip():
        assert password not in str(refused.value)


# ── sessions ──────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def ada(db: Database, ids: Ids) -> Account:
    with db.begin() as tx:
        return make_account(tx, ids)


def open_one(db: Database, account: Account, ids: Ids) -> tuple[people.Session, str]:
    with db.begin() as tx:
        return people.open_session(
            tx, account, ids=ids, now=NOW, address="127.0.0.1", agent="Browser/1\x00"
        )


def stands_for(db: Database, secret: str, at: object = NOW) -> Account | None:
    with db.read() as tx:
        who = people.session_of(tx, secret, at=at)  # type: ignore[arg-type]
    return None if who is None else who.account


def test_a_sessions_secret_stands_for_its_account(db: Database, ada: Account, ids: Ids) -> None:
    session, secret = open_one(db, ada, ids)
    with db.read() as tx:
        who = people.session_of(tx, secret, at=NOW)
    assert who == people.SignedIn(account=ada, session=session)
    assert people.actor_of(who, address="::1").via == "session"


@pytest.mark.parametrize("secret", ["", "x", "\ud800", "' OR 1=1 --"])
def test_any_other_secret_stands_for_nobody(
    db: Database, ada: Account, ids: Ids, secret: str
) -> None:
    open_one(db, ada, ids)
    assert stands_for(db, secret) is None


def test_no_secret_is_stored(db: Database, ada: Account, ids: Ids) -> None:
    _, secret = open_one(db, ada, ids)
    with db.begin() as tx:
        _, token = people.create_token(tx, ada, name="t", ttl=MINUTE, ids=ids, now=NOW)
    with db.read() as tx:
        for table in ("sessions", "tokens"):
            row = tx.execute(text(f"SELECT * FROM {table}")).one()
            for value in row:
                kept = (
                    bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                )
                assert secret.encode() not in kept
                assert token.encode() not in kept


@pytest.mark.parametrize(
    ("role", "idle"),
    [(Role.PATIENT, 30), (Role.STAFF, 15), (Role.DENTIST, 15), (Role.ADMIN, 15)],
)
def test_an_idle_session_ends_by_role(db: Database, ids: Ids, role: Role, idle: int) -> None:
    with db.begin() as tx:
        chart = open_chart(tx, ids) if role is Role.PATIENT else None
        account = make_account(tx, ids, role=role, patient_key=chart.key if chart else None)
    _, secret = open_one(db, account, ids)
    last = NOW + idle * MINUTE - timedelta(microseconds=1)
    assert stands_for(db, secret, last) == account
    assert stands_for(db, secret, NOW + idle * MINUTE) is None


def test_a_session_in_use_lives_on_but_not_for_ever(db: Database, ada: Account, ids: Ids) -> None:
    session, secret = open_one(db, ada, ids)
    clock = SetClock(NOW)
    while clock.now() < NOW + timedelta(hours=12):
        assert stands_for(db, secret, clock.now()) == ada
        with db.begin() as tx:
            people.touch(tx, session, at=clock.now())
        clock.advance(600)
    assert stands_for(db, secret, clock.now()) is None


def test_a_use_within_the_minute_is_not_worth_a_write() -> None:
    assert not people.needs_touch(NOW, NOW + timedelta(seconds=59))
    assert people.needs_touch(NOW, NOW + MINUTE)


def test_a_late_touch_never_turns_the_clock_back(db: Database, ada: Account, ids: Ids) -> None:
    session, secret = open_one(db, ada, ids)
    with db.begin() as tx:
        people.touch(tx, session, at=NOW + 10 * MINUTE)
        people.touch(tx, session, at=NOW + 5 * MINUTE)
    assert stands_for(db, secret, NOW + 24 * MINUTE) == ada


def test_a_rotated_secret_replaces_the_old_one(db: Database, ada: Account, ids: Ids) -> None:
    session, old = open_one(db, ada, ids)
    with db.begin() as tx:
        new = people.rotate(tx, session.id)
    assert stands_for(db, old) is None
    assert stands_for(db, new) == ada


def test_sessions_are_listed_and_ended_one_by_one(db: Database, ada: Account, ids: Ids) -> None:
    one, first = open_one(db, ada, ids)
    two, second = open_one(db, ada, ids)
    with db.begin() as tx:
        assert people.list_sessions(tx, ada.id, at=NOW) == (two, one)
        people.end_session(tx, one.id, of=ada.id)
    assert stands_for(db, first) is None
    assert stands_for(db, second) == ada


def test_somebody_elses_session_cannot_be_ended(db: Database, ada: Account, ids: Ids) -> None:
    session, secret = open_one(db, ada, ids)
    with db.begin() as tx:
        bob = make_account(tx, ids, "bob@demo.test")
    with pytest.raises(Missing), db.begin() as tx:
        people.end_session(tx, session.id, of=bob.id)
    assert stands_for(db, secret) == ada


def test_a_disabled_account_is_out_at_once(db: Database, ada: Account, ids: Ids) -> None:
    _, secret = open_one(db, ada, ids)
    with db.begin() as tx:
        _, token = people.create_token(tx, ada, name="t", ttl=MINUTE, ids=ids, now=NOW)
        people.save_account(tx, replace(ada, is_enabled=False))
    with db.read() as tx:
        assert people.session_of(tx, secret, at=NOW) is None
        assert people.bearer_of(tx, token, at=NOW) is None


def test_a_change_of_role_ends_what_was_open(db: Database, ada: Account, ids: Ids) -> None:
    _, secret = open_one(db, ada, ids)
    with db.begin() as tx:
        renamed = people.save_account(tx, replace(ada, display_name="Ada L."))
    assert stands_for(db, secret) == renamed
    with db.begin() as tx:
        people.save_account(tx, replace(renamed, role=Role.DENTIST))
    assert stands_for(db, secret) is None


def test_a_new_password_ends_every_other_session(db: Database, ada: Account, ids: Ids) -> None:
    mine, secret = open_one(db, ada, ids)
    _, other = open_one(db, ada, ids)
    with db.begin() as tx:
        people.set_password(tx, ada.id, "new hash", keep=mine.id)
        assert people.credentials(tx, ada.email).password_hash == "new hash"
    assert stands_for(db, secret) is not None
    assert stands_for(db, other) is None


def test_a_csrf_token_belongs_to_one_session(db: Database, ada: Account, ids: Ids) -> None:
    _, first = open_one(db, ada, ids)
    _, second = open_one(db, ada, ids)
    assert people.is_csrf(first, people.csrf_of(first))
    assert not people.is_csrf(second, people.csrf_of(first))
    assert not people.is_csrf(first, "ü")
    assert people.csrf_of(first) not in first


# ── tokens ────────────────────────────────────────────────────────────────────────────────
def test_a_bearer_token_works_until_it_expires(db: Database, ada: Account, ids: Ids) -> None:
    with db.begin() as tx:
        token, secret = people.create_token(tx, ada, name="import", ttl=MINUTE, ids=ids, now=NOW)
        assert people.list_tokens(tx, ada.id, at=NOW) == (token,)
        assert people.list_tokens(tx, ada.id, at=NOW + MINUTE) == ()
        who = people.bearer_of(tx, secret, at=NOW)
        assert who == people.SignedIn(account=ada, token=token)
        assert people.actor_of(who).via == "token"
        assert people.bearer_of(tx, secret, at=NOW + MINUTE) is None
        assert people.session_of(tx, secret, at=NOW) is None
    assert secret.startswith(secrets.TOKEN_PREFIX)


def test_a_revoked_token_is_worth_nothing(db: Database, ada: Account, ids: Ids) -> None:
    with db.begin() as tx:
        token, secret = people.create_token(tx, ada, name="", ttl=MINUTE, ids=ids, now=NOW)
        people.revoke_token(tx, token.id, of=ada.id)
        assert people.bearer_of(tx, secret, at=NOW) is None
        with pytest.raises(Missing):
            people.revoke_token(tx, token.id, of=ada.id)


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(seconds=-1), timedelta(days=367)])
def test_a_token_without_a_sensible_end_is_refused(
    db: Database, ada: Account, ids: Ids, ttl: timedelta
) -> None:
    with pytest.raises(BadField), db.begin() as tx:
        people.create_token(tx, ada, name="", ttl=ttl, ids=ids, now=NOW)


def test_what_has_expired_is_swept(db: Database, ada: Account, ids: Ids) -> None:
    open_one(db, ada, ids)
    with db.begin() as tx:
        people.create_token(tx, ada, name="", ttl=MINUTE, ids=ids, now=NOW)
        assert people.sweep_expired(tx, at=NOW + MINUTE) == 1
        assert people.sweep_expired(tx, at=NOW + timedelta(hours=12)) == 1
