"""Digital impressions: an arch as a closed triangle mesh, in binary and ASCII STL."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from medstack.demo.files import mouth
from medstack.demo.files.film import blurred
from medstack.demo.files.noise import Plane

Triangles = NDArray[np.float32]  # (faces, 3 corners, 3)
_FACE = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def mesh(
    rng: np.random.Generator, *, is_upper: bool, missing: frozenset[int] = frozenset(), step: float
) -> Triangles:
    """A watertight arch on its base. step: mm between samples (0.45 gives some 50 000 faces)."""
    xs = np.arange(-52, 52 + step, step, dtype=np.float32)
    ys = np.arange(-14, 66 + step, step, dtype=np.float32)
    x, y = np.meshgrid(xs, ys)
    surface = mouth.arch(x, y, is_upper=is_upper, missing=missing, rng=rng)
    inside = surface.edge < 0
    inside[[0, -1]] = inside[:, [0, -1]] = False
    cells = inside[:-1, :-1] & inside[1:, :-1] & inside[:-1, 1:] & inside[1:, 1:]
    x, y = _trimmed(x, y, surface.edge, cells, step)
    top = np.stack([x, y, blurred(surface.height, 0.7)], axis=-1)
    base = np.stack([x, y, np.full_like(x, -6.0)], axis=-1)
    faces = [*_sheet(top, cells), *(sheet[:, ::-1] for sheet in _sheet(base, cells))]
    faces += _walls(top, base, cells)
    return np.concatenate(faces).astype(np.float32)


def binary_stl(triangles: Triangles, title: str) -> bytes:
    faces = np.zeros(len(triangles), _FACE)
    faces["normal"] = _normals(triangles)
    faces["corners"] = triangles
    header = title.encode("ascii")[:80].ljust(80, b" ")
    return header + len(faces).to_bytes(4, "little") + faces.tobytes()


def ascii_stl(triangles: Triangles, title: str) -> bytes:
    lines = [f"solid {title}"]
    for normal, corners in zip(_normals(triangles), triangles, strict=True):
        lines.append("  facet normal {:.5f} {:.5f} {:.5f}".format(*normal))
        lines.append("    outer loop")
        lines.extend("      vertex {:.4f} {:.4f} {:.4f}".format(*corner) for corner in corners)
        lines += ["    endloop", "  endfacet"]
    return "\n".join([*lines, f"endsolid {title}", ""]).encode("ascii")


def _trimmed(
    x: Plane, y: Plane, edge: Plane, cells: NDArray[np.bool_], step: float
) -> tuple[Plane, Plane]:
    """Move the samples on the rim onto the outline itself, so that it runs smoothly."""
    around = np.pad(cells, 1)
    corners = (around[:-1, :-1], around[:-1, 1:], around[1:, :-1], around[1:, 1:])
    is_rim = np.logical_or.reduce(corners) & ~np.logical_and.reduce(corners)
    down, across = np.gradient(edge, step)
    share = np.where(is_rim, edge / np.maximum(across**2 + down**2, 0.25), 0)
    share = np.clip(share, -1.5 * step, 1.5 * step)
    return (x - share * across).astype(np.float32), (y - share * down).astype(np.float32)


def _normals(triangles: Triangles) -> NDArray[np.float32]:
    first, second, third = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    across = np.cross(second - first, third - first)
    length = np.linalg.norm(across, axis=1, keepdims=True)
    return np.asarray(across / np.maximum(length, 1e-9), np.float32)


def _sheet(grid: NDArray[np.float32], cells: NDArray[np.bool_]) -> list[Triangles]:
    """Two triangles for each cell, seen from above."""
    a, b = grid[:-1, :-1][cells], grid[:-1, 1:][cells]
    c, d = grid[1:, 1:][cells], grid[1:, :-1][cells]
    return [np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)]


def _walls(
    top: NDArray[np.float32], base: NDArray[np.float32], cells: NDArray[np.bool_]
) -> list[Triangles]:
    """Close the rim: a wall below each side of a cell that has no neighbour there."""
    padded = np.pad(cells, 1)
    here = padded[1:-1, 1:-1]
    sides = (
        (padded[:-2, 1:-1], (0, 0), (0, 1)),
        (padded[1:-1, 2:], (0, 1), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (1, 0)),
        (padded[1:-1, :-2], (1, 0), (0, 0)),
    )
    found = []
    rows, columns = cells.shape
    for neighbour, start, end in sides:
        open_ = here & ~neighbour

        def corner(
            grid: NDArray[np.float32],
            at: tuple[int, int],
            chosen: NDArray[np.bool_] = open_,
        ) -> NDArray[np.float32]:
            window = grid[at[0] : at[0] + rows, at[1] : at[1] + columns]
            return np.asarray(window[chosen], np.float32)

        p, q = corner(top, start), corner(top, end)
        r, s = corner(base, start), corner(base, end)
        found += [np.stack([q, p, r], axis=1), np.stack([q, r, s], axis=1)]
    return found
