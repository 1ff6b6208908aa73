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
    """No walls at all: the double for tests of what runs inside.

    Like the real one it raises what reading the source raised, whatever the task made of that.
    """

    def run(self, task: Callable[..., T], source: Source, **params: Param) -> T:
        watched = _Watched(source)
        try:
            return task(watched, **params)
        finally:
            watched.raise_failure()

    def stream(
        self, task: Callable[..., Iterator[T]], source: Source, **params: Any
    ) -> Iterator[T]:
        watched = _Watched(source)
        try:
            yield from task(watched, **params)
        finally:
            watched.raise_failure()


class _Watched:
    """A source that remembers its first failure: a parser would take it for a bad file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._failure: Exception | None = None

    @property
    def size(self) -> int:
        return self._source.size

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            return self._source.read_at(offset, length)
        except Exception as error:
            self._failure = self._failure or error
            raise

    def close(self) -> None:
        """The source is its owner's to close."""

    def raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
