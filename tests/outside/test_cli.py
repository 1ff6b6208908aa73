"""The commands of design §3, run as an operator runs them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.golden.jpeg import make as jpeg
from tests.outside.instance import PASSWORD, Instance, new_patient

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
NOTE = b"Synthetic note about nobody.\n"


def medstack(instance: Instance, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command whatever comes of it."""
    return subprocess.run(
        [sys.executable, "-m", "medstack", *words, "--data", str(instance.data)],
        env=instance.environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.fixture(scope="module")
def chart(dentist: httpx.Client) -> str:
    return new_patient(dentist)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder as a person has one: files, a subfolder, a ZIP, and things nobody should take."""
    top = tmp_path_factory.mktemp("import")
    (top / "visit").mkdir()
    (top / "visit" / "photo.jpg").write_bytes(jpeg.photo())
    (top / "note.txt").write_bytes(NOTE)
    (top / "moving.gif").write_bytes(b"GIF89a" + bytes(40))
    (top / "invoice.txt").write_bytes(EICAR)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("letters/one.txt", NOTE * 3)
        archive.writestr("letters/two.txt", NOTE * 5)
    (top / "letters.zip").write_bytes(packed.getvalue())
    yield top


def test_import_brings_folders_and_zips_and_reports_on_every_file(
    instance: Instance, dentist: httpx.Client, chart: str, folder: Path
) -> None:
    done = medstack(
        instance, "import", str(folder), "--patient", chart, "--category", "administrative"
    )
    told = {line.split()[-1]: line.split()[:2] for line in done.stdout.splitlines()}
    assert told["note.txt"][0] == "available", done.stdout + done.stderr
    assert told["photo.jpg"][0] == "available"
    assert told["one.txt"][0] == told["two.txt"][0] == "available"
    assert told["moving.gif"] == ["rejected", "unrecognised-kind"]
    assert told["invoice.txt"] == ["quarantined", "scan-infected"]
    assert done.returncode == 1
    listed = dentist.get("/api/medical-records", params={"patientId": chart}).json()["items"]
    assert {item["originalFileName"] for item in listed} >= {"note.txt", "one.txt", "two.txt"}


def test_import_for_an_unknown_chart_is_refused(instance: Instance, folder: Path) -> None:
    done = medstack(instance, "import", str(folder / "note.txt"), "--patient", "P999999")
    assert done.returncode == 1
    assert "not-found" in done.stdout


def test_import_works_without_a_running_server(tmp_path: Path, folder: Path) -> None:
    alone = Instance(folder=tmp_path)
    token = alone.account("dentist")
    alone.start()
    with alone.client(token) as client:
        chart = new_patient(client)
    alone.stop()
    done = medstack(alone, "import", str(folder / "note.txt"), "--patient", chart)
    assert done.stdout.split()[0] == "available", done.stdout + done.stderr
    assert done.returncode == 0


def test_token_create_prints_the_token_and_nothing_else(instance: Instance) -> None:
    instance.account("staff", email="printed@practice.test")
    printed = instance.command("token", "create", "printed@practice.test", "--ttl", "90s")
    assert len(printed.split()) == 1
    with instance.client(printed) as client:
        assert client.get("/api/session").status_code == 200


@pytest.mark.parametrize("ttl", ["", "1", "h", "-1h", "1w"])
def test_a_time_that_is_none_is_refused(instance: Instance, ttl: str) -> None:
    done = medstack(instance, "token", "create", "printed@practice.test", f"--ttl={ttl}")
    assert done.returncode == 1
    assert "bad-duration" in done.stderr


def test_a_second_account_of_one_email_is_refused(instance: Instance) -> None:
    words = ("user", "add", "twice@practice.test", "--role", "staff", "--password-stdin")
    assert medstack(instance, *words, stdin=PASSWORD).returncode == 0
    again = medstack(instance, *words, stdin=PASSWORD)
    assert again.returncode == 1
    assert "email-taken" in again.stderr
    assert "twice@" not in again.stderr


def test_a_weak_password_is_refused(instance: Instance) -> None:
    words = ("user", "add", "weak@practice.test", "--role", "staff", "--password-stdin")
    done = medstack(instance, *words, stdin="short")
    assert done.returncode == 1
    assert "weak-password" in done.stderr


def test_check_calls_a_sound_vault_sound(instance: Instance) -> None:
    assert instance.command("check", "--deep").endswith("sound")


def test_check_finds_a_lost_object(tmp_path: Path, folder: Path) -> None:
    broken = Instance(folder=tmp_path)
    broken.account("dentist")
    broken.start()
    with broken.client(broken.account("dentist")) as client:
        chart = new_patient(client)
    broken.stop()
    assert medstack(broken, "import", str(folder / "note.txt"), "--patient", chart).returncode == 0
    objects = [p for p in (broken.data / "objects").rglob("*") if p.is_file()]
    max(objects, key=lambda p: p.stat().st_size).unlink()
    done = medstack(broken, "check")
    assert done.returncode == 1
    assert "object-missing" in done.stdout


def test_the_log_verifies_also_against_a_checkpoint_kept_elsewhere(
    instance: Instance, tmp_path: Path
) -> None:
    kept = tmp_path / "checkpoint"
    kept.write_text(instance.command("audit", "checkpoint") + "\n")
    assert "whole" in instance.command("audit", "verify", "--checkpoint", str(kept))


def test_a_checkpoint_of_another_log_is_no_proof(instance: Instance, tmp_path: Path) -> None:
    other = Instance(folder=tmp_path / "other")
    other.account("dentist")
    kept = tmp_path / "checkpoint"
    kept.write_text(other.command("audit", "checkpoint") + "\n")
    assert medstack(instance, "audit", "verify", "--checkpoint", str(kept)).returncode == 1


def test_doctor_says_in_words_what_is_on_and_what_is_missing(instance: Instance) -> None:
    done = medstack(instance, "doctor")
    assert "root key" in done.stdout
    assert "landlock" in done.stdout
    assert "clamd" in done.stdout


def test_serve_refuses_the_network_without_tls(tmp_path: Path) -> None:
    instance = Instance(folder=tmp_path)
    done = medstack(instance, "serve", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 1
    assert "needs-tls" in done.stderr


def test_demo_mode_stays_on_this_computer(tmp_path: Path) -> None:
    instance = Instance(folder=tmp_path)
    done = medstack(instance, "serve", "--demo", "--host", "192.168.1.2")
    assert done.returncode == 1
    assert "demo-stays-local" in done.stderr


FIRST = ("user", "add", "first@practice.test", "--role", "admin", "--password-stdin")


def test_the_key_never_lies_beside_the_data_unless_somebody_says_so(tmp_path: Path) -> None:
    key = {"MEDSTACK_KEY_FILE": str(tmp_path / "data" / "root.key")}
    careless = Instance(folder=tmp_path, extra=key)
    done = medstack(careless, *FIRST, stdin=PASSWORD)
    assert done.returncode == 1
    assert "key-file-beside-data" in done.stderr
    accepted = Instance(folder=tmp_path, extra=key | {"MEDSTACK_ACCEPT_KEY_BESIDE_DATA": "true"})
    assert medstack(accepted, *FIRST, stdin=PASSWORD).returncode == 0


def test_a_vault_behind_a_passphrase_opens_with_it_and_with_no_other(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("a long synthetic passphrase\n")
    settings = {"MEDSTACK_KEY_PROVIDER": "passphrase", "MEDSTACK_PASSPHRASE_FILE": str(secret)}
    instance = Instance(folder=tmp_path, extra=settings)
    assert medstack(instance, *FIRST, stdin=PASSWORD).returncode == 0
    secret.write_text("another long passphrase\n")
    done = medstack(instance, "audit", "verify")
    assert done.returncode == 1
    assert "wrong-passphrase" in done.stderr


def test_openapi_is_json_anybody_can_read(instance: Instance) -> None:
    document = json.loads(httpx.get(f"{instance.url}/openapi.json").text)
    assert document["openapi"].startswith("3.1")
