"""`/api/folders`: a patient's own folders."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.params import JSONBody, QueryParameter
from msgspec import UNSET

from medstack.flows import arrange
from medstack.kit.bridge import call
from medstack.kit.ids import FolderId, id_out
from medstack.records import Folder
from medstack.web.identity import Asked
from medstack.web.params import IdInPath, id_or_none, path_id
from medstack.web.wire import Page
from medstack.web.wire.base import given
from medstack.web.wire.records import FolderEdit, FolderIn, FolderOut, folder_out

TAGS = ["folders"]


def _folder(field: str, text: str | None) -> FolderId | None:
    value = id_or_none(field, text)
    return None if value is None else FolderId(value)


@post("/api/folders", tags=TAGS)
async def add_folder(request: Asked, data: JSONBody[FolderIn]) -> Response[FolderOut]:
    view = await call(
        arrange.add_folder,
        request.house,
        request.actor,
        patient_id=data.patient_id,
        name=data.name,
        parent_id=_folder("parentId", data.parent_id),
    )
    headers = {"Location": f"/api/folders/{id_out(view.folder.id)}"}
    return Response(folder_out(view), status_code=201, headers=headers)


@get("/api/folders", tags=TAGS)
async def list_folders(
    request: Asked,
    patient_id: Annotated[str, QueryParameter(name="patientId", min_length=1, max_length=40)],
) -> Page[FolderOut]:
    """All folders of a patient, by name."""
    found = await call(arrange.list_folders, request.house, request.actor, patient_id)
    return Page(items=[folder_out(view) for view in found])


@put("/api/folders/{folder_id:str}", tags=TAGS)
async def change_folder(
    request: Asked, folder_id: IdInPath, data: JSONBody[FolderEdit]
) -> FolderOut:
    """Rename or move a folder; `parentId: null` moves it to the top."""

    def place(now: Folder) -> tuple[str, FolderId | None]:
        asked = data.parent_id
        parent = now.parent_id if asked is UNSET else _folder("parentId", asked)
        return given(data.name, now.name), parent

    view = await call(
        arrange.change_folder,
        request.house,
        request.actor,
        FolderId(path_id(folder_id)),
        place,
    )
    return folder_out(view)


@delete("/api/folders/{folder_id:str}", tags=TAGS)
async def remove_folder(request: Asked, folder_id: IdInPath) -> None:
    """Remove an empty folder."""
    await call(arrange.remove_folder, request.house, request.actor, FolderId(path_id(folder_id)))


HANDLERS = (add_folder, list_folders, change_folder, remove_folder)
