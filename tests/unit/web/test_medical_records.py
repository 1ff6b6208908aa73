"""`/api/medical-records`: found by every filter, edited without overwriting, shelved, restored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.unit.web.browser import Browser, refused
from tests.unit.web.conftest import OTHER, OWN, email_of

from medstack import audit, jobs
from medstack.audit import Action, Filter
from medstack.flows.curate import REINDEX
from medstack.flows.house import House
from medstack.kit.actor import Role
from medstack.kit.clock import SetClock
from medstack.kit.ids import RecordId, id_in
from medstack.records import AccessLevel, Category, Status

Add = Callable[..., str]
LIST = "/api/medical-records"
NOBODY = "0" * 12 + "1"


def _ids(browser: Browser, **params: Any) -> list[str]:
    answer = browser.get(LIST, params=params)
    assert answer.status_code == 200, answer.text
    return [record["id"] for record in answer.json()["items"]]


def _events(house: House, record_id: str) -> list[audit.Event]:
    with house.db.read() as tx:
        return list(audit.listing(tx, Filter(record=RecordId(id_in(record_id)))))


# ── the shape ─────────────────────────────────────────────────────────────────────────────
def test_a_record_is_the_owners_medical_record(add_record: Add, dentist: Browser) -> None:
    record_id = add_record(subcategory="bitewing", tags=("recall", "36"))
    seen = dentist.get(f"{LIST}/{record_id}").json()
    assert seen["fileName"] == f"{OWN}_XRAY_20260301_001.dcm"
    assert seen["originalFileName"] == "bitewing.dcm"
    assert (seen["fileType"], seen["fileSize"]) == ("application/dicom", 1001)
    assert (seen["category"], seen["subcategory"]) == ("diagnostic-images", "bitewing")
    assert seen["tags"] == ["recall", "36"]
    assert (seen["isArchived"], seen["accessLevel"]) == (False, "patient")
    assert seen["uploadDate"].startswith("2026-03-01T09:00:00")
    assert seen["status"] == "available"


def test_the_etag_stands_in_the_header_and_in_the_record(add_record: Add, dentist: Browser) -> None:
    answer = dentist.get(f"{LIST}/{add_record()}")
    assert answer.headers["etag"] == answer.json()["etag"]


# ── filters ───────────────────────────────────────────────────────────────────────────────
def test_the_newest_stands_first_and_pages_meet_without_gap(
    add_record: Add, dentist: Browser, clock: SetClock
) -> None:
    added = []
    for _ in range(5):
        added.append(add_record())
        clock.advance(1)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = dentist.get(LIST, params=params).json()
        seen += [record["id"] for record in page["items"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert seen == added[::-1]


@pytest.mark.parametrize(
    ("fields", "params"),
    [
        ({"chart": OTHER}, {"patientId": OTHER}),
        ({"category": Category.INSURANCE}, {"category": "insurance"}),
        ({"subcategory": "cbct"}, {"subcategory": "cbct"}),
        ({"description": "Zygoma on the left"}, {"q": "zygoma"}),
        ({"original_name": "zygoma-left.dcm"}, {"q": "left zygoma"}),
        ({"tags": ("Ortho",)}, {"tag": "ortho"}),
        ({"status": Status.HELD}, {"status": "held"}),
    ],
)
def test_each_filter_finds_the_one_it_is_for(
    add_record: Add, dentist: Browser, fields: dict[str, Any], params: dict[str, str]
) -> None:
    add_record()
    wanted = add_record(**fields)
    assert _ids(dentist, **params) == [wanted]


def test_a_record_is_found_by_who_sent_it_in_by_id_or_email(
    add_record: Add, dentist: Browser
) -> None:
    wanted = add_record()
    own = dentist.get("/api/session").json()["user"]["id"]
    assert _ids(dentist, uploadedBy=own) == [wanted]
    assert _ids(dentist, uploadedBy=email_of(Role.DENTIST)) == [wanted]
    assert _ids(dentist, uploadedBy=email_of(Role.STAFF)) == []


def test_days_include_their_last_moment(
    add_record: Add, signed_in: Callable[[Role], Browser], clock: SetClock
) -> None:
    first = add_record()
    clock.advance(24 * 3600)
    second = add_record()
    dentist = signed_in(Role.DENTIST)
    assert _ids(dentist, dateFrom="2026-03-01", dateTo="2026-03-01") == [first]
    assert _ids(dentist, dateFrom="2026-03-02") == [second]
    assert _ids(dentist, dateTo="2026-03-02T00:00:00Z") == [first]


def test_links_to_visit_case_folder_and_provider_are_filters(
    add_record: Add, dentist: Browser, admin: Browser
) -> None:
    add_record()
    record_id = add_record()
    provider = admin.post("/api/providers", json={"name": "Dr R. Okonjo"}).json()["id"]
    visit = {
        "patientId": OWN,
        "providerId": provider,
        "startsAt": "2026-03-01T09:00:00Z",
        "endsAt": "2026-03-01T10:00:00Z",
    }
    links = {
        "providerId": provider,
        "appointmentId": dentist.post("/api/appointments", json=visit).json()["id"],
        "caseId": dentist.post(
            "/api/cases", json={"patientId": OWN, "kind": "quick", "title": "x"}
        ).json()["id"],
        "folderId": dentist.post("/api/folders", json={"patientId": OWN, "name": "Ortho"}).json()[
            "id"
        ],
    }
    answer = dentist.put(f"{LIST}/{record_id}", json=links, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in links} == links
    for name, value in links.items():
        assert _ids(dentist, **{name: value}) == [record_id]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limit": "0"}, "invalid-request"),
        ({"limit": "201"}, "invalid-request"),
        ({"limit": "many"}, "invalid-request"),
        ({"cursor": "x"}, "invalid-request"),
        ({"category": "radiology"}, "unknown-category"),
        ({"status": "lost"}, "invalid-request"),
        ({"dateFrom": "yesterday"}, "invalid-request"),
        ({"dateFrom": "0001-01-01T00:00:00+14:00"}, "invalid-request"),
        ({"caseId": "1"}, "invalid-request"),
        ({"uploadedBy": "nobody"}, "invalid-request"),
        ({"archived": "perhaps"}, "invalid-request"),
        ({"q": "x" * 501}, "invalid-request"),
        ({"status": "null"}, "invalid-request"),
        ({"patientid": OWN}, "invalid-request"),
        ({"category": ["insurance", "correspondence"]}, "invalid-request"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(
    practice: House, dentist: Browser, params: dict[str, Any], code: str
) -> None:
    refused(dentist.get(LIST, params=params), 422, code)


def test_null_is_a_word_like_any_other_where_text_is_asked_for(
    add_record: Add, dentist: Browser
) -> None:
    add_record()
    wanted = add_record(description="null")
    assert _ids(dentist, q="null") == [wanted]
    refused(dentist.get(LIST, params={"patientId": "null"}), 404, "not-found")


@pytest.mark.parametrize("text", ["' OR 1=1 --", "\x00", '"', "*", "NEAR(", "<b>", "\ufffd", "%"])
def test_no_search_text_breaks_out(add_record: Add, dentist: Browser, text: str) -> None:
    add_record()
    assert dentist.get(LIST, params={"q": text}).status_code in (200, 422)
    assert dentist.get(LIST, params={"tag": text}).status_code in (200, 422)
    assert dentist.get(LIST, params={"subcategory": text}).status_code in (200, 422)


# ── who sees what ─────────────────────────────────────────────────────────────────────────
def test_a_list_holds_only_what_the_caller_may_see(
    add_record: Add, dentist: Browser, patient: Browser, staff: Browser
) -> None:
    own = add_record()
    theirs = add_record(chart=OTHER)
    internal = add_record(access_level=AccessLevel.DENTIST)
    assert set(_ids(dentist)) == {own, theirs, internal}
    assert _ids(patient) == [own]
    assert _ids(staff) == []
    refused(patient.get(LIST, params={"patientId": OTHER}), 404, "not-found")
    refused(patient.get(LIST, params={"patientId": "P999999"}), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "", {"description": "x"}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("GET", "/versions", None),
        ("POST", "/versions/1/restore", None),
        ("GET", "/history", None),
        ("GET", "/access-log", None),
    ],
)
def test_somebody_elses_record_and_no_record_look_alike_everywhere(
    add_record: Add,
    patient: Browser,
    staff: Browser,
    method: str,
    path: str,
    body: dict[str, str] | None,
) -> None:
    theirs = add_record(chart=OTHER)
    for browser in (patient, staff):
        answers = [
            browser.request(
                method, f"{LIST}/{record}{path}", json=body, headers={"If-Match": '"1.1"'}
            )
            for record in (theirs, NOBODY, "not-an-id")
        ]
        refused(answers[0], 404, "not-found")
        assert len({answer.content for answer in answers}) == 1
        assert len({answer.status_code for answer in answers}) == 1


def test_a_refused_look_is_on_the_records_own_log(
    practice: House, add_record: Add, patient: Browser
) -> None:
    theirs = add_record(chart=OTHER)
    patient.get(f"{LIST}/{theirs}")
    event = _events(practice, theirs)[0]
    assert (event.action, event.outcome) == (Action.ACCESS_REFUSED, "refused")


def test_an_administrators_look_is_marked(
    practice: House, add_record: Add, admin: Browser, dentist: Browser
) -> None:
    record_id = add_record()
    dentist.get(f"{LIST}/{record_id}")
    assert not _events(practice, record_id)[0].facts["marked"]
    admin.get(f"{LIST}/{record_id}")
    assert _events(practice, record_id)[0].facts["marked"]


def test_a_practice_can_ask_administrators_why(
    practice: House, add_record: Add, admin: Browser
) -> None:
    path = f"{LIST}/{add_record()}"
    admin.put("/api/policies", json={"policies": {"admin-content-needs-reason": True}})
    refused(admin.get(path), 403, "reason-needed")
    reason = {"X-Access-Reason": "Beschwerde%20%C3%BCber%20Rechnung"}
    assert admin.get(path, headers=reason).status_code == 200
    event = _events(practice, path.rpartition("/")[2])[0]
    assert event.personal is not None
    assert event.personal["purpose"] == "Beschwerde über Rechnung"


def test_the_log_names_every_record_of_a_list(
    practice: House, add_record: Add, dentist: Browser
) -> None:
    added = [add_record(), add_record()]
    dentist.get(LIST)
    for record_id in added:
        assert _events(practice, record_id)[0].action == Action.RECORD_LISTED


# ── editing ───────────────────────────────────────────────────────────────────────────────
def test_an_edit_changes_what_it_names_and_nothing_else(add_record: Add, dentist: Browser) -> None:
    path = f"{LIST}/{add_record(tags=('old',))}"
    before = dentist.get(path)
    body = {
        "description": "<i>after'; DROP TABLE records; --</i>",
        "tags": ["new", "NEW", "36"],
        "metadata": {"procedure": "Recall", "captureDate": "2026-02-28"},
    }
    answer = dentist.put(path, json=body, headers={"If-Match": before.headers["etag"]})
    after = answer.json()
    assert after["description"] == body["description"]
    assert after["tags"] == ["new", "36"]
    assert after["metadata"]["procedure"] == "Recall"
    assert after["category"] == before.json()["category"]
    assert answer.headers["etag"] != before.headers["etag"]
    more = {"metadata": {"notes": "Seen"}}
    kept = dentist.put(path, json=more, headers={"If-Match": "*"}).json()
    assert kept["metadata"]["procedure"] == "Recall"


def test_a_stale_etag_overwrites_nothing(add_record: Add, dentist: Browser) -> None:
    path = f"{LIST}/{add_record()}"
    etag = dentist.get(path).headers["etag"]
    first = dentist.put(path, json={"description": "first"}, headers={"If-Match": etag})
    assert first.status_code == 200
    late = dentist.put(path, json={"description": "late"}, headers={"If-Match": etag})
    refused(late, 412, "stale-revision")
    refused(dentist.put(path, json={"description": "blind"}), 428, "if-match-required")
    refused(dentist.delete(path, headers={"If-Match": etag}), 412, "stale-revision")
    assert dentist.get(path).json()["description"] == "first"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"category": "radiology"}, 422, "unknown-category"),
        ({"subcategory": "consent"}, 422, "unknown-subcategory"),
        ({"accessLevel": "everybody"}, 422, "invalid-request"),
        ({"accessLevel": "admin"}, 403, "level-above-yours"),
        ({"description": "x" * 4001}, 422, "invalid-request"),
        ({"description": "a\x00b"}, 422, "bad-field"),
        ({"tags": ["a,b"]}, 422, "bad-field"),
        ({"tags": ["x"] * 51}, 422, "invalid-request"),
        ({"metadata": {"captureDate": "soon"}}, 422, "bad-field"),
        ({"metadata": {"gps": "1,2"}}, 422, "invalid-request"),
        ({"folderId": "x"}, 422, "invalid-request"),
        ({"folderId": NOBODY}, 422, "wrong-folder"),
        ({"appointmentId": NOBODY}, 404, "not-found"),
        ({"caseId": NOBODY}, 404, "not-found"),
        ({"providerId": NOBODY}, 404, "not-found"),
        ({"patientId": OTHER}, 422, "invalid-request"),
    ],
)
def test_an_edit_that_breaks_a_rule_changes_nothing(
    add_record: Add, dentist: Browser, body: dict[str, Any], status: int, code: str
) -> None:
    path = f"{LIST}/{add_record()}"
    before = dentist.get(path).json()
    refused(dentist.put(path, json=body, headers={"If-Match": "*"}), status, code)
    assert dentist.get(path).json() == before


def test_another_patients_case_cannot_be_linked(add_record: Add, dentist: Browser) -> None:
    body = {"patientId": OTHER, "kind": "quick", "title": "x"}
    case_id = dentist.post("/api/cases", json=body).json()["id"]
    answer = dentist.put(
        f"{LIST}/{add_record()}", json={"caseId": case_id}, headers={"If-Match": "*"}
    )
    refused(answer, 404, "not-found")


def test_a_patient_reads_and_does_not_write(add_record: Add, patient: Browser) -> None:
    path = f"{LIST}/{add_record()}"
    assert patient.get(path).status_code == 200
    edit = patient.put(path, json={"description": "x"}, headers={"If-Match": "*"})
    refused(edit, 403, "right-missing")
    refused(patient.delete(path), 403, "right-missing")
    refused(patient.post(f"{path}/restore"), 403, "right-missing")


def test_who_edited_what_is_kept(add_record: Add, dentist: Browser) -> None:
    path = f"{LIST}/{add_record()}"
    dentist.put(path, json={"description": "one"}, headers={"If-Match": "*"})
    dentist.put(path, json={"description": "two"}, headers={"If-Match": "*"})
    newest, oldest = dentist.get(f"{path}/history").json()["items"]
    assert newest["fields"]["description"] == ["one", "two"]
    assert oldest["fields"]["description"] == ["", "one"]


# ── the shelf, versions, the access log ───────────────────────────────────────────────────
def test_an_archived_record_leaves_the_list_stays_whole_and_comes_back(
    add_record: Add, dentist: Browser
) -> None:
    record_id = add_record()
    path = f"{LIST}/{record_id}"
    assert dentist.delete(path).json()["isArchived"] is True
    assert _ids(dentist) == []
    assert _ids(dentist, archived="true") == [record_id]
    assert dentist.get(path).status_code == 200
    assert dentist.post(f"{path}/restore").json()["isArchived"] is False
    assert _ids(dentist) == [record_id]


def test_an_earlier_version_is_brought_back_as_a_new_one(
    practice: House, add_record: Add, dentist: Browser
) -> None:
    path = f"{LIST}/{add_record(versions=2)}"
    answer = dentist.post(f"{path}/versions/1/restore")
    assert (answer.json()["version"], answer.json()["fileSize"]) == (3, 1001)
    shown = dentist.get(f"{path}/versions").json()["items"]
    assert [v["number"] for v in shown] == [3, 2, 1]
    assert [v["isCurrent"] for v in shown] == [True, False, False]
    assert shown[0]["restoredFrom"] == 1
    assert shown[0]["sha256"] == shown[2]["sha256"]
    with practice.db.read() as tx:
        assert [job.name for job in jobs.listing(tx)] == [REINDEX]


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        ("9", 404, "not-found"),
        ("0", 422, "invalid-request"),
        ("x", 404, "not-found"),
        ("99999999999999999999", 422, "invalid-request"),
    ],
)
def test_a_version_that_never_was_cannot_be_brought_back(
    add_record: Add, dentist: Browser, number: str, status: int, code: str
) -> None:
    path = f"{LIST}/{add_record()}/versions/{number}/restore"
    refused(dentist.post(path), status, code)


def test_staff_do_not_restore_versions(add_record: Add, admin: Browser, staff: Browser) -> None:
    record_id = add_record(versions=2)
    body = {"userEmail": email_of(Role.STAFF), "patientId": OWN}
    admin.post("/api/assignments", json=body)
    assert staff.get(f"{LIST}/{record_id}").status_code == 200
    refused(staff.post(f"{LIST}/{record_id}/versions/1/restore"), 403, "right-missing")
    refused(staff.get(f"{LIST}/{record_id}/access-log"), 403, "right-missing")


def test_the_access_log_says_who_looked_page_by_page(
    add_record: Add, dentist: Browser, patient: Browser
) -> None:
    path = f"{LIST}/{add_record()}"
    patient.get(path)
    dentist.get(path)
    first = dentist.get(f"{path}/access-log?limit=1").json()
    assert (first["items"][0]["action"], first["items"][0]["role"]) == ("record.viewed", "dentist")
    second = dentist.get(
        f"{path}/access-log", params={"limit": "1", "cursor": first["nextCursor"]}
    ).json()
    assert second["items"][0]["role"] in ("patient", "dentist")
    assert patient.get(f"{path}/access-log").status_code == 200
