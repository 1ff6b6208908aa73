"""Every limit, exactly at it and one byte over: by what is declared, and by what really comes.

Shipped limits are declared by tus, so that no byte needs to be sent; the same rules are then met
by real bytes under small values that an administrator sets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.outside.stage import TUS, Stage, form, made, metadata, staged
from tests.unit.web.browser import Browser, refused

from medstack.flows import tending
from medstack.kit.actor import Role

MB, GB = 1 << 20, 1 << 30
OCTETS = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def stage(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(_sqlite_template, tmp_path_factory.mktemp("stage")) as made_up:
        yield made_up


@pytest.fixture
def caller(stage: Stage) -> Browser:
    return stage.caller(Role.DENTIST)


@pytest.fixture
def chart(stage: Stage) -> str:
    return stage.patient()


@contextmanager
def rule(stage: Stage, **limits: int) -> Iterator[None]:
    """The practice under other limits, for a while."""
    changed = {f"limits.{name.replace('_', '-')}": value for name, value in limits.items()}
    put(stage, changed)
    yield
    put(stage, dict.fromkeys(changed))


def put(stage: Stage, policies: dict[str, int | None] | dict[str, int]) -> None:
    made(stage.caller(Role.ADMIN).put("/api/policies", json={"policies": policies}))


def declared(caller: Browser, length: int, **words: str) -> httpx.Response:
    headers = TUS | {"Upload-Length": str(length), "Upload-Metadata": metadata(**words)}
    return caller.post("/api/uploads", headers=headers)


def deferred(caller: Browser, **words: str) -> str:
    headers = TUS | {"Upload-Defer-Length": "1", "Upload-Metadata": metadata(**words)}
    answer = caller.post("/api/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return httpx.URL(answer.headers["location"]).path


def patched(caller: Browser, path: str, offset: int, data: bytes, **more: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    headers = TUS | OCTETS | {"Upload-Offset": str(offset)} | named
    return caller.request("PATCH", path, headers=headers, content=data)


def forget(caller: Browser, answer: httpx.Response) -> None:
    path = httpx.URL(answer.headers["location"]).path
    assert caller.request("DELETE", path, headers=TUS).status_code == 204


# ── declared ──────────────────────────────────────────────────────────────────────────────
FILE_LIMITS = {
    "limits.default": (50 * MB, {"filename": "a.pdf"}),
    "limits.quick-consultation": (20 * MB, {"filename": "a.pdf", "context": "quick-consultation"}),
    "limits.clinical-case": (100 * MB, {"filename": "a.pdf", "context": "clinical-case"}),
    "limits.video": (200 * MB, {"filename": "a.mp4"}),
    "limits.mesh": (200 * MB, {"filename": "a.stl"}),
    "limits.dicom-series": (500 * MB, {"filename": "a.dcm"}),
}


@pytest.mark.parametrize("name", FILE_LIMITS)
def test_a_file_may_have_its_limit_and_not_a_byte_more(
    name: str, caller: Browser, chart: str
) -> None:
    limit, words = FILE_LIMITS[name]
    over = refused(declared(caller, limit + 1, patientId=chart, **words), 413, "over-limit")
    assert (over["rule"], over["limitBytes"], over["sizeBytes"]) == (name, limit, limit + 1)
    assert name in over["detail"]
    at = declared(caller, limit, patientId=chart, **words)
    assert at.status_code == 201
    forget(caller, at)


@pytest.mark.parametrize("name", FILE_LIMITS)
def test_a_length_told_late_meets_the_same_limit(name: str, caller: Browser, chart: str) -> None:
    limit, words = FILE_LIMITS[name]
    path = deferred(caller, patientId=chart, **words)
    over = patched(caller, path, 0, b"", Upload_Length=str(limit + 1))
    assert refused(over, 413, "over-limit")["rule"] == name
    assert patched(caller, path, 0, b"", Upload_Length=str(limit)).status_code == 204


def test_a_context_wins_over_the_kind(caller: Browser) -> None:
    told = declared(caller, 20 * MB + 1, filename="a.mp4", context="quick-consultation")
    assert refused(told, 413, "over-limit")["rule"] == "limits.quick-consultation"


def test_a_batch_may_have_its_limit_and_not_a_byte_more(caller: Browser) -> None:
    batch = made(caller.post("/api/batch/uploads", json={}))["id"]
    for _ in range(4):
        assert declared(caller, 50 * MB, filename="a.pdf", batchId=batch).status_code == 201
    over = refused(declared(caller, 1, filename="b.pdf", batchId=batch), 413, "batch-too-large")
    assert (over["rule"], over["limit"], over["left"]) == ("limits.batch", 200 * MB, 0)
    assert over["detail"]


def test_what_is_given_up_makes_room_in_its_batch(caller: Browser) -> None:
    batch = made(caller.post("/api/batch/uploads", json={}))["id"]
    begun = [declared(caller, 50 * MB, filename="a.pdf", batchId=batch) for _ in range(4)]
    forget(caller, begun[0])
    assert declared(caller, 50 * MB, filename="b.pdf", batchId=batch).status_code == 201


def test_a_patients_quota_is_five_gigabytes_to_the_byte(
    caller: Browser, stage: Stage, chart: str
) -> None:
    for _ in range(10):
        assert declared(caller, 500 * MB, filename="a.dcm", patientId=chart).status_code == 201
    rest = 5 * GB - 10 * 500 * MB
    over = declared(caller, rest + 1, filename="b.dcm", patientId=chart)
    told = refused(over, 413, "quota-exceeded")
    assert (told["rule"], told["limit"], told["left"]) == ("limits.patient-quota", 5 * GB, rest)
    assert declared(caller, rest, filename="b.dcm", patientId=chart).status_code == 201
    refused(declared(caller, 1, filename="c.txt", patientId=chart), 413, "quota-exceeded")
    room = caller.get(f"/api/patients/{chart}/storage").json()
    assert (room["reservedBytes"], room["limitBytes"]) == (5 * GB, 5 * GB)


def test_what_no_rule_takes_is_refused_before_the_form_is_read(caller: Browser) -> None:
    answer = caller.post(
        "/api/medical-records",
        content=b"",
        headers={
            "Content-Type": "multipart/form-data; boundary=x",
            "Content-Length": str(600 * MB),
        },
    )
    refused(answer, 413, "over-limit")


# ── real bytes ────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("way", ["form", "tus", "tus without a length", "tus in one request"])
def test_real_bytes_meet_the_limit_exactly(way: str, caller: Browser, stage: Stage) -> None:
    with rule(stage, default=1000):
        assert _sent(caller, way, 1000).status_code in (201, 204)
        answer = _sent(caller, way, 1001)
        told = refused(answer, 413, "over-limit")
        assert (told["rule"], told["limitBytes"]) == ("limits.default", 1000)


def _sent(caller: Browser, way: str, size: int) -> httpx.Response:
    data = b"x" * size
    if way == "form":
        return caller.post("/api/medical-records", **form(data, "a.txt"))
    if way == "tus":
        answer = declared(caller, size, filename="a.txt")
        if answer.status_code != 201:
            return answer
        return patched(caller, httpx.URL(answer.headers["location"]).path, 0, data)
    if way == "tus without a length":
        path = deferred(caller, filename="a.txt")
        assert patched(caller, path, 0, data[:600]).status_code == 204
        return patched(caller, path, 600, data[600:])
    told = {"Upload-Defer-Length": "1", "Upload-Metadata": metadata(filename="a.txt")}
    return caller.post("/api/uploads", headers=TUS | OCTETS | told, content=data)


def test_a_false_name_buys_no_room(stage: Stage, chart: str) -> None:
    """A text that calls itself a film passes the door's limit, and not the check behind it."""
    with rule(stage, default=1000, video=5000):
        record = stage.send(b"x" * 1001, "a.mp4", by=Role.DENTIST, patientId=chart)
        assert (record["status"], record["statusReason"]) == ("rejected", "extension-mismatch")


