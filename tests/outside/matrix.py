"""The rows of the matrix: every route, and how to knock at it with somebody else's thing.

Held against the application's own route table by test_matrix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.outside.stage import (
    EICAR,
    NOTE,
    TUS,
    Stage,
    Words,
    form,
    made,
    metadata,
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
    "GET /api/events": "an endless answer: test_news_of_somebody_else_reaches_nobody_else",
}
