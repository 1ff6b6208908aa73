"""No plaintext of a patient's data on any disk: planted words are in no file, at any stage."""

from __future__ import annotations

import secrets
import threading
import time
from pathlib import Path

import httpx
from tests.outside.instance import Instance, new_patient, running, settle

V = {"Tus-Resumable": "1.0.0"}


def canary(where: str) -> str:
    """A word nobody else writes; long enough to be no accident."""
    return f"canary{where}{secrets.token_hex(12)}"


def spellings(word: str) -> tuple[bytes, ...]:
    return (word.encode(), word.encode("utf-16-le"), word.upper().encode())


def places(instance: Instance, *words: str) -> list[str]:
    """Files below the instance's folder that hold one of the words in clear."""
    needles = [spelling for word in words for spelling in spellings(word)]
    found = []
    for path in instance.folder.rglob("*"):
        try:
            content = path.read_bytes() if path.is_file() else b""
        except FileNotFoundError:
            continue
        found += [str(path) for needle in needles if needle in content]
    return found


def watch(
    instance: Instance, words: tuple[str, ...], seen: list[str], stop: threading.Event
) -> None:
    while not stop.is_set():
        seen += places(instance, *words)
        time.sleep(0.02)


def test_planted_words_are_found_in_no_file_at_any_stage(tmp_path: Path) -> None:
    content, name, description, family, tag = map(
        canary, ("content", "name", "description", "family", "tag")
    )
    words = (content, name, description, family, tag)
    with running(tmp_path) as instance, instance.client(instance.account("dentist")) as client:
        seen: list[str] = []
        stop = threading.Event()
        watcher = threading.Thread(target=watch, args=(instance, words, seen, stop))
        watcher.start()
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
        instance.kill()
        assert places(instance, *words) == []
        instance.start()
        stop.set()
        watcher.join()
        assert seen == []
        assert places(instance, *words) == []


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
