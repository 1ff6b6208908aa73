"""`/api/batch`: one act on many records, with an answer for each."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import post
from litestar.params import JSONBody

from medstack.flows import arrange
from medstack.kit.bridge import call
from medstack.kit.ids import RecordId
from medstack.web.identity import Asked
from medstack.web.params import needed_id
from medstack.web.wire.records import ArchiveIn, BatchOut, CategoriseIn, batch_out

TAGS = ["batch"]


def _records(texts: Sequence[str]) -> list[RecordId]:
    return [RecordId(needed_id("recordIds", text)) for text in texts]


@post("/api/batch/categorise", status_code=200, tags=TAGS)
async def categorise(request: Asked, data: JSONBody[CategoriseIn]) -> BatchOut:
    """Give many records one category; each is done or refused by itself."""
    results = await call(
        arrange.categorise_many,
        request.house,
        request.actor,
        _records(data.record_ids),
        category=data.category,
        subcategory=data.subcategory,
    )
    return batch_out(results)


@post("/api/batch/archive", status_code=200, tags=TAGS)
async def archive(request: Asked, data: JSONBody[ArchiveIn]) -> BatchOut:
    """Archive many records; each is done or refused by itself."""
    results = await call(
        arrange.archive_many, request.house, request.actor, _records(data.record_ids)
    )
    return batch_out(results)


HANDLERS = (categorise, archive)
