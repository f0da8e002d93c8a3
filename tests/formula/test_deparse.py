"""The deparser: R's spacing, quotes, numbers and line breaks; all that it writes reads back."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pylme.formula import (
    Binary,
    Name,
    Node,
    Number,
    Paren,
    Unary,
    deparse,
    deparse_lines,
    parse_tree,
    walk,
)
from tests.formula.rscript import ask_r
from tests.formula.strategies import draw_many, mixed_formulas, numbers, trees, unhurried

if TYPE_CHECKING:
    from pathlib import Path


def _bare(node: Any) -> Any:
    """The tree without its parentheses, which say nothing that the tree does not."""
    if isinstance(node, tuple):
        return tuple(_bare(part) for part in node)
    if isinstance(node, Paren):
        return _bare(node.inner)
    if isinstance(node, Node):
        return replace(
            node,
            **{
                field.name: _bare(getattr(node, field.name))
                for field in fields(node)
                if field.compare
            },
        )
    return node


@unhurried
@given(trees)
def test_what_is_written_reads_back_the_same(tree: Node) -> None:
    read = parse_tree(deparse(tree))
    assert _bare(read) == _bare(tree)
    assert parse_tree(deparse(read)) == read


@unhurried
@given(trees, st.integers(20, 100))
def test_lines_are_the_text_broken(tree: Node, cutoff: int) -> None:
    lines = deparse_lines(tree, cutoff)
    assert parse_tree("\n".join(lines)) == parse_tree(deparse(tree))
    assert deparse_lines(tree, 10**6) == [deparse(tree)]


def _exact_in_r(tree: Node) -> bool:
    """Whether R's 15 digits are enough for the numbers."""
    numbers = (node.value for node in walk(tree) if isinstance(node, Number))
    return all(float(f"{value:.15g}") == value for value in numbers)


def test_trees_are_written_as_r_writes_them(tmp_path: Path) -> None:
    # A name alone and a call without arguments are no cases of R's deparse(formula).
    texts = [
        deparse(tree)
        for tree in draw_many(trees, 400)
        if _exact_in_r(tree) and not isinstance(tree, Name)
    ]
    assert len(texts) > 100
    for text, answer in zip(texts, ask_r("deparse(str2lang(line))", texts, tmp_path), strict=True):
        assert deparse_lines(parse_tree(text)) == answer


def test_formulas_are_written_as_r_writes_them(tmp_path: Path) -> None:
    texts = draw_many(mixed_formulas, 200)
    spaceless = [text.replace(" ", "").replace("%in%", " %in% ") for text in texts]
    wide = ask_r("deparse(str2lang(line), width.cutoff = 500L)", spaceless, tmp_path)
    narrow = ask_r("deparse(as.formula(line), width.cutoff = 20L)", spaceless, tmp_path)
    for text, one, several in zip(spaceless, wide, narrow, strict=True):
        tree = parse_tree(text)
        assert deparse_lines(tree, 500) == one
        assert deparse_lines(tree, 20) == several


LONG = [
    "reaction_time_in_milliseconds ~ days_of_deprivation * treatment_group + "
    "(1 + days_of_deprivation | subject_identifier) + (1 | hospital_identifier)",
    "y ~ poly(first_long_variable_name, degree = 2, raw = TRUE) + "
    "cbind(second_long_variable, third_long_variable, fourth_long_variable) + (1 | g)",
    f"{'y' * 80} ~ x + (1 | g)",
    f"y ~ {'é' * 30} + {'é' * 28} + {'中' * 20} + {'中' * 19} + x + (1 | g)",
    f"y ~ `{'a ' * 20}` + {'c' * 50}:{'d' * 30}:eee - 1 + (1 | g)",
    "y ~ " + " + ".join(f"I(x{i}^2 + {'z' * i} + w)" for i in range(1, 40)),
    "y ~ " + "(a + " * 20 + "(b)" + ")" * 20,
    "y ~ "
    + "f(aaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbb, ccccccccccccccccccccccccccc, " * 8
    + "x"
    + ")" * 8,
]


@pytest.mark.parametrize("cutoff", [20, 60, 500])
def test_long_formulas_break_where_r_breaks_them(tmp_path: Path, cutoff: int) -> None:
    body = f"deparse(str2lang(line), width.cutoff = {cutoff}L)"
    for text, answer in zip(LONG, ask_r(body, LONG, tmp_path), strict=True):
        assert deparse_lines(parse_tree(text), cutoff) == answer


def test_numbers_are_written_as_r_writes_them(tmp_path: Path) -> None:
    drawn = [n for n in draw_many(numbers, 400) if _exact_in_r(n)]
    drawn += [
        Number(value=float(f"{digits}e{e}")) for digits in (1, 12, 123456) for e in range(-9, 18)
    ]
    texts = [f"{n.value:.17g}" + "L" * n.integer for n in drawn]
    for number, (answer,) in zip(
        drawn, ask_r("deparse(str2lang(line))", texts, tmp_path), strict=True
    ):
        assert deparse(number) == answer


@unhurried
@given(st.floats(0, allow_infinity=False))
def test_no_digit_of_a_number_is_lost(value: float) -> None:
    assert parse_tree(deparse(Number(value=value))) == Number(value=value)


def test_names_are_quoted_where_r_quotes_them(tmp_path: Path) -> None:
    letters = st.characters(categories=["Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "So", "Sm"])
    drawn = draw_many(st.text(letters | st.sampled_from("ab._1 "), min_size=1, max_size=4), 500)
    drawn += ["if", "TRUE", "NA_character_", "T", "in", "for", ".1", "..", ".a", "a b", "_a", "."]
    answers = ask_r("deparse(as.name(line), backtick = TRUE)", drawn, tmp_path)
    for name, (answer,) in zip(drawn, answers, strict=True):
        written = deparse(Name(name=name))
        # Where R's C library and Python differ on a letter, ours is quoted, which is always safe.
        assert written == answer or (written == f"`{name}`" and not name.isascii()), name


def test_parentheses_are_added_where_a_built_tree_needs_them() -> None:
    a, b, c = (parse_tree(name) for name in "abc")
    inner = Binary(operator=":", left=b, right=c)
    assert deparse(Binary(operator=":", left=a, right=inner)) == "a:(b:c)"
    assert deparse(Unary(operator="-", operand=inner)) == "-(b:c)"
    negated = Binary(operator="+", left=a, right=Unary(operator="!", operand=b))
    assert deparse(Binary(operator="+", left=negated, right=c)) == "(a + !b) + c"
