"""What strangers are told about the API is true."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.web.browser import Browser, refused

Json = dict[str, Any]
OPEN = {"/healthz", "/metrics", "/d/{token}"}  # the last: a signed link is its own permission
ANONYMOUS = {("/api/session", "post")}


@pytest.fixture
def document(visitor: Browser) -> Json:
    answer = visitor.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    found: Json = answer.json()
    return found


def _operations(document: Json) -> list[tuple[str, str, Json]]:
    return [
        (path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def test_it_is_openapi_3_1_and_names_both_ways_in(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    assert set(document["components"]["securitySchemes"]) == {"session", "bearer"}


def test_only_what_is_meant_to_be_open_is_open(document: Json) -> None:
    open_ones = {(p, m) for p, m, operation in _operations(document) if not operation["security"]}
    assert {(p, m) for p, m in open_ones if p not in OPEN} == ANONYMOUS


def test_every_refusal_is_documented_as_a_problem(document: Json) -> None:
    for _, _, operation in _operations(document):
        refusals = {s: r for s, r in operation["responses"].items() if int(s) >= 400}
        assert {"500", "503"} <= set(refusals)
        for response in refusals.values():
            assert list(response["content"]) == ["application/problem+json"]


def test_a_route_behind_the_door_documents_who_is_turned_away(document: Json) -> None:
    for _, _, operation in _operations(document):
        if operation["security"]:
            assert {"401", "403", "404"} <= set(operation["responses"])


def test_a_request_shape_takes_no_field_it_does_not_name(document: Json) -> None:
    shapes = document["components"]["schemas"]
    requests = [name for name in shapes if name.endswith(("In", "Edit"))]
    assert len(requests) > 10
    assert all(shapes[name]["additionalProperties"] is False for name in requests)


def test_names_on_the_wire_are_camel_case_and_the_owners(document: Json) -> None:
    fields = document["components"]["schemas"]["RecordOut"]["properties"]
    owners = (
        "id patientId fileName originalFileName fileType fileSize category subcategory "
        "description appointmentId uploadedBy uploadDate lastModified isArchived accessLevel "
        "tags metadata"
    )
    assert set(owners.split()) <= set(fields)
    assert not any("_" in name for name in fields)


def test_every_route_behind_the_door_turns_a_stranger_away(
    document: Json, visitor: Browser
) -> None:
    for path, method, operation in _operations(document):
        if operation["security"]:
            address = path.replace("{number}", "1").replace("_id}", "}").replace("{", "x")
            answer = visitor.request(method.upper(), address.replace("}", ""))
            assert answer.status_code == 401, path
            if method != "head":
                refused(answer, 401, "unauthenticated")


def test_the_page_lists_every_route(document: Json, visitor: Browser) -> None:
    page = visitor.get("/docs").text
    for path in document["paths"]:
        assert path in page
