"""A crash of one of our processes leaves no core: keys and plaintext are in its memory."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import ctypes, resource
from medstack.cli import memory
soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
libc = ctypes.CDLL(None)
print(libc.prctl(3, 0, 0, 0, 0))
memory.keep_off_disk()
print(libc.prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_a_process_of_ours_cannot_be_dumped() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["1", "0", "0", "0"]
