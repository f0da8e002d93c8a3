"""Formulas changed by formulas with dots, compared with R's update()."""

import pytest

from pylme.errors import FormulaError, FormulaSyntaxError
from pylme.formula import formula_terms, parse_formula, updated_formula
from tests.native import native

CASES = [
    ("y ~ x*f + (x | g)", ". ~ . - x:f", "y ~ x + f + (x | g)"),
    ("y ~ x*f + (x | g)", ". ~ . - f:x", "y ~ x + f + (x | g)"),
    ("y ~ x + (1 | g)", "log(.) ~ . + z*x", "log(y) ~ x + z + x:z + (1 | g)"),
    ("y ~ x + (1 | g)", "~ . - 1", "y ~ 0 + x + (1 | g)"),
    ("y ~ 0 + x + (1 | g)", "~ . + 1", "y ~ x + (1 | g)"),
    ("y ~ x + (1 | g)", "~ . + offset(w)", "y ~ x + offset(w) + (1 | g)"),
    ("y ~ x + (1 | g)", "~ . - x", "y ~ 1 + (1 | g)"),
    ("y ~ x + (D | g)", "~ . - (D | g) + (1 | h)", "y ~ x + (1 | h)"),
    ("y ~ x + (D | g)", "z ~ w + (1 | h)", "z ~ w + (1 | h)"),
    ("y ~ x + (1 | g)", "~ . + (0 + x | g)", "y ~ x + (1 | g) + (0 + x | g)"),
    ("y ~ a + (1 | g)", "~ . + poly(x, 2)", "y ~ a + poly(x, 2) + (1 | g)"),
    ("y ~ (a + b)^2 + (1 | g/h)", "~ . - a:b + (a | g)", "y ~ a + b + (1 | g/h) + (a | g)"),
]


@pytest.mark.parametrize(("formula", "change", "new"), CASES)
def test_the_new_formula(formula, change, new):
    assert str(updated_formula(parse_formula(formula), change)) == new


@pytest.mark.needs_r
@pytest.mark.parametrize(("formula", "change", "new"), CASES)
def test_r_has_the_same_terms(formula, change, new):
    code = f"""attributes(stats::terms(stats::update({formula}, {change})))"""
    labels = native(f"{code}$term.labels")
    labels = (labels,) if isinstance(labels, str) else labels or ()
    bars = {label.replace(" ", "") for label in labels if "|" in label}
    fixed = {frozenset(label.split(":")) for label in labels if "|" not in label}
    ours = formula_terms(updated_formula(parse_formula(formula), change)).fixed
    assert {frozenset(term.texts) for term in ours.terms} == fixed
    assert ours.intercept == bool(native(f"{code}$intercept"))
    new_bars = updated_formula(parse_formula(formula), change).bars
    assert {str(bar)[1:-1].replace(" ", "") for bar in new_bars} == bars


def test_other_spellings_of_a_random_term_are_the_same_term():
    formula = parse_formula("y ~ x + (x | g)")
    assert str(updated_formula(formula, "~ . - (1 + x | g) + (1 | g)")) == "y ~ x + (1 | g)"
    assert str(updated_formula(formula, "~ . + (1 + x | g)")) == "y ~ x + (x | g)"


def test_a_dot_in_a_product_is_the_fixed_part():
    formula = parse_formula("y ~ a + b + (1 | g)")
    assert str(updated_formula(formula, "~ .^2")) == "y ~ a + b + a:b + (1 | g)"
    assert str(updated_formula(formula, "~ . * z")) == "y ~ a + b + z + a:z + b:z + (1 | g)"


def test_an_offset_can_be_removed():
    formula = parse_formula("y ~ x + offset(w) + (1 | g)")
    assert str(updated_formula(formula, "~ . - offset(w)")) == "y ~ x + (1 | g)"


@pytest.mark.parametrize("change", ["~ . - z", "~ . - (1 | h)", "~ . - x:z", "~ . - offset(w)"])
def test_what_is_not_there_cannot_be_removed(change):
    with pytest.raises(FormulaError, match="no term"):
        updated_formula(parse_formula("y ~ x + (1 | g)"), change)


@pytest.mark.parametrize("change", ["x", "~ . + (. | g)"])
def test_what_is_no_change_of_a_formula(change):
    with pytest.raises(FormulaSyntaxError):
        updated_formula(parse_formula("y ~ x + (1 | g)"), change)
