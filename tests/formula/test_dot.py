"""The dot, against `terms()` with the data that it should see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pylme.errors import FormulaSyntaxError
from pylme.formula import model_terms, parse_formula, with_dot
from tests.formula.rscript import ask_r

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["y", "a", "the b", "g", "d", "h"]
_TERMS = """
  data <- data.frame(y = 1, a = 1, `the b` = 1, d = 1, check.names = FALSE)
  attr(terms(as.formula(line), data = data), "term.labels")
"""


RIGHT = [".", ". - a", ".^2", ".:a", "a*.", "log(a) + .", ". - 1", "-a + .", "d/.", "(.)", "+."]


def test_the_dot_stands_for_what_r_takes_it_for(tmp_path: Path) -> None:
    answers = ask_r(_TERMS, [f"y ~ {right}" for right in RIGHT], tmp_path)
    for right, answer in zip(RIGHT, answers, strict=True):
        formula = with_dot(parse_formula(f"y ~ {right} + (1 | g:h)"), NAMES)
        terms = model_terms(formula.fixed, response=formula.response)
        assert list(terms.labels) == answer, right


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y ~ a + (1 | g)", "y ~ a + (1 | g)"),
        ("y ~ . + (d | g/h)", "y ~ a + `the b` + d + (d | g/h)"),
        # lme4 1.1-31 takes y and g among the fixed effects here.
        ("log(y) ~ . + (1 | g)", "log(y) ~ a + `the b` + d + h + (1 | g)"),
        ("y ~ 1 + (. || g:h)", "y ~ 1 + (a + `the b` + d || g:h)"),
        ("y ~ diag(0 + . | g)", "y ~ diag(0 + (a + `the b` + d + h) | g)"),
        ("y ~ ((1 | g) + .)", "y ~ ((1 | g) + (a + `the b` + d + h))"),
    ],
)
def test_response_and_groups_are_left_out(text: str, expected: str) -> None:
    formula = with_dot(parse_formula(text), NAMES)
    assert str(formula) == expected
    assert "." not in formula.columns


def test_a_formula_without_a_dot_is_returned_as_it_is() -> None:
    formula = parse_formula("y ~ a.b + (1 | g)")
    assert with_dot(formula, NAMES) is formula


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        (". ~ a + (1 | g)", 0),
        ("y ~ log(.) + (1 | g)", 8),
        ("y ~ I(.^2)", 6),
        ("y ~ a + (1 | .)", 13),
        ("y ~ a > .", 8),
    ],
)
def test_dots_that_r_could_not_evaluate_are_refused(text: str, mark: int) -> None:
    with pytest.raises(FormulaSyntaxError, match=r"'\.' where the name of a column") as caught:
        with_dot(parse_formula(text), NAMES)
    assert caught.value.start == mark


def test_a_dot_needs_a_column_to_stand_for() -> None:
    with pytest.raises(FormulaSyntaxError, match="found no column where a column other"):
        with_dot(parse_formula("y ~ . + (1 | g)"), ["g", "y"])
    with pytest.raises(FormulaSyntaxError, match="dot"):
        with_dot(parse_formula("y ~ (1 | g) + ."), [])


def test_many_columns_are_no_burden() -> None:
    names = [f"column {i}" for i in range(3_000)]
    formula = with_dot(parse_formula("y ~ . + (1 | g)"), ["y", *names, "g"])
    assert formula.columns == ("y", *names, "g")
