"""A real `medstack serve` in a folder of its own, started, knocked on, killed and started again."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

PASSWORD = "correct-horse-battery"
READY_S = 60.0
SETTLED = frozenset({"available", "held", "quarantined", "rejected"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Instance:
    """One running MedStack. `folder` holds its data, configuration, temporary files and log."""

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def environment(self) -> dict[str, str]:
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        mine = {
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "TMPDIR": str(self.folder / "tmp"),
            "MEDSTACK_DATA": str(self.data),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MEDSTACK_")}
        return kept | mine | self.extra

    def command(self, *words: str, stdin: str = "") -> str:
        """Run a `medstack` command in this instance's environment; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "medstack", *words, "--data", str(self.data)],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"medstack {words[0]}: {done.stderr}"
        return done.stdout.strip()

    def start(self) -> Instance:
        words = ["serve", "--port", str(self.port), "--data", str(self.data), *self.arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "medstack", *words],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{self.url}/healthz", timeout=5).status_code == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("not ready: " + self.log.read_text()[-4000:])

    def kill(self) -> None:
        """kill -9 of every process of this instance, at once."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def account(self, role: str = "dentist", *, email: str = "", patient: str = "") -> str:
        """Make an account and return a bearer token for it."""
        email = email or f"{role}-{secrets.token_hex(4)}@practice.test"
        words = ["user", "add", email, "--role", role, "--password-stdin"]
        self.command(*words, *(["--patient", patient] if patient else []), stdin=PASSWORD + "\n")
        return self.command("token", "create", email, "--ttl", "8h")

    def client(self, token: str, *, timeout: float = 60) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout)

    def pids(self) -> dict[str, int]:
        """Process ids by part: watcher, web, worker."""
        assert self.process is not None
        found = {"watcher": self.process.pid}
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for pid in map(int, children.split()):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"--only" in words:
                found[words[words.index(b"--only") + 1].decode()] = pid
        return found

    def everyone(self) -> list[int]:
        """Process ids of the whole instance, parsers and all."""
        if self.process is None:
            return []
        found, waiting = [], [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        waiting += map(int, (thread / "children").read_text().split())
        return found


def new_patient(client: httpx.Client, **fields: str) -> str:
    """A synthetic patient; returns the chart number."""
    body = {"familyName": "Sample", "givenName": "Ada", "birthDate": "1984-03-02"} | fields
    answer = client.post("/api/patients", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def settle(client: httpx.Client, record_id: str, *, timeout_s: float = 60) -> dict[str, object]:
    """Wait until the pipeline is done with a record; returns the record."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        record: dict[str, object] = client.get(f"/api/medical-records/{record_id}").json()
        if record["status"] in SETTLED:
            return record
        time.sleep(0.05)
    raise AssertionError(f"still {record['status']} after {timeout_s} s")


@contextlib.contextmanager
def running(folder: Path, *arguments: str, **extra: str) -> Iterator[Instance]:
    """An instance that is stopped however the block ends."""
    instance = Instance(folder=folder, extra=extra, arguments=arguments)
    try:
        yield instance.start()
    finally:
        instance.stop()
