"""clamd configured but silent: files are held, served to nobody, and finish by themselves later."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from tests.outside.clamd import ClamdServer, started
from tests.outside.instance import Instance, new_patient, running, settle

NOTE = b"Synthetic note about nobody.\n"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
RETRIED_S = 90


def send(client: httpx.Client, patient: str, data: bytes) -> str:
    answer = client.post(
        "/api/medical-records",
        data={"patientId": patient, "category": "administrative"},
        files={"file": ("note.txt", data, "text/plain")},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def becomes(client: httpx.Client, record_id: str, status: str) -> dict[str, object]:
    """Wait past `held`, where retries lead through it."""
    deadline = time.monotonic() + RETRIED_S
    while time.monotonic() < deadline:
        record = settle(client, record_id, timeout_s=RETRIED_S)
        if record["status"] == status:
            return record
        time.sleep(0.5)
    raise AssertionError(f"still {record['status']}")


def through(clamd: ClamdServer, folder: Path) -> Instance:
    extra = {"MEDSTACK_CLAMD": clamd.socket_path, "MEDSTACK_CLAMD_TIMEOUT": "3"}
    return Instance(folder=folder, extra=extra)


@pytest.mark.slow
def test_a_silent_engine_holds_files_until_it_answers_again(tmp_path: Path) -> None:
    with started() as clamd:
        instance = through(clamd, tmp_path)
        token = instance.account("dentist")
        try:
            instance.start()
            with instance.client(token) as client:
                patient = new_patient(client)
                assert settle(client, send(client, patient, NOTE))["status"] == "available"
                clamd.freeze()
                waiting = send(client, patient, NOTE * 2)
                infected = send(client, patient, EICAR)
                held = settle(client, waiting)
                assert (held["status"], held["statusReason"]) == ("held", "scanner-unavailable")
                assert client.get(f"/api/files/{waiting}").status_code == 409
                instance.kill()
                clamd.thaw()
                instance.start()
                becomes(client, waiting, "available")
                assert client.get(f"/api/files/{waiting}").content == NOTE * 2
                record = becomes(client, infected, "quarantined")
                assert client.get(f"/api/files/{record['id']}").status_code == 409
        finally:
            instance.stop()


def test_an_engine_that_was_never_there_serves_nothing(tmp_path: Path) -> None:
    with (
        running(tmp_path, MEDSTACK_CLAMD=str(tmp_path / "no.sock")) as instance,
        instance.client(instance.account("dentist")) as client,
    ):
        record = settle(client, send(client, new_patient(client), NOTE))
        assert (record["status"], record["statusReason"]) == ("held", "scanner-unavailable")
        assert client.get(f"/api/files/{record['id']}").status_code == 409
