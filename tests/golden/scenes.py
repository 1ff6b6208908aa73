"""Synthetic pictures the golden makers share: nobody's teeth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def quarters(width: int, height: int) -> NDArray[np.uint8]:
    """Four plain quarters, clockwise from top left: red, green, blue, white. Shows any turn."""
    picture = np.zeros((height, width, 3), np.uint8)
    down, right = height // 2, width // 2
    picture[:down, :right] = (220, 30, 30)
    picture[:down, right:] = (30, 200, 30)
    picture[down:, right:] = (30, 30, 220)
    picture[down:, :right] = (240, 240, 240)
    return picture


def arch(width: int, height: int) -> NDArray[np.float64]:
    """A bright U on dark, 0 to 1, as on a panoramic radiograph."""
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(0, 1, height))
    middle = 0.25 + 0.5 * across**2
    teeth = 0.75 + 0.25 * np.cos(across * 40)
    return np.clip(np.exp(-(((down - middle) / 0.12) ** 2)) * teeth, 0, 1)
