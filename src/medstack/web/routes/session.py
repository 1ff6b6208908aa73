"""`/api/session`: sign in, who am I, sign out. `/api/sessions`: where else I am signed in."""

from __future__ import annotations

from litestar import Response, delete, get, post
from litestar.params import JSONBody

from medstack.flows import signin
from medstack.kit.bridge import call
from medstack.people import SessionId, csrf_of
from medstack.web.identity import Asked, check_same_site, cookie_out, visitor_of
from medstack.web.params import IdInPath, path_id
from medstack.web.wire import Page
from medstack.web.wire.session import MeOut, SessionOut, SignInIn, me_out, session_out

TAGS = ["session"]
FORGET = '"cache", "storage"'  # Clear-Site-Data: nothing of a chart stays in a shared browser


@post(
    "/api/session",
    status_code=200,
    tags=TAGS,
    opt={"anonymous": True, "refusals": (401, 403, 429)},
)
async def sign_in(request: Asked, data: JSONBody[SignInIn]) -> Response[MeOut]:
    """Open a session: the cookie is its secret, `csrfToken` goes back with every change."""
    check_same_site(request, request.house)
    opened = await call(
        signin.sign_in,
        request.house,
        email=data.email,
        password=data.password,
        visitor=visitor_of(request),
    )
    return Response(
        me_out(opened.me, csrf_of(opened.secret)),
        headers={"Set-Cookie": cookie_out(request.house, opened.secret)},
    )


@get("/api/session", tags=TAGS, opt={"unsettled": True})
async def who_am_i(request: Asked) -> MeOut:
    """The caller's own account, and the CSRF token of a cookie session."""
    me = await call(signin.who_am_i, request.house, request.actor)
    shown = request.credential
    return me_out(me, csrf_of(shown.secret) if shown.is_cookie else None)


@delete("/api/session", tags=TAGS, opt={"unsettled": True})
async def sign_out(request: Asked) -> Response[None]:
    """End this session; a bearer token is revoked."""
    await call(signin.sign_out, request.house, request.caller)
    return _gone(request)


@get("/api/sessions", tags=TAGS)
async def list_sessions(request: Asked) -> Page[SessionOut]:
    """Where the caller is signed in, newest first."""
    found = await call(signin.list_sessions, request.house, request.actor)
    return Page(items=[session_out(one, request.caller.session_id) for one in found])


@delete("/api/sessions", tags=TAGS, opt={"unsettled": True})
async def sign_out_everywhere(request: Asked) -> Response[None]:
    """End every session and token of the caller, this one too."""
    await call(signin.sign_out_everywhere, request.house, request.actor)
    return _gone(request)


@delete("/api/sessions/{session_id:str}", tags=TAGS)
async def end_session(request: Asked, session_id: IdInPath) -> None:
    """End one of the caller's own sessions."""
    await call(signin.end_session, request.house, request.actor, SessionId(path_id(session_id)))


def _gone(request: Asked) -> Response[None]:
    headers = {"Set-Cookie": cookie_out(request.house, ""), "Clear-Site-Data": FORGET}
    return Response(None, status_code=204, headers=headers)


HANDLERS = (
    sign_in,
    who_am_i,
    sign_out,
    list_sessions,
    sign_out_everywhere,
    end_session,
)
