"""Which model contains which, and by which parameters it is larger."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.inference.likelihood_ratio_tests.nesting import Difference, difference_of

DATA = pylme.expand_grid(x=range(4), g=range(6)).assign(
    y=np.arange(24.0) ** 1.5, f=lambda d: (d["x"] % 2).astype(str), h=lambda d: d["g"] // 2
)


@pytest.mark.parametrize(
    ("larger", "smaller", "more"),
    [
        ("y ~ x + (1 | g)", "y ~ 1 + (1 | g)", (1, 0, 0)),
        ("y ~ x * f + (1 | g)", "y ~ 0 + f + x + (1 | g)", (1, 0, 0)),
        ("y ~ x + (x | g)", "y ~ x + (1 | g)", (0, 1, 2)),
        ("y ~ x + (x | g)", "y ~ x + (x || g)", (0, 0, 1)),
        ("y ~ x + (x || g)", "y ~ x + (0 + x | g)", (0, 1, 1)),
        ("y ~ x + (1 | g) + (1 | h)", "y ~ x + (1 | g)", (0, 1, 1)),
        ("y ~ x + (x | g)", "y ~ x + (0 + I(x - 2) | g)", (0, 1, 2)),
        ("y ~ x + (x | g)", "y ~ 1", (1, 2, 3)),
    ],
)
def test_what_a_model_has_more(larger, smaller, more):
    fixed, effects, thetas = more
    own = difference_of(*(pylme_design(formula) for formula in (larger, smaller)))
    assert own == Difference(fixed=fixed, effects=effects, thetas=thetas)


def pylme_design(formula):
    """Also of a model without random effects."""
    from pylme.model_matrix.build import build

    return build(pylme.StudyModel(formula=formula).specified(DATA))


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        ("y ~ x + (1 | g)", "y ~ x + (1 | g)"),
        ("y ~ x + (1 | g)", "y ~ f + (1 | g)"),
        ("y ~ x + (1 | g)", "y ~ x + (1 | h)"),
        ("y ~ x + (x || g)", "y ~ 1 + (x | g)"),
        ("y ~ x + (x || g) + (1 | h)", "y ~ x + (x | g)"),
    ],
)
def test_no_smaller_model(larger, smaller):
    with pytest.raises(pylme.errors.OptionError, match="null"):
        difference_of(pylme_design(larger), pylme_design(smaller))
