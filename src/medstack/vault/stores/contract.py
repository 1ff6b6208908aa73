"""What a store of sealed objects promises.

A store keeps immutable bytes under random names. It sees ciphertext only and knows neither
keys nor patients. The promises fit a folder and an S3 bucket alike: put-if-absent, ranged
read, delete, listing in order of name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from medstack.kit.errors import Broken, Conflict

NAME = re.compile(r"[a-z0-9]{8,64}\Z")
PAGE = 1000

Buffer = bytes | bytearray | memoryview


class AlreadyStored(Conflict):
    """Another object has this name; neither was changed."""

    code = "object-exists"
    title = "An object of this name is stored already"


class ObjectMissing(Broken):
    """An object that was stored is gone."""

    code = "object-missing"
    title = "Stored bytes are missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One object of a listing."""

    name: str
    size: int  # bytes, as sealed
    stored_at: datetime  # UTC, the store's clock


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    is_ready: bool
    free_bytes: int | None = None  # None where the store cannot tell
    detail: str = ""


class ObjectWriter(Protocol):
    """One object on its way in. Not to be shared between threads."""

    def write(self, data: Buffer) -> None:
        """Take some bytes; `data` may be reused as soon as this returns.

        Raises StorageFull, StorageFailed; the object is abandoned then.
        """
        ...

    def finish(self) -> int:
        """Publish the object under its name. Returns its size.

        When this returns, a crash of the machine cannot lose the object.
        Raises AlreadyStored, StorageFull, StorageFailed; the object is abandoned then.
        """
        ...

    def abort(self) -> None:
        """Abandon the object; harmless after `finish` and when repeated."""
        ...


class Store(Protocol):
    """Safe to share between threads. Names: 8 to 64 of a-z and 0-9, else ValueError."""

    kind: ClassVar[str]

    def writer(self, name: str) -> ObjectWriter:
        """Start an object. It cannot be seen before its writer finished."""
        ...

    def put(self, name: str, pieces: Iterable[Buffer]) -> int:
        """Store a whole object; returns its size. Raises as ObjectWriter does."""
        ...

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes from `offset`, fewer only at the object's end.

        Raises ObjectMissing, StorageFailed.
        """
        ...

    def size(self, name: str) -> int | None:
        """Bytes of an object, asked of the store itself; None if there is none."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object; harmless if it is gone."""
        ...

    def page(self, *, prefix: str = "", after: str = "", limit: int = PAGE) -> list[Stored]:
        """Finished objects in order of name, those that begin with `prefix` and follow `after`.

        A page shorter than `limit` is the last one.
        """
        ...

    def health(self) -> StoreHealth:
        """Whether the store takes objects now, and how much room it has."""
        ...

    def close(self) -> None:
        """Let go of descriptors and connections. Unfinished writers are abandoned."""
        ...


def put_pieces(writer: ObjectWriter, pieces: Iterable[Buffer]) -> int:
    """Push `pieces` through a writer; abandons the object if their source raises."""
    try:
        for piece in pieces:
            writer.write(piece)
        return writer.finish()
    except BaseException:
        writer.abort()
        raise


def checked(name: str) -> str:
    """Return `name`, which becomes a path or a URL. Raises ValueError."""
    if not NAME.match(name):
        raise ValueError("an object's name is 8 to 64 of a-z and 0-9")
    return name
