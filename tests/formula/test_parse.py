"""The parser: R's precedences, positions, and errors that point at their place."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pylme.errors import CodeNotAllowedError, FormulaError, FormulaSyntaxError, OptionError
from pylme.formula import (
    Argument,
    Binary,
    Call,
    Constant,
    Name,
    Number,
    Paren,
    String,
    Unary,
    deparse,
    parse_formula,
    parse_tree,
    walk,
)
from tests.formula.rscript import ask_r
from tests.formula.strategies import draw_many, token_sequences, unhurried

if TYPE_CHECKING:
    from pathlib import Path

    from pylme.formula import (
        Node,
    )

_NESTED = """
  nested <- function(e) {
    if (!is.call(e)) return(if (is.name(e)) paste0("<", e, ">") else deparse(e))
    given <- names(as.list(e))
    parts <- vapply(as.list(e)[-1], nested, "")
    if (!is.null(given)) parts <- paste0(ifelse(given[-1] == "", "", paste0(given[-1], "=")), parts)
    paste0("[", as.character(e[[1]]), paste0(" ", parts, collapse = ""), "]")
  }
  nested(str2lang(line))
"""


def _nested(node: Node) -> str:
    """A tree in prefix notation, every operation in brackets."""
    match node:
        case Binary(operator=head, left=left, right=right):
            return f"[{head} {_nested(left)} {_nested(right)}]"
        case Unary(operator=head, operand=operand):
            return f"[{head} {_nested(operand)}]"
        case Paren(inner=inner):
            return f"[( {_nested(inner)}]"
        case Call(function=head, arguments=arguments):
            return f"[{head}{''.join(f' {_nested(a)}' for a in arguments)}]"
        case Argument(name=name, value=value):
            return f"{name}={_nested(value)}" if name else _nested(value)
        case Name(name=name):
            return f"<{name}>"
        case _:
            return deparse(node)


def test_precedence_is_that_of_r(tmp_path: Path) -> None:
    texts = draw_many(token_sequences, 300)
    answers = ask_r(_NESTED, texts, tmp_path)
    refused = 0
    for text, (answer,) in zip(texts, answers, strict=True):
        if answer.startswith("error: "):
            refused += 1
            with pytest.raises(FormulaSyntaxError):
                parse_tree(text)
        else:
            assert _nested(parse_tree(text)) == answer, text
    assert 0 < refused < len(texts) / 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y~x", "[~ <y> <x>]"),
        ("~ x", "[~ <x>]"),
        ("y ~\n  x +\n\t z", "[~ <y> [+ <x> <z>]]"),
        ("y ~ ` x` + `if`", "[~ <y> [+ < x> <if>]]"),
        ("f()", "[f]"),
        ("poly (x, 2, raw=TRUE)", "[poly <x> 2 raw=TRUE]"),
        ("x ** 2", "[^ <x> 2]"),
        ("I(a == 'b')", '[I [== <a> "b"]]'),
        ("ar1(0 + t | g, hom = TRUE)", "[ar1 [| [+ 0 <t>] <g>] hom=TRUE]"),
    ],
)
def test_trees(text: str, expected: str) -> None:
    assert _nested(parse_tree(text)) == expected


def test_leaves() -> None:
    assert parse_tree("0x1F") == Number(value=31)
    assert parse_tree(".5e-1") == Number(value=0.05)
    assert parse_tree("1e3L") == Number(value=1000, integer=True)
    assert parse_tree(r"'it\'s \u00e9\x41\101\n'") == String(value="it's éAA\n")
    assert parse_tree("NA_real_") == Constant(text="NA_real_")
    assert parse_tree(r"`a\`b`") == Name(name="a`b")
    assert parse_tree("हिन्दी") == Name(name="हिन्दी")


def test_spans_are_the_places_in_the_text() -> None:
    text = " log(Reaction)~Days*`the age` + (0+Days |\n Subject) "
    tree = parse_tree(text)
    places = {text[slice(*node.span)] for node in walk(tree)}
    assert text.strip() in places
    assert {"log(Reaction)", "Days*`the age`", "(0+Days |\n Subject)", "`the age`", "0"} <= places
    operators = {text[slice(*node.at)] for node in walk(tree) if isinstance(node, Binary)}
    assert operators == {"~", "+", "*", "|"}


@pytest.mark.parametrize(
    ("text", "mark", "message"),
    [
        ("", 0, "nothing where a formula such as"),
        ("  \n", 0, "nothing where a formula such as"),
        ("y ~", 3, "the end of the formula where a term of the model"),
        ("y ~ x + \n", 7, "the end of the formula where a column, a number"),
        ("y ~ x + (1 | g", 8, "the end of the formula where a closing parenthesis"),
        ("y ~ (1 | )", 9, "')' where a grouping factor"),
        ("y ~ (| g)", 5, "'|' where a column, a number"),
        ("y ~ x z", 6, "the name 'z' where an operator such as +"),
        ("y ~ (1 | g) (1 | h)", 12, "'(' where an operator such as +"),
        ("y ~ x)", 5, "')' where the end of the formula"),
        ("y ~ x ~ z", 6, "'~' where the end of the formula"),
        ("y ~ I(x ~ z)", 8, "'~' where a closing parenthesis"),
        ("y = x", 2, "'=' where '~'"),
        ("y ~ * x", 4, "'*' where a term of the model"),
        ("y ~ f(x, )", 9, "')' where a column, a number"),
        ("y ~ a < b < c", 10, "'<' where the end of the comparison"),
        ("y ~ 'abc", 4, "a string without an end where the closing '"),
        ("y ~ `abc", 4, "a back-quoted name without an end where the closing `"),
        ("y ~ ``", 4, "nothing where a name between the back-quotes"),
        ("y ~ x # z", 6, "the character '#'"),
        ("_x ~ y", 0, "the character '_'"),
        ("y ~ 1e999", 4, "the number '1e999' where a finite number"),
        ("y ~ 1.5L", 4, "the number '1.5L' where an integer"),
        (r"y ~ '\q'", 4, "where text whose escapes"),
        ("y ~ '\\0'", 4, "where text whose escapes"),
        ("y ~ (system)('x')", 12, "'(' where an operator such as +"),
        ("y ~ f(x)(z)", 8, "'(' where an operator such as +"),
        ("~ x + (1 | g)", 0, "nothing to the left of '~' where a response"),
        ("x + (1 | g)  ", 11, "the end of the formula where '~'"),
    ],
)
def test_errors_point_at_their_place(text: str, mark: int, message: str) -> None:
    with pytest.raises(FormulaSyntaxError) as caught:
        parse_formula(text)
    assert caught.value.start == mark
    assert message in str(caught.value)
    line, carets = str(caught.value).splitlines()[1:3]
    if mark < len(text.rstrip()):
        assert line[carets.index("^")] == text[mark]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("y ~ base::system('x')", "::"),
        ("y ~ base:::system('x')", ":::"),
        ("y ~ x$z", "$"),
        ("y ~ x@z", "@"),
        ("y ~ x[1]", "["),
        ("y ~ {x}", "{"),
        ("y ~ (function(z) z)(x)", "function"),
        (r"y ~ (\(z) z)(x)", "\\"),
        ("y ~ I(x <- 3)", "<-"),
        ("y ~ I(x <<- 3)", "<<-"),
        ("y ~ I(3 -> x)", "->"),
        ("y ~ x |> log()", "|>"),
        ("y ~ I(x := 3)", ":="),
        ("y ~ x; quit()", ";"),
        ("y ~ ?x", "?"),
        ("y ~ if (TRUE) x", "if"),
        ("y ~ ...", "..."),
        ("y ~ ..1", "..1"),
        ("y ~ `system`('x')", "system"),
        ("y ~ 'system'('x')", "system"),
        ('y ~ "system" ("x")', "system"),
        ("y ~ I(`system` ('x'))", "system"),
    ],
)
def test_code_is_refused_by_name(text: str, name: str) -> None:
    with pytest.raises(CodeNotAllowedError) as caught:
        parse_formula(text)
    assert caught.value.name == name
    assert repr(name) in str(caught.value)


@unhurried
@given(st.text() | st.text("yxg~+-*/:^|()`'\"\\ ,=<>!&%.0123eEL\n"))
@example("y~" + "(" * 10_000)
@example("y~" + "-" * 10_000 + "x")
@example("y~" + "x^" * 10_000)
@example("y~" + "9" * 10_000)
@example("y~0x" + "f" * 10_000)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(FormulaError):
        formula = parse_formula(text)
        assert parse_formula(str(formula)) == formula


@pytest.mark.parametrize("value", [None, 3, b"y ~ x", ["y ~ x"]])
def test_only_strings_are_formulas(value: object) -> None:
    with pytest.raises(OptionError, match="formula"):
        parse_formula(value)  # type: ignore[arg-type]


def test_long_sums_are_no_burden() -> None:
    text = "y ~ " + " + ".join(f"x{i}" for i in range(5_000))
    formula = parse_formula(text)
    assert len(formula.columns) == 5_001
    assert str(formula) == text


def test_a_usual_formula_takes_far_less_than_a_millisecond() -> None:
    text = "math ~ ses*sector + poly(age, 2) + (1 + ses | sch.id) + (1 | district/town)"

    def seconds() -> float:
        start = time.perf_counter()
        for _ in range(20):
            parse_formula(text)
        return (time.perf_counter() - start) / 20

    assert min(seconds() for _ in range(20)) < 0.3e-3 * 2  # twice the aim, for a busy machine


@pytest.mark.parametrize(
    "text",
    [
        "y ~ " + " + ".join(["x"] * 20_000) + " + (1 | g)",
        "y ~ x + (1 | g)" + " + (1 | g)" * 20_000,
        "y ~ f(" + ", ".join(["x"] * 20_000) + ")",
        "y ~ " + ":".join(["x"] * 20_000),
    ],
)
def test_formulas_of_a_runaway_program_are_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    with pytest.raises(FormulaError, match=r"at most 10,000") as caught:
        parse_formula(text)
    assert time.perf_counter() - start < 5
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "&", "=="])
def test_a_call_holds_so_many_operators(operator: str) -> None:
    """They are evaluated by recursion; a sum of columns is computed in Python."""
    if operator != "==":
        parse_formula(f"y ~ I({f' {operator} '.join(['x'] * 200)})")
        with pytest.raises(FormulaSyntaxError, match="operators in a row") as caught:
            parse_formula(f"y ~ I({f' {operator} '.join(['x'] * 2_000)})")
        assert len(str(caught.value)) < 1_500
    parse_formula("y ~ " + " + ".join(["I(x + 1)"] * 500))


def test_an_error_shows_what_stands_near_the_mark() -> None:
    text = "y ~ " + " + ".join(f"x{i}" for i in range(500)) + " + ) + z" + " + a" * 500
    with pytest.raises(FormulaSyntaxError) as caught:
        parse_formula(text)
    line, mark = str(caught.value).splitlines()[1:3]
    assert line[mark.index("^")] == ")"
    assert line.startswith("    … ")
    assert line.endswith(" …")
