"""Formulas of patsy, statsmodels and NumPy: the message shows a line, and the line works."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import pylme
from pylme.errors import (
    FormulaError,
    FunctionNotAllowedError,
    NonlinearModelError,
    PylmeError,
    UnknownColumnError,
)
from pylme.formula import check_functions, parse_formula

ENGINES = ("lme4", "numpy")


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"g": np.repeat(np.arange(12), 10), "x": rng.uniform(1, 6, 120)})
    frame["f"] = np.where(rng.uniform(size=120) < 0.5, "a", "b")
    frame["n"] = np.tile([1, 2, 3], 40)
    frame["my var"] = rng.normal(size=120)
    frame["y"] = frame["x"] + 2 * rng.normal(size=12)[frame["g"]] + rng.normal(size=120)
    return frame


HABITS = [
    ("y ~ np.log(x + 1) + (1 | g)", "y ~ log(x + 1) + (1 | g)"),
    ("np.sqrt(y + 20) ~ x + (1 | g)", "sqrt(y + 20) ~ x + (1 | g)"),
    ("y ~ numpy.arcsin(x/10) + (1 | g)", "y ~ asin(x/10) + (1 | g)"),
    ("y ~ np.square(x) + np.power(x, 3) + (1 | g)", "y ~ I(x^2) + I(x^3) + (1 | g)"),
    ("y ~ np.where(x > 3, 1, 0) + (1 | g)", "y ~ ifelse(x > 3, 1, 0) + (1 | g)"),
    ("y ~ np.clip(x, 2, 5) + (1 | g)", "y ~ pmin(pmax(x, 2), 5) + (1 | g)"),
    ("y ~ scipy.special.expit(x) + (1 | g)", "y ~ plogis(x) + (1 | g)"),
    ("y ~ np.reciprocal(x) + (1 | g)", "y ~ I(1/x) + (1 | g)"),
    ("y ~ x + (np.log(x) | g)", "y ~ x + (log(x) | g)"),
    ("y ~ C(n) + (1 | g)", "y ~ factor(n) + (1 | g)"),
    ("y ~ C(n, contr.sum) + (1 | g)", "y ~ C(factor(n), contr.sum) + (1 | g)"),
    ("y ~ C(n):x + (1 | g)", "y ~ factor(n):x + (1 | g)"),
    ("y ~ C(f, Treatment('b')) + (1 | g)", 'y ~ relevel(factor(f), ref = "b") + (1 | g)'),
    ("y ~ C(f, Treatment(reference='b'))*x + (1 | g)",
     'y ~ relevel(factor(f), ref = "b") * x + (1 | g)'),
    ("y ~ C(n, Treatment(2)) + (1 | g)", 'y ~ relevel(factor(n), ref = "2") + (1 | g)'),
    ("y ~ C(f, Sum) + (1 | g)", "y ~ C(factor(f), contr.sum) + (1 | g)"),
    ("y ~ C(n, Poly) + (1 | g)", "y ~ C(factor(n), contr.poly) + (1 | g)"),
    ('y ~ Q("my var") + (1 | g)', "y ~ `my var` + (1 | g)"),
    ("y ~ np.exp(Q('my var')) + (Q('my var') | g)", "y ~ exp(`my var`) + (`my var` | g)"),
    ("y ~ center(x) + (1 | g)", "y ~ scale(x, scale = FALSE) + (1 | g)"),
    ("y ~ standardize(x) + (1 | g)", "y ~ scale(x) + (1 | g)"),
    ("y ~ bs(x, df=5, include_intercept=False) + (1 | g)",
     "y ~ bs(x, df = 5, intercept = FALSE) + (1 | g)"),
    ("y ~ bs(x, df=5, lower_bound=0, upper_bound=7) + (1 | g)",
     "y ~ bs(x, df = 5, Boundary.knots = c(0, 7)) + (1 | g)"),
    ("y ~ cr(x, df=4) + (1 | g)", "y ~ ns(x, df = 3) + (1 | g)"),
    ("y ~ x + x**2 + (1 | g)", "y ~ x + I(x^2) + (1 | g)"),
    ("y ~ x*f + np.log(x)**2 + (1 | g)", "y ~ x * f + I(log(x)^2) + (1 | g)"),
    ("y ~ x + (x**2 | g)", "y ~ x + (I(x^2) | g)"),
    ("y ~ x + (1 | C(g))", "y ~ x + (1 | g)"),
    ("y ~ x + (1 | factor(g))", "y ~ x + (1 | g)"),
    ("y ~ x + (1 | C(f):factor(g))", "y ~ x + (1 | f:g)"),
    ("y ~ np.sin(2*np.pi*x/6) + (1 | g)", "y ~ sin(2 * pi * x/6) + (1 | g)"),
    ("y ~ np.power(np.e, x/6) + (1 | g)", "y ~ I(exp(1)^(x/6)) + (1 | g)"),
    ("y ~ x + np.mean(x) + (1 | g)", "y ~ x + ave(x, FUN = mean) + (1 | g)"),
    ("y ~ I(x - np.mean(x)) + (1 | g)", "y ~ I(x - mean(x)) + (1 | g)"),
    ("y ~ group_mean(x, g) + (1 | g)", "y ~ ave(x, g) + (1 | g)"),
    ("y ~ x + tapply(x, g, max) + (1 | g)", "y ~ x + ave(x, g, FUN = max) + (1 | g)"),
    ("y ~ splines::ns(x, 3) + (1 | g)", "y ~ ns(x, 3) + (1 | g)"),
    ("y ~ base::log(x) + stats::poly(x, 2) + (1 | g)", "y ~ log(x) + poly(x, 2) + (1 | g)"),
]  # fmt: skip


@pytest.mark.needs_r
@pytest.mark.filterwarnings("ignore::pylme.errors.FitWarning")
@pytest.mark.parametrize(("habit", "line"), HABITS)
def test_the_line_that_is_shown_works(habit: str, line: str, data: pd.DataFrame) -> None:
    criteria = []
    for engine in ENGINES:
        with pytest.raises(PylmeError) as caught:
            pylme.lmer(habit, data, engine=engine)
        shown = re.search(r"(?:Write|language|package): (.*)$", str(caught.value), re.MULTILINE)
        assert shown is not None, str(caught.value)
        assert shown[1] == line
        criteria.append(pylme.lmer(line, data, engine=engine).criterion)
    assert criteria[0] == pytest.approx(criteria[1], abs=0.01)  # lme4's searches end short


@pytest.mark.parametrize("term", ["(x + z)**2", "I(x**2)", "log(x**2)", "(a*b)**2"])
def test_powers_of_sums_and_within_calls_stay(term: str) -> None:
    check_functions(parse_formula(f"y ~ {term} + (1 | g)"))


@pytest.mark.parametrize(
    "term", ["np.random.rand(x)", "df.mean(x)", "np.std(x)", "C(f, Diff)", "base::system('x')"]
)
def test_no_line_is_shown_where_none_would_work(term: str) -> None:
    with pytest.raises(FormulaError) as caught:
        check_functions(parse_formula(f"y ~ {term} + (1 | g)"))
    assert "Write" not in str(caught.value)


def test_no_permission_is_offered_for_functions_of_python() -> None:
    with pytest.raises(FunctionNotAllowedError) as caught:
        check_functions(parse_formula("y ~ np.std(x) + (1 | g)"))
    assert "allow_function" not in str(caught.value)


def test_truth_values_of_python_are_told_in_r(data: pd.DataFrame) -> None:
    with pytest.raises(UnknownColumnError, match="TRUE for Python's True"):
        pylme.lmer("y ~ poly(x, 2, raw=True) + (1 | g)", data, engine="numpy")


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ SSlogis(x, Asym, xmid, scal) ~ Asym | g",
        "y ~ SSlogis(x, Asym, xmid, scal) + (1 | g)",
        "circumference ~ SSlogis(age, Asym, xmid, scal) ~ (Asym | Tree)",
        "y ~ SSmicmen(x, Vm, K) + (Vm | g)",
        "y ~ f(x) ~ a + b + (a | g)",
    ],
)
def test_nonlinear_models_are_refused_by_that_name(formula: str, data: pd.DataFrame) -> None:
    for fit in (pylme.lmer, pylme.glmer, pylme.glmer_nb, pylme.explain):
        with pytest.raises(NonlinearModelError, match=r"nonlinear mixed model\n.*nlmer"):
            fit(formula, data)


@pytest.mark.parametrize("term", ["s(x)", "te(x, z)"])
def test_smooth_terms_are_pointed_to_splines(term: str) -> None:
    with pytest.raises(FormulaError, match=r"gamm4.*ns\(x, df = 4\)"):
        check_functions(parse_formula(f"y ~ {term} + (1 | g)"))
