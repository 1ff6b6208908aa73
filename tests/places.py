"""Where a test's database is: what another process needs to open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from medstack.db import Database

DATABASE_KEY = bytes(range(32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One database, on either engine."""

    url: str
    key: bytes | None

    def open(self, *, lock_timeout_s: float = 15.0) -> Database:
        return Database.open(self.url, key=self.key, lock_timeout_s=lock_timeout_s)

    @property
    def folder(self) -> Path:
        """The folder of a SQLite database."""
        return Path(self.url.removeprefix("sqlite:///")).parent


NewPlace = Callable[..., Place]
