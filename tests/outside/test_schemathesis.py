"""What /openapi.json promises, asked of the whole application as each role and as a stranger.

Schemathesis makes requests up from the document alone; half of the ids it makes up are replaced by
ids that exist, so that it gets past the doors. Nothing it sends may end in a 5xx, an undocumented
status, or a body that is not what the document says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.outside.stage import NOTE, Stage, made, staged
from tests.unit.web.browser import Browser

from medstack.kit.actor import Role

EXAMPLES = 3
# Of each role's requests, at least so many must get past the door, or nothing was tried.
LET_THROUGH = {Role.ADMIN: 30, Role.DENTIST: 20, Role.STAFF: 10, Role.PATIENT: 10, None: 0}

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def stage(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(_sqlite_template, tmp_path_factory.mktemp("stage")) as made_up:
        yield made_up


@pytest.fixture(scope="module")
def known(stage: Stage) -> dict[str, list[str]]:
    """Ids that exist, by the name of the parameter that takes them."""
    admin, chart = stage.caller(Role.ADMIN), stage.patient()
    provider = made(admin.post("/api/providers", json={"name": "Dr. Osei"}))["id"]
    records = [stage.send(NOTE, f"note{n}.txt", patientId=chart)["id"] for n in range(3)]
    case = {"patientId": chart, "kind": "clinical", "title": "Implant"}
    visit = {
        "patientId": chart,
        "providerId": provider,
        "startsAt": "2026-03-02T09:00:00Z",
        "endsAt": "2026-03-02T10:00:00Z",
    }
    begun = admin.post("/api/uploads", headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9"})
    return {
        "record_id": records,
        "patient_id": [chart],
        "provider_id": [provider],
        "folder_id": [_made(admin, "/api/folders", {"patientId": chart, "name": "Films"})],
        "case_id": [_made(admin, "/api/cases", case)],
        "appointment_id": [_made(admin, "/api/appointments", visit)],
        "link_id": [_made(admin, f"/api/files/{records[0]}/links", {})],
        "job_id": [job["id"] for job in admin.get("/api/jobs").json()["items"]],
        "user_id": [user["id"] for user in admin.get("/api/users").json()["items"]],
        "upload_id": [begun.headers["location"].rpartition("/")[2]],
    }


def _made(admin: Browser, path: str, body: dict[str, str]) -> str:
    return str(made(admin.post(path, json=body))["id"])


@pytest.fixture(scope="module")
def document(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.stranger().get("/openapi.json").json()
    return found


@pytest.mark.parametrize("role", [*Role, None], ids=lambda role: str(role or "stranger"))
def test_nothing_made_up_from_the_document_breaks_it(
    role: Role | None,
    stage: Stage,
    known: dict[str, list[str]],
    document: dict[str, Any],
) -> None:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = stage.app
    failures: list[str] = []
    answers: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == "/api/events":
            continue  # an endless answer
        try:
            _ask(stage, operation, known, role, answers)
        except (BaseExceptionGroup, AssertionError) as failure:
            failures.append(f"{operation.label}: {_told(failure)}")
    assert not failures, "\n".join(failures)
    refused = sum(n for status, n in answers.items() if status >= 400)
    assert answers[200] >= LET_THROUGH[role], "too few requests got past the door"
    assert refused >= len(document["paths"]), "too few requests were wrong"


def _told(failure: BaseException) -> str:
    if isinstance(failure, BaseExceptionGroup):
        return " / ".join(_told(inner) for inner in failure.exceptions)
    return f"{type(failure).__name__}: {failure}"[:1500]


def _ask(
    stage: Stage,
    operation: Any,
    known: dict[str, list[str]],
    role: Role | None,
    answers: Counter[int],
) -> None:
    """A few requests for one operation; counts their answers by status."""

    @seed(20260301)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        for name in case.path_parameters:
            if name in known and data.draw(st.booleans(), label="an id that exists"):
                case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
        headers = {}
        if role is not None:
            headers["Authorization"] = f"Bearer {stage.caller(role).bearer}"
        answer = case.call_and_validate(headers=headers, checks=CHECKS)
        answers[answer.status_code] += 1

    ask()
