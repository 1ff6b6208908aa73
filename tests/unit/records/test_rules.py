from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.records.making import NOW, make_record

from medstack.kit.ids import PatientId
from medstack.records.categories import (
    CATEGORY_CODES,
    SUBCATEGORIES,
    UnknownCategory,
    UnknownSubcategory,
    category_of,
    short_code,
    subcategory_of,
)
from medstack.records.model import Category, DownloadName, Status
from medstack.records.naming import PATTERN, download_name
from medstack.records.rules import (
    RELEASED_TO,
    STOPPED,
    TRANSITIONS,
    BadPrecondition,
    IllegalTransition,
    StaleRevision,
    Step,
    check_revision,
    etag,
    expected_revision,
    next_status,
)

THE_WAY_IN = [Status.RECEIVED, Status.SCANNING, Status.VALIDATING, Status.CHECKING]
THE_WAY_IN += [Status.STORING, Status.AVAILABLE]


def test_a_good_file_passes_every_stage_in_the_published_order() -> None:
    passed = [Status.RECEIVED]
    while passed[-1] is not Status.AVAILABLE:
        passed.append(next_status(passed[-1], Step.ADVANCE))
    assert passed == THE_WAY_IN


def test_only_the_stage_after_storing_makes_a_record_available() -> None:
    ways = [s for s, steps in TRANSITIONS.items() if Status.AVAILABLE in steps.values()]
    assert ways == [Status.STORING]
    assert Status.AVAILABLE not in RELEASED_TO.values()


@pytest.mark.parametrize("end", [Status.AVAILABLE, Status.REJECTED])
@pytest.mark.parametrize("step", list(Step))
def test_no_step_leads_out_of_an_end(end: Status, step: Step) -> None:
    with pytest.raises(IllegalTransition):
        next_status(end, step, stopped_at=Status.SCANNING)


@pytest.mark.parametrize("stopped", sorted(STOPPED))
@pytest.mark.parametrize(("at", "next_"), RELEASED_TO.items())
def test_a_released_record_goes_on_with_the_check_after_the_one_that_stopped_it(
    stopped: Status, at: Status, next_: Status
) -> None:
    assert next_status(stopped, Step.RELEASE, stopped_at=at) is next_


@pytest.mark.parametrize("stopped", sorted(STOPPED))
def test_a_record_stopped_before_any_check_cannot_be_released(stopped: Status) -> None:
    with pytest.raises(IllegalTransition):
        next_status(stopped, Step.RELEASE, stopped_at=Status.RECEIVED)


@pytest.mark.parametrize("status", THE_WAY_IN)
def test_what_was_never_stopped_cannot_be_released(status: Status) -> None:
    with pytest.raises(IllegalTransition):
        next_status(status, Step.RELEASE)


@pytest.mark.parametrize(
    "status", sorted(set(Status) - {Status.RECEIVED, Status.AVAILABLE, Status.REJECTED})
)
def test_a_retry_starts_with_the_first_check_again(status: Status) -> None:
    assert next_status(status, Step.RETRY) is Status.SCANNING


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_the_revision_is_read_back_from_the_entity_tag(revision: int, changes: int) -> None:
    record = make_record(1, revision=revision, changes=changes)
    assert expected_revision(etag(record)) == revision


def test_a_star_expects_no_revision() -> None:
    assert expected_revision("*") is None
    check_revision(5, expected_revision(" * "))


@pytest.mark.parametrize(
    "header", ["", "3", 'W/"1.1"', '"1.1", "2.2"', '"0.1"', '"1"', '"x.y"', '"١.1"']
)
def test_a_precondition_that_is_not_ours_is_refused(header: str) -> None:
    with pytest.raises(BadPrecondition):
        expected_revision(header)


def test_an_old_revision_is_stale() -> None:
    with pytest.raises(StaleRevision) as refusal:
        check_revision(4, 3)
    assert refusal.value.code == "stale-revision"
    assert refusal.value.facts == {"revision": 4}


def test_the_owners_example_is_the_name_of_the_first_x_ray_of_that_day() -> None:
    name = DownloadName(
        code=short_code(Category.DIAGNOSTIC_IMAGES, "bitewing"), on=NOW.date(), sequence=1
    )
    assert download_name(PatientId("P001234"), name, "jpg") == "P001234_XRAY_20260301_001.jpg"


@given(
    st.text(), st.sampled_from(sorted(CATEGORY_CODES.values())), st.integers(1, 10**6), st.text()
)
def test_a_download_name_always_keeps_the_convention(
    patient: str, code: str, sequence: int, extension: str
) -> None:
    name = DownloadName(code=code, on=NOW.date(), sequence=sequence)
    assert PATTERN.fullmatch(download_name(PatientId(patient), name, extension))


def test_every_type_has_a_code_of_two_to_six_capitals() -> None:
    codes = [short_code(c, s) for c in Category for s in (None, *SUBCATEGORIES[c])]
    assert all(re.fullmatch("[A-Z]{2,6}", code) for code in codes)


def test_the_categories_and_levels_are_the_owners() -> None:
    assert [str(c) for c in SUBCATEGORIES] == [
        "diagnostic-images",
        "treatment-photos",
        "forms-documents",
        "administrative",
        "insurance",
        "correspondence",
    ]


def test_an_unknown_category_is_refused_with_the_six_that_exist() -> None:
    with pytest.raises(UnknownCategory) as refusal:
        category_of("x-rays'; DROP TABLE records")
    assert refusal.value.facts["allowed"] == tuple(Category)
    assert "DROP" not in str(refusal.value)


def test_a_subcategory_belongs_to_its_category() -> None:
    assert subcategory_of(Category.FORMS_DOCUMENTS, "consent") == "consent"
    assert subcategory_of(Category.FORMS_DOCUMENTS, "") is None
    with pytest.raises(UnknownSubcategory):
        subcategory_of(Category.INSURANCE, "consent")
