"""Folders, and one act on many records."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.unit.web.browser import Browser, refused
from tests.unit.web.conftest import OTHER, OWN

from medstack import audit
from medstack.audit import Action, Filter
from medstack.flows.house import House

Add = Callable[..., str]
NOBODY = "0" * 12 + "1"


def _folder(browser: Browser, name: str, **more: str) -> str:
    answer = browser.post("/api/folders", json={"patientId": OWN, "name": name, **more})
    assert answer.status_code == 201, answer.text
    made: str = answer.json()["id"]
    return made


def test_folders_nest_move_and_go_when_they_are_empty(dentist: Browser) -> None:
    outer = _folder(dentist, "Ortho")
    inner = _folder(dentist, "2026", parentId=outer)
    path = f"/api/folders/{inner}"
    refused(dentist.delete(f"/api/folders/{outer}"), 409, "folder-not-empty")
    assert dentist.put(path, json={"name": "Now"}).json()["parentId"] == outer
    assert dentist.put(path, json={"parentId": None}).json()["parentId"] is None
    assert dentist.delete(f"/api/folders/{outer}").status_code == 204
    shown = dentist.get("/api/folders", params={"patientId": OWN}).json()["items"]
    assert [folder["name"] for folder in shown] == ["Now"]


def test_a_folder_cannot_lie_inside_itself_or_share_a_name(dentist: Browser) -> None:
    outer = _folder(dentist, "Ortho")
    inner = _folder(dentist, "2026", parentId=outer)
    into_itself = dentist.put(f"/api/folders/{outer}", json={"parentId": inner})
    refused(into_itself, 409, "folder-cycle")
    again = dentist.post("/api/folders", json={"patientId": OWN, "name": "ORTHO"})
    refused(again, 409, "folder-exists")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"patientId": OWN, "name": ""}, 422, "invalid-request"),
        ({"patientId": OWN, "name": " \n "}, 422, "bad-field"),
        ({"patientId": OWN, "name": "x", "parentId": NOBODY}, 422, "wrong-folder"),
        ({"patientId": OWN, "name": "x", "parentId": "x"}, 422, "invalid-request"),
        ({"patientId": "P999999", "name": "x"}, 404, "not-found"),
    ],
)
def test_a_folder_that_makes_no_sense_is_refused(
    dentist: Browser, body: dict[str, str], status: int, code: str
) -> None:
    refused(dentist.post("/api/folders", json=body), status, code)


def test_another_patients_folders_are_not_there(dentist: Browser, patient: Browser) -> None:
    answer = dentist.post("/api/folders", json={"patientId": OTHER, "name": "x"})
    path = answer.headers["location"]
    refused(patient.put(path, json={"name": "y"}), 404, "not-found")
    refused(patient.delete(path), 404, "not-found")
    refused(patient.get("/api/folders", params={"patientId": OTHER}), 404, "not-found")
    refused(patient.get("/api/folders"), 422, "invalid-request")
    assert patient.get("/api/folders", params={"patientId": OWN}).status_code == 200
    own = patient.post("/api/folders", json={"patientId": OWN, "name": "x"})
    refused(own, 403, "right-missing")


def test_a_batch_answers_for_each_record(
    practice: House, add_record: Add, dentist: Browser
) -> None:
    good = [add_record(), add_record()]
    body = {"recordIds": [*good, NOBODY, good[0]], "category": "treatment-photos"}
    answer = dentist.post("/api/batch/categorise", json=body).json()
    assert (answer["done"], answer["refused"]) == (2, 1)
    assert [item["code"] for item in answer["items"]] == [None, None, "not-found"]
    for record_id in good:
        seen = dentist.get(f"/api/medical-records/{record_id}").json()
        assert seen["category"] == "treatment-photos"
    with practice.db.read() as tx:
        wanted = Filter(actions=frozenset({Action.BATCH_CATEGORISED}))
        (event,) = audit.listing(tx, wanted)
    assert (event.facts["done"], event.facts["refused"]) == (2, 1)


def test_a_batch_with_a_category_that_does_not_exist_does_nothing(
    add_record: Add, dentist: Browser
) -> None:
    body = {"recordIds": [add_record()], "category": "radiology"}
    refused(dentist.post("/api/batch/categorise", json=body), 422, "unknown-category")
    body = {**body, "category": "insurance", "subcategory": "bitewing"}
    refused(dentist.post("/api/batch/categorise", json=body), 422, "unknown-subcategory")


def test_records_are_archived_in_bulk(add_record: Add, dentist: Browser) -> None:
    added = [add_record() for _ in range(3)]
    answer = dentist.post("/api/batch/archive", json={"recordIds": added[:2]}).json()
    assert (answer["done"], answer["refused"]) == (2, 0)
    left = dentist.get("/api/medical-records").json()["items"]
    assert [record["id"] for record in left] == added[2:]


def test_a_batch_reaches_no_record_the_caller_may_not_change(
    add_record: Add, patient: Browser, staff: Browser
) -> None:
    own, theirs = add_record(), add_record(chart=OTHER)
    items = patient.post("/api/batch/archive", json={"recordIds": [own, theirs]}).json()["items"]
    assert [item["code"] for item in items] == ["right-missing", "not-found"]
    items = staff.post("/api/batch/archive", json={"recordIds": [own, theirs]}).json()["items"]
    assert [item["code"] for item in items] == ["not-found", "not-found"]


@pytest.mark.parametrize("asked", [[], ["x"], [1], ["0" * 13] * 501, None])
def test_a_batch_of_what_is_no_id_is_refused(dentist: Browser, asked: object) -> None:
    refused(dentist.post("/api/batch/archive", json={"recordIds": asked}), 422, "invalid-request")
