"""The status page: strict about where things come from, silent about the machine."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from tests.unit.web.browser import Browser, refused
from tests.unit.web.conftest import NewBrowser

PAGES = ("/", "/docs")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_only_our_own_scripts_and_styles(visitor: Browser, path: str) -> None:
    policy = visitor.get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "style-src 'self';" in policy
    assert "unsafe-inline" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_inline_script_or_style_and_loads_nothing_from_elsewhere(
    visitor: Browser, path: str
) -> None:
    page = visitor.get(path).text
    assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", page)
    assert not re.findall(r"""(?:src|href)=["'](?!/|#)""", page)


def test_everything_the_pages_name_is_served(visitor: Browser) -> None:
    named = {n for path in PAGES for n in re.findall(r'"(/static/[^"]+)"', visitor.get(path).text)}
    named |= set(re.findall(r'url\("([^"]+)"\)', visitor.get("/static/status.css").text))
    assert len(named) >= 6
    assert {visitor.get(path).status_code for path in named} == {200}


def test_the_practice_name_is_text_not_markup(new_browser: NewBrowser) -> None:
    page = new_browser(practice_name="<script>alert(1)</script>").get("/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_no_literal_colour_stands_outside_the_tokens() -> None:
    css = (files("medstack.web") / "static" / "status.css").read_text()
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgb\(|hsl\(", css)


def test_a_static_file_is_not_sent_twice(visitor: Browser) -> None:
    etag = visitor.get("/static/status.js").headers["etag"]
    assert visitor.get("/static/status.js", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize(
    "name", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "index.html", "fonts", "x%00.js"]
)
def test_no_other_file_is_ever_served(visitor: Browser, name: str) -> None:
    refused(visitor.get(f"/static/{name}"), 404, "not-found")


def test_figures_are_for_this_machine_only(visitor: Browser, new_browser: NewBrowser) -> None:
    assert "medstack_http_requests_total" in visitor.get("/metrics").text
    refused(new_browser(address="192.0.2.8").get("/metrics"), 404, "not-found")
    passed_on = visitor.get("/metrics", headers={"X-Forwarded-For": "192.0.2.8"})
    refused(passed_on, 404, "not-found")
