"""Running a parser somewhere it can do no harm: the contract and its in-process double.

A task is a public top-level function `task(source, **params)` that returns a value
msgspec can carry, or an iterator of such values. The real sandbox (in `worker/`) runs it in a
disposable process without keys, database, network or files; `InProcess` runs it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from medstack.kit.errors import Invalid
from medstack.kit.streams import Source

T = TypeVar("T")
Param = str | int | float | bool | None


class ParserDied(Invalid):
    """The file drove its parser over a limit or into a crash. `facts`: why = time|memory|crash."""

    code = "parser-died"
    title = "The file could not be read safely"


class Sandbox(Protocol):
    def run(self, task: Callable[..., T], source: Source, **params: Param) -> T:
        """Run `task(source, **params)` apart and return its value.

        A Problem raised by the task is raised here with its class, detail and facts.
        Raises ParserDied when the process is stopped by a limit or dies.
        """
        ...

    def stream(
        self, task: Callable[..., Iterator[T]], source: Source, **params: Param
    ) -> Iterator[T]:
        """Like run, for a task that yields; values arrive one by one, with back-pressure."""
        ...


class InProcess:
    """No walls at all: the double for tests of what runs inside."""

    def run(self, task: Callable[..., T], source: Source, **params: Param) -> T:
        return task(source, **params)

    def stream(
        self, task: Callable[..., Iterator[T]], source: Source, **params: Any
    ) -> Iterator[T]:
        yield from task(source, **params)
