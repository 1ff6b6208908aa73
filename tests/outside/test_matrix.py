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

import httpx
import pytest
from litestar.routes import HTTPRoute
from tests.outside.instance import Instance, new_patient
from tests.outside.matrix import (
    ELSEWHERE,
    NOBODYS_ID,
    ROWS,
    Answer,
    Row,
    Theirs,
)
from tests.outside.stage import (
    NOTE,
    TUS,
    Stage,
    Words,
    form,
    made,
    metadata,
    staged,
)
from tests.unit.web.browser import Browser, refused

from medstack.flows import signin
from medstack.flows.notices import Notices
from medstack.kit.actor import Role


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


# ── news ──────────────────────────────────────────────────────────────────────────────────
def test_news_of_somebody_else_reaches_nobody_else(stage: Stage, theirs: Theirs, own: Own) -> None:
    record = theirs.record()
    feed = Notices(stage.house)

    def heard(who: str | Role) -> set[object]:
        secret = stage.caller(who).bearer
        caller = signin.recognise(stage.house, secret, is_token=True, visitor=signin.Visitor())
        return {told.facts["recordId"] for told in feed.after(caller.actor, 0, 10_000)}

    assert record in heard(Role.DENTIST)
    assert heard("nurse@practice.test") == {own.record}
    assert heard(Role.PATIENT) == heard(Role.STAFF) == set()


def test_a_stranger_hears_no_news(stage: Stage, theirs: Theirs) -> None:
    holder = stage.stranger()
    holder.bearer = shared(stage, theirs).token
    for browser in (stage.stranger(), holder):
        refused(browser.get("/api/events"), 401, "unauthenticated")


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
