"""A radiograph being exposed: bone, teeth and noise added up, then turned into grey levels.

Lengths are millimetres. The beam's loss adds up along its way, so things that overlap look as
they do on a film.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from medstack.demo.files.noise import Plane, patch, smooth_step, texture
from medstack.demo.files.tooth import MARGIN_MM, Tooth, cast

_SOFT_TISSUE, _BONE, _TRABECULAE = 0.16, 0.46, 0.075


Grey = NDArray[np.uint16]


@dataclass(slots=True)
class Film:
    """The picture in the making."""

    rows: int
    columns: int
    mm_per_px: float
    rng: np.random.Generator
    loss: Plane = field(init=False)
    distance: Plane = field(init=False)  # to the nearest tooth, mm, positive inside
    dark: Plane = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.rows, self.columns)
        self.loss = np.zeros(shape, np.float32)
        self.distance = np.full(shape, -9.0, np.float32)
        self.dark = np.zeros(shape, np.float32)

    def place(self, tooth: Tooth, x: float, y: float, *, angle: float) -> None:
        """Cast `tooth` with its neck at (x, y) mm; angle: where its roots point, 0 is down."""
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        aside = tooth.width_mm * 0.6 + MARGIN_MM
        along = (-tooth.crown_mm - MARGIN_MM, tooth.root_mm + MARGIN_MM + tooth.lesion_mm)
        xs = [x + u * cos - v * sin for u in (-aside, aside) for v in along]
        ys = [y + u * sin + v * cos for u in (-aside, aside) for v in along]
        top, left = (max(0, int(min(at) / self.mm_per_px)) for at in (ys, xs))
        bottom = min(self.rows, int(max(ys) / self.mm_per_px) + 1)
        right = min(self.columns, int(max(xs) / self.mm_per_px) + 1)
        if top >= bottom or left >= right:
            return
        dx = (np.arange(left, right, dtype=np.float32) * self.mm_per_px - x)[None, :]
        dy = (np.arange(top, bottom, dtype=np.float32) * self.mm_per_px - y)[:, None]
        shadow = cast(tooth, dx * cos + dy * sin, dy * cos - dx * sin)
        window = (slice(top, bottom), slice(left, right))
        self.loss[window] += shadow.attenuation
        self.distance[window] = np.maximum(self.distance[window], shadow.distance)
        self.dark[window] = np.maximum(self.dark[window], shadow.dark)

    def add_bone(self, depth: Plane, *, density: float = 1.0) -> None:
        """Bone `depth` mm inside its edge (negative: none), less where teeth stand in it."""
        shape = self.loss.shape
        scale = 0.05 / self.mm_per_px
        fine = patch(texture(round(17 * scale, 1), 0.5), shape, self.rng)
        coarse = patch(texture(round(36 * scale, 1), 0.5, 1), shape, self.rng)
        cloud = patch(texture(170.0, 0.8, 2), shape, self.rng)
        plates = np.clip(1 - np.abs(fine) * 1.1, 0, 1) ** 2 + np.clip(1 - np.abs(coarse), 0, 1) ** 2
        weave = 1.5 * (plates - 0.65) + 0.45 * cloud + 0.25 * fine
        share = smooth_step(depth, 0.0, 1.6)
        bone = (_BONE + _TRABECULAE * weave) * share
        bone += 0.16 * np.exp(-(((depth - 0.5) / 0.45) ** 2))  # the cortical crest
        ligament = np.exp(-(((self.distance + 0.22) / 0.2) ** 2))
        lamina = np.exp(-(((self.distance + 0.62) / 0.2) ** 2))
        bone *= 1 - 0.42 * ligament
        bone += 0.13 * lamina * share
        bone *= 1 - 0.45 * smooth_step(self.distance, -0.1, 0.4)
        self.loss += density * bone * (1 - 0.8 * self.dark)

    def add_tissue(self, thickness: Plane | float) -> None:
        self.loss += np.float32(_SOFT_TISSUE) * thickness

    def exposed(self, *, bits: int, contrast: float = 1.15, grain: float = 0.012) -> Grey:
        """Grey levels, 0 … 2**bits - 1, bone white, as uint16."""
        grey = 1 - np.exp(-contrast * self.loss)
        grey = blurred(grey, 0.045 / self.mm_per_px)
        photons = self.rng.standard_normal(grey.shape, dtype=np.float32)
        grey = grey + grain * (1.25 - grey) * photons
        return np.asarray(np.clip(grey, 0, 1) * (2**bits - 1), dtype=np.uint16)


def blurred(plane: Plane, radius_px: float) -> Plane:
    """Gaussian blur of any plane, by the separable kernel."""
    reach = max(1, round(radius_px * 2.5))
    steps = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (steps / radius_px) ** 2).astype(np.float32)
    kernel /= kernel.sum()
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (reach, reach)
        padded = np.moveaxis(np.pad(plane, padding, mode="edge"), axis, 0)
        length = plane.shape[axis]
        mixed = padded[:length] * kernel[0]
        for at in range(1, len(kernel)):
            mixed += padded[at : at + length] * kernel[at]
        plane = np.moveaxis(mixed, 0, axis)
    return np.asarray(plane, np.float32)
