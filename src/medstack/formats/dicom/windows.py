"""Grey-level windows: from modality values to what a screen shows.

Pure arithmetic on arrays. Opens no file, knows no patient. Source: DICOM PS3.3 C.11.2.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from medstack.formats.contract import Damaged

Values = NDArray[Any]  # any real dtype


def linear(values: Values, *, center: float, width: float) -> NDArray[np.uint8]:
    """Map modality values to display grey levels with a linear window.

    center, width: in the unit of the rescale (HU for CT); width >= 1.
    Returns 0 black to 255 white. Raises Damaged if width < 1. Source: C.11.2.1.2.1.
    """
    if width < 1:
        raise Damaged("A DICOM window is narrower than 1.")
    black = center - 0.5 - (width - 1) / 2
    span = max(width - 1, 1e-6)  # width 1 is legal: a step, not a slope
    return _grey((values.astype(np.float32) - black) / span)


def linear_exact(values: Values, *, center: float, width: float) -> NDArray[np.uint8]:
    """The linear window of C.11.2.1.3.2, width > 0. Raises Damaged."""
    if width <= 0:
        raise Damaged("A DICOM window has no width.")
    return _grey((values.astype(np.float32) - (center - width / 2)) / width)


def sigmoid(values: Values, *, center: float, width: float) -> NDArray[np.uint8]:
    """The sigmoid window of C.11.2.1.3.1, width > 0. Raises Damaged."""
    if width <= 0:
        raise Damaged("A DICOM window has no width.")
    slope = np.clip(-4 * (values.astype(np.float32) - center) / width, -80, 80)
    return _grey(1 / (1 + np.exp(slope)))


def spread(values: Values) -> NDArray[np.uint8]:
    """A window for values that come without one: all but the outermost half per cent."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not finite.size:
        return np.zeros(values.shape, np.uint8)
    sample = finite.ravel()[:: max(1, finite.size // 500_000)].astype(np.float32)
    low, high = np.percentile(sample, (0.5, 99.5))
    if high <= low:
        low, high = float(sample.min()), float(sample.max())
    return _grey((values.astype(np.float32) - low) / max(high - low, 1e-6))


def _grey(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    """0–1 to 0–255; what is no number is black."""
    clipped = np.clip(np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    return np.asarray(np.rint(clipped * 255), dtype=np.uint8)
