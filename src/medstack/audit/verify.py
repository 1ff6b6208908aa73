"""Verification: is the log what was written, all of it, in order?

Whatever does not decode was tampered with, and is a finding, never an exception. Without a
checkpoint kept elsewhere an edit, a gap or a swap shows; a log cut short or wholly rewritten by
somebody who may write to this database shows only against such a checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError

from medstack.audit import body as bodies
from medstack.audit import merkle, notes, raw, store
from medstack.audit.body import Body
from medstack.audit.merkle import Edge
from medstack.audit.model import MAX_FINDINGS, Fault, Finding, VerifyReport
from medstack.audit.raw import RawEvent
from medstack.db import Tx


def verify(
    tx: Tx,
    *,
    verifier: notes.Verifier,
    checkpoint: str | None = None,
    since: str | None = None,
) -> VerifyReport:
    """Check the log as this transaction's snapshot shows it.

    verifier: the public key of the log's checkpoints.
    checkpoint: a signed note kept outside this database; the log must still continue it.
    since: a signed note of a log that was verified then: bodies before it are not read again,
        only their stored hashes are held to its root. None reads everything.
    """
    walk = _Walk(tx)
    try:
        if since is not None:
            walk.resume(verifier, since)
        walk.trust(verifier, [note for note in (checkpoint, since) if note is not None])
        walk.go()
    except DBAPIError as error:
        walk.report(Fault.UNREADABLE, detail=type(error.orig).__name__)
    return walk.outcome()


class _Walk:
    """One pass over the log, from leaf to leaf."""

    def __init__(self, tx: Tx) -> None:
        self.tx = tx
        self.tiles = Edge()  # of the full tiles read: its leaves are their hashes
        self.leaves: list[bytes] = []  # of the tile being read
        self.times: list[int] = []  # of its events
        self.start = 0  # first event whose body is read
        self.next_seq = 0
        self.is_gapless = True  # as long as it is, edge is the tree of what was written
        self.vouched: dict[int, set[bytes]] = {}  # size -> roots that checkpoints state
        self.agreed = self.erased = self.subjects = self.details = 0
        self.findings: list[Finding] = []

    @property
    def size(self) -> int:
        return self.tiles.size * store.TILE_LEAVES + len(self.leaves)

    @property
    def edge(self) -> Edge:
        """The tree of what has been read: tiles are its peaks from 256 leaves up."""
        peaks = (*self.tiles.peaks, *Edge().extend(self.leaves).peaks)
        return Edge(size=self.size, peaks=peaks)

    def report(self, fault: Fault, seq: int | None = None, detail: str = "") -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(fault=fault, seq=seq, detail=detail))

    def outcome(self) -> VerifyReport:
        return VerifyReport(
            size=self.size,
            root=self.edge.root,
            checked_from=self.start,
            checkpoints=self.agreed,
            erased_details=self.erased,
            findings=tuple(self.findings),
        )

    def trust(self, verifier: notes.Verifier, given: Sequence[str]) -> None:
        """Remember what checkpoints state: those given, and those stored from here on."""
        told = [text.encode("utf-8", "surrogatepass") for text in given]
        for note in [*told, *raw.stored_notes(self.tx, self.start)]:
            try:
                stated = notes.read_checkpoint(note.decode(), verifier)
            except (notes.BadCheckpoint, UnicodeDecodeError) as error:
                self.report(Fault.CHECKPOINT, detail=type(error).__name__)
                continue
            self.vouched.setdefault(stated.size, set()).add(stated.root)

    def resume(self, verifier: notes.Verifier, note: str) -> None:
        """Start at the last full tile before a checkpoint, if stored hashes have its root."""
        try:
            stated = notes.read_checkpoint(note, verifier)
            start = stated.size - stated.size % store.TILE_LEAVES
            peaks = store.edge_at(self.tx, start).peaks
            root = store.edge_at(self.tx, stated.size).root
        except (notes.BadCheckpoint, store.LogDamaged):
            return  # read everything: that will say what is wrong, and where
        if root == stated.root:
            self.tiles = Edge(size=start // store.TILE_LEAVES, peaks=peaks)
            self.start = self.next_seq = start

    def go(self) -> None:
        for size in [size for size in self.vouched if size < self.start]:
            self._look_back(size)
        self._compare(self.size, self.edge.root)
        for batch in raw.batches(self.tx, self.start):
            found = [self._read(event) for event in batch]
            self._check_subjects(batch, [body for body in found if body is not None])
        self._check_end()

    def _look_back(self, size: int) -> None:
        """Hold an older checkpoint to the hashes stored before the start."""
        try:
            root = store.edge_at(self.tx, size).root
        except store.LogDamaged:
            self.report(Fault.MISSING, detail=f"hashes of the first {size} events are gone")
        else:
            self._compare(size, root)

    def _read(self, event: RawEvent) -> Body | None:
        if event.seq != self.next_seq:
            self._note_gap(event.seq)
        self.next_seq = event.seq + 1
        if event.details is not None:
            self.details += 1
        leaf = merkle.leaf_hash(event.body)
        try:
            body = bodies.decode(event.body)
        except ValueError:
            body = None
            self.report(Fault.EDITED, event.seq, "the body is no event")
        if body is not None:
            self._check_row(event, body, leaf)
            self.times.append(body.at)
        self._grow(leaf)
        return body

    def _note_gap(self, seq: int) -> None:
        self.is_gapless = False
        if seq < self.next_seq:
            self.report(Fault.SURPLUS, seq, "a number before the first")
        else:
            self.report(Fault.MISSING, self.next_seq, f"{seq - self.next_seq} events are gone")

    def _check_row(self, event: RawEvent, body: Body, leaf: bytes) -> None:
        if not event.is_blob or event.leaf_hash != leaf:
            self.report(Fault.EDITED, event.seq, "the body is not what its hash says")
        if body.seq != event.seq:
            self.report(Fault.MISPLACED, event.seq, f"written as event {body.seq}")
        beside = (event.at, event.actor_id, event.action)
        if beside != (_text(body.at), _text(body.actor), _text(body.action)):
            self.report(Fault.EDITED, event.seq, "a column differs from the body")
        self._check_details(event, body)

    def _check_details(self, event: RawEvent, body: Body) -> None:
        if event.details is None or event.salt is None:
            self.erased += bool(body.details)
        elif bodies.commitment(event.salt, event.details) != body.details:
            self.report(Fault.EDITED, event.seq, "the details are not those committed to")

    def _grow(self, leaf: bytes) -> None:
        if not self.is_gapless:
            return
        self.leaves.append(leaf)
        if len(self.leaves) == store.TILE_LEAVES:
            self._close_tile()
        if self.size in self.vouched:
            self._compare(self.size, self.edge.root)

    def _close_tile(self) -> None:
        root = merkle.complete_root(self.leaves)
        if len(self.times) == store.TILE_LEAVES:  # else a body was unreadable, and is reported
            stored = raw.tile(self.tx, self.tiles.size)
            if stored != (root, _text(min(self.times)), _text(max(self.times))):
                self.report(Fault.EDITED, self.next_seq - 1, "a sum of 256 events differs")
        self.tiles = self.tiles.append(root)
        self.leaves, self.times = [], []

    def _compare(self, size: int, root: bytes) -> None:
        """Hold the tree at one size to what checkpoints state of it."""
        for stated in self.vouched.pop(size, ()):
            if stated == root:
                self.agreed += 1
            else:
                self.report(Fault.REWRITTEN, detail=f"not the first {size} events that were signed")

    def _check_subjects(self, batch: Sequence[RawEvent], found: Sequence[Body]) -> None:
        written = {(b.seq, b"r", _text(key)) for b in found for key in b.records}
        written |= {(b.seq, b"p", _text(key)) for b in found for key in b.patients}
        stored = raw.touched(self.tx, batch[0].seq, batch[-1].seq)
        self.subjects += len(stored)
        for seq in sorted({row[0] for row in written ^ stored}):
            self.report(Fault.EDITED, seq, "the subjects differ from the body")

    def _check_end(self) -> None:
        for size in sorted(size for size in self.vouched if size > self.size):
            if self.is_gapless:
                self.report(Fault.TRUNCATED, self.size, f"{size} events were signed")
        self._check_head()
        if not self.start and raw.counts(self.tx) != (self.subjects, self.details):
            self.report(Fault.SURPLUS, detail="subjects or details without an event")

    def _check_head(self) -> None:
        head = raw.stored_head(self.tx)
        if head is None:
            if self.next_seq:
                self.report(Fault.HEAD, detail="the head is gone")
            return
        size, peaks = head
        if not self.is_gapless:
            return  # said already, event by event
        if size != _text(self.size):
            is_short = size.isdigit() and int(size) > self.size
            fault = Fault.TRUNCATED if is_short else Fault.SURPLUS
            self.report(fault, self.size, "the head counts other events")
        elif peaks != self.edge.to_bytes():
            self.report(Fault.HEAD, detail="the root is not that of the events")


def _text(value: int | str) -> bytes:
    return str(value).encode()
