"""A store in a folder: one immutable file per object.

An object is written to a temporary file, synced, linked to its name (which fails if the name
is taken), and the folder is synced, all before `finish` returns. A failed sync is never tried
again: the kernel may have dropped the pages, so the file is discarded and the writer refused.
Large blocks go past the page cache: whoever writes them in whole pages, from memory that begins
on one, saves the kernel a copy, and the sync at the end finds nothing left to write.

    objects/<first two letters>/<name>      finished objects
    tmp/<one folder per open store>/<name>  unfinished ones, removed at the next start
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from medstack.kit import log
from medstack.kit.errors import Busy
from medstack.vault.fs import Fs, refusal, sync_folder
from medstack.vault.stores.contract import (
    NAME,
    PAGE,
    AlreadyStored,
    Buffer,
    ObjectMissing,
    Stored,
    StoreHealth,
    checked,
    put_pieces,
)
from medstack.vault.stores.descriptors import Descriptors

OPEN_FILES = 128
DIRECT_BYTES = 256 * 1024  # from here on a block goes past the page cache
PAGE_BYTES = 4096
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600
_FAN = re.compile(r"[a-z0-9]{2}\Z")
_OWNER = re.compile(r"[0-9a-f]{16}\Z")
_UNFINISHED = re.compile(r"[a-z0-9-]+\Z")
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class DiskStore:
    """Several processes may open the same folder; each has a temporary folder of its own.

    root: made if missing, readable by nobody else. Its file system must know hard links.
    """

    kind: ClassVar[str] = "disk"

    def __init__(self, root: Path, *, fs: Fs | None = None, open_files: int = OPEN_FILES) -> None:
        self._fs = fs or Fs()
        self._objects = str(root / "objects")
        self._tmp_root = str(root / "tmp")
        self._lock = threading.Lock()
        self._synced: set[str] = set()  # folders whose own name is known to survive a crash
        self._files = Descriptors(self._fs, open_file=self._open_object, most=open_files)
        self._tmp, self._tmp_fd = "", -1
        try:
            with _refusing():
                for folder in (root, root / "objects", root / "tmp"):
                    self._make_folder(str(folder), parents=folder is root)
                self._claim_tmp()
        except Busy:
            self.close()
            raise

    def writer(self, name: str) -> DiskWriter:
        return DiskWriter(self._fs, self, checked(name), folder=self._tmp)

    def put(self, name: str, pieces: Iterable[Buffer]) -> int:
        return put_pieces(self.writer(name), pieces)

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        try:
            return self._files.pread(name, offset, length)
        except FileNotFoundError as error:
            raise ObjectMissing from error
        except OSError as error:
            raise refusal(error) from error

    def size(self, name: str) -> int | None:
        try:
            found = self._fs.stat(self.path_of(name), follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refusal(error) from error
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def delete(self, name: str) -> None:
        path = self.path_of(name)
        with _refusing():
            try:
                self._fs.unlink(path)
            except FileNotFoundError:
                return
            finally:
                self._files.drop(name)
            sync_folder(self._fs, f"{self._objects}/{name[:2]}")

    def page(self, *, prefix: str = "", after: str = "", limit: int = PAGE) -> list[Stored]:
        found: list[Stored] = []
        with _refusing():
            for fan in self._names(self._objects, _FAN):
                if fan < after[:2] or not (fan.startswith(prefix) or prefix.startswith(fan)):
                    continue
                for name in self._names(f"{self._objects}/{fan}", NAME):
                    if name <= after or not name.startswith(prefix):
                        continue
                    if (stored := self._look(name)) is not None:
                        found.append(stored)
                    if len(found) == limit:
                        return found
        return found

    def health(self) -> StoreHealth:
        try:
            with _refusing():
                room = self._fs.statvfs(self._objects)
            probe = self.writer("probe" + secrets.token_hex(8))
            probe.write(bytes(4096))
            probe.abort()
        except Busy as problem:
            return StoreHealth(is_ready=False, detail=problem.detail)
        return StoreHealth(is_ready=True, free_bytes=room.f_bavail * room.f_frsize)

    def close(self) -> None:
        self._files.close()
        with self._lock:
            fd, self._tmp_fd = self._tmp_fd, -1
        if fd < 0:
            return
        with _refusing():
            try:
                self._empty_folder(self._tmp)
            finally:
                self._fs.close(fd)

    def path_of(self, name: str) -> str:
        """Where an object's file is, for tools beside the vault. Raises ValueError."""
        return f"{self._objects}/{checked(name)[:2]}/{name}"

    def place(self, tmp: str, name: str) -> None:
        """For DiskWriter only: give a synced temporary file its name, durably. Raises OSError."""
        folder = f"{self._objects}/{name[:2]}"
        self._make_folder(folder)
        self._fs.link(tmp, f"{folder}/{name}")
        sync_folder(self._fs, folder)

    def _open_object(self, name: str) -> int:
        return self._fs.open(self.path_of(name), _READ)

    def _look(self, name: str) -> Stored | None:
        try:
            found = self._fs.stat(self.path_of(name), follow_symlinks=False)
        except FileNotFoundError:  # deleted since the folder was read
            return None
        stored_at = datetime.fromtimestamp(found.st_mtime, UTC)
        return Stored(name=name, size=found.st_size, stored_at=stored_at)

    def _names(self, folder: str, kind: re.Pattern[str]) -> list[str]:
        """Names of our kind in a folder, in order; what others left there is not ours."""
        return sorted(name for name in self._fs.listdir(folder) if kind.match(name))

    def _make_folder(self, path: str, *, parents: bool = False) -> None:
        """Make a folder that survives a crash, however many threads try at once."""
        if path in self._synced:
            return
        if parents:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # its maker's own sync may still be under way
            self._fs.mkdir(path, _FOLDER_MODE)
        sync_folder(self._fs, str(Path(path).parent))
        with self._lock:
            self._synced.add(path)

    def _claim_tmp(self) -> None:
        """Remove the temporary folders of dead processes and make one that is ours.

        A folder is its owner's for as long as the owner holds the lock on it.
        """
        gate = self._fs.open(self._tmp_root, _FOLDER)
        try:
            self._fs.flock(gate, fcntl.LOCK_EX)
            for name in self._names(self._tmp_root, _OWNER):
                self._remove_if_dead(f"{self._tmp_root}/{name}")
            self._tmp = f"{self._tmp_root}/{secrets.token_hex(8)}"
            self._fs.mkdir(self._tmp, _FOLDER_MODE)
            self._tmp_fd = self._locked(self._tmp)
        finally:
            self._fs.close(gate)

    def _locked(self, folder: str) -> int:
        fd = self._fs.open(folder, _FOLDER)
        try:
            self._fs.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._fs.close(fd)
            raise
        return fd

    def _remove_if_dead(self, folder: str) -> None:
        try:
            fd = self._locked(folder)
        except BlockingIOError:
            return  # its owner lives
        try:
            self._empty_folder(folder)
        finally:
            self._fs.close(fd)

    def _empty_folder(self, folder: str) -> None:
        for name in self._names(folder, _UNFINISHED):
            self._fs.unlink(f"{folder}/{name}")
        self._fs.rmdir(folder)


