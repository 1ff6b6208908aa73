"""Every route × everybody it is not for: only refusals, and nothing to be learnt from them.

The rows are held against the application's own route table: a new route without a row fails.
Each row is asked for something that really exists and belongs to another patient, and for the
same thing under an id nobody ever gave: the two answers are one, byte for byte. That each row
reaches its thing is shown by an administrator, who is let through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from litestar.routes import HTTPRoute
from tests.outside.instance import Instance, new_patient
from tests.outside.stage import (
    EICAR,
    NOTE,
    TUS,
    Stage,
    Words,
    form,
    made,
    metadata,
    staged,
)
from tests.unit.web.browser import PASSWORD, Browser

from medstack.kit.actor import Role

Answer = Literal["missing", "denied", "nothing", "open", "own", "each-missing"]
NOBODYS_ID = "06fzzzzzzzzz0"
NOBODYS_CHART = "P998877"
NOBODYS_EMAIL = "nobody@elsewhere.test"


# ── what belongs to somebody else ─────────────────────────────────────────────────────────
class Theirs:
    """Makes things in the chart of a patient whom none of the callers may see."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.chart = stage.patient(familyName="Brandt")
        self.provider_id = self.provider()
        self._count = 0
        self._kept: dict[str, str] = {}

    @property
    def admin(self) -> Browser:
        return self.stage.caller(Role.ADMIN)

    def patient(self) -> str:
        return self.stage.patient(familyName="Brandt")

    def record(self) -> str:
        sent = self.stage.send(NOTE, "note.txt", patientId=self.chart, category="administrative")
        assert sent["status"] == "available", sent
        return str(sent["id"])

    def archived(self) -> str:
        record_id = self.record()
        made(self.admin.delete(f"/api/medical-records/{record_id}"))
        return record_id

    def stopped(self) -> str:
        sent = self.stage.send(EICAR, "x.txt", patientId=self.chart, category="administrative")
        assert sent["status"] == "quarantined", sent
        return str(sent["id"])

    def inbox(self) -> str:
        return str(self.stage.send(NOTE, "loose.txt", by=Role.DENTIST)["id"])

    def provider(self) -> str:
        return str(made(self.admin.post("/api/providers", json={"name": "Dr. Osei"}))["id"])

    def folder(self) -> str:
        self._count += 1
        body = {"patientId": self.chart, "name": f"Folder {self._count}"}
        return str(made(self.admin.post("/api/folders", json=body))["id"])

    def case(self) -> str:
        body = {"patientId": self.chart, "kind": "clinical", "title": "Implant"}
        return str(made(self.admin.post("/api/cases", json=body))["id"])

    def appointment(self) -> str:
        body = visit(self.chart, self.provider_id)
        return str(made(self.admin.post("/api/appointments", json=body))["id"])

    def assignment(self) -> str:
        self._count += 1
        email = self.stage.account(f"nurse{self._count}@practice.test", Role.STAFF)
        body = {"userEmail": email, "patientId": self.chart}
        return str(made(self.admin.post("/api/assignments", json=body))["id"])

    def link(self) -> str:
        path = f"/api/files/{self.record()}/links"
        return str(made(self.admin.post(path, json={}))["id"])

    def upload(self) -> str:
        answer = self.admin.post(
            "/api/uploads",
            headers=TUS | {"Upload-Length": "4", "Upload-Metadata": metadata(filename="a.txt")},
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].rpartition("/")[2]

    def part(self) -> str:
        answer = self.admin.post(
            "/api/uploads",
            headers=TUS
            | {"Upload-Length": "4", "Upload-Concat": "partial"}
            | {"Content-Type": "application/offset+octet-stream"},
            content=b"note",
        )
        assert answer.headers["upload-offset"] == "4", answer.text
        return answer.headers["location"].rpartition("/")[2]

    def batch(self) -> str:
        return str(made(self.admin.post("/api/batch/uploads", json={}))["id"])

    def job(self) -> str:
        self.record()
        return str(self.admin.get("/api/jobs").json()["items"][0]["id"])

    def session(self) -> str:
        browser = self.stage.stranger()
        browser.sign_in("admin@practice.test", PASSWORD)
        return str(browser.get("/api/sessions").json()["items"][0]["id"])

    def user(self) -> str:
        self._count += 1
        email = self.stage.account(f"colleague{self._count}@practice.test", Role.DENTIST)
        users = self.admin.get("/api/users", params={"limit": 200}).json()["items"]
        return next(str(user["id"]) for user in users if user["email"] == email)

    def email(self) -> str:
        self._count += 1
        return self.stage.account(f"someone{self._count}@practice.test", Role.STAFF)

    def nothing(self) -> str:
        return ""

    def kept(self, thing: str) -> str:
        """One of these that no test changes, made once."""
        if thing not in self._kept:
            self._kept[thing] = getattr(self, thing)()
        return self._kept[thing]


