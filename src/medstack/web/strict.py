"""Reads a JSON request body strictly, in one pass, into the shape its handler names.

No value is coerced ("5" is not 5) and no message repeats what was sent. Litestar
calls this where it would use one of its own transfer objects.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from litestar.dto import AbstractDTO, DTOConfig
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.typing import FieldDefinition

from medstack.kit.errors import Invalid, Unsupported

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.openapi.spec import Reference, Schema

JSON_BODY_BYTES = 1 << 20

_AT = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")
_QUOTES_THE_SENDER = ("Invalid enum value", "Object contains unknown field", "Invalid value")
_SPOKEN = {
    "Invalid enum value": "Not one of the values this field takes.",
    "Object contains unknown field": "This request has no such field.",
    "Invalid value": "Not one of the values this field takes.",
}


class MalformedJson(Invalid):
    code = "malformed-json"
    title = "The body is not JSON"


class InvalidRequest(Invalid):
    """`facts`: field says where (a path of our own field names), reason what is expected there."""

    code = "invalid-request"
    title = "A field is missing or not of its kind"


class NotJson(Unsupported):
    code = "unsupported-media-type"
    title = "Send this request as application/json"


class StrictJson(AbstractDTO[Any]):
    """The transfer object of every JSON route: bytes in, checked Struct out."""

    config: ClassVar[DTOConfig] = DTOConfig()
    _decoders: ClassVar[dict[str, msgspec.json.Decoder[Any]]] = {}

    @classmethod
    def create_for_field_definition(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,
        backend_cls: object = None,
    ) -> None:
        if field_definition.name == "data":
            cls._decoders[handler_id] = msgspec.json.Decoder(field_definition.annotation)

    def decode_bytes(self, value: bytes) -> Any:
        """Raises NotJson, MalformedJson or InvalidRequest."""
        kind = self.asgi_connection.headers.get("content-type", "").partition(";")[0].strip()
        if kind.lower() != "application/json":
            raise NotJson("The Content-Type of this request must be application/json.")
        handler = self.asgi_connection.route_handler
        try:
            return self._decoders[handler.handler_id].decode(value)
        except msgspec.ValidationError as error:
            field, reason = spoken(str(error))
            raise InvalidRequest(reason, field=field) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedJson("The body could not be read as JSON.") from error

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(
        cls, model_type: type[Any]
    ) -> Generator[DTOFieldDefinition, None, None]:
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        return False


def spoken(message: str) -> tuple[str, str]:
    """Split a msgspec message into (where, what), without any value the sender typed."""
    found = _AT.search(message)
    field = found.group(1) if found else "$"
    reason = message[: found.start()] if found else message
    for start in _QUOTES_THE_SENDER:
        if reason.startswith(start):
            return _places_only(field), _SPOKEN[start]
    return _places_only(field), reason


def _places_only(field: str) -> str:
    """A path without keys of free maps: msgspec writes those as `[...]` already."""
    return field if re.fullmatch(r"\$[A-Za-z0-9_.\[\]]*(?:\[\.\.\.\])?", field) else "$"
