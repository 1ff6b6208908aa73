"""STL golden files: a cube and a small arch, in both encodings."""

from __future__ import annotations

import struct

import numpy as np

CANARY = "Ptarmigan"


def arch(around: int = 24, teeth: int = 10, across: int = 8) -> np.ndarray:
    """(n, 3, 3) float32 triangles of a horseshoe with bumps for teeth, in mm."""
    angle = np.linspace(0.15 * np.pi, 0.85 * np.pi, around)
    turn = np.linspace(0, 2 * np.pi, across)
    u, v = np.meshgrid(angle, turn, indexing="ij")
    bump = 1 + 0.35 * np.abs(np.sin(u * teeth * 1.6)) * np.clip(np.sin(v), 0, 1)
    radius = 26 + 4.5 * np.cos(v)
    points = np.stack(
        [radius * np.cos(u), radius * np.sin(u) * 1.25, 6 * np.sin(v) * bump], axis=-1
    ).astype(np.float32)
    a, b, c, d = points[:-1, :-1], points[1:, :-1], points[1:, 1:], points[:-1, 1:]
    return np.concatenate([np.stack(t, axis=2).reshape(-1, 3, 3) for t in ((a, b, c), (a, c, d))])


def cube() -> np.ndarray:
    corners = np.array([[x, y, z] for x in (0, 10) for y in (0, 10) for z in (0, 10)], np.float32)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return corners[[t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]]


def binary(triangles: np.ndarray, header: bytes = b"") -> bytes:
    records = np.zeros(len(triangles), [("n", "<f4", 3), ("c", "<f4", (3, 3)), ("a", "<u2")])
    records["c"] = triangles
    return header.ljust(80, b"\0") + struct.pack("<I", len(triangles)) + records.tobytes()


def ascii_text(triangles: np.ndarray, name: str = "") -> bytes:
    lines = [f"solid {name}".strip()]
    for triangle in triangles:
        lines += ["  facet normal 0 0 0", "    outer loop"]
        lines += [f"      vertex {x:e} {y:e} {z:e}" for x, y, z in triangle.tolist()]
        lines += ["    endloop", "  endfacet"]
    return "\n".join([*lines, f"endsolid {name}".strip(), ""]).encode()


def files() -> dict[str, bytes]:
    return {
        "arch.stl": binary(arch(), f"lower arch {CANARY}".encode()),
        "solid-binary.stl": binary(cube(), b"solid made by a scanner"),
        "cube.stl": ascii_text(cube(), f"model {CANARY}"),
        "two-solids.stl": ascii_text(cube()[:6], "one") + ascii_text(cube()[6:], "two"),
        "shouting.stl": ascii_text(cube()).upper().replace(b"\n", b"\r\n"),
    }
