"""One part on its way into a store: sealed as it is pushed, durable when finished."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from types import TracebackType
from typing import NoReturn

from medstack.vault.behind import WriteBehind
from medstack.vault.sealing import Buffer, Sealer
from medstack.vault.stores.contract import Store


class DataKey:
    """A content's key, open. Shows its id only, and is not to be pickled or copied."""

    __slots__ = ("_secret", "id")

    def __init__(self, key_id: int, secret: bytes) -> None:
        self.id = key_id
        self._secret = bytearray(secret)

    def reveal(self) -> bytearray:
        """The bytes themselves, for sealing; not to be copied or logged."""
        return self._secret

    def wipe(self) -> None:
        """Overwrite the bytes: the best Python can do, and no proof that no copy is left."""
        self._secret[:] = bytes(len(self._secret))

    def __repr__(self) -> str:
        return f"DataKey(id={self.id})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is not to be pickled or copied")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPart:
    """A part whose bytes are durable and belong to nobody until `Vault.append`."""

    object_name: str  # random
    data_key_id: int
    size: int  # bytes of plaintext
    sealed_size: int  # bytes in the store


def part_place(object_name: str) -> bytes:
    """What a part's bytes are bound to: read under another name they fail their check."""
    return b"medstack-part-1|" + object_name.encode()


class PartWriter:
    """Push plaintext, then `finish`. As a context manager it abandons what was not finished.

    Holds about 2.1 MiB whatever the size. Not to be shared between threads.
    """

    def __init__(self, store: Store, key: DataKey) -> None:
        self._name = secrets.token_hex(16)
        self._key_id = key.id
        self._object = WriteBehind(store.writer(self._name))
        self._sealer = Sealer(key.reveal(), aad=part_place(self._name), sink=self._object.write)

    @property
    def size(self) -> int:
        """Bytes of plaintext written so far."""
        return self._sealer.size

    def write(self, data: Buffer) -> None:
        """Raises StorageFull, StorageFailed; the part is abandoned then."""
        self._sealer.write(data)

    def finish(self) -> SealedPart:
        """Make the part durable. Raises StorageFull, StorageFailed; it is abandoned then."""
        self._sealer.finish()
        return SealedPart(
            object_name=self._name,
            data_key_id=self._key_id,
            size=self._sealer.size,
            sealed_size=self._object.finish(),
        )

    def abort(self) -> None:
        """Abandon the part; harmless after `finish` and when repeated."""
        self._object.abort()

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abort()
