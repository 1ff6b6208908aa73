"""Who is asking: a cookie session or a bearer token becomes an Actor, or the answer is 401.

Every route asks for this unless it says `opt={"anonymous": True}`. A cookie caller
who changes something must also show the CSRF token of that session and come from our own pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.handlers import BaseRouteHandler

from medstack.flows import signin
from medstack.flows.house import House
from medstack.flows.signin import Caller, PasswordMustChange, Visitor
from medstack.kit.actor import Actor
from medstack.kit.bridge import call
from medstack.kit.errors import Denied, Unauthenticated
from medstack.people import is_csrf
from medstack.web.door import Visit

Connection = ASGIConnection[Any, Any, Any, Any]  # Litestar's four type parameters say nothing here

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
REASON_HEADER = "x-access-reason"
REASON_LENGTH = 200


class CrossSite(Denied):
    code = "cross-site"
    title = "This request did not come from our own pages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What the caller showed. `secret` stays in memory of this request only."""

    secret: str
    is_cookie: bool


class Asked(Request[Caller, Credential, State]):
    """A request behind this door, as handlers take it."""

    @property
    def house(self) -> House:
        house = self.app.state.house
        assert isinstance(house, House)
        return house

    @property
    def actor(self) -> Actor:
        """The signed-in caller. Only on routes that are not anonymous."""
        return self.caller.actor

    @property
    def caller(self) -> Caller:
        """The caller with the session or token he came by."""
        return self.scope["user"]  # type: ignore[no-any-return]

    @property
    def credential(self) -> Credential:
        return self.scope["auth"]  # type: ignore[no-any-return]

    @property
    def visit(self) -> Visit:
        return visit_of(self)


def visit_of(connection: Connection) -> Visit:
    visit = connection.scope["state"]["visit"]
    assert isinstance(visit, Visit)
    return visit


def is_tls(house: House) -> bool:
    return house.public_url.startswith("https:")


def cookie_name(house: House) -> str:
    """`__Host-` binds a cookie to this host and to TLS; browsers refuse it without TLS."""
    return "__Host-medstack" if is_tls(house) else "medstack"


def cookie_out(house: House, secret: str) -> str:
    """The Set-Cookie value that carries a session; an empty secret takes it away."""
    parts = [f"{cookie_name(house)}={secret}", "Path=/", "HttpOnly", "SameSite=Strict"]
    if is_tls(house):
        parts.append("Secure")
    if not secret:
        parts.append("Max-Age=0")
    return "; ".join(parts)


async def signed_in(connection: Connection, handler: BaseRouteHandler) -> None:
    """The guard of every route that is not anonymous.

    Whoever still has a password others know may do nothing but change it or leave
    (`opt={"unsettled": True}`).
    """
    if handler.opt.get("anonymous"):
        return
    caller = await identify(connection)
    if caller.who.account.must_change_password and not handler.opt.get("unsettled"):
        raise PasswordMustChange("Change it with PUT /api/users/me/password.")


async def identify(connection: Connection) -> Caller:
    """Make the caller known to the rest of the request. Raises Unauthenticated, CrossSite."""
    house: House = connection.app.state.house
    credential = shown_by(connection, house)
    if credential.is_cookie and connection.scope.get("method") not in SAFE_METHODS:
        check_same_site(connection, house)
        check_csrf(connection, credential)
    caller = await _recognise(connection, credential)
    await call(signin.keep_alive, house, caller)
    connection.scope["user"] = caller
    connection.scope["auth"] = credential
    return caller


async def recognise_again(request: Asked) -> None:
    """Raise Unauthenticated if what the caller showed has ended since; keeps nothing alive."""
    await _recognise(request, request.credential)


def visitor_of(connection: Connection) -> Visitor:
    visit = visit_of(connection)
    return Visitor(
        address=visit.address,
        agent=connection.headers.get("user-agent", ""),
        request_id=visit.request_id,
    )


async def _recognise(connection: Connection, credential: Credential) -> Caller:
    return await call(
        signin.recognise,
        connection.app.state.house,
        credential.secret,
        is_token=not credential.is_cookie,
        visitor=visitor_of(connection),
        reason=_reason(connection),
    )


def shown_by(connection: Connection, house: House) -> Credential:
    """The bearer token if there is one, else the session cookie. Raises Unauthenticated."""
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        scheme, _, secret = authorization.partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Unauthenticated("Use Authorization: Bearer, or sign in.")
        return Credential(secret=secret.strip(), is_cookie=False)
    cookie = connection.cookies.get(cookie_name(house))
    if not cookie:
        raise Unauthenticated
    return Credential(secret=cookie, is_cookie=True)


def check_same_site(connection: Connection, house: House) -> None:
    """Refuse what a browser says came from another site. Raises CrossSite."""
    fetched_from = connection.headers.get("sec-fetch-site")
    if fetched_from is not None and fetched_from not in ("same-origin", "none"):
        raise CrossSite
    origin = connection.headers.get("origin")
    if origin is None or origin == house.public_url.rstrip("/"):
        return
    if not urlsplit(origin).netloc or urlsplit(origin).netloc != connection.headers.get("host"):
        raise CrossSite


def check_csrf(connection: Connection, credential: Credential) -> None:
    if not is_csrf(credential.secret, connection.headers.get(CSRF_HEADER, "")):
        raise CrossSite("Send the session's CSRF token as X-CSRF-Token.")


def _reason(connection: Connection) -> str:
    """The stated purpose of an access, percent-encoded UTF-8 because headers are ASCII."""
    return unquote(connection.headers.get(REASON_HEADER, ""), errors="replace")[:REASON_LENGTH]
