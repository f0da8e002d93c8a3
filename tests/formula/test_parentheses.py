"""Parentheses that say nothing: gone where there are many, and the model is the same."""

from __future__ import annotations

import time

import pytest

import pylme
from pylme.errors import FormulaError
from pylme.formula import model_terms, parse_formula, without_idle_parentheses


def around(text: str, times: int) -> str:
    return "(" * times + text + ")" * times


def simpler(text: str) -> str:
    return str(without_idle_parentheses(parse_formula(text)))


@pytest.mark.parametrize(
    "text",
    [
        "y ~ (x) + (1 | g)",
        "y ~ ((x)) + (1 | g)",
        "y ~ I(((x))) + (1 | ((g)))",
        "y ~ (a + (b + c)):d + (1 | g)",
        "(y) ~ x + (1 | g)",
    ],
)
def test_a_formula_with_few_stays_as_it_is(text):
    formula = parse_formula(text)
    assert without_idle_parentheses(formula) is formula


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"y ~ {around('x', 9)} + (1 | g)", "y ~ x + (1 | g)"),
        (f"y ~ a + {around('b + c', 9)} + (1 | g)", "y ~ a + b + c + (1 | g)"),
        (f"y ~ a - {around('b + c', 9)} + (1 | g)", "y ~ a - (b + c) + (1 | g)"),
        (f"y ~ a + {around('b - c', 9)} + (1 | g)", "y ~ a + (b - c) + (1 | g)"),
        (f"y ~ {around('a + b', 9)}*c + (1 | g)", "y ~ (a + b) * c + (1 | g)"),
        (f"y ~ {around('a + b', 9)}^2 + (1 | g)", "y ~ (a + b)^2 + (1 | g)"),
        (f"y ~ x + {around('1 | g', 9)}", "y ~ x + (1 | g)"),
        (f"y ~ x + ({around('x', 9)} || g)", "y ~ x + (x || g)"),
        (f"y ~ x + (1 | {around('g', 9)})", "y ~ x + (1 | (g))"),
        (f"y ~ x + (1 | {around('g/h', 9)})", "y ~ x + (1 | (g/h))"),
        (f"y ~ I({around('x + 1', 9)}) + (1 | g)", "y ~ I((x + 1)) + (1 | g)"),
        (f"y ~ I(2 * {around('x + 1', 9)}) + (1 | g)", "y ~ I(2 * (x + 1)) + (1 | g)"),
        (f"{around('y', 9)} ~ x + (1 | g)", "(y) ~ x + (1 | g)"),
        ("y ~ ((((a) + b) + c) + d) + (1 | g)", "y ~ a + b + c + d + (1 | g)"),
        ("y ~ a + (b + (c + (d + (1 | g))))", "y ~ a + b + c + d + (1 | g)"),
        ("y ~ a + (b + (c + (d - 1 + (1 | g))))", "y ~ a + b + c + (d - 1 + (1 | g))"),
        (f"y ~ a - {around('1', 9)} + (1 | g)", "y ~ a - 1 + (1 | g)"),
    ],
)
def test_a_formula_with_many_keeps_those_that_matter(text, expected):
    assert simpler(text) == expected
    before, after = parse_formula(text), parse_formula(expected)
    assert model_terms(before.fixed) == model_terms(after.fixed) or "I(" in text
    assert len(before.bars) == len(after.bars)


@pytest.mark.parametrize("engine", [pytest.param("lme4", marks=pytest.mark.needs_r), "numpy"])
def test_what_cannot_be_simplified_is_refused_alike(engine):
    data = pylme.datasets.load("sleepstudy")
    nested = "Days"
    for _ in range(14):
        nested = f"({nested} + 1) * 1"
    start = time.perf_counter()
    with pytest.raises(FormulaError, match="14 deep"):
        pylme.lmer(f"Reaction ~ I({nested}) + (1 | Subject)", data, engine=engine)
    assert time.perf_counter() - start < 5


@pytest.mark.needs_r
@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (f"Reaction ~ {around('Days', 30)} + (1 | Subject)", "Reaction ~ Days + (1 | Subject)"),
        (
            f"Reaction ~ I({around('Days + 1', 30)}) + {around('Days | Subject', 30)}",
            "Reaction ~ I((Days + 1)) + (Days | Subject)",
        ),
        (f"Reaction ~ Days + (1 | {around('Subject', 30)})", "Reaction ~ Days + (1 | (Subject))"),
    ],
)
def test_both_engines_fit_and_name_the_same(text, plain):
    data = pylme.datasets.load("sleepstudy")
    start = time.perf_counter()
    fits = [pylme.lmer(text, data, engine=engine) for engine in ("lme4", "numpy")]
    assert time.perf_counter() - start < 20
    expected = pylme.lmer(plain, data)
    for fit in fits:
        assert fit.fixef.index.tolist() == expected.fixef.index.tolist()
        assert fit.ngrps == expected.ngrps
        assert fit.criterion == pytest.approx(expected.criterion, rel=1e-8)
        assert fit.formula == plain
