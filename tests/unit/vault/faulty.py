"""File calls that fail when told to, and that remember in which order they were made."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from medstack.vault.fs import Fs

CALLS = (
    "close", "flock", "fsync", "link", "listdir", "mkdir", "open",
    "pread", "rmdir", "set_direct", "stat", "statvfs", "unlink", "write",
)  # fmt: skip


class FaultyFs(Fs):
    """Counts calls; the `fail_at`-th (from 1) raises `error` instead of being made.

    Nothing is really synced: no power is cut here. A failing close closes all the same, as
    the kernel's does. `torn` lets a failing write put half its bytes down first.
    """

    def __init__(self, *, fail_at: int = 0, error: int = 0, torn: bool = False) -> None:
        self.fail_at = fail_at
        self.error = error
        self.torn = torn
        self.count = 0
        self.log: list[tuple[str, tuple[Any, ...]]] = []
        for name in CALLS:
            setattr(self, name, self._counted(name, getattr(super(), name)))

    @property
    def has_failed(self) -> bool:
        return 0 < self.fail_at <= self.count

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            self.log.append((name, args))
            if self.count == self.fail_at:
                if name == "close":
                    call(*args)
                if name == "write" and self.torn:
                    call(args[0], args[1][: len(args[1]) // 2])
                raise OSError(self.error, os.strerror(self.error))
            return None if name == "fsync" else call(*args, **kwargs)

        return counted
