from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medstack.db import Database
from medstack.kit.ids import PatientKey
from medstack.records import quota
from medstack.records.quota import QuotaExceeded, Usage

ANNA = PatientKey(1)


def test_fifty_parallel_reservations_never_overshoot(db: Database) -> None:
    def try_one(number: int) -> bool:
        try:
            with db.begin() as tx:
                quota.reserve(tx, ANNA, number, 10, limit=205)
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        taken = sum(pool.map(try_one, range(1, 51)))
    with db.read() as tx:
        assert taken == 20
        assert quota.usage(tx, ANNA) == Usage(used=0, reserved=200)


def test_the_limit_is_exact_to_the_byte(db: Database) -> None:
    with db.begin() as tx:
        quota.reserve(tx, ANNA, 1, 99, limit=100)
        with pytest.raises(QuotaExceeded) as refusal:
            quota.reserve(tx, ANNA, 2, 2, limit=100)
        quota.reserve(tx, ANNA, 3, 1, limit=100)
    assert refusal.value.facts == {"rule": "limits.patient-quota", "limit": 100, "left": 1}


def test_a_refused_reservation_promises_nothing(db: Database) -> None:
    with pytest.raises(QuotaExceeded), db.begin() as tx:
        quota.reserve(tx, ANNA, 1, 101, limit=100)
    with db.read() as tx:
        assert quota.usage(tx, ANNA) == Usage(used=0, reserved=0)


def test_a_reservation_follows_the_true_length(db: Database) -> None:
    with db.begin() as tx:
        quota.reserve(tx, ANNA, 1, 50, limit=100)
        quota.resize(tx, 1, 80, limit=100)
        assert quota.usage(tx, ANNA).reserved == 80
        quota.resize(tx, 1, 20, limit=100)
        assert quota.usage(tx, ANNA).reserved == 20
        with pytest.raises(QuotaExceeded):
            quota.resize(tx, 1, 101, limit=100)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "commit", "release", "resize"]),
        st.integers(1, 6),
        st.integers(0, 60),
    ),
    max_size=30,
)


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(steps=STEPS)
def test_whatever_happens_twice_is_counted_once_and_never_below_zero(
    db: Database, steps: list[tuple[str, int, int]]
) -> None:
    held: dict[int, tuple[str, int]] = {}
    patient = PatientKey(abs(hash(str(steps))) % 2**40 + 2)
    base = patient * 10
    with db.begin() as tx:
        for step, number, size in steps:
            state, kept = held.get(number, ("", 0))
            total = sum(s for st_, s in held.values() if st_ in ("reserved", "used"))
            if step == "reserve" and not state:
                if total + size <= 100:
                    quota.reserve(tx, patient, base + number, size, limit=100)
                    held[number] = ("reserved", size)
                else:
                    with pytest.raises(QuotaExceeded):
                        quota.reserve(tx, patient, base + number, size, limit=100)
            elif step == "resize" and total - kept + size <= 100:
                quota.resize(tx, base + number, size, limit=100)
                held |= {number: ("reserved", size)} if state == "reserved" else {}
            elif step == "commit":
                quota.commit(tx, base + number)
                held |= {number: ("used", kept)} if state == "reserved" else {}
            elif step == "release":
                quota.release(tx, base + number)
                held |= {number: ("gone", 0)} if state else {}
            now = quota.usage(tx, patient)
            assert now.used == sum(s for st_, s in held.values() if st_ == "used")
            assert now.reserved == sum(s for st_, s in held.values() if st_ == "reserved")
        for number in held:
            quota.release(tx, base + number)
        tx.execute(quota.reservations.delete().where(quota.reservations.c.patient_key == patient))
