"""Blocks written in a thread of their own, so that sealing goes on while the disk works."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

from medstack.vault.stores.contract import ObjectWriter

WORTH_A_THREAD_BYTES = 256 * 1024


class WriteBehind:
    """One object on its way in: one block is being written while the next one is made.

    A block must stay as it is until the call after the one that brought it returns. What fails
    is raised by that call. Not to be shared between threads.
    """

    def __init__(self, writer: ObjectWriter) -> None:
        self._writer = writer
        self._thread: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None

    def write(self, block: memoryview) -> None:
        """Raises what the write before raised: StorageFull, StorageFailed."""
        self._wait()
        if len(block) < WORTH_A_THREAD_BYTES:
            self._writer.write(block)
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="vault-write")
        self._writing = self._thread.submit(self._writer.write, block)

    def finish(self) -> int:
        """Publish the object, durably; returns its size. Raises as ObjectWriter does."""
        try:
            self._wait()
            return self._writer.finish()
        finally:
            self._end()

    def abort(self) -> None:
        """Abandon the object once nothing writes to it; harmless after `finish`."""
        if self._writing is not None:
            wait([self._writing])  # its error is of no interest any more
            self._writing = None
        self._writer.abort()
        self._end()

    def _wait(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _end(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None
