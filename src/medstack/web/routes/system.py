"""Whether this process is well, and what it has done: for people's monitors."""

from __future__ import annotations

import ipaddress

from litestar import Response, get

from medstack.flows import oversight
from medstack.kit.actor import Role
from medstack.kit.bridge import call
from medstack.kit.errors import Missing, Unauthenticated
from medstack.web import metrics
from medstack.web.identity import Asked, identify
from medstack.web.wire import Wire

ANONYMOUS = {"anonymous": True}


class HealthOut(Wire):
    status: str


@get("/healthz", opt=ANONYMOUS, tags=["system"])
async def healthz(request: Asked) -> HealthOut:
    """200 once the database answers; 503 with the reason's code while it does not."""
    await call(oversight.heartbeat, request.house)
    return HealthOut(status="ok")


@get(
    "/metrics",
    opt=ANONYMOUS | {"refusals": (404,)},
    media_type=metrics.MEDIA_TYPE,
    tags=["system"],
)
async def prometheus(request: Asked) -> Response[str]:
    """Figures for Prometheus: open to this machine, to administrators from anywhere."""
    if not _is_this_machine(request):
        await _must_be_admin(request)
    counted = request.app.state.metrics
    assert isinstance(counted, metrics.Metrics)
    return Response(counted.text(), media_type=metrics.MEDIA_TYPE)


def _is_this_machine(request: Asked) -> bool:
    """Straight from a loopback address; what a proxy passes on is not."""
    if "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.visit.address).is_loopback
    except ValueError:
        return False


async def _must_be_admin(request: Asked) -> None:
    try:
        caller = await identify(request)
    except Unauthenticated as error:
        raise Missing from error
    if caller.actor.role is not Role.ADMIN:
        raise Missing
