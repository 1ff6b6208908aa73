"""How much memory a server takes to receive: the same for a gigabyte as for a megabyte."""

from __future__ import annotations

import base64
import http.client
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.outside.instance import Instance, running

MIB = 1 << 20
MOST = 150 * MIB  # above idle
BLOCK = os.urandom(MIB)
TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
NAME = "filename " + base64.b64encode(b"arch.stl").decode()


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Instance]:
    """Takes files of any size; afterwards its objects are gone at once, not with the folder."""
    with running(tmp_path) as instance:
        with instance.client(instance.account("admin")) as client:
            answer = client.put("/api/policies", json={"policies": {"limits.mesh": 8 << 30}})
            assert answer.status_code == 200, answer.text
        yield instance
    for path in (instance.data / "objects").rglob("*"):
        if path.is_file():
            path.unlink()


def upload(instance: Instance, token: str, size: int) -> None:
    """Send `size` bytes in one request, never held by the sender."""
    line = http.client.HTTPConnection("127.0.0.1", instance.port, timeout=250)
    said = TUS | {"Authorization": f"Bearer {token}"}
    begin = said | {"Upload-Length": str(size), "Upload-Metadata": NAME}
    line.request("POST", "/api/uploads", headers=begin)
    answer = line.getresponse()
    answer.read()
    assert answer.status == 201
    place = urlsplit(answer.headers["Location"]).path
    go_on = said | {"Upload-Offset": "0", "Content-Length": str(size)}
    line.request("PATCH", place, body=(BLOCK for _ in range(size // MIB)), headers=go_on)
    answer = line.getresponse()
    answer.read()
    assert answer.status == 204
    assert answer.headers["Upload-Offset"] == str(size)
    line.close()


def memory(pid: int, figure: str) -> int:
    """`VmRSS` or `VmHWM` (the highest it ever was) of a process, in bytes."""
    found = re.search(rf"^{figure}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
    assert found
    return int(found[1]) * 1024


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "size"),
    [pytest.param(1, 4096 * MIB, id="one of 4 GB"), pytest.param(8, 500 * MIB, id="8 of 500 MB")],
)
def test_receiving_takes_less_than_150_mb_above_idle(
    roomy: Instance, count: int, size: int
) -> None:
    token = roomy.account("dentist")
    parts = {part: pid for part, pid in roomy.pids().items() if part in ("web", "worker")}
    idle = {part: memory(pid, "VmRSS") for part, pid in parts.items()}
    with ThreadPoolExecutor(count) as senders:
        list(senders.map(lambda _: upload(roomy, token, size), range(count)))
    taken = {part: memory(pid, "VmHWM") - idle[part] for part, pid in parts.items()}
    print({part: f"{taken[part] / MIB:.0f} MiB above {idle[part] / MIB:.0f}" for part in parts})
    assert all(more < MOST for more in taken.values()), taken
