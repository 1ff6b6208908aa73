"""Signed checkpoints: the log's size and root in a form others can read and keep.

A note is text, an empty line, and Ed25519 signatures; a key's name goes with it.
Source: C2SP signed-note v1 and tlog-checkpoint v1.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from medstack.audit.merkle import HASH_BYTES
from medstack.audit.model import Checkpoint
from medstack.kit.errors import Invalid

_ED25519 = b"\x01"
_KEY_BYTES = 32
_ID_BYTES = 4
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_DASH = "\u2014 "  # em dash and space open every signature line


class BadCheckpoint(Invalid):
    """Not a checkpoint, or not signed by this key."""

    code = "bad-checkpoint"
    title = "This checkpoint is not one of this log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A public key under its name, as a note's readers keep it."""

    name: str
    public: bytes

    @classmethod
    def from_text(cls, text: str) -> Verifier:
        """Read `name+id+key`, the form `str()` gives. Raises BadCheckpoint."""
        name, _, rest = text.strip().partition("+")
        key_id, _, encoded = rest.partition("+")
        raw = _unbase64(encoded)
        if not _is_name(name) or raw[:1] != _ED25519 or len(raw) != 1 + _KEY_BYTES:
            raise BadCheckpoint("The public key cannot be read.")
        verifier = cls(name=name, public=raw[1:])
        if verifier.key_id.hex() != key_id:
            raise BadCheckpoint("The public key does not fit its own id.")
        return verifier

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[
            :_ID_BYTES
        ]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.public)}"

    def open(self, note: str) -> str:
        """The text of a note this key signed. Raises BadCheckpoint."""
        text, found, signatures = note.rpartition("\n\n")
        if not found or not signatures.endswith("\n"):
            raise BadCheckpoint("This is not a signed note.")
        text += "\n"
        for line in signatures.splitlines():
            name, _, encoded = line.removeprefix(_DASH).partition(" ")
            raw = _unbase64(encoded) if line.startswith(_DASH) else b""
            if name == self.name and raw[:_ID_BYTES] == self.key_id:
                self._check(text, raw[_ID_BYTES:])
                return text
        raise BadCheckpoint("The note carries no signature of this key.")

    def _check(self, text: str, signature: bytes) -> None:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(
                signature, text.encode("utf-8", "surrogatepass")
            )
        except InvalidSignature as error:
            raise BadCheckpoint("The signature is not this key's.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The log's private key. name: the log's origin, without spaces or plus signs."""

    name: str
    seed: bytes = field(repr=False)  # 32 random bytes

    def __post_init__(self) -> None:
        if not _is_name(self.name) or len(self.seed) != _KEY_BYTES:
            raise ValueError("a signer has a name of one word and a seed of 32 bytes")

    @property
    def verifier(self) -> Verifier:
        return Verifier(name=self.name, public=self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The signed note over `text`, which ends with a newline."""
        if not text.endswith("\n"):
            raise ValueError("a note's text ends with a newline")
        signature = self.verifier.key_id + self._key.sign(text.encode())
        return f"{text}\n{_DASH}{self.name} {_base64(signature)}\n"

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def write_checkpoint(signer: Signer, *, size: int, root: bytes) -> str:
    """The signed note of a checkpoint; its origin is the signer's name."""
    return signer.sign(f"{signer.name}\n{size}\n{_base64(root)}\n")


def read_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """The checkpoint in a note. Raises BadCheckpoint."""
    lines = verifier.open(note).split("\n")
    if len(lines) < 4 or lines[0] != verifier.name:
        raise BadCheckpoint("The note is no checkpoint of this log.")
    size, root = lines[1], _unbase64(lines[2])
    if not _NUMBER.fullmatch(size) or len(root) != HASH_BYTES:
        raise BadCheckpoint("The note's size or root cannot be read.")
    return Checkpoint(origin=lines[0], size=int(size), root=root)


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(letter.isspace() for letter in name)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _unbase64(text: str) -> bytes:
    """The bytes; b"" for what is no base64, or is not how these bytes are written."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if _base64(raw) == text else b""
