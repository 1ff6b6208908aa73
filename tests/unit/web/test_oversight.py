"""The log, the jobs, the rules and the room, for those who watch over the house."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.web.browser import Browser, refused
from tests.unit.web.conftest import OTHER, OWN, email_of

from medstack import jobs, people, records
from medstack.flows.house import House
from medstack.flows.standing import scope_of
from medstack.jobs import JobState
from medstack.kit.actor import SYSTEM, Role
from medstack.kit.ids import id_out

Add = Callable[..., str]
NOBODY = "0" * 12 + "1"
MB = 1 << 20


# ── the log ───────────────────────────────────────────────────────────────────────────────
def test_the_log_is_read_newest_first_and_names_who_did_what(
    add_record: Add, dentist: Browser, admin: Browser
) -> None:
    record_id = add_record()
    dentist.get(f"/api/medical-records/{record_id}")
    (event, *_) = admin.get("/api/audit", params={"recordId": record_id}).json()["items"]
    assert (event["action"], event["role"], event["outcome"]) == ("record.viewed", "dentist", "ok")
    assert event["records"] == [record_id]
    assert event["patients"] == [OWN]
    assert event["via"] == "session"
    assert event["requestId"]


def test_an_id_among_the_facts_is_written_as_ids_are(dentist: Browser, admin: Browser) -> None:
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "9"}
    place = dentist.post("/api/uploads", headers=headers).headers["location"]
    (event,) = admin.get("/api/audit", params={"action": "upload.created"}).json()["items"]
    assert place.endswith(f"/{event['facts']['upload']}")


@pytest.mark.parametrize(
    ("params", "actions"),
    [
        ({"action": "patient.viewed"}, {"patient.viewed"}),
        ({"patientId": OTHER}, {"patient.viewed"}),
        ({"userEmail": email_of(Role.DENTIST)}, {"session.opened", "patient.viewed"}),
        ({"dateTo": "2026-02-28"}, set()),
    ],
)
def test_the_log_is_narrowed(
    dentist: Browser, admin: Browser, params: dict[str, str], actions: set[str]
) -> None:
    dentist.get(f"/api/patients/{OTHER}")
    events = admin.get("/api/audit", params=params).json()["items"]
    assert {event["action"] for event in events} == actions


def test_pages_of_the_log_meet_without_gap(dentist: Browser, admin: Browser) -> None:
    for _ in range(4):
        dentist.get(f"/api/patients/{OWN}")
    params = {"action": "patient.viewed", "limit": "3"}
    first = admin.get("/api/audit", params=params).json()
    second = admin.get("/api/audit", params={**params, "cursor": first["nextCursor"]}).json()
    seqs = [event["seq"] for page in (first, second) for event in page["items"]]
    assert len(seqs) == 4
    assert seqs == sorted(seqs, reverse=True)
    assert second["nextCursor"] is None


def test_reading_the_log_is_in_the_log(admin: Browser) -> None:
    admin.get("/api/audit")
    assert admin.get("/api/audit").json()["items"][0]["action"] == "audit.read"


def test_the_log_is_whole_and_continues_a_checkpoint_kept_elsewhere(admin: Browser) -> None:
    kept = admin.post("/api/audit/checkpoint").json()
    assert kept["publicKey"].startswith("medstack-audit+")
    answer = admin.post("/api/audit/verify", json={"checkpoint": kept["checkpoint"]}).json()
    assert (answer["isWhole"], answer["checkpoints"], answer["findings"]) == (True, 1, [])


def test_a_forged_checkpoint_is_a_finding(admin: Browser) -> None:
    kept = admin.post("/api/audit/checkpoint").json()["checkpoint"]
    lines = kept.split("\n")
    lines[1] = "777"
    answer = admin.post("/api/audit/verify", json={"checkpoint": "\n".join(lines)}).json()
    assert answer["isWhole"] is False
    assert answer["findings"][0]["fault"] == "checkpoint"


@pytest.mark.parametrize("role", [Role.PATIENT, Role.STAFF, Role.DENTIST])
def test_nobody_else_reads_verifies_or_signs_the_log(
    signed_in: Callable[[Role], Browser], role: Role
) -> None:
    browser = signed_in(role)
    refused(browser.get("/api/audit"), 403, "right-missing")
    refused(browser.post("/api/audit/verify", json={}), 403, "right-missing")
    refused(browser.post("/api/audit/checkpoint"), 403, "right-missing")


# ── work ──────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def job_id(practice: House) -> str:
    with practice.db.begin() as tx:
        return id_out(jobs.enqueue(tx, "test.nothing", record=1))


def test_jobs_are_listed_cancelled_and_queued_again(job_id: str, dentist: Browser) -> None:
    (job,) = dentist.get("/api/jobs?state=queued").json()["items"]
    assert (job["id"], job["name"], job["ids"]) == (job_id, "test.nothing", {"record": id_out(1)})
    refused(dentist.post(f"/api/jobs/{job_id}/retry"), 409, "job-unfinished")
    assert dentist.post(f"/api/jobs/{job_id}/cancel").json()["state"] == JobState.CANCELLED
    refused(dentist.post(f"/api/jobs/{job_id}/cancel"), 409, "job-finished")
    assert dentist.post(f"/api/jobs/{job_id}/retry").json()["state"] == JobState.QUEUED
    assert dentist.get(f"/api/jobs/{job_id}").json()["state"] == JobState.QUEUED


def test_patients_see_no_jobs(job_id: str, patient: Browser) -> None:
    refused(patient.get("/api/jobs"), 403, "right-missing")
    refused(patient.get(f"/api/jobs/{job_id}"), 403, "right-missing")
    refused(patient.post(f"/api/jobs/{job_id}/cancel"), 403, "right-missing")


def test_a_job_that_never_was_is_not_there(dentist: Browser) -> None:
    refused(dentist.get(f"/api/jobs/{NOBODY}"), 404, "not-found")
    refused(dentist.post(f"/api/jobs/{NOBODY}/retry"), 404, "not-found")


# ── rules and room ────────────────────────────────────────────────────────────────────────
def test_everybody_may_know_the_limits_before_the_first_byte(patient: Browser) -> None:
    policies = patient.get("/api/policies").json()["policies"]
    assert policies["limits.default"] == 50 * MB
    assert policies["limits.batch"] == 200 * MB
    assert policies["limits.patient-quota"] == 5 * 1024 * MB


def test_an_administrator_changes_rules_and_puts_them_back(admin: Browser) -> None:
    changed = admin.put("/api/policies", json={"policies": {"limits.default": 60 * MB}})
    assert changed.json()["policies"]["limits.default"] == 60 * MB
    back = admin.put("/api/policies", json={"policies": {"limits.default": None}})
    assert back.json()["policies"]["limits.default"] == 50 * MB


@pytest.mark.parametrize(
    ("policies", "code"),
    [
        ({"limits.default": 0}, "bad-policy"),
        ({"limits.default": True}, "bad-policy"),
        ({"admin-content-needs-reason": 1}, "bad-policy"),
        ({"limits.batch": 1, "limits.nothing": 1}, "unknown-policy"),
        ({"limits.default": "60 MB"}, "invalid-request"),
        ({"limits.default": 10**30}, "invalid-request"),
        ({}, "invalid-request"),
    ],
)
def test_a_rule_that_makes_no_sense_changes_nothing(
    admin: Browser, policies: dict[str, object], code: str
) -> None:
    before = admin.get("/api/policies").json()
    answer = admin.put("/api/policies", json={"policies": policies})
    assert answer.json()["code"] in (code, "bad-policy")
    assert answer.status_code == 422
    assert admin.get("/api/policies").json() == before


def test_nobody_else_changes_rules(dentist: Browser) -> None:
    answer = dentist.put("/api/policies", json={"policies": {"limits.default": 1}})
    refused(answer, 403, "right-missing")


def test_room_is_shown_per_patient_and_in_all(
    practice: House, dentist: Browser, patient: Browser, admin: Browser
) -> None:
    with practice.db.begin() as tx:
        key = people.find_patient(tx, scope_of(practice, SYSTEM), OWN).key
        records.reserve_quota(tx, key, 7, 1000, limit=MB)
    own = patient.get(f"/api/patients/{OWN}/storage").json()
    assert (own["usedBytes"], own["reservedBytes"], own["limitBytes"]) == (0, 1000, 5 * 1024 * MB)
    refused(patient.get(f"/api/patients/{OTHER}/storage"), 404, "not-found")
    refused(dentist.get("/api/storage"), 403, "right-missing")
    assert admin.get("/api/storage").json() == {
        "patients": 1,
        "usedBytes": 0,
        "reservedBytes": 1000,
    }
