"""A file and everything inside it, depth first, each part numbered: no archive opened by others.

Runs in the sandbox. Both the built-in engine and the stream of members for outside engines
walk this way, so a member has the same number in every verdict. Part 0 is the file itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from medstack.kit.streams import MemorySource, Source, chunks_of
from medstack.kit.zipwalk import (
    LIMITS,
    Archive,
    BadArchive,
    Flaw,
    Limits,
    Member,
    Window,
    chunks_of_member,
    looks_like_zip,
    source_of_member,
    walk,
)
from medstack.scanners import kinds, pdf
from medstack.scanners.contract import Outcome
from medstack.scanners.signatures import Found

_DICOM_REACH = 64 * 1024  # an encapsulated document stands at the end of a small header
_UNSEEN = (Flaw.ENCRYPTED, Flaw.METHOD)
_DAMAGE = (Flaw.NO_DIRECTORY, Flaw.TRUNCATED, Flaw.CONTENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The file itself or something in it."""

    index: int
    depth: int  # 0 the file, 1 what is directly in it
    source: Source
    kind: str  # what the sniffer called it, else what its first bytes look like
    chunks: Callable[[], Iterator[bytes]]  # verifies the archive's checksum on the way
    archive: Archive | None = None  # set where this part is a ZIP itself
    is_pdf: bool = False
    findings: tuple[Found, ...] = ()

    def pieces(self) -> Iterator[tuple[bytes, bool]]:
        """The content, each chunk with whether it is the last; cut short where it is broken."""
        held = b""
        try:
            for chunk in self.chunks():
                if held:
                    yield held, False
                held = chunk
        except BadArchive:
            pass  # a finding elsewhere; what was unpacked until here is still worth a look
        yield held, True


@dataclass(slots=True)
class _Budget:
    """What is left to spend over all levels together, so that nesting multiplies nothing."""

    limits: Limits
    next_index: int = 0
    total_bytes: int = 0
    members: int = 0

    def remaining(self) -> Limits:
        return replace(
            self.limits,
            total_bytes=self.limits.total_bytes - self.total_bytes,
            members=self.limits.members - self.members,
        )

    def spend(self, archive: Archive) -> None:
        self.total_bytes += archive.total_bytes
        self.members += len(archive.members)

    def number(self) -> int:
        self.next_index += 1
        return self.next_index - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Inside:
    """Something found in a part, before it has a number."""

    source: Source
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What is to be had from opening a part."""

    archive: Archive | None = None
    is_pdf: bool = False
    findings: list[Found] = field(default_factory=list)
    inside: Iterable[_Inside] = ()  # made one at a time, while the part is being looked at


def parts_of(source: Source, kind: str, *, limits: Limits = LIMITS) -> Iterator[Part]:
    """Yield the file, then everything inside it, each before its own contents.

    Raises ArchiveBomb where it promises more than `limits`, over all levels together.
    """
    whole = _Inside(source=source, chunks=lambda: chunks_of(source))
    yield from _descend(whole, kind, 0, _Budget(limits))


def _descend(this: _Inside, kind: str, depth: int, budget: _Budget) -> Iterator[Part]:
    index = budget.number()
    opened = _open(this.source, depth, budget)
    yield Part(
        index=index,
        depth=depth,
        source=this.source,
        kind=kind or _kind(this.source),
        chunks=this.chunks,
        archive=opened.archive,
        is_pdf=opened.is_pdf,
        findings=tuple(opened.findings),
    )
    for inner in opened.inside:
        yield from _descend(inner, "", depth + 1, budget)


def _kind(source: Source) -> str:
    try:
        return kinds.kind_of(source.read_at(0, kinds.HEAD_BYTES))
    except BadArchive:
        return ""  # a broken member, which reading it through finds


def _open(source: Source, depth: int, budget: _Budget) -> _Opened:
    """Open `source` if it is a container. Its flaws become findings."""
    try:
        if looks_like_zip(source):
            return _open_zip(source, depth, budget)
        head = source.read_at(0, _DICOM_REACH)
        if head[128:132] == b"DICM":
            return _open_dicom(source, head)
        if pdf.looks_like_pdf(head):
            return _open_pdf(source, depth, budget)
    except BadArchive as problem:
        return _Opened(findings=[flaw_found(str(problem.facts["rule"]), depth)])
    return _Opened()


def _open_zip(source: Source, depth: int, budget: _Budget) -> _Opened:
    if depth >= budget.limits.depth:
        return _Opened(findings=[Found(outcome=Outcome.LIMIT, signature="zip.depth")])
    archive = walk(source, limits=budget.remaining())
    budget.spend(archive)
    return _Opened(
        archive=archive,
        findings=[flaw_found(found.flaw, depth) for found in archive.findings],
        inside=[*_members(source, archive), *_strays(source, archive)],
    )


def flaw_found(flaw: str, depth: int) -> Found:
    """A flaw of an archive at `depth` as a finding.

    Mere damage of the file itself is no malware: validation refuses it and says better why.
    Deeper down nobody else will look, so there it is forbidden like any other flaw.
    """
    if flaw in _DAMAGE and depth == 0:
        return Found(outcome=Outcome.LIMIT, signature="zip.damaged")
    outcome = Outcome.LIMIT if flaw in _UNSEEN else Outcome.FORBIDDEN
    return Found(outcome=outcome, signature=str(flaw))


def _members(source: Source, archive: Archive) -> Iterator[_Inside]:
    for member in archive.members:
        if member.is_encrypted or member.size == 0:
            continue
        try:
            content = source_of_member(source, member)
        except BadArchive:  # its method is among the archive's findings already
            continue
        yield _Inside(source=content, chunks=_reader(source, member))


def _reader(source: Source, member: Member) -> Callable[[], Iterator[bytes]]:
    return lambda: chunks_of_member(source, member)


def _strays(source: Source, archive: Archive) -> Iterator[_Inside]:
    """Stretches no record owns: another reader may find a whole archive there."""
    for start, end in archive.strays:
        window = Window(source, start, end)
        yield _Inside(source=window, chunks=_window_reader(window))


def _window_reader(window: Source) -> Callable[[], Iterator[bytes]]:
    return lambda: chunks_of(window)


def _open_dicom(source: Source, head: bytes) -> _Opened:
    """An encapsulated PDF (DICOM PS3.3 C.24.2) is a document of its own."""
    at = head.find(b"%PDF-", 132)
    if at < 0:
        return _Opened()
    window = Window(source, at, source.size)
    return _Opened(inside=[_Inside(source=window, chunks=_window_reader(window))])


def _open_pdf(source: Source, depth: int, budget: _Budget) -> _Opened:
    return _Opened(
        is_pdf=True, inside=_attachments(source, budget) if depth < budget.limits.depth else ()
    )


def _attachments(source: Source, budget: _Budget) -> Iterator[_Inside]:
    try:
        for content in pdf.embedded_files(source, limit_bytes=budget.remaining().total_bytes):
            budget.total_bytes += len(content)
            inner = MemorySource(content)
            yield _Inside(source=inner, chunks=_window_reader(inner))
    except BadArchive:
        return  # the PDF is a broken member itself, which reading it through has found