def test_what_its_content_turns_out_to_be_sets_the_limit(stage: Stage, chart: str) -> None:
    with rule(stage, default=5000):
        caller = stage.caller(Role.DENTIST)
        sent = made(caller.post("/api/files", **form(b"x" * 1001, "a.txt", patientId=chart)))
    with rule(stage, default=1000):
        stage.worker.drain()
    record = caller.get(f"/api/medical-records/{sent['id']}").json()
    assert (record["status"], record["statusReason"]) == ("rejected", "over-limit")


def test_real_bytes_meet_the_batchs_limit(caller: Browser, stage: Stage) -> None:
    batch = made(caller.post("/api/batch/uploads", json={}))["id"]
    with rule(stage, batch=1500):
        words = {"batchId": batch}
        assert caller.post("/api/files", **form(b"x" * 1000, "a.txt", **words)).status_code == 201
        over = caller.post("/api/files", **form(b"x" * 501, "b.txt", **words))
        assert refused(over, 413, "batch-too-large")["left"] == 500
        assert caller.post("/api/files", **form(b"x" * 500, "c.txt", **words)).status_code == 201


def test_real_bytes_meet_the_quota_and_what_was_refused_counts_for_nothing(
    caller: Browser, stage: Stage, chart: str
) -> None:
    with rule(stage, patient_quota=1500):
        words = {"patientId": chart}
        assert caller.post("/api/files", **form(b"x" * 1000, "a.txt", **words)).status_code == 201
        refused(
            caller.post("/api/files", **form(b"x" * 501, "b.txt", **words)), 413, "quota-exceeded"
        )
        assert caller.post("/api/files", **form(b"x" * 500, "c.txt", **words)).status_code == 201
        stage.worker.drain()
        room = caller.get(f"/api/patients/{chart}/storage").json()
        assert (room["usedBytes"], room["reservedBytes"]) == (1500, 0)


