"""One transaction as the rooms see it: statements, and what waits for the commit."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, CursorResult, Executable, func, select

from medstack.kit import log

Dialect = Literal["sqlite", "postgresql"]
Params = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Hook = Callable[[], None]


class Tx:
    """Handed down by a flow; never kept, never shared between threads."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        *,
        may_write: bool,
        call: Callable[[str], None],
    ) -> None:
        self.connection = connection
        self.dialect: Dialect = dialect
        self.may_write = may_write
        self._call = call
        self._signals: set[str] = set()
        self._before: list[Hook] = []
        self._after: list[Hook] = []

    # Row types are checked where a room turns rows into values, hence Any.
    def execute(self, stmt: Executable, params: Params | None = None) -> CursorResult[Any]:
        """Run one statement; a sequence of params runs it once for each.

        Raises the problems of `db.problems`, and IntegrityError for a broken constraint.
        """
        return self.connection.execute(stmt, params)

    def exclusive(self, name: str) -> None:
        """Wait until no other transaction holds `name`; it is held until this one ends.

        For rules that span rows, such as a log that must not fork. Raises DatabaseBusy.
        """
        self._must_write("take a lock")
        if self.dialect == "postgresql":
            self.execute(select(func.pg_advisory_xact_lock(zlib.crc32(name.encode()))))
        # SQLite admits one writer at a time: this transaction already is alone.

    def before_commit(self, hook: Hook) -> None:
        """Run `hook` last thing inside the transaction, in order of registration.

        What it raises undoes the transaction. A hook may register further hooks.
        """
        self._must_write("wait for a commit")
        self._before.append(hook)

    def after_commit(self, hook: Hook) -> None:
        """Run `hook` once the commit is durable; never if the transaction is undone.

        The commit stands whatever a hook does, so its exception is logged, not raised.
        """
        self._must_write("wait for a commit")
        self._after.append(hook)

    def signal(self, name: str) -> None:
        """Tell this process's subscribers to `name` once the commit is durable; once at most.

        A hint that saves a poll, no message: other processes do not hear it.
        """
        if name not in self._signals:
            self._signals.add(name)
            self.after_commit(lambda: self._call(name))

    def _must_write(self, verb: str) -> None:
        if not self.may_write:
            raise RuntimeError(f"a reading transaction cannot {verb}")

    def run_before(self) -> None:
        """For Database only: run the hooks that belong inside the transaction."""
        while self._before:
            self._before.pop(0)()

    def run_after(self) -> None:
        """For Database only: run the hooks that follow the commit."""
        while self._after:
            hook = self._after.pop(0)
            try:
                hook()
            except Exception as error:  # noqa: BLE001 - the commit stands
                log.failure("db.after_commit", error)
