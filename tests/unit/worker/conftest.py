"""One sandbox for the folder: starting its zygote costs more than all the tests in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.worker import hostile_tasks

from medstack.worker.sandbox import Limits, ProcessSandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    with ProcessSandbox(modules=(hostile_tasks.__name__,), limits=Limits(seconds=5.0)) as made:
        yield made


@pytest.fixture(scope="session")
def hasty() -> Iterator[ProcessSandbox]:
    """Gives a task two seconds."""
    modules = (hostile_tasks.__name__,)
    with ProcessSandbox(modules=modules, preload=(), limits=Limits(seconds=2.0)) as made:
        yield made
