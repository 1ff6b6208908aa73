"""A house on real encrypted SQLite with a vault in memory, and the whole application before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from litestar.types import ASGIApp
from tests.places import NewPlace
from tests.unit.web.browser import LOOPBACK, PASSWORD, Browser

from medstack import people, records
from medstack.db import Database
from medstack.flows.house import House
from medstack.flows.standing import scope_of
from medstack.kit.actor import SYSTEM, Actor, Role
from medstack.kit.clock import SetClock
from medstack.kit.ids import ContentId, PatientId, RecordId, TimeOrderedIds, id_out
from medstack.people import Demographics, Passwords
from medstack.records import Category, Record, Status
from medstack.vault import Keyring, Vault
from medstack.vault.keys.memory import MemoryRoot
from medstack.vault.stores.memory import MemoryStore
from medstack.web.app import build
from medstack.web.events import Notice, Pace

NewBrowser = Callable[..., Browser]
OWN, OTHER = PatientId("P000101"), PatientId("P000102")  # the patient's own chart; somebody else's


class Silence:
    """A feed in which nothing ever happens."""

    def newest(self, actor: Actor) -> int:
        return 0

    def after(self, actor: Actor, last_seen: int, limit: int) -> Sequence[Notice]:
        return ()


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    return Passwords(memory_kib=8, passes=1)


@pytest.fixture
def db(new_place: NewPlace) -> Iterator[Database]:
    database = new_place("sqlite").open()
    yield database
    database.close()


@pytest.fixture
def new_house(
    db: Database, clock: SetClock, ids: TimeOrderedIds, passwords: Passwords
) -> Callable[..., House]:
    keyring = Keyring(MemoryRoot(), clock=clock, ids=ids)
    keyring.unlock(db)
    vault = Vault(MemoryStore(clock), keyring, clock=clock, ids=ids)

    def make(**changes: Any) -> House:
        return House(
            db=db,
            vault=vault,
            keyring=keyring,
            clock=clock,
            ids=ids,
            passwords=passwords,
            **changes,
        )

    return make


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    return new_house()


@pytest.fixture
def new_browser(house: House, new_house: Callable[..., House]) -> Iterator[NewBrowser]:
    """Makes browsers, each with its own cookies, in front of the same house."""
    opened: list[Browser] = []
    apps: dict[str, ASGIApp] = {}
    with asyncio.Runner() as runner:

        def make(
            *, address: str = LOOPBACK, more_handlers: Sequence[Any] = (), **changes: Any
        ) -> Browser:
            shown = new_house(**changes) if changes else house
            like = f"{more_handlers}{changes}"
            app = (
                apps[like]
                if like in apps
                else build(
                    shown,
                    feed=Silence(),
                    pace=Pace(poll_s=0.01, beat_s=0.02),
                    more_handlers=more_handlers,
                )
            )
            apps[like] = app
            browser = Browser(app, runner, base_url=shown.public_url, address=address)
            opened.append(browser)
            return browser

        yield make
        for browser in opened:
            browser.close()


@pytest.fixture
def practice(house: House) -> House:
    """The house with two patients and one account of every role; staff care for nobody yet."""
    now = house.clock.now()
    with house.db.begin() as tx:
        own, _ = (
            people.create_patient(
                tx, Demographics(family_name=name), ids=house.ids, now=now, chart_number=chart
            )
            for name, chart in (("Quill", OWN), ("Brandt", OTHER))
        )
        for role in Role:
            people.create_account(
                tx,
                email=email_of(role),
                role=role,
                password_hash=house.passwords.hash(PASSWORD),
                ids=house.ids,
                now=now,
                patient_key=own.key if role is Role.PATIENT else None,
            )
    return house


@pytest.fixture
def signed_in(practice: House, new_browser: NewBrowser) -> Callable[[Role], Browser]:
    """A browser in which the account of a role has signed in."""

    def make(role: Role) -> Browser:
        browser = new_browser()
        answer = browser.sign_in(email_of(role), PASSWORD)
        assert answer.status_code == 200, answer.text
        return browser

    return make


def email_of(role: Role) -> str:
    return f"{role.value}@practice.test"


@pytest.fixture
def visitor(new_browser: NewBrowser) -> Browser:
    """Somebody who has not signed in."""
    return new_browser()


@pytest.fixture
def admin(signed_in: Callable[[Role], Browser]) -> Browser:
    return signed_in(Role.ADMIN)


@pytest.fixture
def dentist(signed_in: Callable[[Role], Browser]) -> Browser:
    return signed_in(Role.DENTIST)


@pytest.fixture
def staff(signed_in: Callable[[Role], Browser]) -> Browser:
    """A staff member who cares for no patient yet."""
    return signed_in(Role.STAFF)


@pytest.fixture
def patient(signed_in: Callable[[Role], Browser]) -> Browser:
    return signed_in(Role.PATIENT)


@pytest.fixture
def add_record(practice: House) -> Callable[..., str]:
    """Puts a record in as the pipeline leaves it, with `versions` contents; returns its wire id."""

    def make(*, chart: str | None = OWN, versions: int = 1, **fields: Any) -> str:
        now, record_id = practice.clock.now(), RecordId(practice.ids.new())
        with practice.db.begin() as tx:
            everybody = scope_of(practice, SYSTEM)
            key = None if chart is None else people.find_patient(tx, everybody, chart).key
            uploader = people.find_account(tx, email_of(Role.DENTIST)).id
            known = {
                "original_name": "bitewing.dcm",
                "category": Category.DIAGNOSTIC_IMAGES,
                "status": Status.AVAILABLE,
                "uploaded_by": uploader,
            }
            records.add(
                tx, Record(id=record_id, patient_key=key, modified_at=now, **(known | fields))
            )
            for number in range(1, versions + 1):
                records.add_version(
                    tx,
                    record_id,
                    content_id=ContentId(practice.ids.new()),
                    sha256=bytes([number]) * 32,
                    size=1000 + number,
                    media_type="application/dicom",
                    kind="dicom",
                    extension="dcm",
                    uploaded_by=uploader,
                    now=now,
                )
            records.give_name(tx, record_id, now.date())
        return id_out(record_id)

    return make
