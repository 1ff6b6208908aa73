"""Every route of this door, one file a noun. A handler is served only if it stands in this list."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from medstack.web.docs import docs_page, openapi_json
from medstack.web.routes import (
    appointments,
    arrivals,
    assignments,
    batch,
    cases,
    files,
    folders,
    medical_records,
    oversight,
    patients,
    providers,
    review,
    session,
    users,
)
from medstack.web.routes.events import event_stream
from medstack.web.routes.pages import static_file, status_page
from medstack.web.routes.system import healthz, prometheus
from medstack.web.routes.uploads import uploads

HANDLERS: tuple[ControllerRouterHandler, ...] = (
    status_page,
    static_file,
    openapi_json,
    docs_page,
    healthz,
    prometheus,
    event_stream,
    *session.HANDLERS,
    *patients.HANDLERS,
    *users.HANDLERS,
    *assignments.HANDLERS,
    *providers.HANDLERS,
    *appointments.HANDLERS,
    *cases.HANDLERS,
    *medical_records.HANDLERS,
    *folders.HANDLERS,
    *batch.HANDLERS,
    *oversight.HANDLERS,
    *arrivals.HANDLERS,
    *files.HANDLERS,
    *review.HANDLERS,
    uploads,
)
