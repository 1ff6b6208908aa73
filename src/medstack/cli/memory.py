"""What this process holds in memory, keys and plaintext, stays out of core files.

Source: prctl(2) PR_SET_DUMPABLE, which also holds where cores are piped to a program.
"""

from __future__ import annotations

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4


def keep_off_disk() -> None:
    """Let no crash of this process leave a core file, nor another user's debugger look in."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
