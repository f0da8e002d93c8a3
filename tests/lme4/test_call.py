"""Functions that R does not have are refused before R evaluates a formula."""

from __future__ import annotations

import pytest

import pylme
from pylme.errors import FormulaError
from pylme.formula import allow
from tests.native import native

pytestmark = pytest.mark.needs_r


@pytest.fixture(autouse=True)
def _the_list_as_it_was(monkeypatch):
    monkeypatch.setattr(allow, "_allowed", set(allow._allowed))


@pytest.fixture(scope="module")
def sleepstudy():
    return pylme.datasets.load("sleepstudy")


@pytest.mark.parametrize(
    ("name", "near"),
    [("lgamm", "'lgamma'"), ("nosuch", None), ("dnorm_", "'dnorm'"), ("%zz%", None)],
)
def test_a_name_that_r_does_not_have(sleepstudy, name, near):
    pylme.allow_function(name)
    term = f"(Days {name} Days)" if "%" in name else f"{name}(Days)"
    with pytest.raises(FormulaError, match="R has no function") as caught:
        pylme.lmer(f"Reaction ~ {term} + (1 | Subject)", sleepstudy)
    assert repr(name) in caught.value.found
    assert "^" * len(name) in caught.value.found
    assert near is None or near in caught.value.remedy


def test_what_runs_code_is_never_the_nearest_name(sleepstudy):
    pylme.allow_function("systm")
    with pytest.raises(FormulaError) as caught:
        pylme.lmer("Reaction ~ systm(Days) + (1 | Subject)", sleepstudy)
    assert "'system'" not in str(caught.value)


@pytest.mark.parametrize("name", ["lgamma", "dnorm", "interpSpline", "head"])
def test_what_r_has_is_found_where_r_finds_it(name):
    """base, stats, splines, and what is attached."""
    from pylme.formula import parse_formula
    from pylme.lme4.call import require_functions

    require_functions(parse_formula(f"y ~ {name}(x) + (1 | g)"))
    assert native(f"exists('{name}', mode = 'function')") or name == "interpSpline"


def test_a_variable_is_no_function(sleepstudy):
    """`letters` is in base, and cannot be called."""
    pylme.allow_function("letters")
    with pytest.raises(FormulaError, match="R has no function 'letters'"):
        pylme.lmer("Reaction ~ letters(Days) + (1 | Subject)", sleepstudy)
