"""A whole file in one request: `POST /api/medical-records` and its kin."""

from __future__ import annotations

from litestar import Response, post
from litestar.params import JSONBody

from medstack.flows import curate, receive
from medstack.flows.receive import Receiver
from medstack.kit.bridge import call
from medstack.kit.errors import Problem
from medstack.kit.ids import RecordId, UploadId, id_out
from medstack.web import streamed
from medstack.web.forms import FIELDS_BYTES, BadForm, FormReader
from medstack.web.identity import Asked
from medstack.web.params import IdInPath, path_id
from medstack.web.pump import Ending, Pump
from medstack.web.wire.files import BatchIn, FilingIn, UploadBatchOut
from medstack.web.wire.records import RecordOut, record_out

_FORM = {"body": streamed.FORM, "refusals": (507,)}
_OVERHEAD = FIELDS_BYTES + (64 << 10)  # bytes a form may have beside its file


@post("/api/medical-records", tags=["medical records"], status_code=201, opt=_FORM)
async def create_record(request: Asked) -> Response[RecordOut]:
    """Send a file and what is known of it as multipart/form-data: `file`, then the record's fields.

    Answered as soon as the bytes are safe; scanning and the rest go on behind it.
    """
    return await _arrived(request, {})


@post("/api/files", tags=["files"], status_code=201, opt=_FORM)
async def create_file(request: Asked) -> Response[RecordOut]:
    """The same under the name of the file operations."""
    return await _arrived(request, {})


@post(
    "/api/medical-records/{record_id:str}/versions",
    tags=["medical records"],
    status_code=201,
    opt=_FORM,
)
async def create_version(request: Asked, record_id: IdInPath) -> Response[RecordOut]:
    """Send a new content for a record; it becomes its next version once it has passed."""
    return await _arrived(request, {"replaces": record_id})


class _Arrival:
    """The upload behind one form: begun when its file begins."""

    def __init__(self, request: Asked, words: dict[str, str]) -> None:
        self._house, self._actor = request.house, request.actor
        self._words = words
        self.upload_id: UploadId | None = None
        self.receiver: Receiver | None = None

    def begin(self, fields: dict[str, str]) -> Receiver:
        words = fields | self._words
        upload = receive.begin(self._house, self._actor, words, length=None)
        self.upload_id = upload.id
        self.receiver = Receiver(self._house, self._actor, upload.id, offset=0)
        return self.receiver

    def finish(self, form: FormReader) -> RecordId:
        form.finish()
        assert self.receiver is not None
        assert self.upload_id is not None
        kept = self.receiver.keep()
        words = form.fields | self._words
        receive.describe(self._house, self._actor, self.upload_id, words)
        upload = receive.declare(self._house, self._actor, self.upload_id, kept.offset)
        assert upload.record_id is not None
        return upload.record_id

    def abandon(self) -> None:
        if self.receiver is not None:
            self.receiver.drop()
        if self.upload_id is not None:
            receive.give_up(self._house, self._actor, self.upload_id)


async def _arrived(request: Asked, words: dict[str, str]) -> Response[RecordOut]:
    arrival = _Arrival(request, words)
    form = FormReader(request.headers.get("content-type", ""), arrival.begin)
    announced = request.headers.get("content-length", "")
    if announced.isdigit():
        least = int(announced) - _OVERHEAD
        await call(receive.check_possible, request.house, least)
    try:
        ending = await Pump(request.receive).run(form)
        if ending is not Ending.COMPLETE:
            raise BadForm("The connection ended before the form did.", rule="truncated")
        record_id = await call(arrival.finish, form)
    except (Problem, OSError):
        await call(arrival.abandon)
        raise
    return await _shown(request, record_id)


async def _shown(request: Asked, record_id: RecordId) -> Response[RecordOut]:
    view = await call(curate.get_record, request.house, request.actor, record_id)
    return Response(
        record_out(view),
        status_code=201,
        headers={"Location": f"/api/medical-records/{record_out(view).id}", "ETag": view.etag},
    )


@post("/api/batch/uploads", tags=["batch"], status_code=201)
async def open_batch(request: Asked, data: JSONBody[BatchIn]) -> UploadBatchOut:
    """Begin a batch: files that are sent together, under one limit."""
    batch = await call(
        receive.open_batch, request.house, request.actor, title=data.title, context=data.context
    )
    return UploadBatchOut(
        id=id_out(batch.id), title=batch.title, context=batch.context, created_at=batch.created_at
    )


@post("/api/medical-records/{record_id:str}/patient", tags=["medical records"], status_code=201)
async def file_record(
    request: Asked, record_id: IdInPath, data: JSONBody[FilingIn]
) -> Response[RecordOut]:
    """Put a record from an inbox into a chart; it is checked again, as that patient's."""
    said = {"patientId": data.patient_id, "category": data.category}
    words = {
        name: text for name, text in (said | {"subcategory": data.subcategory}).items() if text
    }
    upload = await call(
        receive.file_from_inbox,
        request.house,
        request.actor,
        RecordId(path_id(record_id)),
        words,
    )
    assert upload.record_id is not None
    return await _shown(request, upload.record_id)


HANDLERS = (file_record, open_batch, create_record, create_file, create_version)
