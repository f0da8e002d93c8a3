"""lme4's own criterion does not change along a direction, and changes elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import pylme

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme import Design, Identifiability

pytestmark = [
    pytest.mark.needs_r,
    pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning"),
]


def _study() -> dict[str, Any]:
    """24 schools of 10 rows, 12 in each of two sectors."""
    rng = np.random.default_rng(9)
    school = np.repeat(np.arange(24), 10)
    return {
        "Y": rng.normal(size=240) + rng.normal(size=24)[school],
        "ses": rng.normal(size=240),
        "school": [f"{i:02}" for i in school],
        "sector": [str(i // 12) for i in school],
    }


def _theta(design: Design, sigma: NDArray[np.float64]) -> list[float]:
    """Theta of the relative covariances given by their entries in the order of theta."""
    theta: list[float] = []
    for term in design.terms:
        k = len(term.names)
        columns, rows = np.triu_indices(k)
        full = np.zeros((k, k))
        full[rows, columns] = full[columns, rows] = sigma[term.thetas]
        theta += np.linalg.cholesky(full)[rows, columns].tolist()
    return theta


def _variances(found: Identifiability) -> NDArray[np.float64]:
    """Uncorrelated effects, of different variances."""
    is_variance = np.array([name.startswith("var") for name in found.parameters])
    return np.where(is_variance, np.linspace(1.0, 2.0, found.n_parameters), 0.0)


@pytest.mark.parametrize(
    "random",
    [
        "(ses:sector | school)",
        "(ses + sector | school)",
        "(ses * sector | school)",
        "(ses | school) + (1 | school)",
        "(0 + sector | school) + (1 | school)",
    ],
)
def test_flat(random: str) -> None:
    formula = f"Y ~ ses * sector + {random}"
    found = pylme.design(formula, _study()).identifiability()
    design = pylme.design(formula, _study())
    devfun = pylme.lmer(formula, _study()).getme("devfun")
    start = _variances(found)
    there = devfun(_theta(design, start))
    assert found.directions
    for direction in found.directions:
        moved = start.copy()
        places = [found.parameters.index(name) for name in direction.names]
        moved[places] += 0.3 * np.array(direction.weights)
        assert devfun(_theta(design, moved)) == pytest.approx(there, rel=1e-11)
        # The same step with a sign turned is no direction, unless it has one part only.
        if len(places) > 1:
            moved[places[0]] = start[places[0]] - 0.3 * direction.weights[0]
            assert abs(devfun(_theta(design, moved)) - there) > 1e-3
