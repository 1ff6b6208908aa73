"""`/api/users`: accounts, for those who manage them; one's own password, for everybody."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, get, post, put
from litestar.params import JSONBody, QueryParameter

from medstack.flows import enroll
from medstack.kit.actor import Role
from medstack.kit.bridge import call
from medstack.kit.ids import AccountId, id_out
from medstack.web.identity import Asked
from medstack.web.params import (
    Cursor,
    IdInPath,
    IfMatch,
    Limit,
    cursor_in,
    cursor_out,
    etag_out,
    path_id,
    revision_in,
)
from medstack.web.wire import Page
from medstack.web.wire.people import (
    PasswordIn,
    UserEdit,
    UserIn,
    account_edit_in,
)
from medstack.web.wire.session import UserOut, user_out

TAGS = ["users"]
ME = "me"  # no id has two letters


def _answer(view: enroll.AccountView, status: int = 200) -> Response[UserOut]:
    account = view.account
    headers = {"ETag": etag_out(account.revision)}
    if status == 201:
        headers["Location"] = f"/api/users/{id_out(account.id)}"
    return Response(user_out(account, view.patient_id), status_code=status, headers=headers)


@post("/api/users", tags=TAGS)
async def add_user(request: Asked, data: JSONBody[UserIn]) -> Response[UserOut]:
    """Make an account; a patient's belongs to a chart, nobody else's does."""
    view = await call(
        enroll.add_account,
        request.house,
        request.actor,
        email=data.email,
        role=data.role,
        password=data.password,
        display_name=data.display_name,
        patient_id=data.patient_id,
        must_change_password=data.must_change_password,
    )
    return _answer(view, 201)


@get("/api/users", tags=TAGS)
async def list_users(
    request: Asked,
    role: Annotated[Role | None, QueryParameter()] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UserOut]:
    """Accounts, oldest first."""
    after = cursor_in(cursor)
    page = await call(
        enroll.list_accounts,
        request.house,
        request.actor,
        role=role,
        after=None if after is None else AccountId(after),
        limit=limit,
    )
    return Page(
        items=[user_out(view.account, view.patient_id) for view in page.items],
        next_cursor=cursor_out(page.next_after),
    )


@get("/api/users/{user_id:str}", tags=TAGS)
async def get_user(request: Asked, user_id: IdInPath) -> Response[UserOut]:
    account_id = AccountId(path_id(user_id))
    return _answer(await call(enroll.get_account, request.house, request.actor, account_id))


@put("/api/users/{user_id:str}", tags=TAGS, opt={"refusals": (412, 428)})
async def change_user(
    request: Asked, user_id: IdInPath, data: JSONBody[UserEdit], if_match: IfMatch = None
) -> Response[UserOut]:
    """Change a name or role, disable or enable. A new standing ends every session."""
    view = await call(
        enroll.change_account,
        request.house,
        request.actor,
        AccountId(path_id(user_id)),
        account_edit_in(data),
        expected=revision_in(if_match),
    )
    return _answer(view)


@put("/api/users/{user_id:str}/password", status_code=204, tags=TAGS, opt={"unsettled": True})
async def set_password(request: Asked, user_id: IdInPath, data: JSONBody[PasswordIn]) -> None:
    """Change one's own (`me`, with the current one) or reset another's.

    Every other session and every token of the account ends.
    """
    actor = request.actor
    account_id = actor.account_id if user_id == ME else AccountId(path_id(user_id))
    await call(
        enroll.set_password,
        request.house,
        actor,
        account_id,
        data.password,
        current=data.current_password,
        keep=request.caller.session_id,
    )


HANDLERS = (add_user, list_users, get_user, change_user, set_password)
