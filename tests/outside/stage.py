"""A whole practice in this process: real flows, real encrypted SQLite, the real application.

For tests that knock hundreds of times, where a process of its own would only cost time. Every
caller comes with a fresh bearer token, so one knock cannot spoil the next.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from litestar.types import ASGIApp
from tests.places import DATABASE_KEY, Place
from tests.unit.web.browser import PASSWORD, Browser

from medstack.flows import ingest, signin
from medstack.flows.house import Bench, House
from medstack.jobs.memory import MemoryJobs
from medstack.kit.actor import SYSTEM, Actor, Role
from medstack.kit.clock import SetClock
from medstack.kit.ids import TimeOrderedIds
from medstack.kit.sandbox import InProcess, Sandbox
from medstack.people import Demographics, Passwords, create_account, create_patient
from medstack.scanners import scanners_for
from medstack.vault import Keyring, Vault
from medstack.vault.keys.memory import MemoryRoot
from medstack.vault.stores.contract import Store
from medstack.vault.stores.memory import MemoryStore
from medstack.web.app import build
from medstack.web.events import Notice, Pace

NOTE = b"Synthetic note: upper left molar, no findings.\n"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
TUS = {"Tus-Resumable": "1.0.0"}
Words = dict[str, Any]  # what httpx takes beside method and address; JSON bodies are of any shape


class Quiet:
    """A feed in which nothing happens."""

    def newest(self, actor: Actor) -> int:
        return 0

    def after(self, actor: Actor, last_seen: int, limit: int) -> Sequence[Notice]:
        return ()


@dataclass
class Stage:
    """One practice and those who knock at its door."""

    house: House
    app: ASGIApp
    worker: MemoryJobs
    runner: asyncio.Runner
    clock: SetClock
    _opened: list[Browser] = field(default_factory=list)

    def caller(self, who: str | Role) -> Browser:
        """The account of this email (or the first of this role), with a token of its own."""
        email = who if "@" in who else email_of(who)
        _, secret = signin.create_token(
            self.house, SYSTEM, email, name="stage", ttl=timedelta(days=365)
        )
        browser = self.stranger()
        browser.bearer = secret
        return browser

    def stranger(self) -> Browser:
        browser = Browser(self.app, self.runner, base_url=self.house.public_url)
        self._opened.append(browser)
        return browser

    def close(self) -> None:
        for browser in self._opened:
            browser.close()

    def account(self, email: str, role: Role, chart: str | None = None) -> str:
        """Make an account; returns its email."""
        admin = self.caller(Role.ADMIN)
        body = {"email": email, "role": role.value, "password": PASSWORD, "patientId": chart}
        made(admin.post("/api/users", json=body))
        return email

    def patient(self, **more: Any) -> str:
        body = {"familyName": "Sample", "givenName": "Ada", "birthDate": "1984-03-02"} | more
        return str(made(self.caller(Role.ADMIN).post("/api/patients", json=body))["id"])

    def send(self, data: bytes, name: str, *, by: str | Role = Role.ADMIN, **words: str) -> Any:
        """Send a file as a form and let the worker tell its story; returns the record."""
        caller = self.caller(by)
        record = made(caller.post("/api/medical-records", **form(data, name, **words)))
        self.worker.drain()
        return caller.get(f"/api/medical-records/{record['id']}").json()


def email_of(role: str) -> str:
    return f"{role}@practice.test"


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (200, 201), answer.text
    body: dict[str, Any] = answer.json()
    return body


def form(data: bytes, name: str, **words: str) -> Words:
    """What httpx needs to send a file with what is known of it."""
    return {"data": words, "files": {"file": (name, data)}}


def metadata(**words: str) -> str:
    """An Upload-Metadata header."""
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())


@contextmanager
def staged(
    template: Path,
    folder: Path,
    *,
    store: Store | None = None,
    sandbox: Sandbox | None = None,
    clamd: str = "",
    **changes: Any,
) -> Iterator[Stage]:
    """A practice with one account of every role and nobody in care.

    template: an encrypted SQLite database with every table.
    """
    shutil.copyfile(template, folder / "stage.db")
    db = Place(url=f"sqlite:///{folder / 'stage.db'}", key=DATABASE_KEY).open()
    clock = SetClock(datetime(2026, 3, 1, 9, tzinfo=UTC))
    ids = TimeOrderedIds(clock)
    keyring = Keyring(MemoryRoot(), clock=clock, ids=ids)
    keyring.unlock(db)
    vault = Vault(store or MemoryStore(clock), keyring, clock=clock, ids=ids)
    cheap = Passwords(memory_kib=8, passes=1)
    house = House(
        db=db, vault=vault, keyring=keyring, clock=clock, ids=ids, passwords=cheap, **changes
    )
    walls = sandbox or InProcess()
    bench = Bench(
        sandbox=walls,
        scanners=scanners_for(clamd=clamd, clamd_timeout_s=60, sandbox=walls, clock=clock),
    )
    worker = MemoryJobs(db, clock=clock, ids=ids)
    told = partial(ingest.run, house, bench)
    worker.register(ingest.JOB, told, given_up=partial(ingest.given_up, house))
    _people(house)
    with asyncio.Runner() as runner:
        app = build(house, feed=Quiet(), pace=Pace(poll_s=0.01, beat_s=0.02))
        stage = Stage(house=house, app=app, worker=worker, runner=runner, clock=clock)
        yield stage
        stage.close()
    vault.close()
    db.close()


def _people(house: House) -> None:
    now = house.clock.now()
    with house.db.begin() as tx:
        known = Demographics(family_name="Quill")
        own = create_patient(tx, known, ids=house.ids, now=now)
        for role in Role:
            create_account(
                tx,
                email=email_of(role),
                role=role,
                password_hash=house.passwords.hash(PASSWORD),
                ids=house.ids,
                now=now,
                patient_key=own.key if role is Role.PATIENT else None,
            )
