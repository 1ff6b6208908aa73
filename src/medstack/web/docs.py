"""What strangers may rely on, as OpenAPI 3.1 at /openapi.json and as one page at /docs.

Litestar knows the shapes; this adds what it cannot know: who may ask without signing in,
and every refusal a route may answer with.
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Litestar, MediaType, Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

import medstack
from medstack.web.door import PAGE_CSP
from medstack.web.identity import Asked
from medstack.web.problems import MEDIA_TYPE

Json = dict[str, Any]  # an OpenAPI document is JSON of any shape

CONFIG = OpenAPIConfig(
    title="MedStack",
    version=medstack.__version__,
    description=(
        "A self-hosted vault for medical records and media. Errors are RFC 9457 problem details "
        "with a stable `code`; what is not there and what is not yours look the same."
    ),
    path="/openapi",  # Litestar's own pages stay out of the way; ours are below
    render_plugins=[JsonRenderPlugin()],
    create_examples=False,
    use_handler_docstrings=True,
    components=Components(
        security_schemes={
            "session": SecurityScheme(type="apiKey", name="medstack", security_scheme_in="cookie"),
            "bearer": SecurityScheme(type="http", scheme="bearer"),
        }
    ),
)

_PAGE_NAME = re.compile(r"Page_[\w.]*?(\w+)Out_")
_REQUESTS = ("In", "Edit")

_SAID = {
    "400": "The request cannot be read",
    "401": "Sign in first",
    "403": "Your role does not allow this, or the request is not from our own pages",
    "404": "Nothing here that you may see",
    "409": "It moved on meanwhile",
    "410": "This upload has ended",
    "412": "The ETag is not the current one, or the version of tus not ours",
    "413": "Over a limit; the rule is named",
    "415": "A kind of content this route does not take",
    "422": "A field or parameter is not valid",
    "428": "Send If-Match",
    "416": "No such range",
    "429": "Too many attempts",
    "460": "The bytes do not match their checksum",
    "500": "Something broke on our side",
    "503": "Busy; see Retry-After",
    "507": "There is no room left to store this",
}


def document(app: Litestar) -> Json:
    """The finished OpenAPI document of an application."""
    raw = msgspec.json.encode(app.openapi_schema.to_schema()).decode()
    # A value may be of several of the kinds a union names: 1 is an integer and a number.
    schema: Json = msgspec.json.decode(_PAGE_NAME.sub(r"\1Page", raw).replace('"oneOf"', '"anyOf"'))
    schema["components"]["schemas"]["Problem"] = _PROBLEM
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            operations = schema["paths"].get(route.path_format, {})
            for method in handler.http_methods:
                if method.lower() in operations:
                    _finish(operations[method.lower()], str(method), handler)

    for name, shape in schema["components"]["schemas"].items():
        if name.endswith(_REQUESTS):
            shape["additionalProperties"] = False  # `Ask` refuses fields it does not know
    return schema


def _finish(operation: Json, method: str, handler: HTTPRouteHandler) -> None:
    is_anonymous = bool(handler.opt.get("anonymous"))
    operation["security"] = [] if is_anonymous else [{"session": []}, {"bearer": []}]
    for parameter in operation.get("parameters", ()):
        _without_null(parameter["schema"])
    if "headers" in handler.opt:
        operation.setdefault("parameters", []).extend(handler.opt["headers"])
    if "body" in handler.opt:
        operation["requestBody"] = handler.opt["body"]
    responses = operation.setdefault("responses", {})
    for bodiless in responses.keys() & {"204", "304"}:
        responses[bodiless].pop("content", None)
    if "Validation" in responses.get("400", {}).get("description", ""):
        del responses["400"]
    for status in sorted(_refusals(operation, method, handler, is_anonymous)):
        responses[status] = {
            "description": _SAID[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }


def _without_null(schema: Json) -> None:
    """A parameter is left out or has a value; there is no way to write null in an address."""
    choices = [one for one in schema.pop("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:
        schema.update(choices[0])
    elif choices:
        schema["anyOf"] = choices


def _refusals(
    operation: Json, method: str, handler: HTTPRouteHandler, is_anonymous: bool
) -> set[str]:
    found = {"400", "500", "503"} | {str(s) for s in handler.opt.get("refusals", ())}
    if not is_anonymous:
        found |= {"401", "403", "404"}
    if operation.get("parameters") or "requestBody" in operation:
        found |= {"404", "422"}
    if "requestBody" in operation:
        found |= {"413", "415"}
    if method not in ("GET", "HEAD"):
        found |= {"409"}
    return found


_PROBLEM: Json = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem details. Facts of the problem may stand beside these.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; programs decide by this."},
        "detail": {"type": "string"},
    },
}


@lru_cache(maxsize=4)
def _encoded(app: Litestar) -> bytes:
    return msgspec.json.encode(document(app))


@lru_cache(maxsize=4)
def _page(app: Litestar) -> str:
    schema = document(app)
    sections = [
        _section(path, method, operation)
        for path, operations in sorted(schema["paths"].items())
        for method, operation in operations.items()
    ]
    return _PAGE.replace("{sections}", "\n".join(sections))


def _section(path: str, method: str, operation: Json) -> str:
    said = html.escape(operation.get("description") or operation.get("summary") or "")
    statuses = "".join(f"<li><code>{s}</code></li>" for s in sorted(operation["responses"]))
    rows = "".join(
        f"<tr><td><code>{html.escape(p['name'])}</code></td><td>{html.escape(p['in'])}</td>"
        f"<td>{html.escape(p.get('description', ''))}</td></tr>"
        for p in operation.get("parameters", ())
    )
    table = f"<table><tbody>{rows}</tbody></table>" if rows else ""
    return (
        f'<section><h2><span class="verb">{method.upper()}</span> '
        f"<code>{html.escape(path)}</code></h2><p>{said}</p>{table}"
        f'<ul class="statuses">{statuses}</ul></section>'
    )


_PAGE = """<!doctype html>
<html lang="en" data-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · MedStack</title>
<script src="/static/theme.js"></script>
<link rel="stylesheet" href="/static/tokens.css">
<link rel="stylesheet" href="/static/status.css">
<link rel="icon" href="/static/mark.svg" type="image/svg+xml">
</head>
<body class="reading">
<main class="sheet docs">
<h1>MedStack API</h1>
<p>The exact description for programs is <a href="/openapi.json">/openapi.json</a>.</p>
{sections}
</main>
</body>
</html>
"""

_OPEN: dict[str, Any] = {"anonymous": True}


@get("/openapi.json", opt=_OPEN, include_in_schema=False)
async def openapi_json(request: Asked) -> Response[bytes]:
    return Response(_encoded(request.app), media_type=MediaType.JSON)


@get("/docs", opt=_OPEN, include_in_schema=False)
async def docs_page(request: Asked) -> Response[str]:
    return Response(
        _page(request.app),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": PAGE_CSP},
    )
