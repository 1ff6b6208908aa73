"""What a walk through a ZIP yields: members, flaws, and the stretches nobody owns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from medstack.kit.errors import Invalid

MIB = 1024 * 1024


class BadArchive(Invalid):
    """The archive cannot be read as one. `facts`: rule (a Flaw), member."""

    code = "bad-archive"
    title = "The ZIP archive is damaged or contradicts itself"


class ArchiveBomb(Invalid):
    """It promises more than is safe to unpack. `facts`: rule, limit, found."""

    code = "archive-bomb"
    title = "The archive unpacks to more than is safe"


class Flaw(StrEnum):
    """Where two readers of the same ZIP could come to see different things."""

    NO_DIRECTORY = "zip.no-directory"
    TRUNCATED = "zip.truncated"
    TWO_DIRECTORIES = "zip.two-directories"
    MULTI_DISK = "zip.multi-disk"
    COUNT = "zip.count"
    PREFIX = "zip.prefix"
    SUFFIX = "zip.suffix"
    GAP = "zip.gap"
    OVERLAP = "zip.overlap"
    DUPLICATE = "zip.duplicate"
    MISMATCH = "zip.mismatch"
    EXTRA = "zip.extra"
    NAME = "zip.unsafe-name"
    LINK = "zip.link"
    ENCRYPTED = "zip.encrypted"
    METHOD = "zip.method"
    CONTENT = "zip.content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    flaw: Flaw
    member: int | None = None  # position in the central directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an archive may promise. Sizes it lies about are stopped when it is read."""

    members: int = 20_000
    total_bytes: int = 4096 * MIB
    ratio: int = 250  # unpacked to packed, of a member that matters
    ratio_from_bytes: int = 64 * MIB  # below this a blank image may shrink as it likes
    directory_bytes: int = 32 * MIB
    depth: int = 3  # archives inside archives, the outermost counted


LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One entry as the central directory tells it, and where its bytes are."""

    index: int
    name: bytes = field(repr=False)  # as stored; patient data, never logged
    is_utf8: bool
    method: int
    is_encrypted: bool
    is_directory: bool
    crc: int
    packed_bytes: int
    size: int
    header_at: int
    data_at: int
    end: int  # behind the data and its descriptor

    def text_name(self) -> str:
        """The name with forward slashes. Raises BadArchive if it is not text."""
        try:
            name = self.name.decode("utf-8" if self.is_utf8 else "cp437")
        except UnicodeDecodeError as error:
            raise BadArchive(rule=Flaw.NAME, member=self.index) from error
        return name.replace("\\", "/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    members: tuple[Member, ...]  # in the order of the central directory
    findings: tuple[Finding, ...]
    strays: tuple[tuple[int, int], ...]  # [start, end) that belong to no record

    def require_sound(self) -> None:
        """Raises BadArchive with the first finding, if there is one."""
        for found in self.findings:
            raise BadArchive(_WORDS[found.flaw], rule=found.flaw, member=found.member)

    @property
    def total_bytes(self) -> int:
        return sum(member.size for member in self.members)


_WORDS = {
    Flaw.NO_DIRECTORY: "The archive has no directory.",
    Flaw.TRUNCATED: "The archive ends too early.",
    Flaw.TWO_DIRECTORIES: "The archive has more than one directory.",
    Flaw.MULTI_DISK: "The archive is one part of several.",
    Flaw.COUNT: "The directory does not hold as many members as it says.",
    Flaw.PREFIX: "There is data before the first member.",
    Flaw.SUFFIX: "There is data after the end of the archive.",
    Flaw.GAP: "There is data between the members.",
    Flaw.OVERLAP: "Members share the same bytes.",
    Flaw.DUPLICATE: "Two members have the same name.",
    Flaw.MISMATCH: "The directory and a member's own header disagree.",
    Flaw.EXTRA: "A member's extra field is malformed.",
    Flaw.NAME: "A member's name points outside the archive or is not a name.",
    Flaw.LINK: "A member is a link or a device, not a file.",
    Flaw.ENCRYPTED: "A member is protected by a password.",
    Flaw.METHOD: "A member is compressed by a method we do not read.",
    Flaw.CONTENT: "A member's content does not match its checksum or size.",
}
