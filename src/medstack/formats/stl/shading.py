"""A mesh as a picture: orthographic z-buffer in numpy, one soft light, no GL.

White-ish on neutral, seen from the front and above, as an arch lies on the bench.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE_PX = 1536  # drawn at twice the size it is kept in, for smooth edges
_MARGIN = 0.04
_TILT_DEG, _TURN_DEG = -52.0, 24.0
_CANDIDATES = 30_000_000  # pixels looked at over all triangles
_CHUNK = 200_000
_CLASSES = np.array(
    [*range(1, 13), *(n * 2**e // 8 for e in range(4, 12) for n in range(7, 13)), 4096], np.int32
)  # sides of boxes drawn together: exact while small, at most a sixth too large
_NOTHING = np.uint64(0xFFFFFFFFFFFFFFFF)
_MESH = np.array([240, 234, 222], np.float32)
_TOP, _BOTTOM = np.array([92, 97, 102], np.float32), np.array([58, 62, 66], np.float32)
_KEY, _FILL = np.array([-0.45, 0.65, 0.62]), np.array([0.75, 0.1, 0.65])

Points = NDArray[np.float32]


def draw(triangles: Points) -> NDArray[np.uint8]:
    """A square RGB picture of triangles (n, 3, 3), finite, at least one."""
    seen = _turned(triangles)
    side = SIDE_PX
    screen = _on_screen(seen, side)
    while side > 256 and _cost(screen) > _CANDIDATES:
        side //= 2
        screen = _on_screen(seen, side)
    step = max(1, int(np.ceil(_cost(screen) / _CANDIDATES)))
    screen = screen[::step]
    return _lit(_nearest(screen, side), screen, side)


def _turned(triangles: Points) -> Points:
    """Into the viewer's axes: x right, y up, z towards the viewer; centred, longest side 1."""
    corners = triangles.reshape(-1, 3).astype(np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    corners = (corners - (low + high) / 2) / max(float((high - low).max()), 1e-30)
    tilt, turn = np.radians(_TILT_DEG), np.radians(_TURN_DEG)
    about_z = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    about_x = np.array(
        [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    )
    turned = corners @ (about_x @ about_z).T
    return np.asarray(turned, np.float32).reshape(-1, 3, 3)


def _on_screen(seen: Points, side: int) -> Points:
    """Pixels right and down, depth growing away from the viewer, 0 to 1."""
    axes = [seen[..., axis] for axis in range(3)]
    low = np.array([values.min() for values in axes])
    high = np.array([values.max() for values in axes])
    span = max(float((high - low)[:2].max()), 1e-6)
    scale = side * (1 - 2 * _MARGIN) / span
    middle = (low + high) / 2
    screen = np.empty_like(seen)
    screen[..., 0] = (seen[..., 0] - middle[0]) * scale + side / 2
    screen[..., 1] = (middle[1] - seen[..., 1]) * scale + side / 2
    screen[..., 2] = (high[2] - seen[..., 2]) / max(float(high[2] - low[2]), 1e-6)
    return screen


def _boxes(screen: Points) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First pixel of the box around each triangle, and the box's sides by size class."""
    a, b, c = (screen[:, corner, :2] for corner in range(3))
    low = np.floor(np.minimum(np.minimum(a, b), c)).astype(np.int32)
    high = np.ceil(np.maximum(np.maximum(a, b), c)).astype(np.int32)
    return low, _CLASSES[np.searchsorted(_CLASSES, np.maximum(high - low, 1))]


def _cost(screen: Points) -> int:
    _, sides = _boxes(screen)
    return int((sides[:, 0].astype(np.int64) * sides[:, 1]).sum())


def _nearest(screen: Points, side: int) -> NDArray[np.uint64]:
    """For each pixel the nearest triangle: depth in the high half, its number in the low."""
    buffer = np.full(side * side, _NOTHING)
    low, sides = _boxes(screen)
    shapes = sides[:, 0].astype(np.int64) << 32 | sides[:, 1]
    for shape in np.unique(shapes):
        members = np.flatnonzero(shapes == shape)
        box = int(shape >> 32), int(shape & 0xFFFFFFFF)
        at_once = max(1, _CHUNK // (box[0] * box[1]))
        for first in range(0, len(members), at_once):
            chosen = members[first : first + at_once]
            _paint(buffer.reshape(side, side), screen, low, chosen, box)
    return buffer


def _paint(
    buffer: NDArray[np.uint64],
    screen: Points,
    low: NDArray[np.int32],
    chosen: NDArray[np.intp],
    box: tuple[int, int],
) -> None:
    """Enter `chosen` triangles, all in boxes of one (width, height), into the buffer.

    A pixel is inside where both barycentric coordinates and their sum lie in 0 to 1; each is
    a plane over the box, so a row and a column of it say everything.
    """
    a, b, c = (screen[chosen, corner] for corner in range(3))
    u, v = b - a, c - a
    first = low[chosen] + np.float32(0.5) - a[:, :2]
    across, down = (first[:, n, None] + np.arange(box[n], dtype=np.float32) for n in (0, 1))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        scale = 1 / (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])[:, None]
        along_u = _plane(across * (v[:, 1, None] * scale), down * (-v[:, 0, None] * scale))
        along_v = _plane(across * (-u[:, 1, None] * scale), down * (u[:, 0, None] * scale))
        inside = (along_u >= 0) & (along_v >= 0) & (along_u + along_v <= 1)
    which, row, column = np.nonzero(inside)
    depth = a[which, 2] + along_u[inside] * u[which, 2] + along_v[inside] * v[which, 2]
    steps = (np.clip(depth, 0, 1).astype(np.float64) * 0xFFFFFFFE).astype(np.uint64)
    x, y = low[chosen[which], 0] + column, low[chosen[which], 1] + row
    keys = steps << np.uint64(32) | chosen[which].astype(np.uint64)
    np.minimum.at(buffer.reshape(-1), y * buffer.shape[0] + x, keys)


def _plane(across: Points, down: Points) -> Points:
    """(n, height, width) sums of (n, width) and (n, height)."""
    return across[:, None, :] + down[:, :, None]


def _lit(nearest: NDArray[np.uint64], screen: Points, side: int) -> NDArray[np.uint8]:
    """Colour of every pixel kept: each the mean of four drawn, over the background."""
    hit = nearest != _NOTHING
    facet = (nearest[hit] & np.uint64(0xFFFFFFFF)).astype(np.intp)
    bright = np.zeros(side * side, np.float32)
    bright[hit] = _brightness(screen, side)[facet]
    depth = np.where(hit, (nearest >> np.uint64(32)).astype(np.float32) / 0xFFFFFFFE, 1)
    cover = _halved(hit.astype(np.float32), side)[..., None]
    shade = _halved(bright, side) * _openness(_halved(depth.astype(np.float32), side))
    down = np.linspace(0, 1, side // 2, dtype=np.float32)[:, None, None]
    background = _TOP * (1 - down) + _BOTTOM * down
    picture = background * (1 - cover) + np.minimum(shade, cover[..., 0])[..., None] * _MESH
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)


def _brightness(screen: Points, side: int) -> NDArray[np.float32]:
    """Of each facet, lit from its seen side whichever way it is wound."""
    shape = screen * np.array([1, -1, -side], np.float32)  # back to x right, y up, z near
    normals = np.cross(shape[:, 1] - shape[:, 0], shape[:, 2] - shape[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = normals / np.maximum(lengths, 1e-12)
    normals *= np.where(normals[:, 2:] < 0, -1, 1)
    key, fill = (normals @ (light / np.linalg.norm(light)) for light in (_KEY, _FILL))
    bright = 0.30 + 0.55 * np.clip(key, 0, 1) + 0.20 * np.clip(fill, 0, 1) ** 2
    return np.asarray(bright, np.float32)


def _openness(depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Below 1 where the neighbourhood is nearer: grooves and gaps between teeth darken."""
    reach = max(2, depth.shape[0] // 64)
    nearer = depth - _box_mean(depth, reach)
    return np.asarray(1 - np.clip(nearer * 4, 0, 0.45), np.float32)


def _box_mean(values: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Mean over squares of 2·reach + 1, by running sums."""
    width = 2 * reach + 1
    for axis in (0, 1):
        padded = np.pad(
            values, [(reach + 1, reach) if a == axis else (0, 0) for a in (0, 1)], "edge"
        )
        sums = np.cumsum(padded, axis=axis, dtype=np.float64)
        ends = np.take(sums, np.arange(width, sums.shape[axis]), axis)
        starts = np.take(sums, np.arange(sums.shape[axis] - width), axis)
        values = ((ends - starts) / width).astype(np.float32)
    return values


def _halved(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(side · side) to (side / 2, side / 2): each the mean of four."""
    square = values.reshape(side, side)
    pairs = square[0::2] + square[1::2]
    return np.asarray((pairs[:, 0::2] + pairs[:, 1::2]) / 4, np.float32)
