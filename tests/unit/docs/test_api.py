"""docs/api.md lists every route and every error code, and none that is gone."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

from litestar import Litestar
from litestar.routes import HTTPRoute
from tests.unit.docs.pages import codes, first_codes, page, rows, section

import medstack
from medstack.flows import stages, tending
from medstack.jobs.rules import POISONED, UNEXPECTED
from medstack.kit.errors import Problem, leaves
from medstack.scanners.contract import Outcome
from medstack.web.identity import Asked
from medstack.web.problems import status_of
from medstack.web.routes import HANDLERS

API = page("api.md")
INTERNAL = ("internal", 500, "Something broke on our side")


def every_problem() -> list[type[Problem]]:
    """Every deliberate error of every module."""
    for module in pkgutil.walk_packages(medstack.__path__, "medstack."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    return [leaf for leaf in leaves() if leaf.__module__.startswith("medstack.")]


def test_every_error_code_is_told_with_its_status() -> None:
    told = [(codes(code)[0], int(status)) for code, status, _ in rows(section(API, "Errors"))]
    assert len(told) == len(set(told)), "told twice"
    real = {(leaf.code, status_of(leaf.__new__(leaf))) for leaf in every_problem()}
    assert set(told) == real | {INTERNAL[:2]}


def test_every_error_code_is_told_with_its_title() -> None:
    titles: dict[str, set[str]] = {INTERNAL[0]: {INTERNAL[2]}}
    for leaf in every_problem():
        titles.setdefault(leaf.code, set()).add(leaf.title)
    for code, _, title in rows(section(API, "Errors")):
        assert title in titles[codes(code)[0]]


def routes() -> Iterator[str]:
    """`GET /api/…` for all of ours; what the framework answers to OPTIONS by itself is not."""
    made = Litestar(route_handlers=list(HANDLERS), request_class=Asked, openapi_config=None)
    for route in made.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            if handler.fn.__module__.startswith("medstack."):
                yield from (f"{method} {route.path_format}" for method in handler.http_methods)


def test_every_route_is_told() -> None:
    told = first_codes(section(API, "Routes"))
    assert len(told) == len(set(told)), "told twice"
    assert set(told) == set(routes())


def test_every_route_is_told_in_words() -> None:
    assert [cells[0] for cells in rows(section(API, "Routes")) if len(cells[1]) < 8] == []


def test_every_reason_a_record_stops_for_is_told() -> None:
    told = set(first_codes(section(API, "Reasons a record stopped")))
    scans = {f"scan-{outcome}" for outcome in Outcome if outcome is not Outcome.CLEAN}
    own = tending.PASSING | {POISONED, UNEXPECTED}
    assert told - scans - own == {"wrong-patient"}
    assert scans | own < told
    assert '"wrong-patient"' in inspect.getsource(stages)
