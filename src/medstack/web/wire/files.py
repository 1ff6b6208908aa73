"""Links, and decisions about stopped files, as the wire has them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from medstack.access import Link
from medstack.kit.ids import id_out
from medstack.web.wire.base import Ask, IdText, Wire, Word

ReasonText = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class LinkIn(Ask):
    """What a link is asked to be; all of it may be left out."""

    version: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    rendition: Word = "original"
    ttl_s: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    max_uses: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class LinkOut(Wire):
    """A link; `url` is told once, when it is made."""

    id: str
    record_id: str
    version: int
    rendition: str
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    uses: int
    url: str | None = None


class DecisionIn(Ask):
    """Why a person decides so about a stopped file."""

    reason: ReasonText


class BundleIn(Ask):
    """Records to be taken together."""

    record_ids: Annotated[list[IdText], Meta(min_length=1, max_length=1000)]


class BatchIn(Ask):
    """Files about to be sent together. context: quick-consultation, clinical-case, or none."""

    title: Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""
    context: Annotated[str, Meta(max_length=40)] = ""


class FilingIn(Ask):
    """The chart a record from an inbox belongs to; the rest stays as its sender said."""

    patient_id: Annotated[str, Meta(min_length=1, max_length=20)]
    category: Annotated[str, Meta(max_length=40)] = ""
    subcategory: Annotated[str, Meta(max_length=40)] = ""


class UploadBatchOut(Wire):
    """A batch: its id is named by each upload as `batchId`."""

    id: str
    title: str
    context: str
    created_at: datetime


def link_out(link: Link, *, url: str | None = None) -> LinkOut:
    return LinkOut(
        id=id_out(link.id),
        record_id=id_out(link.record_id),
        version=link.version,
        rendition=link.rendition,
        created_at=link.created_at,
        expires_at=link.expires_at,
        max_uses=link.max_uses,
        uses=link.uses,
        url=url,
    )
