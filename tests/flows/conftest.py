"""A house on real databases and a real folder, with the worker's tools beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from medstack import people
from medstack.db import Database
from medstack.flows import ingest, receive
from medstack.flows.house import Bench, House
from medstack.intake import Upload
from medstack.jobs.memory import MemoryJobs
from medstack.kit.actor import Actor, Role
from medstack.kit.clock import SetClock
from medstack.kit.ids import AccountId, PatientKey, TimeOrderedIds
from medstack.kit.sandbox import InProcess
from medstack.people import Demographics, Passwords, Patient
from medstack.scanners import scanners_for
from medstack.vault import DiskStore, Keyring, Vault
from medstack.vault.keys.memory import MemoryRoot

Send = Callable[..., Upload]


@pytest.fixture
def house(db: Database, clock: SetClock, ids: TimeOrderedIds, tmp_path: Path) -> Iterator[House]:
    keyring = Keyring(MemoryRoot(), clock=clock, ids=ids)
    keyring.unlock(db)
    vault = Vault(DiskStore(tmp_path / "objects"), keyring, clock=clock, ids=ids)
    yield House(
        db=db,
        vault=vault,
        keyring=keyring,
        clock=clock,
        ids=ids,
        passwords=Passwords(memory_kib=8, passes=1),
    )
    vault.close()


@pytest.fixture
def bench(clock: SetClock) -> Bench:
    sandbox = InProcess()
    engines = scanners_for(clamd="", clamd_timeout_s=1, sandbox=sandbox, clock=clock)
    return Bench(sandbox=sandbox, scanners=engines)


@pytest.fixture
def worker(house: House, bench: Bench) -> MemoryJobs:
    """Runs what is queued when told to: `worker.drain()`."""
    jobs = MemoryJobs(house.db, clock=house.clock, ids=house.ids)
    jobs.register(
        ingest.JOB, partial(ingest.run, house, bench), given_up=partial(ingest.given_up, house)
    )
    return jobs


@pytest.fixture
def patient(house: House) -> Patient:
    return a_patient(house, "Quill", "Rosa")


def a_patient(house: House, family: str, given: str, born: date = date(1984, 3, 2)) -> Patient:
    about = Demographics(family_name=family, given_name=given, birth_date=born)
    with house.db.begin() as tx:
        return people.create_patient(tx, about, ids=house.ids, now=house.clock.now())


def an_account(house: House, role: Role, patient_key: PatientKey | None = None) -> Actor:
    with house.db.begin() as tx:
        account = people.create_account(
            tx,
            email=f"{role.value}{house.ids.new():x}@practice.test",
            role=role,
            password_hash="x",
            ids=house.ids,
            now=house.clock.now(),
            patient_key=patient_key,
        )
    return Actor(account_id=AccountId(account.id), role=role, patient_key=patient_key)


@pytest.fixture
def dentist(house: House) -> Actor:
    return an_account(house, Role.DENTIST)


@pytest.fixture
def send(house: House, dentist: Actor, patient: Patient) -> Send:
    """Sends bytes as the dentist, into the patient's chart unless told otherwise."""

    def make(data: bytes, name: str, **words: str) -> Upload:
        said = {"filename": name, "patientId": patient.id, "category": "administrative"} | words
        return receive.receive_whole(house, dentist, said, iter([data]))

    return make
