"""One running instance for each module that only knocks, and the JavaScript clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.outside.instance import Instance, running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/outside" in item.path.as_posix():
            item.add_marker(pytest.mark.outside)
            item.add_marker(pytest.mark.xdist_group(item.path.name))


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    with running(tmp_path_factory.mktemp("instance")) as started:
        yield started


@pytest.fixture(scope="module")
def admin(instance: Instance) -> Iterator[httpx.Client]:
    with instance.client(instance.account("admin")) as client:
        yield client


@pytest.fixture(scope="module")
def dentist(instance: Instance) -> Iterator[httpx.Client]:
    with instance.client(instance.account("dentist")) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
