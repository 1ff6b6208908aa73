"""tus 1.0.0 to the letter: what the specification and its conformance suites ask of a server.

Named after the requirement, one exchange each, over real HTTP.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from tests.outside.instance import Instance, running

V = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}
TEXT = b"Synthetic note about nobody.\n" * 8


@pytest.fixture(scope="module")
def tus(dentist: httpx.Client) -> httpx.Client:
    return dentist


def metadata(**pairs: str) -> str:
    return ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in pairs.items())


def checksum(data: bytes, algorithm: str = "sha1") -> dict[str, str]:
    digest = hashlib.new(algorithm, data).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


def create(tus: httpx.Client, length: int | None = len(TEXT), **headers: str) -> str:
    said = {k.replace("_", "-"): v for k, v in headers.items()}
    size = {} if length is None else {"Upload-Length": str(length)}
    answer = tus.post("/api/uploads", headers=V | size | said)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def patch(tus: httpx.Client, url: str, data: bytes, offset: int, **headers: str) -> httpx.Response:
    said = {k.replace("_", "-"): v for k, v in headers.items()}
    return tus.patch(url, content=data, headers=V | BYTES | {"Upload-Offset": str(offset)} | said)


def offset(tus: httpx.Client, url: str) -> int:
    answer = tus.head(url, headers=V)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


# --- core -----------------------------------------------------------------------------------


def test_options_tells_version_extensions_algorithms_and_size(tus: httpx.Client) -> None:
    answer = tus.options("/api/uploads")
    assert answer.status_code in (200, 204)
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "checksum",
        "concatenation",
        "expiration",
        "termination",
    }
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")
    assert int(answer.headers["Tus-Max-Size"]) > 0


def test_options_needs_no_sign_in(instance: Instance) -> None:
    assert httpx.options(f"{instance.url}/api/uploads").status_code == 200


def test_head_tells_offset_length_and_forbids_caching(tus: httpx.Client) -> None:
    answer = tus.head(create(tus), headers=V)
    assert answer.headers["Upload-Offset"] == "0"
    assert answer.headers["Upload-Length"] == str(len(TEXT))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_an_upload_that_is_not_there_is_404(tus: httpx.Client, method: str) -> None:
    headers = V | BYTES | {"Upload-Offset": "0"}
    answer = tus.request(method, "/api/uploads/0123456789abc", headers=headers)
    assert answer.status_code == 404
    assert "Upload-Offset" not in answer.headers


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE", "POST"])
@pytest.mark.parametrize("version", [None, "0.2.2", "2.0.0"])
def test_another_version_is_412_and_says_which(
    tus: httpx.Client, method: str, version: str | None
) -> None:
    url = "/api/uploads" if method == "POST" else create(tus)
    headers = BYTES | {"Upload-Offset": "0", "Upload-Length": "3"}
    if version:
        headers["Tus-Resumable"] = version
    answer = tus.request(method, url, headers=headers)
    assert answer.status_code == 412
    assert answer.headers["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "text/plain"])
def test_a_patch_of_another_content_type_is_415(tus: httpx.Client, kind: str | None) -> None:
    headers = V | {"Upload-Offset": "0"} | ({"Content-Type": kind} if kind else {})
    assert tus.patch(create(tus), content=TEXT, headers=headers).status_code == 415


def test_a_patch_without_an_offset_is_refused(tus: httpx.Client) -> None:
    assert tus.patch(create(tus), content=TEXT, headers=V | BYTES).status_code == 400


def test_a_patch_at_another_offset_is_409_and_says_the_right_one(tus: httpx.Client) -> None:
    answer = patch(tus, create(tus), TEXT, 7)
    assert answer.status_code == 409
    assert answer.headers["Upload-Offset"] == "0"
    assert answer.json()["code"] == "upload-offset-mismatch"


def test_a_patch_answers_204_with_the_new_offset(tus: httpx.Client) -> None:
    answer = patch(tus, create(tus), TEXT[:10], 0)
    assert answer.status_code == 204
    assert answer.headers["Upload-Offset"] == "10"
    assert answer.headers["Tus-Resumable"] == "1.0.0"


def test_more_bytes_than_declared_are_refused(tus: httpx.Client) -> None:
    url = create(tus, length=10)
    assert patch(tus, url, TEXT, 0).status_code in (400, 413)
    assert offset(tus, url) <= 10


def test_an_unfinished_upload_goes_on_where_it_stopped(tus: httpx.Client) -> None:
    url = create(tus)
    patch(tus, url, TEXT[:20], 0)
    at = offset(tus, url)
    assert patch(tus, url, TEXT[at:], at).headers["Upload-Offset"] == str(len(TEXT))


def test_a_replayed_patch_changes_nothing(tus: httpx.Client) -> None:
    url = create(tus)
    patch(tus, url, TEXT[:20], 0)
    assert patch(tus, url, TEXT[:20], 0).status_code == 409
    assert offset(tus, url) == 20


def test_the_method_may_be_named_in_a_header(tus: httpx.Client) -> None:
    url = create(tus)
    headers = V | BYTES | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert tus.post(url, content=TEXT[:5], headers=headers).status_code == 204


def test_a_refusal_is_problem_json_that_names_the_header(tus: httpx.Client) -> None:
    answer = tus.post("/api/uploads", headers=V | {"Upload-Length": "minus one"})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "Upload-Length" in answer.text


# --- creation -------------------------------------------------------------------------------


def test_a_location_is_absolute(tus: httpx.Client, instance: Instance) -> None:
    assert create(tus).startswith(instance.url + "/api/uploads/")


def test_creation_needs_no_metadata(tus: httpx.Client) -> None:
    assert offset(tus, create(tus)) == 0


def test_head_echoes_the_metadata_as_sent(tus: httpx.Client) -> None:
    header = metadata(filename="note.txt", filetype="text/plain")
    answer = tus.head(create(tus, Upload_Metadata=header), headers=V)
    assert answer.headers["Upload-Metadata"] == header


@pytest.mark.parametrize(
    "header", ["filename !!!", "filename YQ==,filename Yg==", "näme YQ==".encode()]
)
def test_metadata_outside_the_rules_is_400(tus: httpx.Client, header: str | bytes) -> None:
    headers: dict[str, str | bytes] = V | {"Upload-Length": "3", "Upload-Metadata": header}
    assert tus.post("/api/uploads", headers=headers).status_code == 400


def test_metadata_beyond_its_limit_is_413(tus: httpx.Client) -> None:
    headers = V | {"Upload-Length": "3", "Upload-Metadata": "a " + "QUFB" * 3000}
    assert tus.post("/api/uploads", headers=headers).status_code == 413


def test_more_than_the_maximum_is_413_before_a_byte(tus: httpx.Client) -> None:
    most = int(tus.options("/api/uploads").headers["Tus-Max-Size"])
    answer = tus.post("/api/uploads", headers=V | {"Upload-Length": str(most + 1)})
    assert answer.status_code == 413


def test_an_upload_of_nothing_is_complete_at_once(tus: httpx.Client) -> None:
    assert offset(tus, create(tus, length=0)) == 0


def test_two_creations_are_two_uploads(tus: httpx.Client) -> None:
    assert create(tus) != create(tus)


# --- creation-with-upload -------------------------------------------------------------------


def test_the_first_bytes_may_come_with_the_creation(tus: httpx.Client) -> None:
    headers = V | BYTES | {"Upload-Length": str(len(TEXT))}
    answer = tus.post("/api/uploads", content=TEXT[:9], headers=headers)
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == "9"


def test_all_bytes_may_come_with_the_creation(tus: httpx.Client) -> None:
    headers = V | BYTES | {"Upload-Length": str(len(TEXT))}
    answer = tus.post("/api/uploads", content=TEXT, headers=headers)
    assert answer.headers["Upload-Offset"] == str(len(TEXT))
    assert offset(tus, answer.headers["Location"]) == len(TEXT)


def test_bytes_of_another_type_do_not_come_with_a_creation(tus: httpx.Client) -> None:
    headers = V | {"Upload-Length": "5", "Content-Type": "text/plain"}
    assert tus.post("/api/uploads", content=b"hello", headers=headers).status_code == 415


def test_a_checksum_holds_for_the_bytes_of_a_creation(tus: httpx.Client) -> None:
    headers = V | BYTES | {"Upload-Length": str(len(TEXT))}
    good = tus.post("/api/uploads", content=TEXT, headers=headers | checksum(TEXT))
    bad = tus.post("/api/uploads", content=TEXT, headers=headers | checksum(b"else"))
    assert (good.status_code, bad.status_code) == (201, 460)


# --- creation-defer-length ------------------------------------------------------------------


def test_a_deferred_length_is_not_told_before_it_is_known(tus: httpx.Client) -> None:
    url = create(tus, length=None, Upload_Defer_Length="1")
    answer = tus.head(url, headers=V)
    assert "Upload-Length" not in answer.headers
    assert answer.headers["Upload-Defer-Length"] == "1"


def test_a_patch_may_set_the_length_once(tus: httpx.Client) -> None:
    url = create(tus, length=None, Upload_Defer_Length="1")
    assert patch(tus, url, TEXT[:5], 0, Upload_Length=str(len(TEXT))).status_code == 204
    assert patch(tus, url, TEXT[5:9], 5, Upload_Length="999").status_code == 400
    assert tus.head(url, headers=V).headers["Upload-Length"] == str(len(TEXT))


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Length": "3", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {},
    ],
)
def test_length_and_deferral_exclude_each_other(tus: httpx.Client, headers: dict[str, str]) -> None:
    assert tus.post("/api/uploads", headers=V | headers).status_code == 400


# --- checksum -------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5", "sha512"])
def test_bytes_that_match_their_checksum_are_kept(tus: httpx.Client, algorithm: str) -> None:
    url = create(tus)
    answer = tus.patch(
        url, content=TEXT, headers=V | BYTES | {"Upload-Offset": "0"} | checksum(TEXT, algorithm)
    )
    assert answer.status_code == 204


@pytest.mark.parametrize(
    "header", ["sha1 " + base64.b64encode(b"\0" * 20).decode(), "sha1", "sha1 ???", "sha1:YQ=="]
)
def test_bytes_that_do_not_match_are_460_and_do_not_count(tus: httpx.Client, header: str) -> None:
    url = create(tus)
    assert patch(tus, url, TEXT, 0, Upload_Checksum=header).status_code == 460
    assert offset(tus, url) == 0
    assert tus.patch(
        url, content=TEXT, headers=V | BYTES | {"Upload-Offset": "0"} | checksum(TEXT)
    ).headers["Upload-Offset"] == str(len(TEXT))


def test_an_unknown_algorithm_is_400(tus: httpx.Client) -> None:
    assert patch(tus, create(tus), TEXT, 0, Upload_Checksum="crc7 AAAA").status_code == 400


def test_an_empty_chunk_may_have_a_checksum(tus: httpx.Client) -> None:
    headers = V | BYTES | {"Upload-Offset": "0"} | checksum(b"")
    assert tus.patch(create(tus), content=b"", headers=headers).status_code == 204


# --- concatenation --------------------------------------------------------------------------


def part(tus: httpx.Client, data: bytes) -> str:
    url = create(tus, length=len(data), Upload_Concat="partial")
    assert patch(tus, url, data, 0).status_code == 204
    return url


def test_a_part_says_that_it_is_one(tus: httpx.Client) -> None:
    url = create(tus, Upload_Concat="partial")
    assert tus.head(url, headers=V).headers["Upload-Concat"] == "partial"


def test_a_final_upload_is_the_sum_of_its_parts(tus: httpx.Client) -> None:
    parts = [part(tus, TEXT[:7]), part(tus, TEXT[7:])]
    header = f"final;{' '.join(parts)}"
    final = create(tus, length=None, Upload_Concat=header)
    answer = tus.head(final, headers=V)
    assert answer.headers["Upload-Concat"] == header
    assert answer.headers["Upload-Offset"] == answer.headers["Upload-Length"] == str(len(TEXT))


def test_parts_may_be_named_by_path(tus: httpx.Client, instance: Instance) -> None:
    parts = [part(tus, b"a").removeprefix(instance.url), part(tus, b"b")]
    create(tus, length=None, Upload_Concat=f"final;{' '.join(parts)}")


def test_a_final_upload_takes_no_bytes(tus: httpx.Client) -> None:
    final = create(tus, length=None, Upload_Concat=f"final;{part(tus, TEXT)}")
    assert patch(tus, final, b"more", len(TEXT)).status_code == 403


def test_a_final_upload_has_no_length_of_its_own(tus: httpx.Client) -> None:
    headers = V | {"Upload-Concat": f"final;{part(tus, TEXT)}", "Upload-Length": "5"}
    assert tus.post("/api/uploads", headers=headers).status_code == 400


def test_unfinished_or_unknown_parts_cannot_be_joined(tus: httpx.Client) -> None:
    unfinished = create(tus, Upload_Concat="partial")
    unknown = unfinished[:-13] + "0123456789abc"
    for url in (unfinished, unknown):
        answer = tus.post("/api/uploads", headers=V | {"Upload-Concat": f"final;{url}"})
        assert answer.status_code in (400, 404, 409)


def test_parts_may_arrive_side_by_side(tus: httpx.Client) -> None:
    pieces = [TEXT[i : i + 40] for i in range(0, len(TEXT), 40)]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda piece: part(tus, piece), pieces))
    final = create(tus, length=None, Upload_Concat=f"final;{' '.join(parts)}")
    assert offset(tus, final) == len(TEXT)


# --- expiration -----------------------------------------------------------------------------


def test_creation_patch_and_head_tell_when_an_upload_expires(tus: httpx.Client) -> None:
    answer = tus.post("/api/uploads", headers=V | {"Upload-Length": "9"})
    url = answer.headers["Location"]
    for told in (answer, patch(tus, url, b"abc", 0), tus.head(url, headers=V)):
        at = told.headers["Upload-Expires"]
        assert at.endswith("GMT")
        assert parsedate_to_datetime(at) > datetime.now(UTC)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder: Path = tmp_path_factory.mktemp("hasty")
    with (
        running(folder, MEDSTACK_UPLOAD_EXPIRY="1") as instance,
        instance.client(instance.account("dentist")) as client,
    ):
        yield client


def test_an_expired_upload_is_gone(hasty: httpx.Client) -> None:
    url = create(hasty)
    time.sleep(1.6)
    assert hasty.head(url, headers=V).status_code == 410
    assert patch(hasty, url, TEXT, 0).status_code == 410


def test_activity_puts_the_expiry_off(hasty: httpx.Client) -> None:
    url = create(hasty)
    first = hasty.head(url, headers=V).headers["Upload-Expires"]
    time.sleep(0.7)
    assert patch(hasty, url, TEXT[:3], 0).status_code == 204
    time.sleep(0.7)
    answer = hasty.head(url, headers=V)
    assert answer.status_code == 200
    assert parsedate_to_datetime(answer.headers["Upload-Expires"]) >= parsedate_to_datetime(first)


# --- termination ----------------------------------------------------------------------------


def test_a_terminated_upload_is_gone(tus: httpx.Client) -> None:
    url = create(tus)
    assert tus.delete(url, headers=V).status_code == 204
    assert tus.head(url, headers=V).status_code in (404, 410)
    assert patch(tus, url, TEXT, 0).status_code in (404, 410)
    assert tus.delete(url, headers=V).status_code in (404, 410)


def test_a_complete_upload_can_be_terminated(tus: httpx.Client) -> None:
    url = create(tus)
    patch(tus, url, TEXT, 0)
    assert tus.delete(url, headers=V).status_code == 204


# --- ours -----------------------------------------------------------------------------------


def test_unfinished_uploads_can_be_listed_and_resumed_elsewhere(
    tus: httpx.Client, instance: Instance
) -> None:
    url = create(tus, Upload_Metadata=metadata(filename="elsewhere.txt"))
    patch(tus, url, TEXT[:11], 0)
    token = tus.headers["Authorization"].removeprefix("Bearer ")
    with instance.client(token) as other_browser:
        listed = {item["url"]: item for item in other_browser.get("/api/uploads").json()["items"]}
        assert listed[url]["offset"] == 11
        assert listed[url]["fileName"] == "elsewhere.txt"
        assert patch(other_browser, url, TEXT[11:], 11).status_code == 204
        unfinished = other_browser.get("/api/uploads").json()["items"]
        assert url not in {item["url"] for item in unfinished}


def test_nobody_else_sees_an_upload(tus: httpx.Client, instance: Instance) -> None:
    url = create(tus)
    with instance.client(instance.account("dentist")) as other:
        assert other.head(url, headers=V).status_code == 404
        assert url not in {item["url"] for item in other.get("/api/uploads").json()["items"]}


def test_a_newer_request_takes_over_from_one_that_hangs(
    tus: httpx.Client, instance: Instance
) -> None:
    import socket

    url = create(tus, length=5_000_000)
    path = url.removeprefix(instance.url)
    hanging = socket.create_connection(("127.0.0.1", instance.port))
    hanging.sendall(
        f"PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: 5000000\r\n"
        f"Authorization: {tus.headers['Authorization']}\r\n\r\n".encode()
        + b"x" * 1_500_000
    )
    time.sleep(0.5)
    at = offset(tus, url)
    assert at == 1_500_000
    assert patch(tus, url, b"y" * 3_500_000, at).status_code == 204
    hanging.close()
