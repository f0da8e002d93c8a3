"""p-values of Wald tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pylme.inference.wald import wald_p


def test_walds_in_closed_form():
    assert wald_p([1.959964, -1.959964], None) == pytest.approx(0.05, abs=1e-7)
    assert wald_p([2.0, 0.0], 7.5) == pytest.approx([2 * stats.t.sf(2.0, 7.5), 1.0])
    assert np.isnan(wald_p([np.nan], 3)).all()
