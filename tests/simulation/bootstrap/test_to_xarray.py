"""The replicates as draws: one chain, a variable for each parameter, none of a failed fit."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

import pylme
from pylme.errors import MissingPackageError


@pytest.fixture(scope="module")
def found():
    fit = pylme.lmer("Yield ~ 1 + (1 | Batch)", pylme.datasets.load("dyestuff"), engine="numpy")
    return fit.bootstrap(8, seed=3)


def test_a_variable_for_each_parameter(found):
    draws = found.to_xarray()
    assert dict(draws.sizes) == {"chain": 1, "draw": 8}
    assert list(draws.data_vars) == list(found.estimates.index)
    for name, estimate in found.estimates.items():
        assert draws[name].dims == ("chain", "draw")
        assert draws[name].attrs["estimate"] == estimate
        np.testing.assert_array_equal(draws[name][0], found.replicates[name])


def test_replicates_without_a_fit_are_left_out(found):
    fits = found._fits.assign(error=[None, "failed"] + [None] * 6)
    draws = replace(found, _fits=fits).to_xarray()
    assert draws["draw"].to_numpy().tolist() == [0, 2, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(draws["sigma"][0, 1], found.replicates["sigma"][2])


def test_without_xarray_it_says_what_to_install(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(MissingPackageError, match=r"(?s)\[xarray\].*pip install xarray"):
        found.to_xarray()
