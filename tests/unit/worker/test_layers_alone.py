"""Each wall by itself, in an interpreter of its own, so that none leans on another."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")

_PROLOGUE = """
import ctypes, os, resource, socket, sys
from pathlib import Path
from medstack.worker.sandbox import landlock, seccomp, walls
def tried(what):
    try:
        what()
    except OSError as error:
        return type(error).__name__
    return "worked"
"""


def said(body: str) -> list[str]:
    """Run `body` after the prologue; the words it prints."""
    done = subprocess.run(
        [sys.executable, "-c", _PROLOGUE + body],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.split()


def test_landlock_alone_leaves_python_and_takes_the_rest():
    body = """
walls._give_up_privileges()
if not landlock.restrict(landlock.python_paths()):
    print("absent")
    sys.exit()
print(tried(lambda: Path("/etc/passwd").read_bytes()), tried(lambda: os.listdir("/tmp")))
print(tried(lambda: Path(os.__file__).read_bytes()))
print(tried(lambda: Path("/tmp/landlock-escape").write_bytes(b"")))
"""
    words = said(body)
    if words == ["absent"]:
        pytest.skip("this kernel has no Landlock")
    assert words == ["PermissionError", "PermissionError", "worked", "PermissionError"]


def test_namespaces_alone_leave_no_network():
    body = """
answer = walls._leave_namespaces()
if answer is not True:
    print("absent")
    sys.exit()
def reach():
    with socket.socket() as there:
        there.settimeout(2)
        there.connect(("127.0.0.1", 9))
print(tried(reach), *(name for _, name in socket.if_nameindex()))
"""
    words = said(body)
    if words == ["absent"]:
        pytest.skip("namespaces may not be made here")
    assert words == ["OSError", "lo"]  # the network is unreachable, not the port closed


def test_seccomp_alone_refuses_sockets_processes_and_programs():
    body = """
walls._give_up_privileges()
seccomp.install()
print(tried(socket.socket), tried(os.fork), tried(lambda: os.execv("/bin/true", ["true"])))
print(tried(lambda: os.chmod("/tmp", 0o1777)), tried(lambda: os.listdir("/")))
"""
    assert said(body) == [*["PermissionError"] * 4, "worked"]


def test_limits_alone_stop_memory_and_files(tmp_path):
    body = f"""
import signal
walls._limit(256 * 1024**2)
try:
    bytearray(1024**3)
except MemoryError:
    print("memory")
print(tried(lambda: Path({str(tmp_path / "f")!r}).write_bytes(b"x")))
print(resource.getrlimit(resource.RLIMIT_CORE)[1])
"""
    assert said(body) == ["memory", "OSError", "0"]


def test_no_capability_is_left_nor_can_come_back():
    body = """
walls._leave_namespaces()
print(walls._drop_capabilities())
status = Path("/proc/self/status").read_text()
lines = (line.split() for line in status.splitlines())
print(*(line[1] for line in lines if line[0] in ("CapPrm:", "CapEff:")))
"""
    dropped, *sets = said(body)
    assert dropped == "True"
    assert sets == ["0" * 16] * 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else first")
def test_an_ordinary_user_gets_the_same_walls_as_root():
    body = """
readable = landlock.python_paths()
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
layers = walls.raise_walls(memory_bytes=1 << 30, readable=readable)
print(*(f"{name}={value}".replace(" ", "-") for name, value in layers.items()))
"""
    ours = walls_here()
    theirs = dict(word.split("=", 1) for word in said(body))
    assert theirs == ours


def walls_here() -> dict[str, str]:
    body = """
layers = walls.raise_walls(memory_bytes=1 << 30, readable=landlock.python_paths())
print(*(f"{name}={value}".replace(" ", "-") for name, value in layers.items()))
"""
    return dict(word.split("=", 1) for word in said(body))
