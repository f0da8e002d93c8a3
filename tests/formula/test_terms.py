"""The algebra of terms against R's `terms()`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pylme.errors import FormulaError
from pylme.formula import Binary, deparse, model_terms, parse_formula, parse_tree
from tests.formula.rscript import ask_r
from tests.formula.strategies import algebra, draw_many

if TYPE_CHECKING:
    from pathlib import Path

    from pylme.formula import ModelTerms

_TERMS = """
  found <- terms(as.formula(line))
  offsets <- as.list(attr(found, "variables"))[-1L][attr(found, "offset")]
  c(attr(found, "intercept"), attr(found, "term.labels"), "offsets", vapply(offsets, deparse, ""))
"""


def _as_r(terms: ModelTerms) -> list[str]:
    return [str(int(terms.intercept)), *terms.labels, "offsets", *map(deparse, terms.offsets)]


def _two_sided(text: str) -> ModelTerms:
    tree = parse_tree(text)
    assert isinstance(tree, Binary)
    return model_terms(tree.right, response=tree.left)


def test_generated_formulas_have_the_terms_that_r_gives_them(tmp_path: Path) -> None:
    texts = [f"y ~ {right}" for right in draw_many(algebra, 500)]
    for text, answer in zip(texts, ask_r(_TERMS, texts, tmp_path), strict=True):
        assert _as_r(_two_sided(text)) == answer, text


PECULIAR = """
a + b %in% a | (a + b) %in% (c + d) | c %in% (a + b) | (a + b)/c | a - (b - 1) | a - (a - 1)
-1 - a | - a + a | b + a:b | NULL | a - NULL | 1/a | 0/a | a:0 | a*0 + b | a*1 | 1*a | TRUE + a
FALSE + a | 1 %in% a | a %in% 1 | a - offset(z) | (a + offset(z))^2 | x:y + x | y + x
(a - b)^2 | (-1)^2 | a^2L | x > 3 + a | !a | (a*b - 1) - b | a - -1 | a - +1 | - -1 | 1 - 0
(a + b + c + d)^4 - a:b:c:d | (a:b + c)^3 | (a:b:c + a:d + b)^2 | a*b*c*d - (a + b):c
c + (a + b)/(c + d) | (a + b)^50 | 1.0 + a | 0L + a | I(a + b):`c d` + `c d` | f(x = 1):f(1)
"""


def test_peculiar_formulas_have_the_terms_that_r_gives_them(tmp_path: Path) -> None:
    rights = [right.strip() for right in PECULIAR.strip().replace("\n", "|").split("|")]
    texts = [f"y ~ {right}" for right in rights] + ["log(y) ~ y + log(y)"]
    for text, answer in zip(texts, ask_r(_TERMS, texts, tmp_path), strict=True):
        assert _as_r(_two_sided(text)) == answer, text


def test_what_is_no_term_is_refused_as_r_refuses_it(tmp_path: Path) -> None:
    rights = ["a + 2", "2:a", "'x'", "a + NA", "Inf", "a^1", "a^0", "a^b", "a^(2)", "a^-1", "a^1.5"]
    answers = ask_r(_TERMS, [f"y ~ {right}" for right in rights], tmp_path)
    for right, (answer,) in zip(rights, answers, strict=True):
        assert answer.startswith("error: invalid")
        with pytest.raises(FormulaError, match=r"is not a term|no whole number"):
            model_terms(parse_tree(right))


def test_a_dot_must_have_been_replaced() -> None:
    with pytest.raises(FormulaError, match="stands for columns"):
        model_terms(parse_tree("a + ."))


@pytest.mark.parametrize(
    "text", ["*".join("abcdefghijklmnopqrstu"), f"({'+'.join('abcdefghijklmnopqrst')})^15"]
)
def test_a_formula_of_a_million_terms_is_refused_at_once(text: str) -> None:
    with pytest.raises(FormulaError, match="more than 100,000 terms"):
        model_terms(parse_tree(text))


def test_long_sums_and_long_arguments_are_no_burden() -> None:
    names = [f"x{i}" for i in range(3_000)]
    long_sum = " + ".join(names)
    assert model_terms(parse_formula(f"y ~ {long_sum}").fixed).labels == tuple(names)
    # Within a call R recurses at each operator: more than 200 in a row are refused.
    argument = " + ".join(names[:200])
    assert model_terms(parse_tree(f"I({argument}):z")).labels == (f"I({argument}):z",)
