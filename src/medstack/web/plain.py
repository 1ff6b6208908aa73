"""Refuses a query that would not be understood as it was meant.

A misspelt, repeated or null filter must not be dropped in silence: the answer would show more
than was asked for.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter
from litestar.typing import FieldDefinition

from medstack.web.strict import InvalidRequest


async def asked_plainly(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
) -> None:
    """The guard of every route behind the door. Raises InvalidRequest."""
    if handler.opt.get("anonymous") or not connection.scope["query_string"]:
        return
    takes_text = _parameters(handler)
    for name, values in connection.query_params.dict().items():
        if name not in takes_text:
            raise InvalidRequest("This address takes no such parameter.")
        if len(values) > 1:
            raise InvalidRequest("Give this parameter once.", field=name)
        if values == ["null"] and not takes_text[name]:
            raise InvalidRequest("Leave the parameter out instead.", field=name)


_known: dict[str, dict[str, bool]] = {}  # handler id -> its parameters; routes never change


def _parameters(handler: BaseRouteHandler) -> dict[str, bool]:
    """The query parameters a handler names, and whether each takes any text."""
    if handler.handler_id not in _known:
        _known[handler.handler_id] = {
            field.kwarg_definition.name or name: str in (field.annotation, *_kinds(field))
            for name, field in handler.parsed_fn_signature.parameters.items()
            if isinstance(field.kwarg_definition, QueryParameter)
        }
    return _known[handler.handler_id]


def _kinds(field: FieldDefinition) -> tuple[Any, ...]:
    return tuple(inner.annotation for inner in field.inner_types)
