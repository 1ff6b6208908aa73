"""Patients, accounts and assignments: each role's way in, and every refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.web.browser import PASSWORD, Browser, refused
from tests.unit.web.conftest import OTHER, OWN, NewBrowser, email_of

from medstack import audit
from medstack.audit import Action, Filter
from medstack.flows.house import House
from medstack.kit.actor import Role

HOSTILE = [
    "Robert'); DROP TABLE patients; --",
    "<script>alert(1)</script>",
    "\" onmouseover='x'",
    "%s %d {0} {{7*7}}",
    "../../etc/passwd",
    "Ünal 李 שלום 🦷",
]


def _new_patient(browser: Browser, **fields: Any) -> Any:
    answer = browser.post("/api/patients", json={"familyName": "Marlowe", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def _care(admin: Browser, chart: str = OWN) -> str:
    body = {"userEmail": email_of(Role.STAFF), "patientId": chart}
    answer = admin.post("/api/assignments", json=body)
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


# ── patients ──────────────────────────────────────────────────────────────────────────────
def test_a_chart_is_opened_under_the_next_free_number(dentist: Browser) -> None:
    answer = dentist.post(
        "/api/patients", json={"familyName": "Marlowe", "birthDate": "1961-04-12"}
    )
    assert answer.status_code == 201
    chart = answer.json()["id"]
    assert answer.headers["location"] == f"/api/patients/{chart}"
    again = dentist.get(f"/api/patients/{chart}")
    assert again.json() == answer.json()
    assert again.headers["etag"] == answer.headers["etag"]


def test_a_chart_number_of_the_practices_own_is_kept(dentist: Browser) -> None:
    assert _new_patient(dentist, id="P900001")["id"] == "P900001"
    answer = dentist.post("/api/patients", json={"familyName": "Second", "id": "P900001"})
    refused(answer, 409, "chart-number-taken")


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_field_holds_any_text_and_gives_it_back(dentist: Browser, text: str) -> None:
    fields = {"givenName": text, "note": text, "address": [text], "alerts": [text]}
    made = _new_patient(dentist, familyName=text, **fields)
    seen = dentist.get(f"/api/patients/{made['id']}").json()
    assert {name: seen[name] for name in fields} == fields
    assert seen["familyName"] == text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"familyName": ""},
        {"familyName": "x" * 101},
        {"familyName": "Quill", "birthDate": "12.04.1961"},
        {"familyName": "Quill", "sex": "yes"},
        {"familyName": "Quill", "id": "../1"},
        {"familyName": "Quill", "address": "one line"},
        {"familyName": "Quill", "isArchived": True},
        [],
        "Quill",
        None,
    ],
)
def test_a_patient_that_breaks_a_rule_is_refused(dentist: Browser, body: object) -> None:
    answer = dentist.post("/api/patients", json=body)
    refused(answer, 422, "invalid-request")


@pytest.mark.parametrize("text", ["   ", "two\u2028lines"])
def test_a_name_of_nothing_is_refused_by_the_rooms_own_rule(dentist: Browser, text: str) -> None:
    refused(dentist.post("/api/patients", json={"familyName": text}), 422, "bad-field")


def test_somebody_elses_patient_and_no_patient_look_alike(patient: Browser, staff: Browser) -> None:
    for browser in (patient, staff):
        theirs, nobodys = (browser.get(f"/api/patients/{c}") for c in (OTHER, "P999999"))
        refused(theirs, 404, "not-found")
        assert theirs.content == nobodys.content
        assert _plain(theirs.headers) == _plain(nobodys.headers)


def _plain(headers: Any) -> dict[str, str]:
    return {k: v for k, v in headers.items() if k != "x-request-id"}


def test_a_refusal_is_in_the_log_like_a_success(practice: House, staff: Browser) -> None:
    staff.get(f"/api/patients/{OTHER}")
    with practice.db.read() as tx:
        event = audit.listing(tx, Filter(), limit=1)[0]
    assert (event.action, event.outcome) == (Action.ACCESS_REFUSED, "refused")
    assert event.facts["attempted"] == Action.PATIENT_VIEWED
    assert event.facts["code"] == "not-found"


def test_a_patient_sees_his_own_chart_and_no_other(patient: Browser) -> None:
    assert patient.get(f"/api/patients/{OWN}").json()["familyName"] == "Quill"
    assert [p["id"] for p in patient.get("/api/patients").json()["items"]] == [OWN]


def test_staff_see_whom_they_are_assigned_from_that_moment_to_its_end(
    admin: Browser, staff: Browser
) -> None:
    assert staff.get("/api/patients").json()["items"] == []
    made = _care(admin)
    assert [p["id"] for p in staff.get("/api/patients").json()["items"]] == [OWN]
    assert admin.delete(f"/api/assignments/{made}").status_code == 204
    refused(staff.get(f"/api/patients/{OWN}"), 404, "not-found")


def test_patients_are_listed_by_name_page_by_page_and_found_by_its_beginning(
    dentist: Browser,
) -> None:
    first = dentist.get("/api/patients?limit=1").json()
    second = dentist.get(f"/api/patients?limit=1&cursor={first['nextCursor']}").json()
    names = [page["items"][0]["familyName"] for page in (first, second)]
    assert names == ["Brandt", "Quill"]
    assert second["nextCursor"] is None
    found = dentist.get("/api/patients", params={"q": "qui"}).json()["items"]
    assert [p["id"] for p in found] == [OWN]


def test_a_change_needs_the_state_it_was_made_in(dentist: Browser) -> None:
    path = f"/api/patients/{OWN}"
    etag = dentist.get(path).headers["etag"]
    refused(dentist.put(path, json={"note": "x"}), 428, "if-match-required")
    changed = dentist.put(path, json={"note": "x"}, headers={"If-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    late = dentist.put(path, json={"note": "y"}, headers={"If-Match": etag})
    assert refused(late, 412, "stale-revision")["revision"] == 2
    refused(dentist.put(path, json={}, headers={"If-Match": "W/x"}), 422, "invalid-request")


def test_a_change_leaves_alone_what_it_does_not_name(dentist: Browser) -> None:
    made = _new_patient(dentist, givenName="Anna", birthDate="1961-04-12", alerts=["Penicillin"])
    path = f"/api/patients/{made['id']}"
    answer = dentist.put(path, json={"birthDate": None, "phone": "1"}, headers={"If-Match": "*"})
    assert answer.json() == {**made, "birthDate": None, "phone": "1"}


def test_a_patient_may_not_change_his_chart(patient: Browser) -> None:
    answer = patient.put(f"/api/patients/{OWN}", json={"note": "x"}, headers={"If-Match": "*"})
    refused(answer, 403, "right-missing")
    refused(patient.delete(f"/api/patients/{OWN}"), 403, "right-missing")
    refused(patient.post("/api/patients", json={"familyName": "Me"}), 403, "right-missing")


def test_an_archived_chart_leaves_the_list_and_comes_back(dentist: Browser) -> None:
    assert dentist.delete(f"/api/patients/{OWN}").json()["isArchived"] is True
    assert OWN not in dentist.get("/api/patients").text
    assert OWN in dentist.get("/api/patients?archived=true").text
    assert dentist.post(f"/api/patients/{OWN}/restore").json()["isArchived"] is False
    assert OWN in dentist.get("/api/patients").text


def test_the_log_names_every_patient_on_a_list(practice: House, dentist: Browser) -> None:
    dentist.get("/api/patients?q=quill")
    with practice.db.read() as tx:
        event = audit.listing(tx, Filter(), limit=1)[0]
    assert event.action == Action.PATIENT_LISTED
    assert len(event.patients) == 1
    assert event.personal == {"q": "quill"}


# ── accounts ──────────────────────────────────────────────────────────────────────────────
NEW_USER = {"email": "new@practice.test", "role": "staff", "password": "otter-violet-sail"}


def test_an_administrator_makes_an_account_that_can_sign_in(
    admin: Browser, new_browser: NewBrowser
) -> None:
    answer = admin.post("/api/users", json=NEW_USER)
    assert answer.status_code == 201
    assert "password" not in answer.text.replace("mustChangePassword", "")
    fresh = new_browser()
    assert fresh.sign_in(NEW_USER["email"], NEW_USER["password"]).status_code == 200


@pytest.mark.parametrize("role", [Role.PATIENT, Role.STAFF, Role.DENTIST])
def test_nobody_else_manages_accounts(signed_in: Callable[[Role], Browser], role: Role) -> None:
    browser = signed_in(role)
    own = browser.get("/api/session").json()["user"]["id"]
    refused(browser.post("/api/users", json=NEW_USER), 403, "right-missing")
    refused(browser.get("/api/users"), 403, "right-missing")
    edit = browser.put(f"/api/users/{own}", json={"role": "admin"}, headers={"If-Match": "*"})
    refused(edit, 403, "right-missing")
    assert browser.get(f"/api/users/{own}").status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"email": "no address"}, 422, "invalid-request"),
        ({"role": "owner"}, 422, "invalid-request"),
        ({"password": "short"}, 422, "weak-password"),
        ({"password": "passwordpassword"}, 422, "weak-password"),
        ({"email": email_of(Role.DENTIST).upper()}, 409, "email-taken"),
        ({"role": "patient"}, 422, "bad-field"),
        ({"role": "patient", "patientId": "P999999"}, 404, "not-found"),
        ({"patientId": OWN}, 422, "bad-field"),
    ],
)
def test_an_account_that_breaks_a_rule_is_refused(
    admin: Browser, change: dict[str, str], status: int, code: str
) -> None:
    refused(admin.post("/api/users", json={**NEW_USER, **change}), status, code)


def test_a_disabled_account_is_out_at_once(admin: Browser, staff: Browser) -> None:
    (user,) = admin.get("/api/users?role=staff").json()["items"]
    path = f"/api/users/{user['id']}"
    etag = admin.get(path).headers["etag"]
    answer = admin.put(path, json={"isEnabled": False}, headers={"If-Match": etag})
    assert answer.json()["isEnabled"] is False
    refused(staff.get("/api/session"), 401, "unauthenticated")


def test_a_new_role_ends_every_session(admin: Browser, staff: Browser) -> None:
    (user,) = admin.get("/api/users?role=staff").json()["items"]
    path = f"/api/users/{user['id']}"
    answer = admin.put(path, json={"role": "dentist"}, headers={"If-Match": "*"})
    assert answer.json()["role"] == "dentist"
    refused(staff.get("/api/session"), 401, "unauthenticated")


def test_the_last_administrator_stays(admin: Browser) -> None:
    own = admin.get("/api/session").json()["user"]["id"]
    answer = admin.put(f"/api/users/{own}", json={"isEnabled": False}, headers={"If-Match": "*"})
    refused(answer, 409, "last-admin")


def test_accounts_are_listed_page_by_page(admin: Browser) -> None:
    emails, cursor = [], None
    while True:
        params = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = admin.get("/api/users", params=params).json()
        emails += [user["email"] for user in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert emails == [email_of(role) for role in Role]


def test_one_changes_ones_own_password_with_the_current_one(
    signed_in: Callable[[Role], Browser], new_browser: NewBrowser
) -> None:
    here, there = signed_in(Role.DENTIST), signed_in(Role.DENTIST)
    wrong = {"password": "otter-violet-sail", "currentPassword": "not it"}
    refused(here.put("/api/users/me/password", json=wrong), 401, "sign-in-refused")
    right = {**wrong, "currentPassword": PASSWORD}
    assert here.put("/api/users/me/password", json=right).status_code == 204
    assert here.get("/api/session").status_code == 200
    refused(there.get("/api/session"), 401, "unauthenticated")
    assert new_browser().sign_in(email_of(Role.DENTIST), "otter-violet-sail").status_code == 200


def test_a_reset_password_must_be_changed_before_anything_else(
    admin: Browser, new_browser: NewBrowser
) -> None:
    (user,) = admin.get("/api/users?role=staff").json()["items"]
    path = f"/api/users/{user['id']}/password"
    assert admin.put(path, json={"password": "otter-violet-sail"}).status_code == 204
    browser = new_browser()
    assert browser.sign_in(user["email"], "otter-violet-sail").json()["user"]["mustChangePassword"]
    refused(browser.get("/api/patients"), 403, "password-must-change")
    own = {"password": "quite-another-lamp", "currentPassword": "otter-violet-sail"}
    assert browser.put("/api/users/me/password", json=own).status_code == 204
    assert browser.get("/api/patients").status_code == 200


def test_nobody_resets_another_persons_password(admin: Browser, dentist: Browser) -> None:
    (user,) = admin.get("/api/users?role=staff").json()["items"]
    path = f"/api/users/{user['id']}/password"
    refused(dentist.put(path, json={"password": "otter-violet-sail"}), 403, "right-missing")


# ── assignments ───────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"userEmail": "nobody@practice.test", "patientId": OWN}, 404, "not-found"),
        ({"userEmail": email_of(Role.STAFF), "patientId": "P999999"}, 404, "not-found"),
        ({"userEmail": email_of(Role.DENTIST), "patientId": OWN}, 422, "bad-field"),
        ({"userEmail": email_of(Role.STAFF)}, 422, "invalid-request"),
    ],
)
def test_an_assignment_that_makes_no_sense_is_refused(
    admin: Browser, body: dict[str, str], status: int, code: str
) -> None:
    refused(admin.post("/api/assignments", json=body), status, code)


def test_nobody_is_assigned_twice(admin: Browser) -> None:
    _care(admin)
    body = {"userEmail": email_of(Role.STAFF), "patientId": OWN}
    refused(admin.post("/api/assignments", json=body), 409, "already-assigned")


def test_only_administrators_assign(dentist: Browser, staff: Browser) -> None:
    body = {"userEmail": email_of(Role.STAFF), "patientId": OWN}
    refused(dentist.post("/api/assignments", json=body), 403, "right-missing")
    refused(staff.post("/api/assignments", json=body), 403, "right-missing")


def test_staff_see_their_own_assignments_and_nobody_elses(
    admin: Browser, staff: Browser, patient: Browser
) -> None:
    _care(admin)
    assert [a["patientId"] for a in staff.get("/api/assignments").json()["items"]] == [OWN]
    admin_email = email_of(Role.ADMIN)
    refused(staff.get("/api/assignments", params={"userEmail": admin_email}), 404, "not-found")
    refused(patient.get("/api/assignments"), 403, "right-missing")


def test_ended_assignments_are_kept_and_shown_when_asked_for(admin: Browser) -> None:
    made = _care(admin)
    admin.delete(f"/api/assignments/{made}")
    assert admin.get("/api/assignments").json()["items"] == []
    (kept,) = admin.get("/api/assignments?running=false").json()["items"]
    assert kept["id"] == made
    refused(admin.delete(f"/api/assignments/{made}"), 404, "not-found")