def visit(chart: str, provider: str) -> Words:
    return {
        "patientId": chart,
        "providerId": provider,
        "startsAt": "2026-03-02T09:00:00Z",
        "endsAt": "2026-03-02T10:00:00Z",
    }


# ── the rows ──────────────────────────────────────────────────────────────────────────────
Build = Callable[[str, Theirs], Words]


def nothing_more(target: str, theirs: Theirs) -> Words:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to ask a route for something that is somebody else's.

    missing: not even that it is there; denied: the same refusal whether it is there or not;
    nothing: an answer that shows nothing; each-missing: every item of a batch is; own: about the
    caller only; open: no secret for anybody (`own`, `open`: what a stranger gets, says `stranger`).
    """

    route: str
    thing: str = "nothing"  # how Theirs makes it
    words: Build = nothing_more
    query: str = ""  # behind the address; `*` stands for the thing
    patient: Answer = "missing"
    staff: Answer = "missing"
    stranger: Literal["turned away", "open", "missing"] = "turned away"
    nobodys: str = NOBODYS_ID
    word: str = ""  # what the address takes where it takes no id
    is_shown: bool = True  # an administrator is let through

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    def address(self, target: str) -> str:
        path = self.route.partition(" ")[2]
        head, brace, tail = path.partition("{")
        tail = tail.partition("}")[2]
        filled = head + (self.word or target) + tail if brace else head
        return filled.replace("{number}", "1") + self.query.replace("*", target)


def json(**body: Any) -> Build:
    """A JSON body; the value `*` stands for the thing."""

    def words(target: str, theirs: Theirs) -> Words:
        return {"json": {k: target if v == "*" else v for k, v in body.items()}}

    return words


def edit(**body: Any) -> Build:
    def words(target: str, theirs: Theirs) -> Words:
        return {"json": body, "headers": {"If-Match": "*"}}

    return words


def tus(**headers: str) -> Build:
    def words(target: str, theirs: Theirs) -> Words:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return {"headers": TUS | {k: v.replace("*", target) for k, v in named.items()}}

    return words


def begun(key: str, **more: str) -> Build:
    """A new tus upload whose metadata names the thing."""

    def words(target: str, theirs: Theirs) -> Words:
        told = metadata(filename="a.txt", **{key: target}, **more)
        return {"headers": TUS | {"Upload-Length": "4", "Upload-Metadata": told}}

    return words


def filled(key: str) -> Build:
    def words(target: str, theirs: Theirs) -> Words:
        return form(NOTE, "note.txt", category="administrative", **{key: target})

    return words


def sent_bytes(target: str, theirs: Theirs) -> Words:
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    return {"headers": TUS | kind, "content": b"note"}


def overridden(target: str, theirs: Theirs) -> Words:
    words = sent_bytes(target, theirs)
    return words | {"headers": words["headers"] | {"X-HTTP-Method-Override": "PATCH"}}


def whole_form(target: str, theirs: Theirs) -> Words:
    return form(NOTE, "note.txt")


def the_visit(target: str, theirs: Theirs) -> Words:
    return {"json": visit(target, theirs.provider_id)}


RECORD = "/api/medical-records/{record_id}"
OF_RECORD = [
    Row(route=f"GET {RECORD}", thing="record"),
    Row(route=f"GET {RECORD}", thing="inbox"),
    Row(route=f"GET {RECORD}", thing="stopped"),
    Row(route=f"PUT {RECORD}", thing="record", words=edit(description="x")),
    Row(route=f"DELETE {RECORD}", thing="record"),
    Row(route=f"POST {RECORD}/restore", thing="archived"),
    Row(route=f"GET {RECORD}/versions", thing="record"),
    Row(route=f"POST {RECORD}/versions", thing="record", words=whole_form),
    Row(
        route=f"POST {RECORD}/patient",
        thing="inbox",
        words=lambda _, theirs: {"json": {"patientId": theirs.chart}},
    ),
    Row(route=f"POST {RECORD}/versions/{{number}}/restore", thing="record"),
    Row(route=f"GET {RECORD}/history", thing="record"),
    Row(route=f"GET {RECORD}/access-log", thing="record"),
    Row(route=f"POST {RECORD}/release", thing="stopped", words=json(reason="Checked")),
    Row(route=f"POST {RECORD}/retry", thing="stopped", words=json(reason="Checked")),
    Row(route=f"POST {RECORD}/destroy", thing="stopped", words=json(reason="Checked")),
    Row(route="GET /api/files/{record_id}", thing="record"),
    Row(route="GET /api/files/{record_id}", thing="inbox"),
    Row(route="GET /api/files/{record_id}", thing="record", query="?version=1"),
    Row(
        route="GET /api/files/{record_id}",
        thing="record",
        query="?rendition=thumbnail",
        is_shown=False,
    ),  # a note has no picture
    Row(route="HEAD /api/files/{record_id}", thing="record"),
    Row(route="GET /api/files/{record_id}/links", thing="record"),
    Row(route="POST /api/files/{record_id}/links", thing="record", words=json()),
    Row(route="DELETE /api/links/{link_id}", thing="link"),
    Row(
        route="POST /api/batch/download",
        thing="record",
        words=lambda t, _: {"json": {"recordIds": [t]}},
    ),
    Row(
        route="POST /api/batch/archive",
        thing="record",
        patient="each-missing",
        staff="each-missing",
        words=lambda t, _: {"json": {"recordIds": [t]}},
    ),
    Row(
        route="POST /api/batch/categorise",
        thing="record",
        patient="each-missing",
        staff="each-missing",
        words=lambda t, _: {"json": {"recordIds": [t], "category": "administrative"}},
    ),
]
OF_CHART = [
    Row(route="GET /api/patients/{patient_id}", thing="patient", nobodys=NOBODYS_CHART),
    Row(
        route="PUT /api/patients/{patient_id}",
        thing="patient",
        nobodys=NOBODYS_CHART,
        words=edit(note="x"),
    ),
    Row(route="DELETE /api/patients/{patient_id}", thing="patient", nobodys=NOBODYS_CHART),
    Row(route="POST /api/patients/{patient_id}/restore", thing="patient", nobodys=NOBODYS_CHART),
    Row(route="GET /api/patients/{patient_id}/storage", thing="patient", nobodys=NOBODYS_CHART),
    Row(
        route="GET /api/medical-records",
        query="?patientId=*",
        thing="patient",
        nobodys=NOBODYS_CHART,
    ),
    Row(route="GET /api/folders", query="?patientId=*", thing="patient", nobodys=NOBODYS_CHART),
    Row(route="GET /api/cases", query="?patientId=*", thing="patient", nobodys=NOBODYS_CHART),
    Row(
        route="GET /api/appointments", query="?patientId=*", thing="patient", nobodys=NOBODYS_CHART
    ),
    Row(
        route="POST /api/folders",
        thing="patient",
        nobodys=NOBODYS_CHART,
        words=json(patientId="*", name="x"),
    ),
    Row(
        route="POST /api/cases",
        thing="patient",
        nobodys=NOBODYS_CHART,
        words=json(patientId="*", kind="clinical", title="x"),
    ),
    Row(route="POST /api/appointments", thing="patient", nobodys=NOBODYS_CHART, words=the_visit),
    Row(
        route="POST /api/medical-records",
        thing="patient",
        nobodys=NOBODYS_CHART,
        words=filled("patientId"),
    ),
    Row(route="POST /api/files", thing="patient", nobodys=NOBODYS_CHART, words=filled("patientId")),
    Row(
        route="POST /api/uploads", thing="patient", nobodys=NOBODYS_CHART, words=begun("patientId")
    ),
]
OF_OTHERS = [
    Row(route="PUT /api/folders/{folder_id}", thing="folder", words=json(name="Renamed")),
    Row(route="DELETE /api/folders/{folder_id}", thing="folder"),
    Row(route="GET /api/cases/{case_id}", thing="case"),
    Row(route="PUT /api/cases/{case_id}", thing="case", words=edit(title="x")),
    Row(route="GET /api/appointments/{appointment_id}", thing="appointment"),
    Row(route="PUT /api/appointments/{appointment_id}", thing="appointment", words=edit(note="x")),
    Row(route="POST /api/uploads", thing="record", words=begun("replaces")),
    Row(route="POST /api/uploads", thing="batch", words=begun("batchId")),
    Row(route="POST /api/uploads", thing="part", words=tus(Upload_Concat="final;/api/uploads/*")),
    Row(route="GET /api/uploads/{upload_id}", thing="upload"),
    Row(route="HEAD /api/uploads/{upload_id}", thing="upload", words=tus()),
    Row(route="PATCH /api/uploads/{upload_id}", thing="upload", words=sent_bytes),
    Row(route="POST /api/uploads/{upload_id}", thing="upload", words=overridden),
    Row(route="DELETE /api/uploads/{upload_id}", thing="upload", words=tus()),
    Row(route="DELETE /api/sessions/{session_id}", thing="session"),
    Row(route="GET /api/users/{user_id}", thing="user"),
    Row(
        route="PUT /api/users/{user_id}",
        patient="denied",
        staff="denied",
        thing="user",
        words=edit(displayName="x"),
    ),
    Row(
        route="PUT /api/users/{user_id}/password",
        patient="denied",
        staff="denied",
        thing="user",
        words=json(password="quartz-lamp-heron-2"),
    ),
]
# Lists answer with what is the caller's: nothing, here, whatever they are asked to be narrowed to.
LISTS = [
    Row(route="GET /api/medical-records", thing="record", patient="nothing", staff="nothing"),
    Row(
        route="GET /api/medical-records",
        thing="record",
        query="?q=synthetic",
        patient="nothing",
        staff="nothing",
    ),
    Row(
        route="GET /api/medical-records",
        thing="archived",
        query="?archived=true",
        patient="nothing",
        staff="nothing",
    ),
    Row(
        route="GET /api/medical-records",
        thing="folder",
        query="?folderId=*",
        patient="nothing",
        staff="nothing",
    ),
    Row(
        route="GET /api/medical-records",
        thing="case",
        query="?caseId=*",
        patient="nothing",
        staff="nothing",
    ),
    Row(
        route="GET /api/medical-records",
        thing="appointment",
        query="?appointmentId=*",
        patient="nothing",
        staff="nothing",
    ),
    Row(
        route="GET /api/medical-records",
        thing="user",
        query="?uploadedBy=*",
        patient="nothing",
        staff="nothing",
    ),
    Row(
        route="GET /api/medical-records",
        thing="email",
        query="?uploadedBy=*",
        patient="nothing",
        staff="nothing",
        nobodys=NOBODYS_EMAIL,
    ),
    Row(route="GET /api/patients", thing="patient", patient="own", staff="nothing"),
    Row(
        route="GET /api/patients",
        thing="patient",
        query="?q=Brandt",
        patient="nothing",
        staff="nothing",
    ),
    Row(route="GET /api/cases", thing="case", patient="nothing", staff="nothing"),
    Row(route="GET /api/appointments", thing="appointment", patient="nothing", staff="nothing"),
    Row(route="GET /api/uploads", thing="upload", patient="nothing", staff="nothing"),
    Row(route="GET /api/assignments", thing="assignment", patient="denied", staff="nothing"),
    Row(
        route="GET /api/assignments",
        thing="patient",
        query="?patientId=*",
        patient="denied",
        staff="missing",
        nobodys=NOBODYS_CHART,
    ),
    Row(
        route="GET /api/assignments",
        thing="email",
        query="?userEmail=*",
        nobodys=NOBODYS_EMAIL,
    ),
    Row(
        route="GET /api/review/{queue}",
        thing="stopped",
        word="quarantined",
        patient="denied",
        staff="nothing",
    ),
]
# What a role may never do, whatever it names.
MANAGEMENT = [
    Row(route="POST /api/patients", patient="denied", staff="own", words=json(familyName="New")),
    Row(route="GET /api/users", thing="user", patient="denied", staff="denied"),
    Row(
        route="POST /api/users",
        patient="denied",
        staff="denied",
        words=json(email="new@practice.test", role="staff", password="quartz-lamp-heron-3"),
    ),
    Row(
        route="POST /api/assignments",
        thing="patient",
        patient="denied",
        staff="denied",
        nobodys=NOBODYS_CHART,
        words=json(userEmail="staff@practice.test", patientId="*"),
    ),
    Row(
        route="DELETE /api/assignments/{assignment_id}",
        thing="assignment",
        patient="denied",
        staff="denied",
    ),
    Row(route="POST /api/providers", patient="denied", staff="denied", words=json(name="Dr. New")),
    Row(
        route="PUT /api/providers/{provider_id}",
        thing="provider",
        patient="denied",
        staff="denied",
        words=edit(name="x"),
    ),
    Row(route="GET /api/audit", patient="denied", staff="denied"),
    Row(
        route="GET /api/audit",
        thing="patient",
        query="?patientId=*",
        patient="denied",
        staff="denied",
        nobodys=NOBODYS_CHART,
    ),
    Row(route="POST /api/audit/verify", patient="denied", staff="denied", words=json()),
    Row(route="POST /api/audit/checkpoint", patient="denied", staff="denied"),
    Row(route="GET /api/jobs", thing="job", patient="denied", staff="denied"),
    Row(route="GET /api/jobs/{job_id}", thing="job", patient="denied", staff="denied"),
    Row(
        route="POST /api/jobs/{job_id}/retry",
        thing="job",
        patient="denied",
        staff="denied",
        is_shown=False,
    ),
    Row(
        route="POST /api/jobs/{job_id}/cancel",
        thing="job",
        patient="denied",
        staff="denied",
        is_shown=False,
    ),
    Row(
        route="PUT /api/policies",
        patient="denied",
        staff="denied",
        words=json(policies={"link-ttl-s": 60}),
    ),
    Row(route="GET /api/storage", patient="denied", staff="denied"),
]
# The caller's own, or the practice's for all who work or are treated in it.
OWN = [
    Row(route="GET /api/session", thing="record", patient="own", staff="own"),
    Row(route="DELETE /api/session", patient="own", staff="own"),
    Row(route="GET /api/sessions", thing="session", patient="own", staff="own"),
    Row(route="DELETE /api/sessions", patient="own", staff="own"),
    Row(route="POST /api/batch/uploads", patient="own", staff="own", words=json()),
    Row(route="GET /api/providers", patient="own", staff="own"),
    Row(route="GET /api/providers/{provider_id}", thing="provider", patient="open", staff="open"),
    Row(route="GET /api/policies", patient="own", staff="own"),
    Row(route="GET /openapi/openapi.json", patient="open", staff="open", is_shown=False),
    Row(route="GET /openapi", patient="open", staff="open", is_shown=False),
    Row(route="GET /openapi/{path}", word="x", patient="open", staff="open", is_shown=False),
]
OPEN = [
    Row(route=route, thing="record", patient="open", staff="open", stranger="open", is_shown=False)
    for route in (
        "GET /",
        "GET /docs",
        "GET /openapi.json",
        "GET /healthz",
        "GET /metrics",
        "OPTIONS /api/uploads",
    )
] + [
    Row(
        route="GET /static/{name}",
        patient="missing",
        staff="missing",
        stranger="missing",
        word="x.y",
        is_shown=False,
    ),
    Row(
        route="GET /d/{token}",
        patient="missing",
        staff="missing",
        stranger="missing",
        word="x.y",
        is_shown=False,
    ),
    Row(
        route="HEAD /d/{token}",
        patient="missing",
        staff="missing",
        stranger="missing",
        word="x.y",
        is_shown=False,
    ),
    Row(
        route="OPTIONS /api/uploads/{upload_id}",
        thing="upload",
        patient="open",
        staff="open",
        stranger="open",
        is_shown=False,
    ),
]
ROWS = [*OF_RECORD, *OF_CHART, *OF_OTHERS, *LISTS, *MANAGEMENT, *OWN, *OPEN]
ELSEWHERE = {
    "POST /api/session": "tests/unit/web/test_session.py: it is how a stranger becomes known",
    "GET /api/events": "an endless answer; that it tells only what is the caller's: tests/flows",
}


# ── knocking ──────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def stage(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(_sqlite_template, tmp_path_factory.mktemp("stage")) as made_up:
        yield made_up


@pytest.fixture(scope="module")
def theirs(stage: Stage) -> Theirs:
    return Theirs(stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An answer as a stranger can compare it: all of it, but for the request's own id."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def code(self) -> str:
        if self.headers.get("content-type") != "application/problem+json" or not self.body:
            return ""
        return str(httpx.Response(self.status, text=self.body).json()["code"])


def knock(browser: Browser, row: Row, target: str, theirs: Theirs) -> Seen:
    words = row.words(target, theirs)
    answer = browser.request(row.method, row.address(target), **words)
    headers = {k: v for k, v in answer.headers.items() if k not in ("x-request-id", "date")}
    body = "" if answer.headers.get("content-type", "").startswith("font/") else answer.text
    return Seen(
        status=answer.status_code,
        headers=headers,
        body=body.replace(target, "*") if target else body,
    )


def label(row: Row) -> str:
    return f"{row.route}{row.query} {row.thing}".strip()


every_row = pytest.mark.parametrize("row", ROWS, ids=label)
EXPECTED = {"missing": (404, "not-found"), "denied": (403, "right-missing")}


def refused_alike(row: Row, answer: Answer, seen: Seen, unseen: Seen) -> None:
    if answer == "own" or answer == "open":
        assert seen.status < 500
        return
    assert seen == unseen
    if answer in EXPECTED:
        status, code = EXPECTED[answer]
        assert seen.status == status, seen.body
        assert row.method == "HEAD" or seen.code == code
    elif answer == "nothing":
        assert seen.status == 200, seen.body
        assert httpx.Response(200, text=seen.body).json() == {"items": [], "nextCursor": None}
    else:
        told = httpx.Response(200, text=seen.body).json()
        assert (seen.status, told["done"], told["refused"]) == (200, 0, 1)
        assert told["items"][0]["code"] == "not-found"


def test_every_route_of_the_application_has_a_row(stage: Stage) -> None:
    routes = {
        f"{method} {route.path_format}"
        for route in stage.app._app.routes  # type: ignore[attr-defined]  # the door's inside
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if handler.handler_name != "options_handler"  # Litestar's: a list of methods
    }
    rows = {row.route for row in ROWS} | set(ELSEWHERE)
    assert routes - rows == set(), "routes without a row"
    assert rows - routes == set(), "rows without a route"


@every_row
def test_a_stranger_is_turned_away_and_learns_nothing(
    row: Row, stage: Stage, theirs: Theirs
) -> None:
    target = theirs.kept(row.thing)
    seen = knock(stage.stranger(), row, target, theirs)
    if row.stranger != "open":
        assert seen == knock(stage.stranger(), row, row.nobodys if target else "", theirs)
    if row.stranger == "turned away":
        assert seen.status == 401
        assert row.method == "HEAD" or seen.code == "unauthenticated"
    elif row.stranger == "missing":
        assert seen.status == 404
    else:
        assert seen.status in (200, 204)
        assert target not in seen.body or not target


@every_row
@pytest.mark.parametrize("role", [Role.PATIENT, Role.STAFF])
def test_somebody_elses_looks_like_nothing(
    row: Row, role: Role, stage: Stage, theirs: Theirs
) -> None:
    target = theirs.kept(row.thing)
    seen = knock(stage.caller(role), row, target, theirs)
    unseen = knock(stage.caller(role), row, row.nobodys if target else "", theirs)
    answer = row.patient if role is Role.PATIENT else row.staff
    refused_alike(row, answer, seen, unseen)
    assert "*" not in seen.body or answer in ("open", "each-missing")
    assert theirs.chart not in seen.body


@pytest.mark.parametrize("row", [row for row in ROWS if row.is_shown], ids=label)
def test_whoever_may_gets_through_the_same_door(row: Row, stage: Stage, theirs: Theirs) -> None:
    target = getattr(theirs, row.thing)()
    answer = stage.caller(Role.ADMIN).request(
        row.method, row.address(target), **row.words(target, theirs)
    )
    assert answer.status_code < 300, answer.text


# ── a reference to somebody else's thing ──────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """The chart a staff member cares for, and a few things in it."""

    chart: str
    record: str
    folder: str
    case: str


@pytest.fixture(scope="module")
def own(stage: Stage) -> Own:
    admin, chart = stage.caller(Role.ADMIN), stage.patient()
    stage.account("nurse@practice.test", Role.STAFF)
    made(
        admin.post(
            "/api/assignments", json={"userEmail": "nurse@practice.test", "patientId": chart}
        )
    )
    case = {"patientId": chart, "kind": "quick", "title": "Recall"}
    return Own(
        chart=chart,
        record=stage.send(NOTE, "note.txt", patientId=chart)["id"],
        folder=made(admin.post("/api/folders", json={"patientId": chart, "name": "Films"}))["id"],
        case=made(admin.post("/api/cases", json=case))["id"],
    )


Refer = Callable[[Own, str], tuple[str, str, Words]]


def _edit(field: str) -> Refer:
    def asked(own: Own, target: str) -> tuple[str, str, Words]:
        words = {"json": {field: target}, "headers": {"If-Match": "*"}}
        return "PUT", f"/api/medical-records/{own.record}", words

    return asked


def _upload(key: str) -> Refer:
    def asked(own: Own, target: str) -> tuple[str, str, Words]:
        told = metadata(filename="a.txt", patientId=own.chart, **{key: target})
        return (
            "POST",
            "/api/uploads",
            {"headers": TUS | {"Upload-Length": "4", "Upload-Metadata": told}},
        )

    return asked


def _form(key: str) -> Refer:
    def asked(own: Own, target: str) -> tuple[str, str, Words]:
        return "POST", "/api/files", form(NOTE, "a.txt", patientId=own.chart, **{key: target})

    return asked


REFERENCES: dict[str, tuple[str, Refer]] = {
    "an edit into a folder": ("folder", _edit("folderId")),
    "an edit into a case": ("case", _edit("caseId")),
    "an edit to an appointment": ("appointment", _edit("appointmentId")),
    "an upload into a folder": ("folder", _upload("folderId")),
    "an upload into a case": ("case", _upload("caseId")),
    "an upload to an appointment": ("appointment", _upload("appointmentId")),
    "an upload over a record": ("record", _upload("replaces")),
    "an upload into a batch": ("batch", _upload("batchId")),
    "a form into a folder": ("folder", _form("folderId")),
    "a form into a case": ("case", _form("caseId")),
    "a form over a record": ("record", _form("replaces")),
    "a folder under a folder": (
        "folder",
        lambda own, t: ("PUT", f"/api/folders/{own.folder}", {"json": {"parentId": t}}),
    ),
    "a new folder under a folder": (
        "folder",
        lambda own, t: (
            "POST",
            "/api/folders",
            {"json": {"patientId": own.chart, "name": "Below", "parentId": t}},
        ),
    ),
    "a bundle with a record": (
        "record",
        lambda own, t: ("POST", "/api/batch/download", {"json": {"recordIds": [own.record, t]}}),
    ),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_reference_to_somebody_elses_thing_is_one_to_nothing(
    name: str, stage: Stage, theirs: Theirs, own: Own
) -> None:
    thing, refer = REFERENCES[name]
    answers = []
    for target in (theirs.kept(thing), NOBODYS_ID):
        method, path, words = refer(own, target)
        answer = stage.caller("nurse@practice.test").request(method, path, **words)
        assert 400 <= answer.status_code < 500, answer.text
        answers.append((answer.status_code, answer.text.replace(target, "*")))
    assert answers[0] == answers[1]


def test_nothing_was_kept_of_what_was_refused(stage: Stage, theirs: Theirs, own: Own) -> None:
    nurse = stage.caller("nurse@practice.test")
    assert [one["id"] for one in nurse.get("/api/medical-records").json()["items"]] == [own.record]
    assert nurse.get("/api/uploads").json()["items"] == []
    folders = nurse.get("/api/folders", params={"patientId": own.chart}).json()["items"]
    assert [folder["name"] for folder in folders] == ["Films"]


# ── links ─────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    record: str
    link: str
    path: str

    @property
    def token(self) -> str:
        return self.path.rpartition("/")[2]


def shared(stage: Stage, theirs: Theirs, **asked: int) -> Shared:
    admin, record = stage.caller(Role.ADMIN), theirs.kept("record")
    link = made(admin.post(f"/api/files/{record}/links", json=asked))
    return Shared(record=record, link=link["id"], path="/d/" + link["url"].rpartition("/d/")[2])


def _flipped(text: str, at: int) -> str:
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]


def test_a_link_opens_its_one_file_and_no_other_door(stage: Stage, theirs: Theirs) -> None:
    link = shared(stage, theirs)
    assert stage.stranger().get(link.path).content == NOTE
    for row in ROWS:
        if row.stranger == "turned away":
            holder = stage.stranger()
            holder.bearer = link.token
            seen = knock(holder, row, theirs.kept(row.thing), theirs)
            assert seen.status == 401, label(row)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_ended_or_altered_link_looks_like_none(
    method: str, stage: Stage, theirs: Theirs
) -> None:
    def asked(path: str) -> tuple[int, str, str | None]:
        answer = stage.stranger().request(method, path)
        return answer.status_code, answer.text, answer.headers.get("content-type")

    good = shared(stage, theirs)
    token = good.token
    altered = [_flipped(token, at) for at in range(len(token)) if token[at] != "."]
    cut = [token[:-1], token + "A", token.upper(), token.swapcase()]
    revoked, used, short = (
        shared(stage, theirs, **more) for more in ({}, {"maxUses": 1}, {"ttlS": 30})
    )
    stage.caller(Role.ADMIN).delete(f"/api/links/{revoked.link}")
    assert stage.stranger().get(used.path).status_code == 200
    stage.clock.advance(31)
    none = asked("/d/nothing")
    assert none[0] == 404
    for path in (revoked.path, short.path, *(f"/d/{text}" for text in (*altered, *cut))):
        assert asked(path) == none, path
    if method == "GET":  # a HEAD counts no use
        assert asked(used.path) == none
    assert stage.stranger().get(good.path).content == NOTE


# ── the same over a real wire ─────────────────────────────────────────────────────────────
def test_a_running_instance_refuses_alike(instance: Instance, admin: httpx.Client) -> None:
    chart = new_patient(admin)
    sent = admin.post(
        "/api/medical-records", data={"patientId": chart}, files={"file": ("note.txt", NOTE)}
    )
    record = str(made(sent)["id"])
    other = new_patient(admin, familyName="Other")
    callers = [
        instance.client(instance.account("patient", patient=other)),
        instance.client(instance.account("staff")),
        instance.client("no-such-token"),
    ]
    for path in (
        "/api/medical-records/*",
        "/api/medical-records/*/versions",
        "/api/medical-records/*/access-log",
        "/api/files/*",
        "/api/files/*/links",
    ):
        for client, status in zip(callers, (404, 404, 401), strict=True):
            seen = client.get(path.replace("*", record))
            unseen = client.get(path.replace("*", NOBODYS_ID))
            assert (seen.status_code, seen.content) == (unseen.status_code, unseen.content)
            assert seen.status_code == status
        assert admin.get(path.replace("*", record)).status_code in (200, 409)  # 409: on its way
    for client in callers:
        client.close()
