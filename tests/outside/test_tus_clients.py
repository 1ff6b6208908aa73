"""The clients people really use: tus-js-client and tuspy send 500 MB, and get the same back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.outside.instance import Instance, new_patient, running, settle
from tusclient.client import TusClient

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
TRIANGLES = 10_000_000  # 500 MB of binary STL


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("roomy")) as instance:
        admin = instance.account("admin")
        with instance.client(admin) as client:
            limits = {"limits.mesh": 1 << 30, "limits.patient-quota": 20 << 30}
            answer = client.put("/api/policies", json={"policies": limits})
            assert answer.status_code == 200, answer.text
        yield instance


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A binary STL of 500 MB, every facet its own."""
    import numpy as np

    path = tmp_path_factory.mktemp("mesh") / "arch.stl"
    facet = np.dtype([("floats", "<f4", 12), ("attribute", "<u2")])
    digest = hashlib.sha256()
    random = np.random.default_rng(7)
    with path.open("wb") as file:
        head = b"synthetic arch".ljust(80) + struct.pack("<I", TRIANGLES)
        file.write(head)
        digest.update(head)
        for _ in range(TRIANGLES // 500_000):
            block = np.zeros(500_000, facet)
            block["floats"] = random.random((500_000, 12), dtype=np.float32)
            file.write(block.tobytes())
            digest.update(block.tobytes())
    return path, digest.hexdigest()


def fetched(client: httpx.Client, record_id: str) -> str:
    digest = hashlib.sha256()
    with client.stream("GET", f"/api/files/{record_id}") as answer:
        assert answer.status_code == 200, answer.read()
        for piece in answer.iter_bytes(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def record_of(client: httpx.Client, url: str) -> str:
    return str(client.get(url).json()["recordId"])


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [1, 4])
def test_tus_js_client_sends_500_mb_and_gets_the_same_back(
    roomy: Instance, mesh: tuple[Path, str], parallel: int
) -> None:
    node = shutil.which("node")
    assert node, "Node is missing"
    assert (ROOT / "node_modules/tus-js-client").is_dir(), "run `make test`, or `npm ci`"
    token = roomy.account("dentist")
    path, digest = mesh
    with roomy.client(token, timeout=300) as client:
        about = {"filename": "arch.stl", "patientId": new_patient(client)}
        about["category"] = "diagnostic-images"
        words = [f"{roomy.url}/api/uploads", token, str(path), str(parallel), json.dumps(about)]
        done = subprocess.run(
            [node, str(HERE / "js/upload.mjs"), *words],
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
            env=os.environ | {"NODE_PATH": str(ROOT / "node_modules")},
        )
        assert done.returncode == 0, done.stderr
        record_id = record_of(client, done.stdout.strip())
        assert settle(client, record_id, timeout_s=200)["status"] == "available"
        assert fetched(client, record_id) == digest


@pytest.mark.slow
def test_tuspy_sends_500_mb_and_gets_the_same_back(roomy: Instance, mesh: tuple[Path, str]) -> None:
    token = roomy.account("dentist")
    path, digest = mesh
    tus = TusClient(f"{roomy.url}/api/uploads", headers={"Authorization": f"Bearer {token}"})
    with roomy.client(token, timeout=300) as client:
        about = {"filename": "arch.stl", "patientId": new_patient(client)}
        with path.open("rb") as file:  # given a path, tuspy never closes it
            uploader = tus.uploader(file_stream=file, chunk_size=16 << 20, metadata=about)
            uploader.upload()
        assert uploader.url is not None
        record_id = record_of(client, uploader.url)
        assert settle(client, record_id, timeout_s=200)["status"] == "available"
        assert fetched(client, record_id) == digest
