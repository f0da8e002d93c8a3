"""Options are checked in one place, and the error says what is allowed."""

from __future__ import annotations

import numpy as np
import pytest

from pylme.errors import OptionError
from pylme.options import finite_numbers, whole_number


@pytest.mark.parametrize("value", [1, 7, np.int64(3), np.uint8(2)])
def test_whole_numbers(value):
    assert whole_number("n", value, least=1) == int(value)
    assert type(whole_number("n", value, least=1)) is int


@pytest.mark.parametrize("value", [0, -3, 1.0, True, "1", None, np.nan])
def test_what_is_no_whole_number(value):
    with pytest.raises(OptionError, match="a whole number from 1"):
        whole_number("n", value, least=1)


@pytest.mark.parametrize("values", [2, [1, 2.5], (1.0,), np.arange(3)])
def test_finite_numbers(values):
    array = finite_numbers("start", values)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, np.atleast_1d(values))


@pytest.mark.parametrize("values", [[1, np.nan], [np.inf], "abc", [[1.0, 2.0]], [None]])
def test_what_are_no_finite_numbers(values):
    with pytest.raises(OptionError, match="Argument start"):
        finite_numbers("start", values)
