"""What a job may carry, and how long it waits after a failure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.jobs import BadJob, rules
from medstack.kit.errors import Busy, Conflict


@pytest.mark.parametrize(
    "value", [0, -1, 2**63 - 1, "thumb", "image/jpeg", "v1.2", "a" * 64, "0f3k9x"]
)
def test_ids_and_short_codes_are_carried(value: int | str) -> None:
    assert rules.checked_ids({"key": value}) == {"key": value}


@pytest.mark.parametrize(
    "value",
    ["Ana Souza", "P001234", "x-ray.JPG", "", "a" * 65, "a b", "Ünal", True, None, 1.5, 2**63, [1]],
)
def test_anything_a_person_might_have_written_is_refused(value: object) -> None:
    with pytest.raises(BadJob) as refused:
        rules.checked_ids({"key": value})
    assert str(value) not in str(refused.value.facts) + refused.value.detail or value == ""


@pytest.mark.parametrize("result", [None, 7, "stored", [1, 2, 3], []])
def test_a_step_may_keep_ids_and_codes(result: object) -> None:
    assert rules.checked_result(result) == result


@pytest.mark.parametrize("result", [{"a": 1}, ["text"], "Some Name", b"bytes", 1.5, True, [True]])
def test_a_step_may_keep_nothing_else(result: object) -> None:
    with pytest.raises(BadJob):
        rules.checked_result(result)


@pytest.mark.parametrize("name", ["Vault.Shred", "vault shred", "", ".a", "a.", "a..b", "a-b"])
def test_a_name_is_dotted_lower_case(name: str) -> None:
    with pytest.raises(BadJob):
        rules.checked_name(name)


@given(st.integers(1, 30), st.floats(0.01, 60))
def test_the_wait_grows_up_to_ten_minutes(failures: int, first_s: float) -> None:
    now = rules.backoff_s(Conflict(), failures=failures, first_s=first_s)
    later = rules.backoff_s(Conflict(), failures=failures + 1, first_s=first_s)
    assert first_s <= now <= later <= 600


def test_what_is_busy_may_ask_for_more_time() -> None:
    assert rules.backoff_s(Busy(retry_after_s=40), failures=1, first_s=2) == 40


def test_an_unexpected_error_shows_no_more_than_that() -> None:
    assert rules.error_code(ValueError("Ana Souza")) == "unexpected-error"
    assert rules.error_code(Conflict()) == "conflict"
