"""Guessing passwords: five for an account, twenty from a network, in fifteen minutes."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.places import Place
from tests.unit.people.practice import NOW

from medstack import people
from medstack.db import Database
from medstack.kit.clock import SystemClock
from medstack.kit.ids import Ids, TimeOrderedIds
from medstack.people import rules
from medstack.people.rules import Window

WINDOW = timedelta(minutes=15)


def fail(
    db: Database, ids: Ids, email: str = "a@demo.test", address: str = "", at: datetime = NOW
) -> people.Attempt:
    with db.begin() as tx:
        return people.begin_attempt(tx, email=email, address=address, ids=ids, now=at)


def test_the_sixth_guess_at_an_account_waits(db: Database, ids: Ids) -> None:
    for second in range(5):
        fail(db, ids, at=NOW + timedelta(seconds=second))
    with pytest.raises(people.TooManyAttempts) as refused:
        fail(db, ids, at=NOW + timedelta(seconds=60))
    assert refused.value.retry_after_s == 15 * 60 - 60
    fail(db, ids, at=NOW + WINDOW)


def test_an_account_that_does_not_exist_is_counted_like_one_that_does(
    db: Database, ids: Ids
) -> None:
    for _ in range(5):
        fail(db, ids, "nobody@demo.test")
    with pytest.raises(people.TooManyAttempts):
        fail(db, ids, "NOBODY@demo.test")


def test_one_accounts_failures_are_not_anothers(db: Database, ids: Ids) -> None:
    for _ in range(5):
        fail(db, ids)
    fail(db, ids, "b@demo.test")


def test_the_twenty_first_guess_from_a_network_waits(db: Database, ids: Ids) -> None:
    for number in range(20):
        fail(db, ids, f"{number}@demo.test", "192.0.2.1")
    with pytest.raises(people.TooManyAttempts):
        fail(db, ids, "other@demo.test", "192.0.2.1")
    fail(db, ids, "other@demo.test", "192.0.2.2")


def test_a_network_is_a_whole_ipv6_prefix(db: Database, ids: Ids) -> None:
    for number in range(20):
        fail(db, ids, f"{number}@demo.test", f"2001:db8::{number:x}")
    with pytest.raises(people.TooManyAttempts):
        fail(db, ids, "other@demo.test", "2001:db8::ffff:1")
    fail(db, ids, "other@demo.test", "2001:db8:0:1::1")


def test_a_refused_attempt_does_not_lengthen_the_wait(db: Database, ids: Ids) -> None:
    for _ in range(5):
        fail(db, ids)
    for minute in range(14):
        with pytest.raises(people.TooManyAttempts):
            fail(db, ids, at=NOW + timedelta(minutes=minute))
    fail(db, ids, at=NOW + WINDOW)


def test_a_success_forgets_the_accounts_failures_but_not_the_networks(
    db: Database, ids: Ids
) -> None:
    for _ in range(4):
        fail(db, ids, address="192.0.2.1")
    attempt = fail(db, ids, address="192.0.2.1")
    with db.begin() as tx:
        people.forgive(tx, attempt)
    for _ in range(5):
        fail(db, ids)
    for number in range(16):
        fail(db, ids, f"{number}@demo.test", "192.0.2.1")
    with pytest.raises(people.TooManyAttempts):
        fail(db, ids, "last@demo.test", "192.0.2.1")


def test_guesses_at_once_from_several_processes_all_count(
    db_place: Place,
) -> None:
    results: list[str] = []

    def guess() -> None:
        mine = db_place.open()  # as another process has it: nothing shared but the database
        ids = TimeOrderedIds(SystemClock())
        for _ in range(5):
            try:
                fail(mine, ids, "a@demo.test", "192.0.2.1")
                results.append("let in")
            except people.TooManyAttempts:
                results.append("refused")
        mine.close()

    threads = [threading.Thread(target=guess) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["let in"] * 5 + ["refused"] * 10


def test_neither_address_nor_network_is_stored(db: Database, ids: Ids) -> None:
    fail(db, ids, "canary@demo.test", "192.0.2.77")
    with db.read() as tx:
        kept = str(tx.execute(text("SELECT * FROM sign_in_attempts")).all())
    assert "canary" not in kept
    assert "192.0.2.77" not in kept


def test_old_attempts_are_swept(db: Database, ids: Ids) -> None:
    fail(db, ids)
    fail(db, ids, address="192.0.2.1", at=NOW + timedelta(minutes=5))
    with db.begin() as tx:
        assert people.sweep_attempts(tx, now=NOW + WINDOW) == 1


@given(st.lists(st.integers(0, 2000), max_size=30), st.integers(0, 2000), st.integers(1, 6))
def test_a_window_never_lets_more_through_than_it_says(
    seconds: list[int], at: int, most: int
) -> None:
    window = Window(most=most, length=timedelta(seconds=900))
    let_in: list[datetime] = []
    for second in sorted([*seconds, at]):
        when = NOW + timedelta(seconds=second)
        if window.wait(let_in, when) is None:
            let_in.append(when)
    for start in let_in:
        inside = [when for when in let_in if start <= when < start + window.length]
        assert len(inside) <= most


@given(st.lists(st.integers(0, 2000), max_size=30), st.integers(2000, 3000))
def test_waiting_as_long_as_told_is_enough_and_no_second_too_long(
    seconds: list[int], at: int
) -> None:
    window = Window(most=5, length=timedelta(seconds=900))
    earlier = sorted(NOW + timedelta(seconds=second) for second in seconds)
    now = NOW + timedelta(seconds=at)
    wait = window.wait(earlier, now)
    if wait is not None:
        assert window.wait(earlier, now + wait) is None
        assert window.wait(earlier, now + wait - timedelta(seconds=1)) is not None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
    ],
)
def test_an_address_is_counted_with_its_network(address: str, network: str) -> None:
    assert rules.network_of(address) == network
