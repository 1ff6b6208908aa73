"""Providers, appointments and cases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.web.browser import Browser, refused
from tests.unit.web.conftest import OTHER, OWN, email_of

from medstack.kit.actor import Role

NINE, TEN = "2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"
NOBODY = "0" * 12 + "1"


@pytest.fixture
def provider(admin: Browser) -> str:
    body = {
        "name": "Dr R. Okonjo",
        "discipline": "Endodontics",
        "userEmail": email_of(Role.DENTIST),
    }
    answer = admin.post("/api/providers", json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def _book(browser: Browser, provider: str, **changes: Any) -> Any:
    body = {"patientId": OWN, "providerId": provider, "startsAt": NINE, "endsAt": TEN}
    return browser.post("/api/appointments", json={**body, **changes})


def test_everybody_knows_the_providers_and_administrators_enter_them(
    provider: str, patient: Browser, dentist: Browser
) -> None:
    (shown,) = patient.get("/api/providers").json()["items"]
    assert (shown["id"], shown["name"]) == (provider, "Dr R. Okonjo")
    refused(dentist.post("/api/providers", json={"name": "X"}), 403, "right-missing")


def test_a_provider_is_changed_and_leaves_the_list(provider: str, admin: Browser) -> None:
    path = f"/api/providers/{provider}"
    etag = admin.get(path).headers["etag"]
    answer = admin.put(path, json={"isArchived": True}, headers={"If-Match": etag})
    assert answer.json()["isArchived"] is True
    refused(admin.put(path, json={"name": "Y"}, headers={"If-Match": etag}), 412, "stale-revision")
    assert admin.get("/api/providers").json()["items"] == []
    assert len(admin.get("/api/providers?archived=true").json()["items"]) == 1


def test_an_appointment_is_booked_found_and_cancelled(provider: str, dentist: Browser) -> None:
    answer = _book(dentist, provider, kind="Recall")
    assert answer.status_code == 201
    path = answer.headers["location"]
    assert dentist.get(path).json() == answer.json()
    (found,) = dentist.get(
        "/api/appointments",
        params={"patientId": OWN, "dateFrom": "2026-03-02", "dateTo": "2026-03-02"},
    ).json()["items"]
    assert found["kind"] == "Recall"
    assert dentist.get("/api/appointments?dateFrom=2026-03-03").json()["items"] == []
    cancel = dentist.put(
        path, json={"status": "cancelled"}, headers={"If-Match": answer.headers["etag"]}
    )
    assert cancel.json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"endsAt": NINE}, 422, "bad-field"),
        ({"endsAt": "2026-03-04T09:00:00Z"}, 422, "bad-field"),
        ({"startsAt": "2026-03-02T09:00:00"}, 422, "invalid-request"),
        ({"startsAt": "yesterday"}, 422, "invalid-request"),
        ({"providerId": "x"}, 422, "invalid-request"),
        ({"providerId": NOBODY}, 404, "not-found"),
        ({"patientId": "P999999"}, 404, "not-found"),
    ],
)
def test_an_appointment_that_makes_no_sense_is_refused(
    provider: str, dentist: Browser, change: dict[str, str], status: int, code: str
) -> None:
    refused(_book(dentist, provider, **change), status, code)


def test_appointments_are_paged_earliest_first(provider: str, dentist: Browser) -> None:
    _book(dentist, provider, startsAt="2026-03-02T11:00:00Z", endsAt="2026-03-02T12:00:00Z")
    _book(dentist, provider)
    first = dentist.get("/api/appointments?limit=1").json()
    second = dentist.get(f"/api/appointments?limit=1&cursor={first['nextCursor']}").json()
    starts = [page["items"][0]["startsAt"] for page in (first, second)]
    assert starts == [NINE, "2026-03-02T11:00:00Z"]
    assert second["nextCursor"] is None


def test_a_patient_sees_his_own_appointments_only(
    provider: str, dentist: Browser, patient: Browser
) -> None:
    own = _book(dentist, provider).headers["location"]
    theirs = _book(dentist, provider, patientId=OTHER).headers["location"]
    assert patient.get(own).status_code == 200
    refused(patient.get(theirs), 404, "not-found")
    assert len(patient.get("/api/appointments").json()["items"]) == 1
    refused(_book(patient, provider), 403, "right-missing")
    refused(_book(patient, provider, patientId=OTHER), 404, "not-found")


def test_staff_without_the_patient_in_care_find_nothing(
    provider: str, dentist: Browser, staff: Browser
) -> None:
    path = _book(dentist, provider).headers["location"]
    refused(staff.get(path), 404, "not-found")
    refused(_book(staff, provider), 404, "not-found")
    refused(staff.get("/api/appointments", params={"patientId": OWN}), 404, "not-found")


def test_a_case_is_opened_closed_and_opened_again(dentist: Browser) -> None:
    body = {"patientId": OWN, "kind": "clinical", "title": "Implant 36 <b>'; --"}
    made = dentist.post("/api/cases", json=body)
    assert made.status_code == 201
    path = made.headers["location"]
    assert dentist.get(path).json()["title"] == body["title"]
    closed = dentist.put(path, json={"isOpen": False}, headers={"If-Match": "*"}).json()
    assert (closed["isOpen"], closed["closedAt"] is None) == (False, False)
    assert dentist.get("/api/cases?open=true").json()["items"] == []
    assert len(dentist.get("/api/cases?open=false").json()["items"]) == 1
    again = dentist.put(path, json={"isOpen": True}, headers={"If-Match": "*"}).json()
    assert again["closedAt"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"patientId": OWN, "kind": "odd", "title": "x"}, 422, "invalid-request"),
        ({"patientId": OWN, "kind": "quick", "title": ""}, 422, "invalid-request"),
        ({"patientId": "P999999", "kind": "quick", "title": "x"}, 404, "not-found"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(
    dentist: Browser, body: dict[str, str], status: int, code: str
) -> None:
    refused(dentist.post("/api/cases", json=body), status, code)


def test_another_patients_case_is_not_there(dentist: Browser, patient: Browser) -> None:
    body = {"patientId": OTHER, "kind": "quick", "title": "x"}
    path = dentist.post("/api/cases", json=body).headers["location"]
    refused(patient.get(path), 404, "not-found")
    refused(patient.put(path, json={}, headers={"If-Match": "*"}), 404, "not-found")
    assert patient.get("/api/cases").json()["items"] == []


@pytest.mark.parametrize("noun", ["appointments", "cases", "providers", "users"])
@pytest.mark.parametrize("wanted", [NOBODY, "not-an-id", "%00", "9" * 13, "z" * 13])
def test_what_is_no_id_is_not_there(admin: Browser, noun: str, wanted: str) -> None:
    refused(admin.get(f"/api/{noun}/{wanted}"), 404, "not-found")
