"""The root key in a file of mode 0600, kept away from the data it protects.

One line: `medstack-root-1 ` and 32 bytes in base64. Losing it loses every record.
"""

from __future__ import annotations

import base64
import binascii
import os
import threading
from pathlib import Path

from medstack.kit.errors import Problem
from medstack.vault.keys import private_file
from medstack.vault.keys.contract import (
    KeyFileBesideData,
    KeyFileExposed,
    KeyMissing,
    KeyRefused,
    RootHealth,
)
from medstack.vault.keys.wrapping import KEY_BYTES, unwrap, wrap

_MARK = b"medstack-root-1 "


class FileRoot:
    """The key is made on the first `wrap`, and read once.

    path: of the key file; its folder is made if missing.
    data: the data folder; a key file inside it is refused unless `accept_beside_data`.
    """

    def __init__(self, path: Path, *, data: Path, accept_beside_data: bool = False) -> None:
        self._path = path
        self._data = data
        self._accept_beside_data = accept_beside_data
        self._lock = threading.Lock()
        self._key: bytes | None = None

    @property
    def id(self) -> str:
        return "file"

    def wrap(self, secret: bytes, *, aad: bytes) -> bytes:
        return wrap(self._root(create=True), secret, aad=aad)

    def unwrap(self, wrapped: bytes, *, aad: bytes) -> bytes:
        return unwrap(self._root(create=False), wrapped, aad=aad)

    def health(self) -> RootHealth:
        try:
            self._read()
        except Problem as problem:
            return RootHealth(is_ready=False, code=problem.code, detail=problem.detail)
        return RootHealth(is_ready=True)

    def _root(self, *, create: bool) -> bytes:
        with self._lock:
            if self._key is None:
                if create:
                    self._make()
                self._key = self._read()
            return self._key

    def _make(self) -> None:
        self._check_place()
        line = _MARK + base64.b64encode(os.urandom(KEY_BYTES)) + b"\n"
        private_file.create(self._path, line)

    def _read(self) -> bytes:
        self._check_place()
        line = private_file.read(self._path)
        if line is None:
            raise KeyMissing("Put the key file back where it was; without it nothing opens.")
        if not line.startswith(_MARK):
            raise KeyRefused("The key file is not one of ours.")
        try:
            key = base64.b64decode(line.removeprefix(_MARK).strip(), validate=True)
        except binascii.Error as error:
            raise KeyRefused("The key file is damaged.") from error
        if len(key) != KEY_BYTES:
            raise KeyRefused("The key file is damaged.")
        return key

    def _check_place(self) -> None:
        if not self._accept_beside_data and self._path.resolve().is_relative_to(
            self._data.resolve()
        ):
            raise KeyFileBesideData("Keep it elsewhere, or accept the risk in the settings.")
        folder = self._path.parent
        if folder.exists() and folder.stat().st_mode & 0o022:
            raise KeyFileExposed("Others may write to its folder: chmod 700.")
