"""What the sandbox runs: one small function for each thing asked of a file.

Top-level and self-contained, so a fresh process can import and call them.
"""

from __future__ import annotations

from medstack.formats import format_of, sniffing
from medstack.formats.contract import Inspection, Rendition
from medstack.kit.streams import Source


def identify(source: Source, *, extension: str = "", declared: str = "") -> str:
    """Name the one kind `source` is.

    extension: of the sender's file name, with or without dot; declared: its media type.
    Raises Empty, Damaged (half a package), Ambiguous, Mismatch or Unrecognised.
    """
    return sniffing.identify(source, extension=extension, declared_media_type=declared)


def inspect(source: Source, *, kind: str) -> Inspection:
    """Validate to the last byte and read the metadata. Raises Damaged, Excessive, Encrypted."""
    return format_of(kind).inspect(source)


def render(source: Source, *, kind: str) -> tuple[Rendition, ...]:
    """Draw thumbnail and preview, () for kinds without a picture. Same errors as inspect."""
    return format_of(kind).render(source)


def text(source: Source, *, kind: str) -> str:
    """Searchable text, "" where there is none. Same errors as inspect."""
    return format_of(kind).text(source)
