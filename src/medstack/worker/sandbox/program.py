"""Becoming an external program behind the same walls: input on 0, output on 1, nothing else.

Runs in a child the zygote forked. Only the program's own file, the system's libraries and its
descriptors are left to it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from medstack.worker.sandbox import landlock, walls

_LOADERS = (
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
)
_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/nonexistent"}


def become(argv: tuple[str, ...], fds: list[int], *, memory_bytes: int, cpu_s: int) -> NoReturn:
    """Raise the walls and run `argv` with fds[0] as input and fds[1] as output."""
    os.dup2(fds[0], 0)
    os.dup2(fds[1], 1)
    program = Path(argv[0]).resolve()
    walls.limit_cpu(cpu_s)
    walls.raise_walls(
        memory_bytes=memory_bytes, readable=_libraries(program), executable=_files(program)
    )
    os.execve(program, argv, _ENVIRONMENT)  # noqa: S606  no shell is the point


def _libraries(program: Path) -> tuple[Path, ...]:
    """System libraries, and those installed beside the program."""
    beside = program.parent.parent / "lib"
    named = (*landlock.SYSTEM_LIBRARIES, *landlock.LOADER_FILES, str(beside))
    return tuple({Path(text).resolve() for text in named})


def _files(program: Path) -> tuple[Path, ...]:
    return (program, *(Path(text).resolve() for text in _LOADERS if Path(text).exists()))
