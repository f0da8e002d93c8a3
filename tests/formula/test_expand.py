"""`||` and `/` written out as lme4 does, and the parts of a formula that lme4 finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from pylme.errors import FormulaError
from pylme.formula import deparse, expand, parse_formula
from pylme.versions import has
from tests.formula.rscript import ask_r
from tests.formula.strategies import draw_many, mixed_formulas, unhurried

if TYPE_CHECKING:
    from pylme.formula import Bar

_LME4 = """
  written <- function(e) paste(trimws(deparse(e, width.cutoff = 500L), "left"), collapse = "")
  f <- as.formula(line)
  c(written(nobars(f[[3L]])), vapply(findbars(f), written, ""))
"""


def _written(bar: Bar) -> str:
    return f"{deparse(bar.effects)} | {deparse(bar.group)}"


UNREADABLE = [
    f"y ~ (1 | {group})"
    for group in ("a/(b/c)", "(a/b)", "a:b/c", "(a:b)/c", "factor(a)/b", "a:(b/c)")
]


@pytest.fixture(scope="module")
def generated() -> list[str]:
    return draw_many(mixed_formulas, 150)


@pytest.fixture(scope="module")
def lme4_finds(
    generated: list[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[str]]:
    """By text: the right side without bars, and the bars, as lme4 finds them."""
    texts = [*generated, *(expand(parse_formula(text)).text for text in generated), *UNREADABLE]
    answers = ask_r(_LME4, texts, tmp_path_factory.mktemp("lme4"), package="lme4")
    return dict(zip(texts, answers, strict=True))


def test_generated_formulas_are_taken_apart_as_lme4_does(
    generated: list[str], lme4_finds: dict[str, list[str]]
) -> None:
    for text in generated:
        formula = expand(parse_formula(text))
        if has("bare_group") and "/" in text:
            continue  # newer versions write the same levels in another order
        ours, theirs = [deparse(formula.fixed), *map(_written, formula.bars)], lme4_finds[text]
        assert _comparable(ours) == _comparable(theirs), text
        assert formula.fixed == parse_formula(text).fixed
        assert _comparable(lme4_finds[formula.text]) == _comparable(theirs), text


def _comparable(parts: list[str]) -> list[str]:
    """Newer versions leave out some of the parentheses in a grouping factor."""
    return [part.translate({40: None, 41: None}) for part in parts] if has("bare_group") else parts


@unhurried
@given(mixed_formulas)
def test_expanding_twice_changes_nothing(text: str) -> None:
    once = expand(parse_formula(text))
    assert expand(once) is once
    assert not any(bar.double for bar in once.bars)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y ~ x + (1 | g)", "y ~ x + (1 | g)"),
        ("y ~ (1 | a/b/c) + x", "y ~ (1 | c:(b:a)) + (1 | b:a) + (1 | a) + x"),
        ("y ~ x + (x*f || g)", "y ~ x + (1 | g) + (0 + x | g) + (0 + f | g) + (0 + x:f | g)"),
        ("y ~ ((x || g))", "y ~ ((1 | g) + (0 + x | g))"),
        # lme4 1.1-31 stops at these with a syntax error.
        ("y ~ (1 || g)", "y ~ (1 | g)"),
        ("y ~ (`the x` || `the g`)", "y ~ (1 | `the g`) + (0 + `the x` | `the g`)"),
        ("y ~ ((a > b):c || g)", "y ~ (1 | g) + (0 + (a > b):c | g)"),
        (
            "y ~ ar1(0 + t | a/b, hom = T)",
            "y ~ ar1(0 + t | b:a, hom = T) + ar1(0 + t | a, hom = T)",
        ),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert str(expand(parse_formula(text))) == expected


def test_nestings_that_lme4_cannot_read_are_refused(lme4_finds: dict[str, list[str]]) -> None:
    for text in UNREADABLE:
        with pytest.raises(FormulaError, match="cannot read the grouping factor"):
            expand(parse_formula(text))
        if has("bare_group"):
            continue  # newer versions read some of them; pylme refuses the same for all
        # lme4 itself stops, or takes a function for a group: `:`, `(`, or factor.
        found = lme4_finds[text]
        assert found[0].startswith("error: unparseable") or found[-1].endswith(("`", "| factor"))


def test_no_effects_at_all_are_refused() -> None:
    with pytest.raises(FormulaError, match="no effect to the left"):
        expand(parse_formula("y ~ (0 || g)"))
