"""Landlock: which files a sandboxed child may still open, and how.

Raw system calls through ctypes, because the standard library has none. What the kernel's
version of Landlock can restrict is all taken away, then reading is given back path by path.
Source: the kernel's Documentation/userspace-api/landlock.rst.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import medstack

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

EXECUTE = 1 << 0
READ_FILE = 1 << 2
READ_DIR = 1 << 3
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # ABI: number of rights it knows
_NET_RIGHTS = 0b11  # bind and connect over TCP, ABI 4
_SCOPES = 0b11  # abstract unix sockets and signals to the outside, ABI 6

SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
LOADER_FILES = ("/etc/ld.so.cache",)

_libc = ctypes.CDLL(None, use_errno=True)


def abi() -> int:
    """The kernel's Landlock version, 0 where there is none."""
    found: int = _libc.syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    return max(found, 0)


def python_paths() -> tuple[Path, ...]:
    """Where Python, the installed libraries and this package are read from."""
    named = (sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
    return tuple(
        {
            Path(os.path.realpath(text))
            for text in (*named, *medstack.__path__, *SYSTEM_LIBRARIES, *LOADER_FILES)
        }
    )


def restrict(readable: Iterable[Path], *, executable: Iterable[Path] = ()) -> int:
    """Leave this process reading below `readable` and running `executable`; for good.

    Returns the ABI used, 0 when the kernel has no Landlock (then nothing is restricted).
    Needs no-new-privileges. Raises OSError when the kernel refuses.
    """
    version = abi()
    if version == 0:
        return 0
    ruleset = _create_ruleset(version)
    try:
        for path in readable:
            _allow(ruleset, path, READ_FILE | READ_DIR)
        for path in executable:
            _allow(ruleset, path, READ_FILE | EXECUTE)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return version


def _create_ruleset(version: int) -> int:
    rights = (1 << _FS_RIGHTS.get(version, 16)) - 1
    words = [rights]
    if version >= 4:
        words.append(_NET_RIGHTS)
    if version >= 6:
        words.append(_SCOPES)
    attributes = struct.pack(f"={len(words)}Q", *words)
    return _call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return  # nothing we could read there anyway
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= ~READ_DIR
        rule = struct.pack("=Qi", rights, target)
        _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(target)


def _call(number: int, *arguments: object) -> int:
    found: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if found < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return found
