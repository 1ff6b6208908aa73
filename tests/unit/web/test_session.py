"""Signing in and out: one refusal for every wrong way in, and a session nobody can borrow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.web.browser import PASSWORD, Browser, refused
from tests.unit.web.conftest import OWN, NewBrowser, email_of

from medstack import audit, people
from medstack.audit import Action, Filter
from medstack.flows import signin
from medstack.flows.house import House
from medstack.kit.actor import SYSTEM, Role
from medstack.kit.clock import SetClock

DENTIST = email_of(Role.DENTIST)


def _actions(house: House) -> list[str]:
    with house.db.read() as tx:
        return [event.action for event in audit.listing(tx, Filter(), limit=100)]


def test_the_right_password_opens_a_session(practice: House, visitor: Browser) -> None:
    answer = visitor.sign_in(DENTIST, PASSWORD)
    assert answer.status_code == 200
    assert answer.json()["user"]["role"] == "dentist"
    assert visitor.get("/api/session").json()["user"]["email"] == DENTIST
    assert _actions(practice)[0] == Action.SESSION_OPENED


def test_a_patient_is_told_which_chart_is_his(patient: Browser) -> None:
    assert patient.get("/api/session").json()["user"]["patientId"] == OWN


@pytest.mark.parametrize(
    ("email", "password"),
    [(DENTIST, "not the password"), ("nobody@practice.test", PASSWORD), ("'; --", PASSWORD)],
)
def test_a_wrong_password_and_an_unknown_address_read_the_same(
    practice: House, visitor: Browser, email: str, password: str
) -> None:
    answer = visitor.sign_in(email, password)
    assert refused(answer, 401, "sign-in-refused")["detail"] == ""
    assert "set-cookie" not in answer.headers
    assert _actions(practice)[0] == Action.SESSION_REFUSED


def test_a_disabled_account_reads_the_same_too(practice: House, visitor: Browser) -> None:
    with practice.db.begin() as tx:
        people.save_account(tx, replace(people.find_account(tx, DENTIST), is_enabled=False))
    refused(visitor.sign_in(DENTIST, PASSWORD), 401, "sign-in-refused")


def test_after_five_wrong_passwords_the_right_one_must_wait(
    practice: House, visitor: Browser, clock: SetClock
) -> None:
    for _ in range(5):
        refused(visitor.sign_in(DENTIST, "wrong"), 401, "sign-in-refused")
    answer = visitor.sign_in(DENTIST, PASSWORD)
    refused(answer, 429, "too-many-attempts")
    wait_s = int(answer.headers["retry-after"])
    clock.advance(wait_s + 1)
    assert visitor.sign_in(DENTIST, PASSWORD).status_code == 200


def test_the_cookie_is_for_this_site_and_for_no_script(practice: House, visitor: Browser) -> None:
    cookie = visitor.sign_in(DENTIST, PASSWORD).headers["set-cookie"]
    assert cookie.startswith("medstack=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))


def test_under_tls_the_cookie_is_bound_to_the_host(
    practice: House, new_browser: NewBrowser
) -> None:
    browser = new_browser(public_url="https://vault.example")
    cookie = browser.sign_in(DENTIST, PASSWORD).headers["set-cookie"]
    assert cookie.startswith("__Host-medstack=")
    assert "Secure" in cookie.split("; ")


def test_without_a_session_there_is_nothing_to_see(visitor: Browser) -> None:
    answer = visitor.get("/api/session")
    refused(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("shown", ["Basic abc", "Bearer", "Bearer ", "Bearer nonsense", "mst_x"])
def test_a_bad_authorization_header_is_401(visitor: Browser, shown: str) -> None:
    refused(visitor.get("/api/session", headers={"Authorization": shown}), 401, "unauthenticated")


def test_a_bearer_token_needs_no_csrf_token(practice: House, visitor: Browser) -> None:
    _, secret = signin.create_token(practice, SYSTEM, DENTIST, name="test", ttl=timedelta(hours=1))
    visitor.bearer = secret
    assert visitor.get("/api/session").json()["csrfToken"] is None
    assert visitor.delete("/api/session").status_code == 204
    refused(visitor.get("/api/session"), 401, "unauthenticated")


def test_a_bearer_token_ends_with_its_time(
    practice: House, visitor: Browser, clock: SetClock
) -> None:
    _, visitor.bearer = signin.create_token(
        practice, SYSTEM, DENTIST, name="test", ttl=timedelta(hours=1)
    )
    clock.advance(3601)
    refused(visitor.get("/api/session"), 401, "unauthenticated")


def test_a_change_without_the_csrf_token_is_refused(dentist: Browser) -> None:
    dentist.csrf = ""
    refused(dentist.delete("/api/session"), 403, "cross-site")
    dentist.csrf = "f" * 64
    refused(dentist.delete("/api/session"), 403, "cross-site")
    assert dentist.get("/api/session").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_change_from_another_site_is_refused_even_with_the_token(
    dentist: Browser, headers: dict[str, str]
) -> None:
    refused(dentist.delete("/api/session", headers=headers), 403, "cross-site")


def test_nobody_can_be_signed_in_from_another_site(practice: House, visitor: Browser) -> None:
    body = {"email": DENTIST, "password": PASSWORD}
    answer = visitor.post("/api/session", json=body, headers={"Origin": "https://evil.example"})
    refused(answer, 403, "cross-site")


def test_our_own_pages_may_change_things(dentist: Browser) -> None:
    headers = {"Origin": "http://127.0.0.1:8470", "Sec-Fetch-Site": "same-origin"}
    assert dentist.delete("/api/session", headers=headers).status_code == 204


def test_signing_out_ends_the_session_and_clears_the_browser(dentist: Browser) -> None:
    secret = dentist.cookies["medstack"]
    answer = dentist.delete("/api/session")
    assert answer.status_code == 204
    assert "storage" in answer.headers["clear-site-data"]
    refused(dentist.get("/api/session"), 401, "unauthenticated")
    dentist.cookies.set("medstack", secret)
    refused(dentist.get("/api/session"), 401, "unauthenticated")


def test_signing_out_everywhere_ends_the_other_browser_too(
    signed_in: Callable[[Role], Browser],
) -> None:
    here, there = signed_in(Role.DENTIST), signed_in(Role.DENTIST)
    assert len(here.get("/api/sessions").json()["items"]) == 2
    assert here.delete("/api/sessions").status_code == 204
    refused(there.get("/api/session"), 401, "unauthenticated")


def test_one_session_can_be_ended_from_another(signed_in: Callable[[Role], Browser]) -> None:
    here, there = signed_in(Role.DENTIST), signed_in(Role.DENTIST)
    (other,) = (s for s in here.get("/api/sessions").json()["items"] if not s["isThis"])
    assert here.delete(f"/api/sessions/{other['id']}").status_code == 204
    refused(there.get("/api/session"), 401, "unauthenticated")


def test_another_persons_session_is_not_there(dentist: Browser, staff: Browser) -> None:
    (theirs,) = staff.get("/api/sessions").json()["items"]
    refused(dentist.delete(f"/api/sessions/{theirs['id']}"), 404, "not-found")
    assert staff.get("/api/session").status_code == 200


def test_an_idle_session_ends(dentist: Browser, clock: SetClock) -> None:
    clock.advance(14 * 60)
    assert dentist.get("/api/session").status_code == 200
    clock.advance(14 * 60)
    assert dentist.get("/api/session").status_code == 200
    clock.advance(16 * 60)
    refused(dentist.get("/api/session"), 401, "unauthenticated")


def test_a_stream_of_events_ends_with_its_session(dentist: Browser, clock: SetClock) -> None:
    clock.advance(14 * 60)
    dentist.get("/api/session")
    threading.Timer(0.1, clock.advance, (16 * 60,)).start()
    answer = dentist.get("/api/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("event: signed-out\ndata: {}\n\n")


def test_a_last_event_id_that_is_none_is_refused(dentist: Browser) -> None:
    refused(dentist.get("/api/events", headers={"Last-Event-ID": "x"}), 422, "bad-id")
