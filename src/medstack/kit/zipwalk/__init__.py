"""Walking a ZIP that may be out to deceive.

Readers of one ZIP can disagree on what is in it: that is how malware passes a scanner. Here
every byte of the file has exactly one meaning or a finding says where it has not: the central
directory must equal the local headers, members neither overlap nor leave room between them,
nothing stands before the first or after the last record. Nothing is ever unpacked to disk.
Source: PKWARE APPNOTE 6.3.10.
"""

from medstack.kit.zipwalk.content import Window, chunks_of_member, source_of_member
from medstack.kit.zipwalk.directory import looks_like_zip, walk
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

__all__ = [
    "LIMITS",
    "Archive",
    "ArchiveBomb",
    "BadArchive",
    "Finding",
    "Flaw",
    "Limits",
    "Member",
    "Window",
    "chunks_of_member",
    "looks_like_zip",
    "source_of_member",
    "walk",
]
