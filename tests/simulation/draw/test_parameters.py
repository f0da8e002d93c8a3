"""What may stand for the covariances of the random effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import OptionError, UnknownNameError
from pylme.simulation.draw.parameters import covariances_of


@pytest.fixture(scope="module")
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


def read(given, data, random="(Days | Subject)"):
    return covariances_of(given, pylme.design(f"Reaction ~ Days + {random}", data).terms)


SDCOR = {"sd": [25.0, 6.0], "corr": 0.1}
V = np.array([[625.0, 15.0], [15.0, 36.0]])


@pytest.mark.parametrize(
    "given",
    [
        SDCOR,
        {"Subject": SDCOR},
        {"Days | Subject": SDCOR},
        {"sd": {"Days": 6.0, "(Intercept)": 25.0}, "corr": [[1.0, 0.1], [0.1, 1.0]]},
        V,
        V.tolist(),
        {"Subject": pd.DataFrame(V[::-1, ::-1], *[["Days", "(Intercept)"]] * 2)},
    ],
)
def test_all_forms_say_the_same(given, sleepstudy):
    (matrix,) = read(given, sleepstudy)
    np.testing.assert_allclose(matrix, V, rtol=1e-15)
    np.testing.assert_allclose(matrix, pylme.sdcor2cov([[25.0, 0.1], [0.1, 6.0]]), rtol=1e-15)


def test_several_terms_of_one_factor_may_be_given_together_or_one_by_one(sleepstudy):
    together = read({"Subject": {"sd": [25, 6]}}, sleepstudy, "(Days || Subject)")
    one_by_one = read(
        {"1 | Subject": {"sd": 25}, "0 + Days | Subject": [[36]]}, sleepstudy, "(Days || Subject)"
    )
    assert [m.tolist() for m in together] == [m.tolist() for m in one_by_one] == [[[625]], [[36]]]
    with pytest.raises(OptionError, match="which are independent"):
        read(SDCOR, sleepstudy, "(Days || Subject)")


@pytest.mark.needs_r
def test_a_fits_varcorr_is_taken_as_it_is(sleepstudy):
    fit = pylme.lmer("Reaction ~ Days + (Days | Subject)", sleepstudy)
    (matrix,) = read(fit.varcorr, sleepstudy)
    np.testing.assert_array_equal(matrix, fit.varcorr["Subject"].cov)
    with pytest.raises(OptionError, match="a model with the terms"):
        read(fit.varcorr, sleepstudy, "(1 | Subject)")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Subject": 5.0}, r"of shape \(2, 2\) for \(Intercept\), Days"),
        ({"sd": [1, -1]}, "numbers of 0 or more"),
        ({"sd": [1]}, r"2 finite numbers, for \(Intercept\), Days"),
        ({"sd": {"(Intercept)": 1}}, "a number for 'Days' too"),
        ({"sd": [1, 1], "corr": 1.5}, "correlations from -1 to 1"),
        ({"corr": 0.5}, "a covariance matrix, or"),
        ([[1, 2], [2, 1]], "without negative eigenvalues"),
        ([[1, 2], [0, 1]], "symmetric"),
        ([[1, np.nan], [np.nan, 1]], "symmetric"),
        ({"Subject": V, "Days | Subject": V}, "once"),
        ({}, "a covariance matrix, or"),
    ],
)
def test_what_is_no_covariance_is_refused(given, words, sleepstudy):
    with pytest.raises(OptionError, match=words):
        read(given, sleepstudy)


def test_names_are_looked_up(sleepstudy):
    with pytest.raises(UnknownNameError, match="Did you mean 'Subject'"):
        read({"subject": V}, sleepstudy)
    with pytest.raises(UnknownNameError, match="'days'"):
        read({"sd": {"(Intercept)": 1, "days": 1}}, sleepstudy)
