"""A signed link as its row keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from medstack.kit.ids import AccountId, RecordId

LinkId = NewType("LinkId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    id: LinkId
    record_id: RecordId
    version: int
    rendition: str  # "original", "thumbnail", "preview"
    issuer_id: AccountId
    created_at: datetime
    expires_at: datetime  # whole seconds
    max_uses: int | None  # None: any number until it ends
    uses: int
    revoked_at: datetime | None
