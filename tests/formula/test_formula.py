"""A formula's parts and columns, and the random terms that lme4 would misread."""

from __future__ import annotations

import copy
import pickle

import pytest

from pylme.errors import FormulaSyntaxError, NoRandomEffectsError
from pylme.formula import Formula, deparse, parse_formula, require_bars


def test_parts_of_a_formula() -> None:
    text = "log(y) ~ x*f + (1 | g/h) + (0 + x || k)"
    formula = parse_formula(text)
    assert formula.text == text
    assert deparse(formula.response) == "log(y)"
    assert deparse(formula.right) == "x * f + (1 | g/h) + (0 + x || k)"
    assert deparse(formula.fixed) == "x * f"
    nested, double = formula.bars
    assert (deparse(nested.effects), deparse(nested.group), nested.double) == ("1", "g/h", False)
    assert (deparse(double.effects), deparse(double.group), double.double) == ("0 + x", "k", True)
    assert [text[slice(*bar.span)] for bar in formula.bars] == ["(1 | g/h)", "(0 + x || k)"]
    assert str(double) == "(0 + x || k)"
    assert repr(formula) == "<Formula log(y) ~ x * f + (1 | g/h) + (0 + x || k)>"


def test_covariance_structures() -> None:
    text = "y ~ x + ar1(0 + t | g, hom = TRUE) + diag(x | h) + diag(z)"
    formula = parse_formula(text)
    ar1, diagonal = formula.bars
    assert (ar1.structure, diagonal.structure) == ("ar1", "diag")
    assert [deparse(option) for option in ar1.options] == ["hom = TRUE"]
    assert str(ar1) == text[slice(*ar1.span)] == "ar1(0 + t | g, hom = TRUE)"
    assert deparse(formula.fixed) == "x + diag(z)"
    assert formula.functions == ("diag",)
    assert parse_formula("y ~ (x | g)").bars[0].structure is None


@pytest.mark.parametrize(
    ("text", "response", "grouping", "effects"),
    [
        ("y ~ x + (1 | g)", "y", "g", "y x"),
        ("cbind(s, f) ~ x + (x | g:h)", "s f", "g h", "s f x"),
        ("y ~ log(x, base = b) + I(x > TRUE) + (1 | g)", "y", "g", "y x b"),
        ("y ~ x + pi + T + cut(x, right = F) + (1 | g)", "y", "g", "y x"),
        ("y ~ C(f, contr.sum) + offset(w) + (1 | g)", "y", "g", "y f w"),
        ("y ~ dummy(f, 'a') + (0 + dummy(f, 'b') | g)", "y", "g", "y f"),
        ("y ~ g + (1 | g)", "y", "g", "y g"),
        ("y ~ (1 | factor(g)) + (1 | (h:k)/m)", "y", "h k m", "y g"),
        ("y ~ (1 | interaction(a, b):c)", "y", "c", "y a b"),
        ("y ~ . + (a | g)", "y", "g", "y a"),
        (
            "`the y` ~ `if` + sch.id + größe + (1 | `g\\`h`)",
            "the,y",
            "g`h",
            "the,y if sch.id größe",
        ),
    ],
)
def test_columns(text: str, response: str, grouping: str, effects: str) -> None:
    formula = parse_formula(text)

    def names(words: str) -> tuple[str, ...]:
        return tuple(word.replace(",", " ") for word in words.split())

    assert formula.response_columns_in(()) == names(response)
    assert formula.grouping_columns == names(grouping)
    assert formula.effect_columns == names(effects)
    assert set(formula.columns) == {*names(grouping), *names(effects)}


def test_columns_stand_in_order_of_appearance_each_once() -> None:
    formula = parse_formula("z ~ (b | g) + a + (b | h) + a:b + z")
    assert formula.columns == ("z", "b", "g", "a", "h")


def test_a_column_hides_a_value_of_r_that_has_its_name() -> None:
    formula = parse_formula("y ~ T + I(x * pi) + C(f, contr.sum) + (1 | g)")
    assert formula.columns == ("y", "x", "f", "g")
    assert formula.columns_in(["T", "y", "contr.sum"]) == ("y", "T", "x", "f", "g")


@pytest.mark.parametrize(
    ("text", "mark", "message"),
    [
        ("y ~ x + 1 | g", 10, "'|' outside parentheses"),
        ("y ~ 1 || g", 6, "'||' outside parentheses"),
        ("y | z ~ x + (1 | g)", 2, "'|' outside parentheses"),
        ("y ~ (a | b | c)", 11, "a second bar"),
        ("y ~ (a | (b | c))", 12, "a second bar"),
        ("y ~ ((1 | a) | b)", 13, "a second bar"),
        ("y ~ I(a | b) + (1 | g)", 8, "'|' within another term"),
        ("y ~ ifelse(a || b, 1, 0) + (1 | g)", 13, "'||' within another term"),
        ("I(a | b) ~ x + (1 | g)", 4, "'|' within another term"),
        ("y ~ x*(1 | g)", 9, "'|' within another term"),
        ("y ~ x:(1 | g)", 9, "'|' within another term"),
        ("y ~ -(1 | g)", 8, "'|' within another term"),
        ("y ~ x - (1 | g)", 6, "a minus before a random term"),
        ("y ~ x - (a + (1 | g))", 6, "a minus before a random term"),
        ("y ~ (1 | g) - 1", 12, "a minus after random terms"),
        ("y ~ ((1 | g) + (1 | h)) - x", 24, "a minus after random terms"),
        ("y ~ (1 | g + h)", 9, "'g + h' where a grouping factor"),
        ("y ~ (1 | g*h)", 9, "'g * h' where a grouping factor"),
        ("y ~ (1 | g:(h - k))", 12, "'h - k' where a grouping factor"),
        ("y ~ (1 | 1)", 9, "'1' where a grouping factor"),
        ("y ~ (1 | 'g')", 9, "where a grouping factor"),
        ("y ~ us(x || g)", 9, "'||' within us()"),
        ("y ~ cs(x | g, hom = (1 | h))", 23, "'|' within another term"),
        ("y ~ log(x | g)", 10, "'|' within another term"),
    ],
)
def test_random_terms_that_lme4_would_misread_are_refused(
    text: str, mark: int, message: str
) -> None:
    with pytest.raises(FormulaSyntaxError) as caught:
        parse_formula(text)
    assert message in str(caught.value)
    assert caught.value.start == mark


def test_a_formula_without_random_terms_is_for_another_function() -> None:
    require_bars(parse_formula("y ~ (1 | g)"))
    with pytest.raises(NoRandomEffectsError, match="no random-effects terms") as caught:
        require_bars(parse_formula("y ~ x"))
    assert caught.value.formula == "y ~ x"


def test_formulas_are_equal_if_r_writes_them_alike() -> None:
    formula = parse_formula("y ~ x**2 + (1|`g`)")
    same = parse_formula("y~x^2+(1 | g)")
    assert formula == same
    assert hash(formula) == hash(same)
    assert formula != parse_formula("y ~ x^2 + (1 || g)")
    assert formula != "y ~ x^2 + (1 | g)"


@pytest.mark.parametrize(
    "right", ["x*f + (1 | `the g`)", " + ".join(f"x{i}" for i in range(3_000))]
)
def test_formulas_travel_between_processes(right: str) -> None:
    formula = parse_formula(f"y ~ {right}")
    for other in (pickle.loads(pickle.dumps(formula)), copy.deepcopy(formula)):
        assert isinstance(other, Formula)
        assert other == formula
        assert other.text == formula.text
