"""What a format module promises.

A format is one file (or folder) here: it says whether bytes are of its kind, checks them to
the end, reads what the owner's FileMetadata asks for, draws pictures and gives up its text.
All of it runs inside the sandbox; a module opens no file, no socket, knows no patient.
Source of the metadata names: requirements/medical-records.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from medstack.kit.errors import Invalid, Unsupported
from medstack.kit.streams import Source


class Damaged(Invalid):
    """The content breaks its own format. `detail` says which rule, `facts` may say where."""

    code = "damaged-file"
    title = "The file is damaged or incomplete"


class Empty(Damaged):
    """Not a byte. `facts`: size."""

    code = "empty-file"
    title = "The file is empty"


class Excessive(Invalid):
    """Legal but beyond what we decode: a pixel or zip bomb. `facts`: rule, limit, found."""

    code = "excessive-content"
    title = "The file unpacks to more than is safe"


class Encrypted(Invalid):
    """Protected by a password we do not have."""

    code = "encrypted-file"
    title = "The file is protected by a password"


class Ambiguous(Invalid):
    """Two kinds at once (a polyglot), or content, name and declared type all disagree."""

    code = "ambiguous-kind"
    title = "The file is more than one kind of file at once"


class Mismatch(Invalid):
    """Name or declared type promise another kind. `facts`: kind (found), promised."""

    code = "extension-mismatch"
    title = "The file is not what its name says"


class Unrecognised(Unsupported):
    """No module knows these bytes. `facts`: kind, where we can name what it is."""

    code = "unrecognised-kind"
    title = "This kind of file is not taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMetadata:
    """The owner's FileMetadata, and what else a kind can tell about itself."""

    width_px: int | None = None
    height_px: int | None = None
    resolution_dpi: float | None = None
    captured_at: str | None = None  # ISO 8601; device's clock; zone only where known
    equipment: str | None = None  # maker and model
    body_part: str | None = None  # DICOM term, tooth number, quadrant
    procedure: str | None = None
    extra: dict[str, str | int | float | bool] = field(default_factory=dict)
    # extra keys are camelCase wire names: pageCount, durationS, frameCount, modality, …


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityMark:
    """A place where a person is named. Never the value."""

    kind: str  # person-name, birth-date, patient-id, gps-position, author, device-serial, …
    place: str  # "EXIF GPSInfo", "DICOM (0010,0010)", "PDF Info /Author"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedPatient:
    """Whom the file's own header names. Compared in memory, never stored or logged."""

    family_name: str = ""
    given_name: str = ""
    birth_date: str = ""  # YYYY-MM-DD
    patient_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Where a DICOM object belongs, so loose files become one series."""

    study_uid: str
    series_uid: str
    instance_uid: str
    number: int | None = None
    modality: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Everything one full reading of a file found."""

    kind: str
    media_type: str
    extension: str  # canonical, without a dot
    metadata: FileMetadata
    identity: tuple[IdentityMark, ...] = ()
    claimed: ClaimedPatient | None = None
    instance: Instance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """A small picture (or other derived form) of a file, free of the original's metadata."""

    name: str  # thumbnail (longest side 400 px) or preview (longest side 1600 px)
    media_type: str  # image/webp
    width_px: int
    height_px: int
    data: bytes


class Format(Protocol):
    """One kind of file. Stateless; a module exports one instance."""

    @property
    def kind(self) -> str: ...  # "jpeg": stable, on the wire

    @property
    def media_type(self) -> str: ...

    @property
    def extensions(self) -> tuple[str, ...]: ...  # first is canonical; lower case, no dot

    def sniff(self, head: bytes, tail: bytes, size: int) -> bool:
        """Is this kind possible? head, tail: first and last 4096 bytes (fewer if smaller).

        Must be cheap, must never raise, must not say yes to another kind's plain files.
        """
        ...

    def inspect(self, source: Source) -> Inspection:
        """Validate to the last byte and read the metadata.

        Raises Damaged, Excessive or Encrypted. Anything after the format's logical end is
        Damaged unless the standard allows it (then the module says so beside the code).
        """
        ...

    def render(self, source: Source) -> tuple[Rendition, ...]:
        """Draw thumbnail and preview; () where the kind has no picture. Same errors."""
        ...

    def text(self, source: Source) -> str:
        """Searchable text, at most TEXT_CAP characters; "" where there is none."""
        ...


TEXT_CAP = 1_000_000
HEAD_BYTES = 4096
