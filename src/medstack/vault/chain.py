"""A MAC over the list of a content's parts, so that rows cannot be dropped, swapped or moved.

Each link takes in the one before: appending costs one step however long the list is.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from medstack.kit.ids import ContentId
from medstack.vault.keys.wrapping import subkey
from medstack.vault.rows import PartRow


def chain_key(own_key: bytes) -> bytes:
    """From the content's own data key."""
    return subkey(own_key, "vault-parts")


def first_link(key: bytes, content_id: ContentId) -> bytes:
    return _link(key, b"", f"content|{content_id}")


def next_link(key: bytes, chain: bytes, row: PartRow) -> bytes:
    return _link(
        key,
        chain,
        f"part|{row.position}|{row.object_name}|{row.data_key_id}|{row.size}|{row.sealed_size}",
    )


def chain_of(key: bytes, content_id: ContentId, rows: Iterable[PartRow]) -> bytes:
    """The last link over a whole list."""
    chain = first_link(key, content_id)
    for row in rows:
        chain = next_link(key, chain, row)
    return chain


def _link(key: bytes, chain: bytes, text: str) -> bytes:
    return hmac.digest(key, chain + text.encode(), "sha256")
