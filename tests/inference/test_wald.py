"""p-values of Wald tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pylme.inference.wald import wald_p, wald_reach


def test_walds_in_closed_form():
    assert wald_p([1.959964, -1.959964], None) == pytest.approx(0.05, abs=1e-7)
    assert wald_p([2.0, 0.0], 7.5) == pytest.approx([2 * stats.t.sf(2.0, 7.5), 1.0])
    assert np.isnan(wald_p([np.nan], 3)).all()


def test_infinite_degrees_of_freedom_are_normal():
    df = np.array([3.5, np.inf, np.nan])
    expected = [2 * stats.t.sf(2.0, 3.5), 2 * stats.norm.sf(2.0), np.nan]
    assert wald_p([2.0, -2.0, 2.0], df) == pytest.approx(expected, rel=1e-12, nan_ok=True)
    expected = [stats.t.isf(0.025, 3.5), stats.norm.isf(0.025), np.nan]
    assert wald_reach(0.05, df) == pytest.approx(expected, rel=1e-12, nan_ok=True)
