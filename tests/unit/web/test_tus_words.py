"""The headers of tus 1.0, as the specification and its suites read them."""

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medstack.web import tus


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_request_without_the_version_is_refused() -> None:
    with pytest.raises(tus.WrongTusVersion):
        tus.require_version({})


def test_another_version_is_refused() -> None:
    with pytest.raises(tus.WrongTusVersion):
        tus.require_version({"tus-resumable": "0.2.2"})


def test_length_and_deferral_exclude_each_other() -> None:
    with pytest.raises(tus.BadTusHeader):
        tus.length_of({"upload-length": "3", "upload-defer-length": "1"})


def test_one_of_length_and_deferral_is_needed() -> None:
    with pytest.raises(tus.BadTusHeader):
        tus.length_of({})


def test_a_deferred_length_is_unknown() -> None:
    assert tus.length_of({"upload-defer-length": "1"}) is None


@pytest.mark.parametrize("text", ["-1", "1.5", "", "٣", "1e3", " 1", str(1 << 63)])
def test_a_length_is_a_plain_whole_number(text: str) -> None:
    with pytest.raises(tus.BadTusHeader):
        tus.length_of({"upload-length": text})


def test_metadata_may_be_absent() -> None:
    assert tus.metadata_of({}) == {}


def test_a_key_without_a_value_is_an_empty_text() -> None:
    assert tus.metadata_of({"upload-metadata": "is_urgent"}) == {"is_urgent": ""}


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z_-]{1,12}", fullmatch=True), st.text(max_size=40), max_size=8
    )
)
def test_metadata_comes_back_as_it_was_sent(pairs: dict[str, str]) -> None:
    header = ",".join(f"{key} {encoded(value)}" for key, value in pairs.items())
    assert tus.metadata_of({"upload-metadata": header}) == pairs


@pytest.mark.parametrize("header", ["a YQ==,a YQ==", "ä YQ==", "a !!!", "a YQ=", f"a {'/w=='}"])
def test_metadata_outside_the_rules_is_refused(header: str) -> None:
    with pytest.raises(tus.BadTusHeader):
        tus.metadata_of({"upload-metadata": header})


def test_metadata_has_a_limit() -> None:
    with pytest.raises(tus.MetadataTooLarge):
        tus.metadata_of({"upload-metadata": "a " + "A" * tus.METADATA_CAP})


def test_an_unknown_checksum_algorithm_is_a_bad_request() -> None:
    with pytest.raises(tus.BadTusHeader):
        tus.checksum_of({"upload-checksum": "crc7 AAAA"})


@pytest.mark.parametrize("header", ["", "sha1", "sha1 ", "sha1 ???", "sha1 AAAA", "sha1AAAA"])
def test_a_checksum_that_does_not_parse_is_a_mismatch(header: str) -> None:
    with pytest.raises(tus.ChecksumMismatch):
        tus.checksum_of({"upload-checksum": header})


def test_the_parts_of_a_final_upload_are_named_by_the_end_of_their_urls() -> None:
    concat = tus.concat_of({"upload-concat": "final;/api/uploads/a http://h/api/uploads/b/"})
    assert concat is not None
    assert concat.parts == ("a", "b")


@pytest.mark.parametrize("header", ["final", "final;", "both", "final,/a"])
def test_a_concat_header_of_another_form_is_refused(header: str) -> None:
    with pytest.raises(tus.BadTusHeader):
        tus.concat_of({"upload-concat": header})


def test_expiry_is_written_as_http_writes_dates() -> None:
    at = datetime(2026, 11, 21, 8, 0, 1, tzinfo=UTC)
    assert tus.expires_header(at) == "Sat, 21 Nov 2026 08:00:01 GMT"
