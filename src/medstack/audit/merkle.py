"""The Merkle tree under the audit log: hashes, the growing edge, proofs.

Pure arithmetic on bytes; opens no table and knows no event. A leaf and an inner node are
hashed under different prefixes, so neither can pass for the other.
Source: RFC 6962 section 2.1; proof checks as in RFC 9162 sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

SubtreeHash = Callable[[int, int], bytes]
"""Hash of the leaves [start, end), a complete subtree or the ragged right edge."""


def leaf_hash(body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """The roots of the complete subtrees a tree is made of, largest first.

    All that is needed to append and to know the root: at most 63 hashes, however long the log.
    """

    size: int = 0  # leaves so far
    peaks: tuple[bytes, ...] = ()  # one for every 1 in the binary form of size

    def __post_init__(self) -> None:
        fits = len(self.peaks) == self.size.bit_count()
        if self.size < 0 or not fits or any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError("these peaks do not belong to a tree of this size")

    def append(self, leaf: bytes) -> Edge:
        """The edge after one more leaf hash."""
        peaks = list(self.peaks)
        carried, size = leaf, self.size
        while size & 1:
            carried = node_hash(peaks.pop(), carried)
            size >>= 1
        return Edge(size=self.size + 1, peaks=(*peaks, carried))

    def extend(self, leaves: Iterable[bytes]) -> Edge:
        edge = self
        for leaf in leaves:
            edge = edge.append(leaf)
        return edge

    @property
    def root(self) -> bytes:
        """The tree's root hash; of the empty tree, the hash of nothing."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, packed: bytes) -> Edge:
        """Read back `to_bytes`. Raises ValueError if it does not fit `size`."""
        if len(packed) % HASH_BYTES:
            raise ValueError("peaks are 32 bytes each")
        cut = range(0, len(packed), HASH_BYTES)
        return cls(size=size, peaks=tuple(packed[i : i + HASH_BYTES] for i in cut))


def complete_root(leaves: Sequence[bytes]) -> bytes:
    """The root over a power of two of leaf hashes, level by level: faster than an Edge."""
    level = list(leaves)
    while len(level) > 1:
        pairs = range(0, len(level), 2)
        level = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in pairs]
    return level[0]


def split(size: int) -> int:
    """The largest power of two smaller than `size`; where a tree of size > 1 divides."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: SubtreeHash) -> tuple[bytes, ...]:
    """The path from leaf `index` to the root of the first `size` leaves, leaf end first.

    Raises ValueError unless 0 <= index < size.
    Source: RFC 6962 2.1.1.
    """
    if not 0 <= index < size:
        raise ValueError("a leaf's index lies inside its tree")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, size: int, subtree: SubtreeHash) -> tuple[bytes, ...]:
    """What shows that the tree of `size` leaves begins with the tree of `old`.

    Empty when old == size. Raises ValueError unless 0 < old <= size.
    Source: RFC 6962 2.1.2.
    """
    if not 0 < old <= size:
        raise ValueError("the old tree holds at least one leaf and lies inside the new one")
    path: list[bytes] = []
    start, end, is_whole = 0, size, True
    while old != end:
        middle = start + split(end - start)
        if old <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start, is_whole = middle, False
    if not is_whole:
        path.append(subtree(start, end))
    return tuple(reversed(path))


def is_included(leaf: bytes, *, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Check an inclusion proof against a root one trusts. Source: RFC 9162 2.1.3.2."""
    if not 0 <= index < size:
        return False
    place, last, value = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if place & 1 or place == last:
            value = node_hash(step, value)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            value = node_hash(value, step)
        place, last = place >> 1, last >> 1
    return last == 0 and value == root


def is_consistent(
    *, old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Check that the tree of `size` leaves continues the tree of `old`.

    Source: RFC 9162 2.1.4.2.
    """
    if not 0 < old <= size:
        return False
    if old == size:
        return not proof and old_root == root
    steps = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not steps:
        return False
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, step)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == root
