"""Signed links: a right to one picture for a while, in an address.

`/d/<key id>.<payload>.<mac>`: the payload binds the link's row, the record, version and
rendition, the end and the issuer; HMAC-SHA-256 under a key used for nothing else. Knowing a
link is not enough: its row must still stand, and the flow decides anew what its issuer may.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from medstack.access.problems import LinkFault, LinkRefused
from medstack.kit.ids import AccountId, RecordId

PREFIX = "/d/"
ORIGINAL = "original"
_DOMAIN = b"medstack/link/v1\x00"
_KEY_BYTES = 32
_KEY_ID = re.compile(r"[a-z0-9]{1,12}")
_LONGEST = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkKeys:
    """The keys links are signed with: the first signs, one more is still believed."""

    keys: tuple[tuple[str, bytes], ...] = field(repr=False)  # (key id, 32 bytes), newest first

    def __post_init__(self) -> None:
        ids = [key_id for key_id, _ in self.keys]
        if not 1 <= len(ids) <= 2 or len(set(ids)) != len(ids):
            raise ValueError("one or two link keys are live, each with its own id")
        for key_id, key in self.keys:
            if not _KEY_ID.fullmatch(key_id) or len(key) != _KEY_BYTES:
                raise ValueError("a link key has a short id and 32 bytes")


class Claim(msgspec.Struct, frozen=True, kw_only=True, array_like=True, forbid_unknown_fields=True):
    """What a link's address says."""

    link_id: int
    record_id: RecordId
    version: int
    rendition: str
    expires_at_s: int  # whole seconds since 1970-01-01 UTC
    issuer_id: AccountId

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.expires_at_s, UTC)


def sign(keys: LinkKeys, claim: Claim) -> str:
    """The path of a link."""
    key_id, key = keys.keys[0]
    payload = _text(msgspec.msgpack.encode(claim))
    return f"{PREFIX}{key_id}.{payload}.{_mac(key, key_id, payload)}"


def read(keys: LinkKeys, path: str, *, now: datetime) -> Claim:
    """What a path claims, if we signed it and it has not ended. Raises LinkRefused."""
    parts = path.removeprefix(PREFIX).split(".")
    if len(parts) != 3 or len(path) > _LONGEST or not path.isascii():
        raise LinkRefused(LinkFault.MALFORMED)
    key_id, payload, mac = parts
    key = dict(keys.keys).get(key_id)
    if key is None or not hmac.compare_digest(_mac(key, key_id, payload), mac):
        raise LinkRefused(LinkFault.ALTERED)
    try:
        claim = msgspec.msgpack.decode(_raw(payload), type=Claim)
    except (msgspec.MsgspecError, binascii.Error) as error:
        raise LinkRefused(LinkFault.MALFORMED) from error
    if now >= claim.expires_at:
        raise LinkRefused(LinkFault.EXPIRED, claim.link_id)
    return claim


def _mac(key: bytes, key_id: str, payload: str) -> str:
    told = _DOMAIN + f"{key_id}.{payload}".encode()
    return _text(hmac.new(key, told, hashlib.sha256).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