class DiskWriter:
    """An object in its temporary file."""

    def __init__(self, fs: Fs, store: DiskStore, name: str, *, folder: str) -> None:
        self._fs = fs
        self._store = store
        self._name = name
        self._tmp = f"{folder}/{name}-{secrets.token_hex(4)}"
        self._size = 0
        self._is_direct = False
        self._may_be_direct = True
        with _refusing():
            self._fd = fs.open(self._tmp, _CREATE, _FILE_MODE)

    def write(self, data: Buffer) -> None:
        self._must_be_open()
        view = memoryview(data).cast("B")
        with self._discarding():
            while view:
                self._choose_way(len(view))
                count = self._write(view)
                self._size += count
                view = view[count:]

    def finish(self) -> int:
        self._must_be_open()
        with self._discarding():
            self._fs.fsync(self._fd)
            fd, self._fd = self._fd, -1
            self._fs.close(fd)
            self._store.place(self._tmp, self._name)
            self._fs.unlink(self._tmp)
        return self._size

    def abort(self) -> None:
        if self._fd >= 0:
            self._discard()

    def _choose_way(self, size: int) -> None:
        fits = self._size % PAGE_BYTES == 0 and size % PAGE_BYTES == 0
        self._go(is_direct=fits and size >= DIRECT_BYTES and self._may_be_direct)

    def _go(self, *, is_direct: bool) -> None:
        if is_direct == self._is_direct:
            return
        try:
            self._fs.set_direct(self._fd, is_direct)
        except OSError as error:
            if error.errno != errno.EINVAL or not is_direct:
                raise
            self._may_be_direct = False  # not on this file system
        else:
            self._is_direct = is_direct

    def _write(self, view: memoryview) -> int:
        try:
            return self._fs.write(self._fd, view)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._is_direct:
                raise
            self._may_be_direct = False  # not from this memory
            self._go(is_direct=False)
            return self._fs.write(self._fd, view)

    def _must_be_open(self) -> None:
        if self._fd < 0:
            raise ValueError("this object is finished or abandoned")

    @contextmanager
    def _discarding(self) -> Iterator[None]:
        """Abandon the object when a call fails, and say so in our words."""
        try:
            yield
        except OSError as error:
            self._discard()
            if isinstance(error, FileExistsError):
                raise AlreadyStored from error
            raise refusal(error) from error

    def _discard(self) -> None:
        """Remove what there is. What cannot be removed now goes at the next start or sweep."""
        fd, self._fd = self._fd, -1
        try:
            if fd >= 0:
                self._fs.close(fd)
        except OSError as error:
            log.failure("vault.discard_failed", error)
        try:
            self._fs.unlink(self._tmp)
        except OSError as error:
            log.failure("vault.discard_failed", error)


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refusal(error) from error
