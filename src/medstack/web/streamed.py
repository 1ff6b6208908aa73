"""Requests whose bodies are streamed, as OpenAPI describes them: the form and tus.

Litestar sees no shape in a body that nobody reads whole, so what it cannot know is written here.
Data only; `docs` puts it in its place. Source: RFC 7578; tus 1.0.0.
"""

from __future__ import annotations

from typing import Any

from medstack.access import Context
from medstack.records import AccessLevel, Category
from medstack.web.params import ID_PATTERN
from medstack.web.tus import ALGORITHMS, BODY_TYPE, METADATA_CAP, VERSION

Json = dict[str, Any]  # a piece of an OpenAPI document


def _text(most: int, **more: Any) -> Json:
    return {"type": "string", "maxLength": most, **more}


_ID: Json = {"type": "string", "pattern": ID_PATTERN}

# ── forms ─────────────────────────────────────────────────────────────────────────────────
FIELDS: Json = {
    "patientId": {"type": "string", "pattern": "^[A-Z0-9-]{1,20}$"},
    "category": {"type": "string", "enum": [category.value for category in Category]},
    "subcategory": _text(100),
    "description": _text(4000),
    "tags": _text(4000, description="Between commas; may be repeated."),
    "accessLevel": {"type": "string", "enum": [level.value for level in AccessLevel]},
    "captureDate": _text(40, format="date"),
    "equipment": _text(200),
    "bodyPart": _text(100),
    "procedure": _text(500),
    "notes": _text(10_000),
    "appointmentId": _ID,
    "caseId": _ID,
    "folderId": _ID,
    "providerId": _ID,
    "batchId": _ID,
    "context": {"type": "string", "enum": ["default", *(context.value for context in Context)]},
}
FORM: Json = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "format": "binary"}, **FIELDS},
            }
        }
    },
}


# ── tus ───────────────────────────────────────────────────────────────────────────────────
def _header(name: str, schema: Json, description: str, *, is_required: bool = False) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": is_required,
        "description": description,
        "schema": schema,
    }


_WHOLE_NUMBER: Json = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
SPOKEN = _header(
    "Tus-Resumable", {"type": "string", "enum": [VERSION]}, "The version.", is_required=True
)
_CHECKSUM = _header(
    "Upload-Checksum",
    {"type": "string", "pattern": f"^({'|'.join(ALGORITHMS)}) [A-Za-z0-9+/]+=*$"},
    "An algorithm and the base64 digest of this body.",
)
_LENGTH = _header("Upload-Length", _WHOLE_NUMBER, "Bytes of the whole file.")
BEGIN = (
    SPOKEN,
    _LENGTH,
    _header("Upload-Defer-Length", {"type": "string", "enum": ["1"]}, "Length not known yet."),
    _header(
        "Upload-Metadata",
        _text(METADATA_CAP),
        "Pairs of a key and a base64 value, between commas; keys are the record's fields.",
    ),
    _header("Upload-Concat", {"type": "string"}, "`partial`, or `final;` and the parts' URLs."),
    _CHECKSUM,
)
GO_ON = (
    SPOKEN,
    _header("Upload-Offset", _WHOLE_NUMBER, "Where these bytes belong.", is_required=True),
    _LENGTH,
    _CHECKSUM,
)


def octets(*, is_required: bool) -> Json:
    schema = {"type": "string", "format": "binary"}
    return {"required": is_required, "content": {BODY_TYPE: {"schema": schema}}}
