"""`/api/events`: what happens, as it happens."""

from __future__ import annotations

from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from medstack.kit.bridge import call
from medstack.web import events
from medstack.web.identity import Asked, recognise_again
from medstack.web.params import LastEventId


@get(
    "/api/events",
    tags=["events"],
    responses={
        200: ResponseSpec(
            str,
            description="An event stream",
            media_type="text/event-stream",
            generate_examples=False,
        )
    },
)
async def event_stream(request: Asked, last_event_id: LastEventId = None) -> Stream:
    """Server-sent events. Resumes after `Last-Event-ID`; without it, starts from now."""
    actor, feed, pace = request.actor, request.app.state.feed, request.app.state.pace
    resumed = events.resume_point(last_event_id)
    start = await call(feed.newest, actor) if resumed is None else resumed
    body = events.told(
        lambda last_seen: call(feed.after, actor, last_seen, events.PAGE),
        lambda: recognise_again(request),
        start=start,
        pace=pace,
    )
    return Stream(
        body,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
