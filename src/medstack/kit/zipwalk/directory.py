"""Reading the central directory and holding it against every member's own header."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace

from medstack.kit.streams import CHUNK_BYTES, Source
from medstack.kit.zipwalk import records
from medstack.kit.zipwalk.content import METHODS
from medstack.kit.zipwalk.model import (
    LIMITS,
    Archive,
    ArchiveBomb,
    BadArchive,
    Finding,
    Flaw,
    Limits,
    Member,
)
from medstack.kit.zipwalk.records import END, END_BYTES, End, Entry, Malformed

_TAIL_BYTES = END_BYTES + 0xFFFF
_NAME_BYTES = 1024
_DRIVE = re.compile(r"[A-Za-z]:")
_DESCRIPTOR_BYTES = 24


def looks_like_zip(source: Source) -> bool:
    """Would some reader take this for a ZIP? True for a file with one glued to its end, too."""
    if source.read_at(0, 4) in (records.LOCAL, END):
        return True
    try:
        _find_end(source)
    except BadArchive:
        return False
    return True


def walk(source: Source, *, limits: Limits = LIMITS) -> Archive:
    """Read the whole structure of a ZIP; contents are read later, member by member.

    What is wrong but still readable comes back as findings, so that a scanner sees it all;
    a format module calls `require_sound`. Raises BadArchive where no directory can be read,
    ArchiveBomb where it promises more than `limits`.
    """
    source = _ReadAhead(source)
    end = _find_end(source)
    findings = list(end.findings)
    entries = _entries(source, end, limits, findings)
    _require_modest(entries, limits)
    members = []
    for index, entry in enumerate(entries):
        member, flaws = _member(source, index, entry, end.shift)
        findings += [Finding(flaw=flaw, member=index) for flaw in flaws]
        members.append(member)
    findings += _repeated_names(members)
    strays, layout = _layout(members, end, source.size)
    return Archive(members=tuple(members), findings=(*findings, *layout), strays=tuple(strays))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directory:
    """Where the central directory is and how far all its offsets are off."""

    start: int
    stop: int
    end: int  # behind the end record and its comment
    count: int
    shift: int
    findings: tuple[Finding, ...]


class _ReadAhead:
    """Many small reads, mostly forward, as few large ones."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at, self._held = 0, b""

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        if length > CHUNK_BYTES // 2:
            return self._source.read_at(offset, length)
        if not self._at <= offset <= offset + length <= self._at + len(self._held):
            self._at, self._held = offset, self._source.read_at(offset, CHUNK_BYTES)
        return self._held[offset - self._at : offset - self._at + length]

    def close(self) -> None:
        return None


# -- the end record ----------------------------------------------------------------------------


def _find_end(source: Source) -> _Directory:
    """The directory of the last end record that describes one. Raises BadArchive."""
    tail_at = max(0, source.size - _TAIL_BYTES)
    tail = source.read_at(tail_at, _TAIL_BYTES)
    found = [
        directory
        for at in _positions(tail, END)
        if (directory := _directory(source, tail_at + at, tail[at:])) is not None
    ]
    if not found:
        raise BadArchive("The archive has no directory.", rule=Flaw.NO_DIRECTORY)
    exact = [directory for directory in found if directory.end == source.size]
    chosen = (exact or found)[-1]
    if any(other.end > chosen.start for other in found if other is not chosen):
        rival = Finding(flaw=Flaw.TWO_DIRECTORIES)
        return replace(chosen, findings=(*chosen.findings, rival))
    return chosen


def _positions(data: bytes, wanted: bytes) -> Iterator[int]:
    at = data.find(wanted)
    while at >= 0:
        yield at
        at = data.find(wanted, at + 1)


