"""kill -9 of a running server, of all of it or of a part, in the middle of many uploads.

What a client was told is there afterwards, everything settles by itself, and rows, bytes and log
agree. Seeded: the moments are the same in every run, what they hit is not.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.outside.instance import Instance, new_patient, running, settle

ROUNDS = 8
SENDERS = 3
FILE_BYTES = 300_000
REQUESTS = 4
TUS = {"Tus-Resumable": "1.0.0"}
VICTIMS = ("all", "all", "worker", "web", "all", "worker", "all", "web")


@dataclass(slots=True, kw_only=True)
class File:
    """One file a client sends, and what it was told about it."""

    data: bytes
    url: str = ""  # of its upload, once that was answered
    offset: int = 0  # acknowledged
    record: str = ""  # the record it became, by the server's word


@dataclass(slots=True)
class Practice:
    """The clients of a practice; they never give up."""

    instance: Instance
    token: str
    patient: str
    files: list[File] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    errors: list[str] = field(default_factory=list)

    def send_on(self, seed: int) -> None:
        """Send file after file, by tus and by form in turn, until told to stop."""
        chance = random.Random(seed)
        while not self.stop.is_set():
            file = File(data=_text(chance))
            try:
                if chance.random() < 0.3:
                    self._by_form(file)
                else:
                    self._by_tus(file)
                self.stop.wait(chance.uniform(0, 0.6))
            except AssertionError as error:
                self.errors.append(str(error))
                return

    def finish(self) -> None:
        """Send the rest of whatever was begun."""
        for file in self.files:
            if file.url:
                self._continue(file)

    def _client(self) -> httpx.Client:
        return self.instance.client(self.token, timeout=30)

    def _by_form(self, file: File) -> None:
        """One try: a form without an answer is not known to have arrived."""
        with self._client() as client, contextlib.suppress(httpx.TransportError):
            answer = client.post(
                "/api/medical-records",
                data={"patientId": self.patient, "category": "administrative"},
                files={"file": ("note.txt", file.data, "text/plain")},
            )
            if _is_answer(answer, 201):
                file.offset = len(file.data)
                file.record = answer.json()["id"]
                self.files.append(file)

    def _by_tus(self, file: File) -> None:
        with self._client() as client:
            words = {"filename": "note.txt", "patientId": self.patient}
            words["category"] = "administrative"
            about = {"Upload-Length": str(len(file.data)), "Upload-Metadata": _metadata(words)}
            while not file.url and not self.stop.is_set():
                with _patience():
                    answer = client.post("/api/uploads", headers=TUS | about)
                    if _is_answer(answer, 201):
                        file.url = answer.headers["Location"]
            if file.url:
                self.files.append(file)
                self._go_on(client, file)

    def _continue(self, file: File) -> None:
        with self._client() as client:
            self._go_on(client, file, stop=threading.Event())
        assert file.record, "a complete upload names its record"

    def _go_on(self, client: httpx.Client, file: File, stop: threading.Event | None = None) -> None:
        """Ask where it stands and go on there, request by request, whatever happens."""
        stop = stop or self.stop
        while not file.record and not stop.is_set():
            with _patience():
                asked = client.head(file.url, headers=TUS)
                if not _is_answer(asked, 200):
                    continue
                offset = int(asked.headers["Upload-Offset"])
                assert offset >= file.offset, f"{file.offset} acknowledged, {offset} there"
                file.offset = offset
                file.record = asked.headers.get("Medstack-Record", "")
                if file.record:
                    return
                end = min(offset + len(file.data) // REQUESTS, len(file.data))
                headers = TUS | {
                    "Upload-Offset": str(offset),
                    "Content-Type": "application/offset+octet-stream",
                }
                answer = client.patch(file.url, content=file.data[offset:end], headers=headers)
                if _is_answer(answer, 204):
                    file.offset = int(answer.headers["Upload-Offset"])
                    file.record = answer.headers.get("Medstack-Record", "")


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """A server that is away comes back."""
    try:
        yield
    except httpx.TransportError:
        time.sleep(0.05)


def _is_answer(answer: httpx.Response, status: int) -> bool:
    """True for the status; false for a Busy that asks to come again; all else is a failure."""
    if answer.status_code == 503 and "retry-after" in answer.headers:
        time.sleep(0.2)
        return False
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:300]}"
    return True


def _text(chance: random.Random) -> bytes:
    size = chance.randrange(FILE_BYTES // 10, FILE_BYTES)
    lines = (f"Synthetic reading {chance.getrandbits(64):x}\n" for _ in range(size // 35))
    return "".join(lines).encode()


def _metadata(words: dict[str, str]) -> str:
    from base64 import b64encode

    return ",".join(f"{k} {b64encode(v.encode()).decode()}" for k, v in words.items())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    extra = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_url")
        name = f"kill_{uuid.uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        extra["MEDSTACK_DATABASE_URL"] = f"{server.rpartition('/')[0]}/{name}"
    with running(tmp_path, **extra) as started:
        yield started


def strike(instance: Instance, victim: str) -> None:
    """kill -9, and a restart of whatever does not come back by itself."""
    if victim == "all":
        instance.kill()
        instance.start()
        return
    pid = instance.pids().get(victim)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    instance.wait_until_ready()


@pytest.mark.timeout(400)
def test_a_server_killed_again_and_again_loses_nothing_it_acknowledged(
    instance: Instance,
) -> None:
    token = instance.account("dentist")
    with instance.client(token) as client:
        practice = Practice(instance, token, new_patient(client))
    senders = [threading.Thread(target=practice.send_on, args=(seed,)) for seed in range(SENDERS)]
    for sender in senders:
        sender.start()
    chance = random.Random(20260301)
    for victim in VICTIMS[:ROUNDS]:
        time.sleep(chance.uniform(0.1, 1.5))
        strike(instance, victim)
    practice.stop.set()
    for sender in senders:
        sender.join(60)
    assert practice.errors == []
    practice.finish()
    with instance.client(token) as client:
        everything_is_there(client, practice)
    instance.stop()
    assert instance.command("check", "--deep").endswith("\nsound")
    assert re.search(r"^\d+ events: whole$", instance.command("audit", "verify"), re.MULTILINE)


def everything_is_there(client: httpx.Client, practice: Practice) -> None:
    """Every file a client was told is complete settles and comes back byte for byte, once."""
    assert len(practice.files) >= ROUNDS
    assert len({file.record for file in practice.files}) == len(practice.files)
    for file in practice.files:
        record = settle(client, file.record, timeout_s=90)
        assert record["status"] == "available", (record["status"], record.get("stages"))
        assert client.get(f"/api/files/{file.record}").content == file.data
        versions = client.get(f"/api/medical-records/{file.record}/versions").json()["items"]
        assert [version["number"] for version in versions] == [1]
