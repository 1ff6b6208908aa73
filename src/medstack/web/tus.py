"""The words of tus 1.0: headers in, values out, and back.

Pure parsing; knows no upload. Where the specification leaves the answer open, the answer
here is the one its conformance suites expect.
Source: tus resumable upload protocol 1.0.0 with creation, creation-with-upload,
creation-defer-length, checksum, concatenation, expiration and termination.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar

from medstack.flows.receive import ChecksumMismatch
from medstack.kit.errors import Invalid, Problem, TooLarge, Unsupported

VERSION = "1.0.0"
EXTENSIONS = (
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "checksum",
    "concatenation",
    "expiration",
    "termination",
)
ALGORITHMS = ("sha256", "sha1", "sha512", "md5")
BODY_TYPE = "application/offset+octet-stream"
METADATA_CAP = 8192  # characters of one Upload-Metadata header
PARTS_CAP = 10_000
_LENGTH_CAP = (1 << 63) - 1


class WrongTusVersion(Problem):
    """Answered 412 with Tus-Version."""

    code = "tus-version"
    title = "This server speaks tus 1.0.0"


class BadTusHeader(Invalid):
    code = "tus-header"
    title = "A tus header is missing or malformed"


class WrongUploadType(Unsupported):
    code = "tus-content-type"
    title = "The body of an upload is application/offset+octet-stream"


class MetadataTooLarge(TooLarge):
    code = "upload-metadata-too-large"
    title = "Upload-Metadata is too large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checksum:
    """What the client says the body of this request hashes to."""

    algorithm: str
    digest: bytes

    def hasher(self) -> hashlib._Hash:
        return hashlib.new(self.algorithm, usedforsecurity=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concat:
    """Upload-Concat: a part of a later whole, or the whole of these parts."""

    PARTIAL: ClassVar[str] = "partial"
    parts: tuple[str, ...] | None = None  # None: this upload is itself a part

    @property
    def is_final(self) -> bool:
        return self.parts is not None


def require_version(headers: Mapping[str, str]) -> None:
    """Raises WrongTusVersion unless the client speaks ours."""
    if headers.get("tus-resumable") != VERSION:
        raise WrongTusVersion("Send the header Tus-Resumable: 1.0.0.")


def require_body_type(headers: Mapping[str, str]) -> None:
    """Raises WrongUploadType."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != BODY_TYPE:
        raise WrongUploadType(f"Send the bytes with Content-Type: {BODY_TYPE}.")


def number(headers: Mapping[str, str], name: str) -> int | None:
    """A non-negative whole number, None when absent. Raises BadTusHeader."""
    text = headers.get(name.lower())
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or int(text) > _LENGTH_CAP:
        raise BadTusHeader(f"{name} is a non-negative whole number.", header=name)
    return int(text)


def length_of(headers: Mapping[str, str]) -> int | None:
    """Upload-Length of a new upload, None when deferred. Raises BadTusHeader."""
    length = number(headers, "Upload-Length")
    deferred = headers.get("upload-defer-length")
    if deferred is not None and deferred != "1":
        raise BadTusHeader("Upload-Defer-Length is 1 or absent.", header="Upload-Defer-Length")
    if (length is None) == (deferred is None):
        raise BadTusHeader(
            "Send either Upload-Length or Upload-Defer-Length: 1.", header="Upload-Length"
        )
    return length


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Upload-Metadata as text by key; {} when absent. Raises BadTusHeader, MetadataTooLarge."""
    header = headers.get("upload-metadata", "").strip()
    if len(header) > METADATA_CAP:
        raise MetadataTooLarge(
            f"Upload-Metadata may have {METADATA_CAP} characters.", limit=METADATA_CAP
        )
    pairs: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        if not (key.isascii() and key.isprintable()) or key in pairs:
            raise BadTusHeader("Metadata keys are ASCII and unique.", header="Upload-Metadata")
        pairs[key] = _metadata_value(value.strip())
    return pairs


def _metadata_value(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise BadTusHeader(
            "Metadata values are UTF-8 in base64.", header="Upload-Metadata"
        ) from error


def checksum_of(headers: Mapping[str, str]) -> Checksum | None:
    """Upload-Checksum. Raises BadTusHeader (unknown algorithm), ChecksumMismatch (unreadable)."""
    header = headers.get("upload-checksum")
    if header is None:
        return None
    algorithm, _, encoded = header.strip().partition(" ")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ChecksumMismatch("Upload-Checksum is an algorithm and a base64 digest.") from error
    if not algorithm or not digest:
        raise ChecksumMismatch("Upload-Checksum is an algorithm and a base64 digest.")
    if algorithm not in ALGORITHMS:
        raise BadTusHeader(f"Checksums: {', '.join(ALGORITHMS)}.", header="Upload-Checksum")
    if len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise ChecksumMismatch("The digest does not have this algorithm's length.")
    return Checksum(algorithm=algorithm, digest=digest)


def concat_of(headers: Mapping[str, str]) -> Concat | None:
    """Upload-Concat; the parts of a final upload as the last segments of their URLs."""
    header = headers.get("upload-concat")
    if header is None:
        return None
    if header.strip() == Concat.PARTIAL:
        return Concat()
    word, _, urls = header.partition(";")
    parts = tuple(url.rstrip("/").rpartition("/")[2] for url in urls.split())
    if word.strip() != "final" or not parts or len(parts) > PARTS_CAP:
        raise BadTusHeader(
            "Upload-Concat is `partial` or `final;` and URLs.", header="Upload-Concat"
        )
    return Concat(parts=parts)


def expires_header(at: datetime) -> str:
    """RFC 9110 date for Upload-Expires."""
    return format_datetime(at, usegmt=True)
