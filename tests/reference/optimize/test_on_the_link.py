"""Generalized models with a dispersion and a response without noise: there is no finite optimum.

Whether there is follows from how the response is made: a function of the columns, or with noise.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import NoFiniteOptimumWarning, ResponseError
from pylme.families.link import link_of
from pylme.reference.optimize.degenerate import has_no_minimum, problem_on_the_link
from pylme.results.certificate import NO_FINITE_OPTIMUM
from pylme.versions import has

_RNG = np.random.default_rng(7)
_G, _X, _B = np.repeat(np.arange(12), 10), _RNG.standard_normal(120), _RNG.normal(size=12)
_H, _NOISE = np.arange(120) % 7, _RNG.standard_normal(120)
DATA = pd.DataFrame(
    {"x": _X, "g": [f"g{i}" for i in _G], "h": [f"h{i}" for i in _H], "w": 1.0 + _X**2}
)
#: Linear predictors without noise, above 0 for the links that need it.
PREDICTORS = {
    "y ~ x + (1 | g)": 5.0 + _B[_G] - 0.3 * _X,
    "y ~ x + (1 | g) + (1 | h)": 5.0 + _B[_G] + 0.2 * np.cos(_H),
    "y ~ x + (x | g)": 5.0 + _B[_G] + 0.3 * _B[::-1][_G] * _X,
}
FAMILIES = (
    ("Gamma", "log"), ("Gamma", "inverse"), ("Gamma", "identity"), ("inverse.gaussian", "1/mu^2"),
    ("inverse.gaussian", "log"), ("gaussian", "log"), ("gaussian", "inverse"),
)  # fmt: skip


def data_of(formula, link, noise=0.0):
    return DATA.assign(y=link_of(link).mean(PREDICTORS[formula] + noise * _NOISE))


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("formula", PREDICTORS)
@pytest.mark.parametrize(("family", "link"), FAMILIES)
def test_explain_foresees_it(family, link, formula, weights):
    options = {"family": family, "link": link, "weights": weights}
    for noise, found in ((0.0, True), (1e-9, False)):
        said = str(pylme.explain(formula, data_of(formula, link, noise), **options))
        assert ("There is no finite optimum" in said) is found


@pytest.mark.needs_r
@pytest.mark.parametrize("formula", PREDICTORS)
@pytest.mark.parametrize(("family", "link"), FAMILIES)
def test_a_fit_says_so_however_it_ends(family, link, formula):
    """lme4 ends at a sigma of some 1e-5, whichever its tolerance is, or stops with an error.

    Since 2.1 it also ends at any sigma.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", NoFiniteOptimumWarning)
        with pytest.raises((NoFiniteOptimumWarning, ResponseError), match=NO_FINITE_OPTIMUM):
            pylme.glmer(formula, data_of(formula, link), family=family, link=link)


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.PylmeWarning")
def test_such_a_fit_is_degenerate():
    formula, options = "y ~ x + (1 | g)", {"family": "gaussian", "link": "inverse"}
    if has("dispersion"):
        # R itself stops: a step of the search has no length.
        with pytest.raises(ResponseError, match=NO_FINITE_OPTIMUM):
            pylme.glmer(formula, data_of(formula, "inverse"), **options)
        return
    fit = pylme.glmer(formula, data_of(formula, "inverse"), **options)
    assert fit.convergence.status is pylme.Status.DEGENERATE
    assert fit.sigma < 1e-4


@pytest.mark.needs_r
def test_a_little_noise_is_an_optimum():
    formula = "y ~ x + (1 | g)"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", NoFiniteOptimumWarning)
        fit = pylme.glmer(formula, data_of(formula, "log", 1e-4), family="Gamma", link="log")
        assert fit.convergence.status is not pylme.Status.DEGENERATE


def test_it_says_nothing_of_families_without_a_dispersion_and_of_values_that_are_no_means():
    counts = DATA.assign(y=np.round(np.exp(_B[_G])))
    assert problem_on_the_link(pylme.design("y ~ x + (1 | g)", counts, family="poisson")) is None
    below = DATA.assign(y=_B[_G])
    design = pylme.design("y ~ x + (1 | g)", below, family="gaussian", link="log")
    assert problem_on_the_link(design) is None


def test_an_offset_is_taken_off():
    data = DATA.assign(o=_NOISE, y=np.exp(_B[_G] + _NOISE))
    for offset, found in (("o", True), (None, False)):
        design = pylme.design("y ~ x + (1 | g)", data, family="Gamma", link="log", offset=offset)
        assert has_no_minimum(problem_on_the_link(design)) is found