def _directory(source: Source, at: int, data: bytes) -> _Directory | None:
    """The directory the end record at `at` speaks of; None if there is none there."""
    if len(data) < END_BYTES:
        return None
    told = records.read_end(data)
    if at + told.length > source.size:
        return None
    stop = at
    wide = _end64(source, at)
    findings = []
    if wide is not None:
        stop, told64 = wide
        if not _agree(told, told64):
            findings.append(Finding(flaw=Flaw.MISMATCH))
        end_at, told = at + told.length, told64
    else:
        end_at = at + told.length
    if told.disk or told.directory_disk or told.count_here != told.count:
        findings.append(Finding(flaw=Flaw.MULTI_DISK))
    start = _directory_start(source, told, stop)
    if start is None:
        return None
    return _Directory(
        start=start,
        stop=stop,
        end=end_at,
        count=told.count,
        shift=start - told.directory_at,
        findings=tuple(findings),
    )


def _end64(source: Source, at: int) -> tuple[int, End] | None:
    """Place and content of the zip64 end record before the end record at `at`."""
    locator_at = at - records.LOCATOR64_BYTES
    told_at = records.read_locator64(source.read_at(max(0, locator_at), records.LOCATOR64_BYTES))
    if locator_at < 0 or told_at is None:
        return None
    for place in (told_at, locator_at - records.END64_BYTES):  # the second: data was prefixed
        if 0 <= place < locator_at:
            try:
                found = records.read_end64(source.read_at(place, records.END64_BYTES))
            except Malformed:
                continue
            if place + found.length == locator_at:
                return place, found
    return None


def _agree(told: End, wide: End) -> bool:
    return all(
        narrow in (full, real)
        for narrow, full, real in (
            (told.count, records.FULL16, wide.count),
            (told.directory_bytes, records.FULL32, wide.directory_bytes),
            (told.directory_at, records.FULL32, wide.directory_at),
        )
    )


def _directory_start(source: Source, told: End, stop: int) -> int | None:
    """Directly before `stop`, else where the record says; None if no directory is there."""
    for start in (stop - told.directory_bytes, told.directory_at):
        if not 0 <= start <= stop or start < told.directory_at:
            continue
        is_empty = told.count == 0 and told.directory_bytes == 0
        if is_empty or source.read_at(start, 4) == records.CENTRAL:
            return start
    return None


# -- the entries -------------------------------------------------------------------------------


def _entries(
    source: Source, end: _Directory, limits: Limits, findings: list[Finding]
) -> list[Entry]:
    length = end.stop - end.start
    if length > limits.directory_bytes:
        raise ArchiveBomb(rule="directory-bytes", limit=limits.directory_bytes, found=length)
    data = source.read_at(end.start, length)
    entries: list[Entry] = []
    at = 0
    while at < length and data[at : at + 4] == records.CENTRAL:
        if len(entries) == limits.members:
            raise ArchiveBomb(rule="members", limit=limits.members, found=end.count)
        try:
            entry = records.read_central(data, at)
        except Malformed as error:
            raise BadArchive(rule=Flaw.TRUNCATED, member=len(entries)) from error
        entries.append(entry)
        at += entry.header_bytes
    if at != length:
        findings.append(Finding(flaw=Flaw.GAP))
    if len(entries) != end.count:
        findings.append(Finding(flaw=Flaw.COUNT))
    return entries


def _require_modest(entries: list[Entry], limits: Limits) -> None:
    """Raises ArchiveBomb over `limits`, by the sizes the directory admits to."""
    total = sum(entry.size for entry in entries)
    if total > limits.total_bytes:
        raise ArchiveBomb(rule="total-bytes", limit=limits.total_bytes, found=total)
    for entry in entries:
        if entry.size < limits.ratio_from_bytes:
            continue
        ratio = entry.size // max(1, entry.packed_bytes)
        if ratio > limits.ratio:
            raise ArchiveBomb(rule="ratio", limit=limits.ratio, found=ratio)


