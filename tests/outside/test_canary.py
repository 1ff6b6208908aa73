"""No plaintext of a patient's data on any disk: planted words are in no file, at any stage."""

from __future__ import annotations

import contextlib
import re
import secrets
import stat
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.outside.instance import Instance, new_patient, running, settle

V = {"Tus-Resumable": "1.0.0"}
LARGEST = 64 << 20  # nothing of ours here is larger
SHARED = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
HERE = Path.cwd()
BEGUN = time.time()


def canary(where: str) -> str:
    """A word nobody else writes; long enough to be no accident."""
    return f"canary{where}{secrets.token_hex(12)}"


def spellings(word: str) -> tuple[bytes, ...]:
    return (word.encode(), word.encode("utf-16-le"), word.upper().encode())


def places(instance: Instance, *words: str) -> list[str]:
    """Files that hold one of the words in clear: the instance's own, and wherever libraries
    put temporary ones behind its back."""
    needles = [spelling for word in words for spelling in spellings(word)]
    found = []
    for path in (*_own(instance), *_strays(), *_opened(instance)):
        content = _content(path)
        found += [str(path) for needle in needles if needle in content]
    return found


def _own(instance: Instance) -> Iterator[Path]:
    return (path for path in instance.folder.rglob("*") if path.is_file())


def _strays() -> Iterator[Path]:
    """New files in shared temporary folders, and core files where we stand."""
    for folder, pattern in (*((folder, "*") for folder in SHARED), (HERE, "core*")):
        for path in folder.glob(pattern):
            with contextlib.suppress(FileNotFoundError, PermissionError):
                is_postgres = path.name.startswith("PostgreSQL.")  # its own memory, in clear
                if path.is_file() and path.stat().st_mtime >= BEGUN and not is_postgres:
                    yield path


def _opened(instance: Instance) -> Iterator[Path]:
    """Files our processes hold open, also deleted ones: their blocks are on the disk."""
    for pid in instance.everyone():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            for link in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(FileNotFoundError):
                    target = str(link.readlink())
                    is_disk = target.startswith("/") and not target.startswith("/memfd:")
                    if is_disk:
                        yield link


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > LARGEST:
            return b""
        return path.read_bytes()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return b""


@contextlib.contextmanager
def watched(instance: Instance, *words: str) -> Iterator[list[str]]:
    """Look again and again while the block runs; the list holds where a word was seen."""
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            seen.extend(places(instance, *words))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    """On PostgreSQL its rows are its disk's business; files and logs are ours on both."""
    extra = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_url")
        name = f"canary_{uuid.uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        extra["MEDSTACK_DATABASE_URL"] = f"{server.rpartition('/')[0]}/{name}"
    with running(tmp_path, **extra) as started:
        yield started


def test_planted_words_are_found_in_no_file_at_any_stage(instance: Instance) -> None:
    content, name, description, family, tag = words = tuple(
        map(canary, ("content", "name", "description", "family", "tag"))
    )
    with (
        instance.client(instance.account("dentist")) as client,
        watched(instance, *words) as seen,
    ):
        patient = new_patient(client, familyName=family)
        body = (content + "\n") * 40_000
        answer = client.post(
            "/api/medical-records",
            data={
                "patientId": patient,
                "category": "administrative",
                "description": description,
                "tags": tag,
            },
            files={"file": (f"{name}.txt", body, "text/plain")},
        )
        assert answer.status_code == 201, answer.text
        record = settle(client, answer.json()["id"])
        assert record["status"] == "available"
        unfinished(client, content)
        assert client.get("/api/medical-records", params={"q": content}).json()["items"]
        assert client.get(f"/api/files/{record['id']}").text == body
        refused(client, *words)
        instance.kill()
        assert places(instance, *words) == []
        instance.start()
        client.get("/api/medical-records", params={"q": content})
    assert seen == []
    assert places(instance, *words) == []


def refused(client: httpx.Client, *words: str) -> None:
    """Put the words where a refusal, or its log line, could repeat them."""
    for word in words:
        answers = (
            client.post("/api/medical-records", data={"category": word, "patientId": word}),
            client.get(f"/api/patients/{word}"),
            client.get("/api/medical-records", params={"category": word, "cursor": word}),
            client.post("/api/patients", json={"familyName": word, "birthDate": word}),
            client.post("/api/session", json={"email": f"{word}@x.test", "password": word}),
        )
        for answer in answers:
            assert 400 <= answer.status_code < 500
            assert word not in answer.text


@pytest.mark.parametrize("victim", ["web", "worker"])
def test_a_crash_leaves_no_core_behind(tmp_path: Path, victim: str) -> None:
    """A core file would hold keys and plaintext."""
    with running(tmp_path) as instance:
        limits = Path(f"/proc/{instance.pids()[victim]}/limits").read_text()
        assert re.search(r"^Max core file size +0 +0 ", limits, re.MULTILINE)


def test_a_kill_in_the_middle_of_everything_leaves_no_plaintext(tmp_path: Path) -> None:
    content, name = canary("content"), canary("name")
    with running(tmp_path) as instance, instance.client(instance.account("dentist")) as client:
        patient = new_patient(client)
        for pause in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
            body = (content + "\n") * 60_000
            client.post(
                "/api/medical-records",
                data={"patientId": patient, "category": "administrative"},
                files={"file": (f"{name}.txt", body, "text/plain")},
            )
            unfinished(client, content)
            time.sleep(pause)
            instance.kill()
            assert places(instance, content, name) == []
            instance.start()


def unfinished(client: httpx.Client, word: str) -> None:
    """Leave half an upload behind."""
    headers = V | {"Upload-Length": "9000000"}
    url = client.post("/api/uploads", headers=headers).headers["Location"]
    body = (word + "\n").encode() * 60_000
    about = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert client.patch(url, content=body, headers=V | about).status_code == 204


def test_the_search_itself_can_find_what_it_looks_for(tmp_path: Path) -> None:
    """The negative control: a word left in clear is found."""
    word = canary("control")
    instance = Instance(folder=tmp_path)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0" * 5000 + word.encode("utf-16-le") + b"\0")
    assert places(instance, word)
