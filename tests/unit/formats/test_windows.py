"""Grey-level windows: the laws any window keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, sampled_from

from medstack.formats.contract import Damaged
from medstack.formats.dicom.windows import linear, linear_exact, sigmoid, spread

RAMP = np.linspace(-2000, 6000, 4001)
WINDOWS = (linear, linear_exact, sigmoid)


@given(window=sampled_from(WINDOWS), center=floats(-1000, 3000), width=floats(1, 4000))
def test_a_window_never_reverses_two_values(window, center, width):
    grey = window(RAMP, center=center, width=width)
    assert (np.diff(grey.astype(int)) >= 0).all()


@given(center=floats(-500, 2500), width=floats(2, 2000))
def test_a_linear_window_runs_from_black_to_white(center, width):
    ends = np.array([center - 0.5 - (width - 1) / 2 - 1, center - 0.5 + (width - 1) / 2 + 1])
    assert linear(ends, center=center, width=width).tolist() == [0, 255]


def test_the_standard_s_own_example_holds():
    # PS3.3 C.11.2.1.2.1: c=2048, w=4096 maps 0..4095 to the full range
    grey = linear(np.array([0, 2047, 4095]), center=2048, width=4096)
    assert grey.tolist() == [0, 127, 255]


@pytest.mark.parametrize(("window", "width"), [(linear, 0.5), (linear_exact, 0), (sigmoid, -1)])
def test_a_window_without_width_is_refused(window, width):
    with pytest.raises(Damaged):
        window(RAMP, center=0, width=width)


def test_values_without_a_window_fill_the_screen():
    grey = spread(np.linspace(100, 900, 5000))
    assert (grey.min(), grey.max()) == (0, 255)


def test_what_is_no_number_is_black():
    grey = spread(np.array([1.0, 2.0, np.nan, 3.0, np.inf]))
    assert grey[2] == 0


def test_a_constant_picture_is_drawn_without_dividing_by_nothing():
    assert spread(np.full((4, 4), 7)).shape == (4, 4)