def _member(source: Source, index: int, entry: Entry, shift: int) -> tuple[Member, list[Flaw]]:
    """The member and everything wrong with it."""
    header_at = entry.header_at + shift
    flaws = _entry_flaws(entry)
    try:
        head = source.read_at(header_at, records.LOCAL_BYTES)
        local = records.read_local(source.read_at(header_at, records.local_bytes(head)))
    except Malformed:
        flaws.append(Flaw.MISMATCH)
        local = None
    data_at = header_at + (local.header_bytes if local else records.LOCAL_BYTES)
    end = data_at + entry.packed_bytes
    if local is not None:
        descriptor, found = _differences(source, entry, local, end)
        flaws += found
        end += descriptor
    if end > source.size:
        flaws.append(Flaw.TRUNCATED)
    member = Member(
        index=index,
        name=entry.name,
        is_utf8=bool(entry.flags & 0x0800),
        method=entry.method,
        is_encrypted=entry.is_encrypted,
        is_directory=entry.name.endswith((b"/", b"\\")),
        crc=entry.crc,
        packed_bytes=entry.packed_bytes,
        size=entry.size,
        header_at=header_at,
        data_at=data_at,
        end=end,
    )
    return member, [*flaws, *_name_flaws(member)]


def _entry_flaws(entry: Entry) -> list[Flaw]:
    flaws = []
    if entry.is_encrypted:
        flaws.append(Flaw.ENCRYPTED)
    elif entry.method not in METHODS:
        flaws.append(Flaw.METHOD)
    elif entry.method == 0 and entry.packed_bytes != entry.size:
        flaws.append(Flaw.MISMATCH)
    if entry.disk:
        flaws.append(Flaw.MULTI_DISK)
    kind = stat.S_IFMT(entry.mode)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        flaws.append(Flaw.LINK)
    if entry.unicode_name is not None and entry.unicode_name != entry.name:
        flaws.append(Flaw.MISMATCH)
    if entry.name.endswith((b"/", b"\\")) and entry.size:
        flaws.append(Flaw.NAME)
    return flaws


def _differences(
    source: Source, entry: Entry, local: Entry, data_end: int
) -> tuple[int, list[Flaw]]:
    """Length of the data descriptor, and where local and central header disagree."""
    same = (
        entry.name == local.name
        and entry.method == local.method
        and (entry.flags ^ local.flags) & 0x2041 == 0
        and ((entry.flags ^ local.flags) & 0x0800 == 0 or entry.name.isascii())
        and entry.unicode_name == local.unicode_name
    )
    values = (entry.crc, entry.packed_bytes, entry.size)
    told = (local.crc, local.packed_bytes, local.size)
    if not local.has_descriptor:
        return 0, [] if same and told == values else [Flaw.MISMATCH]
    after = source.read_at(data_end, _DESCRIPTOR_BYTES)
    length = records.descriptor_bytes(after, entry, prefer_wide=local.is_zip64)
    deferred = all(
        mine in (0, records.FULL32, real) for mine, real in zip(told, values, strict=True)
    )
    if same and deferred and length is not None:
        return length, []
    return length or 0, [Flaw.MISMATCH]


def _name_flaws(member: Member) -> list[Flaw]:
    try:
        name = member.text_name()
    except BadArchive:
        return [Flaw.NAME]
    is_unsafe = (
        not name
        or len(member.name) > _NAME_BYTES
        or name.startswith("/")
        or _DRIVE.match(name) is not None
        or ".." in name.split("/")
        or any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in name)
    )
    return [Flaw.NAME] if is_unsafe else []


def _repeated_names(members: list[Member]) -> Iterator[Finding]:
    seen: set[bytes] = set()
    for member in members:
        name = member.name.replace(b"\\", b"/")
        if name in seen:
            yield Finding(flaw=Flaw.DUPLICATE, member=member.index)
        seen.add(name)


def _layout(
    members: list[Member], end: _Directory, size: int
) -> tuple[list[tuple[int, int]], list[Finding]]:
    """The bytes nobody owns and the bytes owned twice."""
    strays: list[tuple[int, int]] = []
    findings: list[Finding] = []
    at = 0
    for member in sorted(members, key=lambda m: m.header_at):
        if member.header_at < at or member.end > end.start:
            findings.append(Finding(flaw=Flaw.OVERLAP, member=member.index))
        elif member.header_at > at:
            strays.append((at, member.header_at))
        at = max(at, member.end)
    if at < end.start:
        strays.append((at, end.start))
    if end.end < size:
        strays.append((end.end, size))
    for start, stop in strays:
        flaw = Flaw.PREFIX if start == 0 else Flaw.SUFFIX if stop == size else Flaw.GAP
        findings.append(Finding(flaw=flaw))
    return strays, findings
