"""sdcor2cov and cov2sdcor against lme4's own and against each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pylme
from tests.native import native


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_round_trip(k, seed):
    A = np.random.default_rng(seed).normal(size=(k, k + 2))
    V = A @ A.T
    np.testing.assert_allclose(pylme.sdcor2cov(pylme.cov2sdcor(V)), V, rtol=1e-12, atol=1e-14)


@pytest.mark.needs_r
def test_against_lme4():
    text = "matrix(c(2, .5, -.3, .5, 3, .1, -.3, .1, .7), 3)"
    m = native(text)
    np.testing.assert_allclose(pylme.sdcor2cov(m), native(f"sdcor2cov({text})"), rtol=1e-15)
    V = native(f"sdcor2cov({text})")
    np.testing.assert_allclose(
        pylme.cov2sdcor(V), native(f"cov2sdcor(sdcor2cov({text}))"), rtol=1e-15
    )


def test_a_zero_variance_has_no_correlation():
    result = pylme.cov2sdcor([[4.0, 0.0], [0.0, 0.0]])
    assert np.isnan(result[0, 1])
    assert np.isnan(result[1, 0])
    assert np.diag(result).tolist() == [2.0, 0.0]


@pytest.mark.parametrize("wrong", [np.ones(3), np.ones((2, 3)), 1.0])
def test_not_a_matrix(wrong):
    with pytest.raises(pylme.errors.OptionError, match="square"):
        pylme.sdcor2cov(wrong)
    with pytest.raises(pylme.errors.OptionError, match="square"):
        pylme.cov2sdcor(wrong)
