"""What pylme says of a generalized model's fit: separation, no overdispersion, dispersion."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import pylme
from pylme.errors import (
    ConvergenceWarning,
    DispersionWarning,
    FitWarning,
    NoFiniteEstimateWarning,
    NotOverdispersedWarning,
    SeparationWarning,
)
from pylme.lme4.session import session
from pylme.results.convergence import Status

pytestmark = pytest.mark.needs_r


def _fit(call):
    """A fit and the warnings given by it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        fit = call()
    return fit, [each.message for each in said]


@pytest.fixture(scope="module")
def separated_data():
    """All rows at the first of three levels are successes."""
    rng = np.random.default_rng(101)
    rows = [
        (i, f"p{p}", 1 if p == 1 else rng.binomial(1, 0.8)) for i in range(40) for p in (1, 2, 3)
    ]
    return pd.DataFrame(rows, columns=["id", "p", "y"])


@pytest.fixture(scope="module")
def separated(separated_data):
    return _fit(lambda: pylme.glmer("y ~ p + (1 | id)", separated_data))


def test_separation_is_named_at_the_fit_with_its_level(separated):
    _, said = separated
    (warning,) = [each for each in said if isinstance(each, SeparationWarning)]
    assert isinstance(warning, NoFiniteEstimateWarning)
    assert "p = 'p1'" in str(warning)
    assert "pp2" in str(warning)


def test_status_and_explanation_say_that_no_finite_estimate_exists(separated):
    fit, _ = separated
    assert fit.convergence.status is Status.DEGENERATE
    text = fit.convergence.explain()
    assert "estimates are finite" not in text
    assert "separate the response" in " ".join(text.split())
    assert "not every parameter has a finite estimate" in text


@pytest.mark.filterwarnings("ignore::pylme.errors.ConvergenceWarning")
def test_the_finding_stays_with_a_saved_fit(separated):
    fit, _ = separated
    for other in (pickle.loads(pickle.dumps(fit)), pylme.from_json(fit.to_json())):
        assert other.convergence.status is Status.DEGENERATE


def test_merged_levels_have_finite_estimates(separated_data):
    """The remedy: p1 and p2 as one level."""
    merged = separated_data.assign(p=separated_data["p"].replace("p1", "p2"))
    fit, said = _fit(lambda: pylme.glmer("y ~ p + (1 | id)", merged))
    assert not any(isinstance(each, SeparationWarning) for each in said)
    assert fit.convergence.status is not Status.DEGENERATE


def test_counts_without_overdispersion_are_named_and_the_poisson_fits_them():
    rng = np.random.default_rng(101)
    data = pylme.expand_grid(f1=["1", "2", "3"], g=list(range(9)), rep=list(range(15)))
    data["u"] = rng.binomial(12, 0.5, len(data))
    fit, said = _fit(lambda: pylme.glmer_nb("u ~ f1 + (1 | g)", data))
    (warning,) = [each for each in said if isinstance(each, NotOverdispersedWarning)]
    assert 'family="poisson"' in str(warning)
    assert not any(isinstance(each, ConvergenceWarning) for each in said), "said twice"
    assert "iteration limit reached" in [each.message for each in fit.conditions]
    assert fit.convergence.status is Status.DEGENERATE
    poisson, _ = _fit(lambda: pylme.glmer("u ~ f1 + (1 | g)", data, family="poisson"))
    assert poisson.criterion == pytest.approx(fit.criterion, abs=0.01)


def test_overdispersed_counts_are_not():
    rng = np.random.default_rng(101)
    data = pylme.expand_grid(f1=["1", "2", "3"], g=list(range(9)), rep=list(range(15)))
    data["y"] = rng.negative_binomial(0.5, 0.5 / 10.5, len(data))
    fit, said = _fit(lambda: pylme.glmer_nb("y ~ f1 + (1 | g)", data))
    assert not any(isinstance(each, NoFiniteEstimateWarning) for each in said)
    assert fit.convergence.status is not Status.DEGENERATE


def _gamma(name, link):
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 10)
    mean = np.exp(1 + rng.normal(scale=0.4, size=30)[g])
    y = mean + 0.3 * rng.normal(size=300) if name == "gaussian" else rng.gamma(5, mean / 5)
    data = pd.DataFrame({"y": np.abs(y) + 0.01, "g": g})
    return _fit(lambda: pylme.glmer("y ~ 1 + (1 | g)", data, family=name, link=link))


@pytest.mark.parametrize(
    ("name", "link"), [("Gamma", "log"), ("inverse.gaussian", "log"), ("gaussian", "log")]
)
def test_a_family_with_a_dispersion_warns_once_where_lme4_is_older_than_2(name, link):
    fit, said = _gamma(name, link)
    found = [each for each in said if isinstance(each, DispersionWarning)]
    assert len(found) == (int(session().versions["lme4"].partition(".")[0]) < 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DispersionWarning)
        fit.summary()


def test_ordinary_fits_say_nothing_of_the_kind():
    fit, said = _fit(
        lambda: pylme.glmer(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)", pylme.datasets.load("cbpp")
        )
    )
    assert not [each for each in said if isinstance(each, FitWarning)]
    assert fit.convergence.status is Status.CONVERGED
    assert "the estimates are finite" in fit.convergence.explain()


@pytest.fixture(scope="module")
def groups_of_one_outcome():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(12), 4), "x": rng.normal(size=48)})
    data["y"] = (rng.normal(size=12) > 0).astype(int)[data["g"]]
    return data.assign(n=3, yes=3 * data["y"])


@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "cbind(yes, n - yes) ~ x + (1 | g)"])
@pytest.mark.parametrize("link", ["logit", "probit"])
def test_groups_of_one_outcome_have_no_finite_standard_deviation(
    formula, link, groups_of_one_outcome
):
    fit, said = _fit(lambda: pylme.glmer(formula, groups_of_one_outcome, link=link))
    (warning,) = [each for each in said if type(each) is NoFiniteEstimateWarning]
    assert "standard deviation of (1 | g)" in str(warning)
    assert fit.convergence.status is Status.DEGENERATE
    assert "differ without measure" in fit.convergence.explain()


def test_the_likelihood_of_such_groups_rises_without_end():
    """By quadrature that is not lme4's: a group of n successes has E Φ(c√(1 + σ²) + σu)ⁿ."""
    u, weights = np.polynomial.hermite_e.hermegauss(200)
    weights /= weights.sum()

    def likelihood(sd, c, n):
        eta = c * np.sqrt(1 + sd**2) + sd * u
        return weights @ norm.cdf(eta) ** n

    for c in (-0.5, 0.0, 1.0):
        values = [likelihood(sd, c, 4) for sd in (0.1, 0.5, 1.0, 2.0, 4.0)]
        assert (np.diff(values) > 0).all()
        assert values[-1] < norm.cdf(c)


@pytest.mark.parametrize("change", ["one row differs", "a row for each group", "poisson"])
def test_other_groups_are_no_such_case(change, groups_of_one_outcome):
    data, family = groups_of_one_outcome.copy(), "binomial"
    if change == "one row differs":
        data.loc[0, "y"] = 1 - data.loc[0, "y"]
    elif change == "poisson":
        family = "poisson"
    control = None
    if change == "a row for each group":
        data = data.iloc[::4].reset_index(drop=True)
        control = pylme.GlmerControl(check_nobs_vs_nlev="ignore", check_nobs_vs_nre="ignore")
    _, said = _fit(lambda: pylme.glmer("y ~ 1 + (1 | g)", data, family=family, control=control))
    assert not [each for each in said if type(each) is NoFiniteEstimateWarning]
