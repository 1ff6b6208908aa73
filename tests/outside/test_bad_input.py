"""Bad input: a clear refusal with its status and code, nothing of the patient in it, nothing lost.

Three tables: files the pipeline stops, requests the door refuses, texts that are only text.
Limits are in `test_limits`.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.outside.bad_files import BAD_FILES
from tests.outside.stage import EICAR, NOTE, TUS, Stage, Words, form, made, metadata, staged
from tests.unit.web.browser import Browser, refused

from medstack.kit.actor import Role
from medstack.vault import DiskStore
from medstack.vault.fs import Fs
from medstack.web.wire.reasons import SENTENCES
from medstack.worker.sandbox import Limits, ProcessSandbox

CANARY = "Zanzibar-Okapi"  # in every name and field sent: no refusal may repeat it
OCTETS = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def stage(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The practice with the real walls around its parsers."""
    walls = ProcessSandbox(limits=Limits(), children=2)
    with staged(_sqlite_template, tmp_path_factory.mktemp("stage"), sandbox=walls) as made_up:
        yield made_up
    walls.close()


@pytest.fixture(scope="module")
def chart(stage: Stage) -> str:
    return stage.patient(familyName=CANARY)


# ── files ─────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_file_is_stopped_with_a_reason_and_served_to_nobody(
    what: str, stage: Stage, chart: str
) -> None:
    bad = BAD_FILES[what]
    record = stage.send(
        bad.make(), f"{CANARY} {bad.name}", patientId=chart, category="administrative"
    )
    assert (record["status"], record["statusReason"]) == (bad.status, bad.reason)
    assert record["scan"]["signature"] == bad.signature
    assert record["statusDetail"] == SENTENCES[bad.reason]
    address = f"/api/files/{record['id']}"
    for role in (Role.DENTIST, Role.ADMIN):
        caller = stage.caller(role)
        for path in (address, f"{address}?rendition=thumbnail", f"{address}?rendition=preview"):
            told = refused(caller.get(path), 409, "not-available")
            assert CANARY not in str(told)
        refused(caller.post(f"{address}/links", json={}), 409, "not-available")
        bundle = caller.post("/api/batch/download", json={"recordIds": [record["id"]]})
        refused(bundle, 409, "not-available")
    refused(stage.caller(Role.STAFF).get(address), 404, "not-found")


def test_a_virus_cut_in_two_by_its_upload_is_still_one(stage: Stage, chart: str) -> None:
    caller = stage.caller(Role.DENTIST)
    words = metadata(filename="invoice.txt", patientId=chart)
    begun = _begin(caller, len(EICAR), words)
    for start, end in ((0, 30), (30, len(EICAR))):
        answer = _patch(caller, begun, start, EICAR[start:end])
        assert answer.status_code == 204
    stage.worker.drain()
    record_id = answer.headers["medstack-record"]
    record = caller.get(f"/api/medical-records/{record_id}").json()
    assert (record["status"], record["statusReason"]) == ("quarantined", "scan-infected")


def test_what_was_rejected_is_destroyed_at_once(stage: Stage, chart: str) -> None:
    room = f"/api/patients/{chart}/storage"
    admin = stage.caller(Role.ADMIN)
    before = admin.get(room).json()
    record = stage.send(b"GIF89a" + bytes(40), "a.gif", patientId=chart)
    assert record["status"] == "rejected"
    assert admin.get(room).json() == before
    refused(
        admin.post(f"/api/medical-records/{record['id']}/release", json={"reason": "Please"}),
        409,
        "illegal-transition",
    )


# ── requests ──────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A dentist at work, and the chart in front of her."""

    stage: Stage
    caller: Browser
    chart: str
    record: str

    def begin(self, length: int | None = 8, **words: str) -> httpx.Response:
        told = metadata(**({"filename": f"{CANARY}.txt", "patientId": self.chart} | words))
        size = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
        return self.caller.post("/api/uploads", headers=TUS | size | {"Upload-Metadata": told})

    def begun(self) -> str:
        return _begin(self.caller, 8, metadata(filename=f"{CANARY}.txt", patientId=self.chart))

    def form(self, **words: str) -> httpx.Response:
        sent = form(NOTE, f"{CANARY}.txt", **({"patientId": self.chart} | words))
        return self.caller.post("/api/medical-records", **sent)

    def edit(self, etag: str | None, **fields: Any) -> httpx.Response:
        headers = {} if etag is None else {"If-Match": etag}
        path = f"/api/medical-records/{self.record}"
        return self.caller.put(path, json=fields, headers=headers)


