"""Negative controls: the same story over products that lie, each in one way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medstack.db import Tx
from medstack.flows.story import Story
from medstack.vault import DiskStore
from medstack.vault.fs import Fs
from medstack.vault.stores import disk


class ForgetsBytes(DiskStore):
    """Says an object is stored and never names it."""

    def __init__(self, root: Path, *, fs: Fs | None = None) -> None:
        self._promised: dict[str, int] = {}
        super().__init__(root, fs=fs)

    def place(self, tmp: str, name: str) -> None:
        self._promised[name] = Path(tmp).stat().st_size

    def size(self, name: str) -> int | None:
        return self._promised.get(name, super().size(name))


class ForgetsToSync(DiskStore):
    """Names an object and does not make the name survive a loss of power."""

    def place(self, tmp: str, name: str) -> None:
        synced, disk.sync_folder = disk.sync_folder, _nothing
        try:
            super().place(tmp, name)
        finally:
            disk.sync_folder = synced


def _nothing(fs: Fs, path: str) -> None:
    """Instead of a sync."""


_STORES: dict[str, type[DiskStore]] = {
    "forgets-bytes": ForgetsBytes,
    "forgets-to-sync": ForgetsToSync,
}


def store(control: str, root: Path, fs: Fs) -> DiskStore:
    """The store of a process under `control`; "" for the true one."""
    return _STORES.get(control, DiskStore)(root, fs=fs)


def sabotage(control: str) -> None:
    """Spoil the flows of this process, if that is what the control does."""
    if control == "stores-in-two-steps":
        Story.finish = _finish_later  # type: ignore[method-assign]


_finish: Any = Story.finish


def _finish_later(story: Story, tx: Tx, stage: str) -> None:
    """Commit the version first and that it is stored afterwards."""
    if stage != "store":
        _finish(story, tx, stage)
        return

    def later() -> None:
        with story.house.db.begin() as second:
            _finish(story, second, stage)

    tx.after_commit(later)
