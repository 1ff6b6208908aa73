"""Fills an empty vault with the demonstration practice, through the same flows as real work.

Can be stopped anywhere: what is there already is not sent again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from medstack import people, records
from medstack.demo.files import DemoFile, Practice, practice
from medstack.flows import enroll, receive, schedule
from medstack.flows.house import House
from medstack.kit.actor import SYSTEM, Actor, Role
from medstack.kit.ids import AppointmentId, BatchId, PatientKey, RecordId, id_out
from medstack.people import AlreadyAssigned, ChartNumberTaken, EmailTaken, SignedIn
from medstack.records import AccessLevel, Filters, Status
from medstack.settings import Settings
from medstack.wiring import opened

PASSWORD: Final = "demo-practice"  # noqa: S105 - public on purpose; demo mode is loopback only
ACCOUNTS: Final = (
    ("admin@demo.test", "administrator"),
    ("dentist@demo.test", "dentist: every chart"),
    ("staff@demo.test", "staff: the charts in their care"),
    ("patient@demo.test", "patient: their own chart"),
)
SEED = 1
_SETTLED = frozenset({Status.AVAILABLE, Status.HELD, Status.QUARANTINED, Status.REJECTED})
_LOOK_EVERY_S = 0.3


def prepare(settings: Settings) -> None:
    """Charts, accounts and the diary: what must be there before the door opens."""
    with opened(settings, is_demo=True) as house:
        _open_practice(house, _made())


def fill(settings: Settings) -> None:
    """Send the files that are missing and wait until each has had its answer."""
    made = _made()
    with opened(settings, is_demo=True) as house:
        missing = _missing(house, made)
        if missing:
            _send(house, made, missing)


def _made() -> Practice:
    return practice(SEED, today=datetime.now(UTC).date())


def _open_practice(house: House, made: Practice) -> None:
    """Charts, accounts, providers, who cares for whom, and the diary."""
    for patient in made.patients:
        with suppress(ChartNumberTaken):
            enroll.add_patient(house, SYSTEM, patient.demographics, chart_number=patient.patient_id)
    for account in made.accounts:
        own = None if account.patient is None else made.patients[account.patient].patient_id
        with suppress(EmailTaken):
            enroll.add_account(
                house,
                SYSTEM,
                email=account.email,
                role=account.role,
                password=PASSWORD,
                display_name=account.display_name,
                patient_id=own,
            )
    staff = {account.email for account in made.accounts if account.role is Role.STAFF}
    for email, patient_at in made.assignments:
        if email in staff:  # a dentist sees every chart without
            with suppress(AlreadyAssigned):
                patient_id = made.patients[patient_at].patient_id
                enroll.assign(house, SYSTEM, user_email=email, patient_id=patient_id)
    _keep_diary(house, made)


def _keep_diary(house: House, made: Practice) -> None:
    known = {provider.name: provider for provider in schedule.list_providers(house, SYSTEM)}
    providers = [
        known.get(p.name)
        or schedule.add_provider(
            house, SYSTEM, name=p.name, discipline=p.discipline, user_email=p.account
        )
        for p in made.providers
    ]
    for visit, booked in zip(made.appointments, _visits(house, made), strict=True):
        if booked is None:
            schedule.book(
                house,
                SYSTEM,
                patient_id=made.patients[visit.patient].patient_id,
                provider_id=providers[visit.provider].id,
                starts_at=visit.starts_at,
                ends_at=visit.ends_at,
                kind=visit.kind,
                status=visit.status,
            )


def _missing(house: House, made: Practice) -> list[DemoFile]:
    """The files that are not in the vault yet, by chart and name."""
    known: set[tuple[int, str]] = set()
    for place, patient in enumerate(made.patients):
        key = _chart(house, patient.patient_id)
        known |= {(place, name) for name in _names(house, key)}
    return [file for file in made.files if (file.patient, file.name) not in known]


def _chart(house: House, patient_id: str) -> PatientKey:
    with house.db.read() as tx:
        everybody = records.WHOLE_ARCHIVE
        return people.find_patient(tx, everybody, patient_id).key


def _names(house: House, patient_key: PatientKey) -> Iterator[str]:
    cursor = None
    while True:
        with house.db.read() as tx:
            wanted = Filters(patient_key=patient_key)
            page = records.page(tx, records.WHOLE_ARCHIVE, wanted, cursor=cursor, limit=200)
        yield from (record.original_name for record in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _send(house: House, made: Practice, files: list[DemoFile]) -> None:
    """Send the files as the dentist would, and show what becomes of them."""
    actors = _actors(house, made)
    visits = _visits(house, made)
    batches: dict[tuple[int, int | None, Role], BatchId] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console) as progress:
        sent = progress.add_task("sending the practice's files", total=len(files))
        safe = progress.add_task("made safe", total=len(files))
        waiting: dict[RecordId, DemoFile] = {}
        outcomes: Counter[str] = Counter()
        for file in files:
            # what only administrators may read, only they can file
            role = Role.ADMIN if file.access_level is AccessLevel.ADMIN else Role.DENTIST
            actor = actors[role]
            visit = file.patient, file.appointment, role
            if visit not in batches:
                batches[visit] = receive.open_batch(house, actor, title="", context="").id
            words = _words(made, file, visits) | {"batchId": id_out(batches[visit])}
            upload = receive.receive_whole(house, actor, words, iter([file.make()]))
            assert upload.record_id is not None
            waiting[upload.record_id] = file
            progress.advance(sent)
            _settle(house, waiting, outcomes)
            progress.update(safe, completed=sum(outcomes.values()))
        while waiting:
            time.sleep(_LOOK_EVERY_S)
            _settle(house, waiting, outcomes)
            progress.update(safe, completed=sum(outcomes.values()))
    told = ", ".join(f"{count} {status}" for status, count in sorted(outcomes.items()))
    console.print(f"The demonstration practice is in: {told}.")


def _settle(house: House, waiting: dict[RecordId, DemoFile], outcomes: Counter[str]) -> None:
    some = tuple(waiting)[:200]
    with house.db.read() as tx:
        found = records.get_many(tx, records.WHOLE_ARCHIVE, some)
    for record in found:
        if record.status in _SETTLED:
            del waiting[record.id]
            outcomes[record.status.value] += 1


def _actors(house: House, made: Practice) -> dict[Role, Actor]:
    """Who is signed in for each role."""
    with house.db.read() as tx:
        return {
            account.role: people.actor_of(SignedIn(account=people.find_account(tx, account.email)))
            for account in made.accounts
        }


def _visits(house: House, made: Practice) -> list[AppointmentId | None]:
    """The ids of the visits, in the practice's own order."""
    found = {(v.patient_key, v.starts_at): v.id for v in _all_visits(house)}
    keys = [_chart(house, patient.patient_id) for patient in made.patients]
    return [found.get((keys[v.patient], v.starts_at)) for v in made.appointments]


def _all_visits(house: House) -> Iterator[people.Appointment]:
    after = None
    while True:
        page = schedule.list_appointments(house, SYSTEM, after=after, limit=200)
        yield from (view.appointment for view in page.items)
        after = page.next_after
        if after is None:
            return


def _words(made: Practice, file: DemoFile, visits: list[AppointmentId | None]) -> dict[str, str]:
    visit = None if file.appointment is None else visits[file.appointment]
    words = {
        "filename": file.name,
        "patientId": made.patients[file.patient].patient_id,
        "category": file.category.value,
        "subcategory": file.subcategory,
        "description": file.description,
        "tags": ",".join(file.tags),
        "accessLevel": file.access_level.value,
        "captureDate": file.captured_at.isoformat(),
    }
    return words | ({} if visit is None else {"appointmentId": id_out(visit)})