def _begin(caller: Browser, length: int, words: str) -> str:
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": words}
    answer = caller.post("/api/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return httpx.URL(answer.headers["location"]).path


def _patch(caller: Browser, path: str, offset: int, data: bytes, **more: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    headers = TUS | OCTETS | {"Upload-Offset": str(offset)} | named
    return caller.request("PATCH", path, headers=headers, content=data)


def _checksum(algorithm: str, data: bytes) -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


def _replayed(desk: Desk) -> httpx.Response:
    path = desk.begun()
    assert _patch(desk.caller, path, 0, b"1234").status_code == 204
    return _patch(desk.caller, path, 0, b"1234")


def _expired(desk: Desk) -> httpx.Response:
    path = desk.begun()
    desk.stage.clock.advance(desk.stage.house.upload_expiry_s + 1)
    return _patch(desk.caller, path, 0, b"12345678")


def _finished(desk: Desk) -> httpx.Response:
    path = desk.begun()
    assert _patch(desk.caller, path, 0, b"12345678").status_code == 204
    return _patch(desk.caller, path, 8, b"9")


def _stale(desk: Desk) -> httpx.Response:
    seen = desk.caller.get(f"/api/medical-records/{desk.record}").headers["etag"]
    assert desk.edit(seen, description="The first of two.").status_code == 200
    return desk.edit(seen, description=f"{CANARY} was here")


def _json(body: bytes, kind: str = "application/json") -> Callable[[Desk], httpx.Response]:
    def send(desk: Desk) -> httpx.Response:
        return desk.caller.post("/api/patients", content=body, headers={"Content-Type": kind})

    return send


def _raw_form(body: bytes, boundary: str = "x") -> Callable[[Desk], httpx.Response]:
    def send(desk: Desk) -> httpx.Response:
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return desk.caller.post("/api/medical-records", content=body, headers=kind)

    return send


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello'
TEN_MB = b'{"familyName":"' + CANARY.encode() * (10 * (1 << 20) // len(CANARY)) + b'"}'

Ask = Callable[[Desk], httpx.Response]
REQUESTS: dict[str, tuple[Ask, int, str]] = {
    # where it should go
    "an unknown patient": (lambda d: d.form(patientId="P999999"), 404, "not-found"),
    "an unknown patient by tus": (lambda d: d.begin(patientId="P999999"), 404, "not-found"),
    "an unknown category": (lambda d: d.form(category=CANARY), 422, "unknown-category"),
    "an unknown category by tus": (lambda d: d.begin(category=CANARY), 422, "unknown-category"),
    "another category's subcategory": (
        lambda d: d.form(category="administrative", subcategory=CANARY),
        422,
        "unknown-subcategory",
    ),
    "an edit to no category": (lambda d: d.edit("*", category=CANARY), 422, "unknown-category"),
    "an unknown level": (lambda d: d.form(accessLevel=CANARY), 422, "unknown-access-level"),
    "a level above one's own": (lambda d: d.form(accessLevel="admin"), 403, "level-above-yours"),
    "an unknown context": (lambda d: d.form(context=CANARY), 422, "unknown-context"),
    "a folder that is no id": (lambda d: d.form(folderId=CANARY), 422, "bad-id"),
    "a date that is none": (lambda d: d.form(captureDate=CANARY), 422, "bad-field"),
    "a description without end": (lambda d: d.form(description="x" * 4001), 422, "bad-field"),
    "a name with a bell in it": (lambda d: d.begin(filename=f"{CANARY}\a.txt"), 422, "bad-field"),
    "a name that turns around": (
        lambda d: d.begin(filename=f"{CANARY}\u202etxt.exe"),
        422,
        "bad-field",
    ),
    "a name without end": (lambda d: d.begin(filename="x" * 256), 422, "bad-field"),
    # tus
    "a wrong offset": (
        lambda d: _patch(d.caller, d.begun(), 4, b"1"),
        409,
        "upload-offset-mismatch",
    ),
    "a replayed offset": (_replayed, 409, "upload-offset-mismatch"),
    "an offset that is no number": (
        lambda d: _patch(d.caller, d.begun(), 0, b"1", Upload_Offset="-1"),
        400,
        "tus-header",
    ),
    "a checksum that does not match": (
        lambda d: _patch(d.caller, d.begun(), 0, b"1", Upload_Checksum=_checksum("sha256", b"2")),
        460,
        "upload-checksum-mismatch",
    ),
    "a checksum nobody can read": (
        lambda d: _patch(d.caller, d.begun(), 0, b"1", Upload_Checksum="sha256 ???"),
        460,
        "upload-checksum-mismatch",
    ),
    "a checksum of no known kind": (
        lambda d: _patch(d.caller, d.begun(), 0, b"1", Upload_Checksum="crc32 AAAAAA=="),
        400,
        "tus-header",
    ),
    "more than was announced": (
        lambda d: _patch(d.caller, d.begun(), 0, b"123456789"),
        413,
        "upload-beyond-length",
    ),
    "bytes of another type": (
        lambda d: _patch(d.caller, d.begun(), 0, b"1", Content_Type="text/plain"),
        415,
        "tus-content-type",
    ),
    "another tus": (
        lambda d: _patch(d.caller, d.begun(), 0, b"1", Tus_Resumable="0.2.2"),
        412,
        "tus-version",
    ),
    "an upload nobody continued": (_expired, 410, "upload-gone"),
    "an upload that is whole": (_finished, 409, "upload-closed"),
    "an upload that never was": (
        lambda d: _patch(d.caller, "/api/uploads/06fzzzzzzzzz0", 0, b"1"),
        404,
        "not-found",
    ),
    "metadata that is no base64": (
        lambda d: d.caller.post(
            "/api/uploads", headers=TUS | {"Upload-Length": "1", "Upload-Metadata": "filename ???"}
        ),
        400,
        "tus-header",
    ),
    "metadata without end": (
        lambda d: d.begin(notes="x" * 10_000),
        413,
        "upload-metadata-too-large",
    ),
    # states
    "a stale ETag": (_stale, 412, "stale-revision"),
    "no ETag": (lambda d: d.edit(None, description="x"), 428, "if-match-required"),
    "an ETag that is none": (lambda d: d.edit(CANARY, description="x"), 422, "invalid-request"),
    # bodies
    "a JSON body of 10 MB": (_json(TEN_MB), 413, "body-too-large"),
    "half a JSON body": (_json(b'{"familyName":"' + CANARY.encode()), 400, "malformed-json"),
    "JSON that is no UTF-8": (_json(b'{"familyName":"\xff"}'), 400, "malformed-json"),
    "JSON deeper than a well": (
        _json(b'{"note":' + b"[" * 200_000),
        422,
        "invalid-request",
    ),
    "a field nobody knows": (
        _json(b'{"familyName":"A","' + CANARY.encode() + b'":1}'),
        422,
        "invalid-request",
    ),
    "a number for a name": (_json(b'{"familyName":7}'), 422, "invalid-request"),
    "a body of another type": (_json(b"familyName=A", "text/plain"), 415, "unsupported-media-type"),
    "a form that breaks off": (_raw_form(PART), 400, "bad-form"),
    "a form without a file": (
        _raw_form(b'--x\r\nContent-Disposition: form-data; name="tags"\r\n\r\na\r\n--x--\r\n'),
        400,
        "bad-form",
    ),
    "a form with two files": (_raw_form(PART + b"\r\n" + PART + b"\r\n--x--\r\n"), 400, "bad-form"),
    "a form of no boundary": (_raw_form(PART + b"\r\n--x--\r\n", boundary="y"), 400, "bad-form"),
    "no form": (
        lambda d: d.caller.post("/api/medical-records", json={"patientId": d.chart}),
        415,
        "form-content-type",
    ),
    "fields without end": (
        lambda d: d.form(notes="x" * 300_000),
        413,
        "form-fields-too-large",
    ),
}


@pytest.fixture
def desk(stage: Stage, chart: str) -> Desk:
    record = stage.send(NOTE, "note.txt", patientId=chart)
    caller = stage.caller(Role.DENTIST)
    return Desk(stage=stage, caller=caller, chart=chart, record=record["id"])


@pytest.mark.parametrize("what", REQUESTS)
def test_a_bad_request_is_refused_by_name_and_leaves_nothing(what: str, desk: Desk) -> None:
    ask, status, code = REQUESTS[what]
    listed = "/api/medical-records"
    before = desk.caller.get(listed, params={"patientId": desk.chart, "limit": 200}).json()["items"]
    told = refused(ask(desk), status, code)
    assert told["detail"] or code in ("not-found", "upload-gone", "upload-closed"), "say what to do"
    assert CANARY not in str(told)
    assert desk.chart not in str(told)
    after = desk.caller.get(listed, params={"patientId": desk.chart, "limit": 200}).json()["items"]
    finished = what == "an upload that is whole"  # a record by then, as it should be
    assert len(after) == len(before) + finished


def test_a_wrong_offset_says_the_right_one(desk: Desk) -> None:
    path = desk.begun()
    _patch(desk.caller, path, 0, b"123")
    answer = _patch(desk.caller, path, 0, b"123")
    assert (answer.status_code, answer.headers["upload-offset"]) == (409, "3")
    assert answer.json()["offset"] == 3


def test_bytes_under_a_wrong_checksum_are_not_kept(desk: Desk) -> None:
    path = desk.begun()
    _patch(desk.caller, path, 0, b"1234", Upload_Checksum=_checksum("sha1", b"other"))
    assert desk.caller.request("HEAD", path, headers=TUS).headers["upload-offset"] == "0"
    good = _patch(desk.caller, path, 0, b"1234", Upload_Checksum=_checksum("sha1", b"1234"))
    assert good.headers["upload-offset"] == "4"


# ── text is text ──────────────────────────────────────────────────────────────────────────
TEXTS = {
    "SQL": "Robert'); DROP TABLE records; -- \" OR 1=1 /*",
    "HTML": "<script>alert(1)</script><img src=x onerror=y>&amp;\"'",
    "templates": "{{7*7}} ${7*7} %s %(x)s \\u0041 \\x00 ../../etc/passwd",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_what_looks_like_code_is_kept_word_for_word(kind: str, stage: Stage) -> None:
    text = TEXTS[kind]
    admin = stage.caller(Role.ADMIN)
    about = dict.fromkeys(("familyName", "givenName", "note"), text)
    known = {"phone": text[:40].strip(), "address": [text], "alerts": [text]}
    patient = made(admin.post("/api/patients", json=about | known))
    chart = patient["id"]
    assert {name: patient[name] for name in about | known} == about | known
    assert admin.get(f"/api/patients/{chart}").json() == patient

    told = {
        "description": text,
        "notes": text,
        "equipment": text,
        "bodyPart": text,
        "procedure": text,
    }
    name = text.replace('"', "") + ".txt"  # HTML has forms write a quote in a name as %22
    record = stage.send(NOTE, name, patientId=chart, tags=text, **told)
    assert record["status"] == "available"
    assert record["originalFileName"] == name
    assert (record["description"], record["tags"]) == (text, [text])
    assert {name: record["metadata"][name] for name in told if name != "description"} == {
        name: text for name in told if name != "description"
    }
    edited = admin.put(
        f"/api/medical-records/{record['id']}",
        json={"description": text * 2, "tags": [text], "metadata": {"notes": text * 2}},
        headers={"If-Match": "*"},
    ).json()
    assert (edited["description"], edited["metadata"]["notes"]) == (text * 2, text * 2)

    _kept(admin, "/api/folders", {"patientId": chart, "name": text})
    _kept(admin, "/api/cases", {"patientId": chart, "kind": "clinical", "title": text})
    provider = _kept(admin, "/api/providers", {"name": text, "discipline": text})
    visit = {"patientId": chart, "providerId": provider["id"], "kind": text, "note": text}
    times = {"startsAt": "2026-03-02T09:00:00Z", "endsAt": "2026-03-02T10:00:00Z"}
    assert made(admin.post("/api/appointments", json=visit | times))["note"] == text
    _kept(admin, "/api/batch/uploads", {"title": text})
    account = {"email": f"{kind.lower()}@practice.test", "role": "staff"}
    secret = {"password": "quartz-lamp-heron-9"}
    user = made(admin.post("/api/users", json=account | secret | {"displayName": text}))
    assert user["displayName"] == text


def _kept(admin: Browser, path: str, body: Words) -> Words:
    answer = made(admin.post(path, json=body))
    assert {name: answer[name] for name in body} == body
    return answer


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize(
    "path",
    [
        "/api/medical-records?q=*",
        "/api/medical-records?tag=*",
        "/api/medical-records?uploadedBy=*",
        "/api/medical-records?subcategory=*",
        "/api/patients?q=*",
        "/api/patients/*",
        "/api/medical-records/*",
        "/api/files/*",
        "/api/folders?patientId=*",
        "/api/audit?patientId=*",
        "/api/audit?userEmail=*",
    ],
)
def test_what_looks_like_code_finds_only_itself(path: str, kind: str, stage: Stage) -> None:
    admin = stage.caller(Role.ADMIN)
    made_up = f"Qxqvz {TEXTS[kind]}"
    asked = "".join(f"%{byte:02X}" for byte in made_up.encode())
    answer = admin.get(path.replace("*", asked))
    assert answer.status_code in (200, 404, 422), answer.text
    if answer.status_code == 200:
        assert answer.json()["items"] == []
    assert admin.get("/api/medical-records").status_code == 200


# ── a full disk ───────────────────────────────────────────────────────────────────────────
class FullDisk(Fs):
    """Takes no more bytes while `is_full`."""

    is_full = False

    def write(self, fd: int, data: memoryview) -> int:  # type: ignore[override]
        if self.is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return os.write(fd, data)


def test_a_full_store_refuses_with_507_and_the_upload_goes_on_once_there_is_room(
    _sqlite_template: Path, tmp_path: Path
) -> None:
    fs = FullDisk()
    store = DiskStore(tmp_path / "objects", fs=fs)
    with staged(_sqlite_template, tmp_path, store=store) as stage:
        caller, words = stage.caller(Role.DENTIST), metadata(filename="a.txt")
        path = _begin(caller, 8, words)
        assert _patch(caller, path, 0, b"1234").status_code == 204
        fs.is_full = True
        answer = _patch(caller, path, 4, b"5678")
        told = refused(answer, 507, "storage-full")
        assert "space" in told["detail"]
        assert int(answer.headers["retry-after"]) > 0
        refused(caller.post("/api/files", **form(NOTE, "b.txt")), 507, "storage-full")
        assert caller.request("HEAD", path, headers=TUS).headers["upload-offset"] == "4"
        fs.is_full = False
        done = _patch(caller, path, 4, b"5678")
        assert done.status_code == 204
        stage.worker.drain()
        content = caller.get(f"/api/files/{done.headers['medstack-record']}")
        assert content.content == b"12345678"
        assert caller.get("/api/uploads").json()["items"] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB, where this machine lets us mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)]
    try:
        subprocess.run(mounting, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs needs more rights than this run has")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_disk_that_really_is_full_loses_nothing_acknowledged(
    _sqlite_template: Path, small_disk: Path
) -> None:
    """Database and objects share one small disk; something else fills it."""
    store, ballast = DiskStore(small_disk / "objects"), small_disk / "ballast"
    first, second = os.urandom(1 << 20), os.urandom(3 << 20)
    with staged(_sqlite_template, small_disk, store=store) as stage:
        caller = stage.caller(Role.DENTIST)
        path = _begin(caller, len(first + second), metadata(filename="a.txt"))
        assert _patch(caller, path, 0, first).status_code == 204
        with suppress(OSError), ballast.open("wb", buffering=0) as filling:
            while filling.write(bytes(1 << 16)):
                pass
        answer = _patch(caller, path, len(first), second)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage-full")
        ballast.unlink()
        stands = caller.request("HEAD", path, headers=TUS)
        assert stands.headers["upload-offset"] == str(len(first))
        assert _patch(caller, path, len(first), second).status_code == 204
