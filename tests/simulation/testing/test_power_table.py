"""The table of powers, from p-values that are given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pylme.simulation.testing.power import Power


def line_of(p_values):
    frame = pd.DataFrame({"one": p_values})
    power = Power(p_values=frame, statistics=frame, test="Wald test of x", alpha=0.05, seed=1)
    return power.table.iloc[0]


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (20, 20), (7, 20), (50, 1000)])
@pytest.mark.parametrize("failed", [0, 3])
def test_the_interval_is_clopper_and_pearsons(hits, n, failed):
    """Clopper & Pearson (1934, Biometrika 26): its ends are quantiles of beta distributions."""
    line = line_of([0.01] * hits + [0.5] * (n - hits) + [np.nan] * failed)
    low = stats.beta.ppf(0.025, hits, n - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1.0
    np.testing.assert_allclose([line["conf_low"], line["conf_high"]], [low, high], rtol=1e-10)
    assert (line["n"], line["failed"], line["power"]) == (n, failed, hits / n)


def test_without_any_p_value_there_is_no_power():
    line = line_of([np.nan, np.nan])
    assert line[["power", "std_error", "conf_low", "conf_high"]].isna().all()
