"""One private PostgreSQL server for a test run, shared by all of its xdist workers.

The controlling process reserves a folder and names it in the environment; the first worker that
needs the server starts it, under a lock; the controlling process stops it and removes the folder.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FOLDER = "MEDSTACK_TEST_POSTGRES"
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
}


def binaries() -> Path | None:
    """The folder of `initdb` and `pg_ctl`; None if PostgreSQL is not installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[4]) if path.parts[4].isdigit() else 0,
    )
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def reserve() -> None:
    """Choose the folder of this run. Called once, before any worker starts."""
    os.environ[_FOLDER] = tempfile.mkdtemp(prefix="medstack-pg-")


def start() -> str:
    """Start the server if no worker has yet. Returns the URL of its `postgres` database."""
    folder = Path(os.environ[_FOLDER])
    with _locked(folder):
        port_file = folder / "port"
        if not port_file.exists():
            port_file.write_text(str(_launch(folder)))
        return f"postgresql://postgres@127.0.0.1:{port_file.read_text()}/postgres"


def stop() -> None:
    """Stop the server, if it runs, and remove the folder."""
    folder = Path(os.environ.pop(_FOLDER))
    if (folder / "port").exists():
        _as_postgres("pg_ctl", "stop", "-D", str(folder / "data"), "-m", "immediate", "-w")
    shutil.rmtree(folder)


def _launch(folder: Path) -> int:
    data, port = folder / "data", _free_port()
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    _as_postgres(
        "initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
        "--locale=C.UTF-8", "--no-sync",
    )  # fmt: skip
    lines = [f"{name} = '{value}'" for name, value in _SETTINGS.items()]
    lines += [
        "listen_addresses = '127.0.0.1'",
        f"port = {port}",
        f"unix_socket_directories = '{folder}'",
    ]
    with (data / "postgresql.conf").open("a") as conf:
        conf.write("\n".join(lines) + "\n")
    _as_postgres("pg_ctl", "start", "-D", str(data), "-w", "-l", str(folder / "log"))
    return port


def _as_postgres(program: str, *arguments: str) -> None:
    """Run one of the server's programs, as user postgres when we are root: it refuses root."""
    folder = binaries()
    assert folder is not None
    command = [str(folder / program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(command, cwd="/", capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{program}: {done.stderr.decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
