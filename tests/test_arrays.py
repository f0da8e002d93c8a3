"""Arrays that nobody can write to, and whose origin stays as it was."""

import numpy as np
import pytest

from pylme.arrays import locked, read_only


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_locked_view_shares_memory_where_the_order_allows_it(order):
    array = np.asarray(np.arange(6.0).reshape(2, 3), order=order)
    view = locked(array, order=order)
    assert np.shares_memory(array, view)
    assert not view.flags.writeable
    assert array.flags.writeable
    other = locked(array, order="F" if order == "C" else "C")
    assert not np.shares_memory(array, other)
    np.testing.assert_array_equal(array, other)


def test_read_only_is_a_copy_of_doubles():
    given = np.array([1, 2])
    copy = read_only(given)
    given[0] = 5
    assert copy.dtype == np.float64
    assert copy.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        copy[0] = 3.0
