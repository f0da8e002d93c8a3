"""Which model contains which, and by which parameters it is larger."""

from __future__ import annotations

import numpy as np
import pytest

import pylme
from pylme.inference.likelihood_ratio_tests.nesting import Difference, difference_of
from tests.structures import repeated

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


TIMES = pylme.expand_grid(x=range(3), g=range(6), row=range(2)).assign(
    t=lambda d: "t" + d["x"].astype(str), y=np.arange(36.0) ** 1.5
)


@pytest.mark.parametrize(
    ("larger", "smaller", "bounds", "df"),
    [
        # Inside: an unstructured matrix has all structures, each structure its homogeneous form,
        # and a correlation of zero is no bound.
        ("(0 + t | g)", "cs(0 + t | g)", 0, 2),
        ("(0 + t | g)", "ar1(0 + t | g)", 0, 4),
        ("cs(0 + t | g)", "cs(0 + t | g, hom = TRUE)", 0, 2),
        ("ar1(0 + t | g, hom = FALSE)", "ar1(0 + t | g)", 0, 2),
        ("diag(0 + t | g)", "diag(0 + t | g, hom = TRUE)", 0, 2),
        ("cs(0 + t | g)", "diag(0 + t | g)", 0, 1),
        ("ar1(0 + t | g)", "diag(0 + t | g, hom = TRUE)", 0, 1),
        ("ar1(0 + t | g, hom = FALSE)", "diag(0 + t | g, hom = TRUE)", 0, 3),
        # One effect that all levels share has a correlation of one.
        ("cs(0 + t | g, hom = TRUE)", "(1 | g)", 1, 1),
        ("cs(0 + t | g)", "(1 | g)", 1, 3),
        ("ar1(0 + t | g)", "(1 | g)", 1, 1),
        # No variance: of one effect, and of a term, whose correlation is not seen then.
        ("diag(1 + x | g)", "(1 | g)", 1, 1),
        ("cs(1 + x | g)", "(1 | g)", 1, 2),
        ("diag(0 + t | g, hom = TRUE) + (1 | row)", "(1 | row)", 1, 1),
        ("ar1(0 + t | g) + (1 | row)", "(1 | row)", 2, 2),
        ("diag(1 + x | g)", "(0 + x | g)", 1, 1),
        # Columns of one term are combinations of another's.
        ("(1 | g) + ar1(0 + t | g)", "(1 | g)", 2, 2),
        ("ar1(0 + t | g) + (1 | g)", "diag(0 + t | g, hom = TRUE)", 1, 2),
        ("(1 | g) + diag(0 + t | g, hom = TRUE)", "(1 | g)", 1, 1),
        ("(0 + t | g) + (1 | g)", "(1 | g)", 3, 6),
        ("diag(1 + x | g) + (1 | row)", "(1 | row) + (1 | g)", 1, 1),
        # Terms of one factor together.
        ("(1 + x | g)", "diag(1 + x | g)", 0, 1),
        ("cs(0 + t | g, hom = TRUE)", "diag(0 + t | g, hom = TRUE)", 0, 1),
    ],
)
def test_structures_contain_others(larger, smaller, bounds, df):
    own = difference_of(*(design_of(random) for random in (larger, smaller)))
    assert own == Difference(fixed=0, effects=bounds, thetas=df)


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [
        ("cs(0 + t | g)", "ar1(0 + t | g)"),
        ("ar1(0 + t | g, hom = FALSE)", "cs(0 + t | g, hom = TRUE)"),
        ("cs(0 + t | g, hom = TRUE) + (1 | row)", "diag(0 + t | g)"),
        ("ar1(0 + t | g) + (1 | row)", "diag(0 + t | g)"),
        ("diag(0 + t | g)", "(1 | g)"),
        # In three effects a common correlation is not below -1/2, in two it may be -1.
        ("cs(1 + x + I(x^2) | g)", "(1 + x | g)"),
        # The same matrices.
        ("cs(1 + x | g)", "(1 + x | g)"),
        ("ar1(1 + x | g, hom = FALSE)", "cs(1 + x | g)"),
    ],
)
def test_structures_that_do_not(larger, smaller):
    with pytest.raises(pylme.errors.OptionError, match="null"):
        difference_of(design_of(larger), design_of(smaller))


def design_of(random):
    from pylme.model_matrix.build import build

    return build(pylme.StudyModel(formula=f"y ~ x + {random}").specified(TIMES))


def test_equal_matrices_are_tested_alike():
    data = repeated()
    small = pylme.lmer("y ~ x + (1 | s)", data, engine="numpy")
    plain, pattern = (
        pylme.anova(small, pylme.lmer(f"y ~ x + {random}", data, engine="numpy")).to_frame()
        for random in ("(1 + x | s)", "cs(1 + x | s)")
    )
    columns = ["df", "statistic", "p_value", "p_boundary"]
    np.testing.assert_allclose(pattern[columns], plain[columns], rtol=1e-6)


@pytest.mark.parametrize(
    ("random", "written"),
    [
        ("(0 + t | s)", "(0 + t | s)"),
        ("us(0 + t | s)", "(0 + t | s)"),
        ("ar1(0 + t | s)", "ar1(0 + t | s)"),
        ("ar1(0 + t | s, hom = TRUE)", "ar1(0 + t | s)"),
        ("ar1(0 + t | s, hom = FALSE)", "ar1(0 + t | s, hom = FALSE)"),
        ("cs(0 + t | s, hom = TRUE)", "cs(0 + t | s, hom = TRUE)"),
        ("diag(0 + t | s)", "diag(0 + t | s)"),
    ],
)
def test_a_test_of_a_term_names_it_as_the_formula_does(random, written):
    fit = pylme.lmer(f"y ~ x + {random}", repeated(), engine="numpy")
    assert all(term.endswith(written) for term in fit.ranova().terms)
    assert f"  {written}: " in str(fit.design)
