"""What the sandbox runs for the scanners. Top-level functions, values the wire can carry.

The parsers are loaded where they run: whoever only names these tasks stays free of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from medstack.kit.streams import Source
from medstack.kit.zipwalk import ArchiveBomb, BadArchive
from medstack.scanners.contract import Verdict

ENGINE = "builtin"
PROBLEMS = (ArchiveBomb, BadArchive)  # known here, so that they can cross from the sandbox


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPiece:
    """A piece of something inside a file, in order; the last one says so."""

    index: int  # as in Verdict.member
    data: bytes
    is_last: bool


def members(source: Source, *, kind: str) -> Iterator[MemberPiece]:
    """Everything inside `source`, unpacked, piece by piece; nothing if it is no container.

    What is inside a member follows the member. A member whose content breaks off or cannot
    be read ends early: `structure` has a finding for it. Raises ArchiveBomb.
    """
    from medstack.scanners.parts import parts_of

    for part in parts_of(source, kind):
        if part.index > 0:
            for data, is_last in part.pieces():
                yield MemberPiece(index=part.index, data=data, is_last=is_last)


def structure(source: Source, *, kind: str) -> tuple[Verdict, ...]:
    """The built-in engine: everything it finds in the file and in all it contains."""
    from medstack.scanners.structure import verdicts_on

    return verdicts_on(source, kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPiece:
    """A piece of a file in a ZIP, in order; the first one names it, the last one says so."""

    name: str  # as the archive has it, without folders
    data: bytes
    is_first: bool
    is_last: bool


def entries(source: Source) -> Iterator[EntryPiece]:
    """The files of a ZIP, one level deep, in the archive's order. Raises BadArchive leaves."""
    from medstack.kit.zipwalk import chunks_of_member, walk

    for member in walk(source).members:
        if member.is_directory:
            continue
        name = member.text_name().rpartition("/")[2]
        held, is_first = b"", True
        for chunk in chunks_of_member(source, member):
            if held:
                yield EntryPiece(name=name, data=held, is_first=is_first, is_last=False)
                is_first = False
            held = chunk
        yield EntryPiece(name=name, data=held, is_first=is_first, is_last=True)
