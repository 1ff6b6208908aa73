"""Builds the web application: every route behind one identity check and one outer door.

Plain ASGI when finished: granian runs it in production, uvicorn must be able to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from litestar import Litestar
from litestar.datastructures import State
from litestar.types import ASGIApp, ControllerRouterHandler

from medstack.flows.house import House
from medstack.web import docs, problems
from medstack.web.door import Door
from medstack.web.events import Feed, Pace
from medstack.web.identity import Asked, is_tls, signed_in
from medstack.web.metrics import Metrics
from medstack.web.plain import asked_plainly
from medstack.web.routes import HANDLERS
from medstack.web.strict import JSON_BODY_BYTES, StrictJson


def build(
    house: House,
    *,
    feed: Feed,
    pace: Pace | None = None,
    trusted_proxies: frozenset[str] = frozenset(),
    more_handlers: Sequence[ControllerRouterHandler] = (),
) -> ASGIApp:
    """The finished ASGI application.

    feed: where `/api/events` hears of notices.
    trusted_proxies: peers whose X-Forwarded-For is believed.
    more_handlers: further routes, for tests and for doors built on this one.
    """
    metrics = Metrics()
    inner = Litestar(
        route_handlers=[*HANDLERS, *more_handlers],
        request_class=Asked,
        guards=[signed_in, asked_plainly],
        dto=StrictJson,
        return_dto=None,
        exception_handlers=problems.HANDLERS,
        request_max_body_size=JSON_BODY_BYTES,
        openapi_config=docs.CONFIG,
        logging_config=None,
        debug=False,
        state=State({"house": house, "metrics": metrics, "feed": feed, "pace": pace or Pace()}),
    )
    return Door(
        cast("ASGIApp", inner),
        ids=house.ids,
        clock=house.clock,
        metrics=metrics,
        is_tls=is_tls(house),
        trusted_proxies=trusted_proxies,
    )
