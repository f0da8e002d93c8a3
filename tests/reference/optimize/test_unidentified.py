"""What the data do not determine is known of every fit, without a check being asked for."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme import Status, Verdict
from pylme.errors import NotIdentifiedWarning

N = 60
RNG = np.random.default_rng(1)
G = np.repeat(np.arange(6), 10)
PAIR = np.arange(N) // 2
DATA = pd.DataFrame(
    {
        "x": RNG.normal(size=N),
        "g": [f"g{i}" for i in G],
        "h": [f"h{i}" for i in RNG.integers(0, 5, N)],
        "pair": [f"p{i}" for i in PAIR],
        "f": np.array(["u", "v"])[G % 2],
        "within": np.array(["u", "v", "w"])[RNG.integers(0, 3, N)],
        "between": RNG.normal(size=6)[G],
        "w": 10.0 ** RNG.uniform(-3, 3, N),
    }
)
DATA["y"] = DATA["x"] + 2 * RNG.normal(size=6)[G] + RNG.normal(size=N)
DATA["year"] = DATA["x"] + 2000.0

FLAT = [
    ("y ~ g + x + (1 | g)", "var((Intercept) | g)"),
    ("y ~ g * x + (x | g)", "var(x | g)"),
    ("y ~ g + x + (x | g)", "cov((Intercept), x | g)"),
    ("y ~ pair + x + (1 | g)", "var((Intercept) | g)"),
    ("y ~ g + (1 | g) + (1 | h)", "var((Intercept) | g)"),
    ("y ~ x + (f | g)", "var(fv | g)"),
    ("y ~ x + (0 + f:x | g)", "cov(fu:x, fv:x | g)"),
    ("y ~ x + (1 | g) + (1 | g)", "var((Intercept) | g.1)"),
    ("y ~ x + (1 + x | g) + (0 + x | g)", "var(x | g.1)"),
    ("y ~ year + (0 + f:year | g)", "cov(fu:year, fv:year | g)"),
]
IDENTIFIED = [
    "y ~ x + (1 | g)",
    "y ~ x + between + (x | g)",
    "y ~ year + (year | g)",
    "y ~ x + (between | g)",
    "y ~ x + (within | g)",
    "y ~ x + (0 + within | g)",
    "y ~ x * within + (x * within | g)",
    "y ~ x + (1 | pair)",
    "y ~ x + (1 | g) + (1 | h)",
    "y ~ g + x + (1 | pair)",
]


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize(("formula", "name"), FLAT)
def test_what_the_data_do_not_determine(formula, name, reml, weights):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fit = pylme.lmer(formula, DATA, engine="numpy", reml=reml, weights=weights)
    said = [str(w.message) for w in told if w.category is NotIdentifiedWarning]
    assert name in " ".join(said)
    assert fit.convergence.status is Status.DEGENERATE
    certificate = fit.optinfo.certificate
    assert certificate.flat
    assert not certificate.holds
    assert certificate.unidentified == tuple(said)
    assert "the data do not determine" in fit.convergence.explain()
    assert fit.cross_check().verdict is Verdict.NOT_IDENTIFIED


def test_the_criterion_is_flat_indeed():
    with pytest.warns(NotIdentifiedWarning):
        fit = pylme.lmer("y ~ g + x + (1 | g)", DATA, engine="numpy")
    criterion = fit.getme("devfun")
    values = [criterion([theta]) for theta in (0.1, 1.0, 10.0)]
    np.testing.assert_allclose(values, values[0], rtol=1e-12)


@pytest.mark.filterwarnings("ignore::pylme.errors.SingularFitWarning")
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("formula", IDENTIFIED)
def test_what_the_data_determine(formula, weights):
    fit = pylme.lmer(formula, DATA, engine="numpy", weights=weights)
    assert fit.optinfo.certificate.unidentified == ()
    assert fit.convergence.status in {Status.CONVERGED, Status.SINGULAR}
    assert "the data determine all covariance parameters" in fit.convergence.explain()


def test_another_start_does_not_make_it_known():
    with pytest.warns(NotIdentifiedWarning):
        fit = pylme.lmer("y ~ g + x + (1 | g)", DATA, engine="numpy")
    with pytest.warns(NotIdentifiedWarning):
        again = fit.refit_from([2.0])
    assert again.convergence.status is Status.DEGENERATE
