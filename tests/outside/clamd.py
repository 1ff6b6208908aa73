"""A real clamd of one's own: knows EICAR (and clamav-testfiles), listens on a socket and a port.

Everything it writes is in one folder on /dev/shm, its TemporaryDirectory too: clamd spools what
it scans, and that must not touch a disk. Use the fixture `clamd_server`, or `started()` with
settings of your own.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from medstack.kit.clock import SystemClock
from medstack.scanners.clamd import Clamd
from medstack.scanners.eicar import eicar_file

PACKAGE = "clamav-daemon"
START_S = 60
_RULE = "rule Eicar_Yara {{ strings: $a = {{ {} }} condition: $a }}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClamdServer:
    """A running clamd."""

    process: subprocess.Popen[bytes]
    socket_path: str
    port: int
    folder: Path

    @property
    def addresses(self) -> tuple[str, str]:
        return self.socket_path, f"127.0.0.1:{self.port}"

    def client(self, *, patience_s: float = 30.0, tcp: bool = False) -> Clamd:
        return Clamd(self.addresses[tcp], clock=SystemClock(), patience_s=patience_s)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def require_clamd() -> str:
    """Path of clamd. Without one: a failure where CI=true, else a skip that names the package."""
    found = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if found is None:
        reason = f"clamd is missing: install the package `{PACKAGE}` (Debian, Ubuntu)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def started(**settings: str) -> Iterator[ClamdServer]:
    """Run clamd until the block is left. settings: lines of clamd.conf, over ours."""
    program = require_clamd()
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="clamd-", dir=shm if shm.is_dir() else None))
    try:
        port = _free_port()
        _write_database(folder / "db")
        _write_config(folder, port, settings)
        process = subprocess.Popen(
            [program, "--foreground", f"--config-file={folder / 'clamd.conf'}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        server = ClamdServer(
            process=process, socket_path=str(folder / "clamd.sock"), port=port, folder=folder
        )
        try:
            _wait_until_ready(server)
            yield server
        finally:
            server.thaw()
            server.kill()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def clamd_server() -> Iterator[ClamdServer]:
    """One clamd for all who only read from it: do not freeze or kill this one."""
    with started() as server:
        yield server


def _write_database(folder: Path) -> None:
    """A whole-file hash and a pattern of EICAR, and the marker of clamav-testfiles."""
    folder.mkdir()
    hex_text = eicar_file().hex()
    spaced = " ".join(hex_text[i : i + 2] for i in range(0, len(hex_text), 2))
    (folder / "test.ndb").write_text(
        f"Eicar-Test-Signature:0:*:{hex_text}\nClamav-Test-File:0:*:{b'[CLAMAV]'.hex()}\n"
    )
    (folder / "test.yara").write_text(_RULE.format(spaced))


def _write_config(folder: Path, port: int, settings: dict[str, str]) -> None:
    (folder / "tmp").mkdir()
    lines = {
        "DatabaseDirectory": str(folder / "db"),
        "TemporaryDirectory": str(folder / "tmp"),
        "LocalSocket": str(folder / "clamd.sock"),
        "TCPAddr": "127.0.0.1",
        "TCPSocket": str(port),
        "StreamMaxLength": "600M",
        "MaxFileSize": "600M",
        "MaxScanSize": "2000M",
        "AlertExceedsMax": "yes",
        "MaxThreads": "4",
    }
    text = "".join(f"{name} {value}\n" for name, value in (lines | settings).items())
    (folder / "clamd.conf").write_text(text)


def _wait_until_ready(server: ClamdServer) -> None:
    deadline = time.monotonic() + START_S
    client = server.client(patience_s=2)
    while not client.health().is_ready:
        if server.process.poll() is not None:
            pytest.fail(f"clamd ended with status {server.process.returncode}")
        if time.monotonic() > deadline:
            pytest.fail(f"clamd was not ready within {START_S} s")
        time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