def test_fifty_uploads_at_once_never_overshoot_a_quota(
    caller: Browser, stage: Stage, chart: str
) -> None:
    room_for = 20
    asked = [metadata(filename=f"{n}.txt", patientId=chart) for n in range(50)]

    async def all_at_once() -> list[httpx.Response]:
        headers = TUS | {"Upload-Length": "100", "Authorization": f"Bearer {caller.bearer}"}
        begun = [
            caller._client.post("/api/uploads", headers=headers | {"Upload-Metadata": words})
            for words in asked
        ]
        return list(await asyncio.gather(*begun))

    with rule(stage, patient_quota=100 * room_for + 99):
        answers = stage.runner.run(all_at_once())
        taken = [answer for answer in answers if answer.status_code == 201]
        over = [answer for answer in answers if answer.status_code == 413]
        assert (len(taken), len(over)) == (room_for, 50 - room_for)
        assert {answer.json()["code"] for answer in over} == {"quota-exceeded"}
        room = caller.get(f"/api/patients/{chart}/storage").json()
        assert room["reservedBytes"] == 100 * room_for
        for answer in taken:
            forget(caller, answer)
        assert caller.get(f"/api/patients/{chart}/storage").json()["reservedBytes"] == 0


def test_an_upload_nobody_continued_gives_its_room_back(
    caller: Browser, stage: Stage, chart: str
) -> None:
    declared(caller, 1000, filename="a.txt", patientId=chart)
    stage.clock.advance(stage.house.upload_expiry_s + 1)
    tending.expire_uploads(stage.house)
    room = stage.caller(Role.DENTIST).get(f"/api/patients/{chart}/storage").json()
    assert room["reservedBytes"] == 0


def test_only_an_administrator_sets_limits_and_only_sensible_ones(
    caller: Browser, stage: Stage
) -> None:
    admin = stage.caller(Role.ADMIN)

    def changed(browser: Browser, name: str, value: object) -> httpx.Response:
        return browser.put("/api/policies", json={"policies": {name: value}})

    refused(changed(caller, "limits.default", 1), 403, "right-missing")
    refused(changed(admin, "limits.nothing", 1), 422, "unknown-policy")
    for nonsense in (0, -1, 1 << 60, True):
        refused(changed(admin, "limits.default", nonsense), 422, "bad-policy")
    refused(changed(admin, "limits.default", 1.5), 422, "invalid-request")
    assert admin.get("/api/policies").json()["policies"]["limits.default"] == 50 * MB
