"""Formulas and their parts for property tests, and how to draw many of them for one R process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

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
)

if TYPE_CHECKING:
    from pylme.formula import (
        Node,
    )

T = TypeVar("T")

#: For property tests on a busy machine.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CLOSED = ("/", ":", "^", "%%", "%/%")
SPACED = ("+", "-", "*", "%in%", "%o%", "|", "||", "&", "&&", "<", ">", "<=", ">=", "==", "!=")

plain_names = st.sampled_from(
    ["x", "y.1", ".z", "größe", "体重", "a_b", "T", "reaction_time_in_ms"]
)
odd_names = st.sampled_from(
    ["two words", "if", "1st", "TRUE", "_a", "a-b", "ba`ck", "a\\b", "a\tb"]
)
names = st.builds(lambda name: Name(name=name), plain_names | odd_names)
numbers = st.builds(
    lambda value: Number(value=value), st.floats(0, 1e300) | st.integers(0, 10**6).map(float)
) | st.builds(lambda value: Number(value=float(value), integer=True), st.integers(0, 2**31 - 1))
printable = st.text(
    st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\té中'\"\\`\x01"),
    max_size=8,
)
strings = st.builds(lambda value: String(value=value), printable)
constants = st.sampled_from(["TRUE", "FALSE", "NULL", "NA", "Inf", "NaN", "NA_real_"]).map(
    lambda text: Constant(text=text)
)
leaves = names | numbers | strings | constants


def _compound(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    arguments = st.builds(
        lambda name, value: Argument(name=name, value=value),
        st.none() | plain_names | odd_names,
        inner,
    )
    return (
        st.builds(
            lambda operator, left, right: Binary(operator=operator, left=left, right=right),
            st.sampled_from(CLOSED + SPACED),
            inner,
            inner,
        )
        | st.builds(
            lambda operator, operand: Unary(operator=operator, operand=operand),
            st.sampled_from("-+!"),
            inner,
        )
        | st.builds(lambda node: Paren(inner=node), inner)
        | st.builds(
            lambda function, given: Call(function=function, arguments=tuple(given)),
            st.sampled_from(["log", "poly", "my.fun", "ar1"]),
            st.lists(arguments, max_size=4),
        )
    )


trees = st.recursive(leaves, _compound, max_leaves=25)


def _token_sequence() -> st.SearchStrategy[str]:
    operand = st.tuples(
        st.sampled_from(["", "", "", "-", "+", "!", "- -", "!!", "-!"]),
        st.sampled_from(["a", "b", "`c d`", "2", "1e5", "f(a, b = -a + !b)", "(a + b)", "(!a)"]),
    ).map("".join)
    operator = st.sampled_from([*CLOSED, *SPACED, "**"])
    return st.lists(st.tuples(operand, operator), min_size=1, max_size=7).flatmap(
        lambda pairs: operand.map(
            lambda last: "".join(f"{one} {sign} " for one, sign in pairs) + last
        )
    )


#: Expressions without parentheses, so that precedence alone decides on their tree.
token_sequences = _token_sequence()

variables = st.sampled_from(["a", "b", "c", "d", "log(x)", "I(x^2)", "poly(x, 2, raw = TRUE)"])


def _algebra(operators: str, atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        atoms,
        lambda inner: (
            st.tuples(inner, st.sampled_from(operators.split()), inner).map(" ".join)
            | inner.map("({})".format)
            | st.tuples(inner, st.sampled_from(["^2", "^3"])).map(
                lambda pair: "({}){}".format(*pair)
            )
        ),
        max_leaves=7,
    )


#: Right sides for R's algebra of terms, with everything in it that R takes.
algebra = _algebra(
    "+ + - * / : %in%",
    variables
    | st.sampled_from(["0", "1", "a", "b", "-1", "+c", "-b", "offset(w)", "`e f`", "(a > 1)"]),
)
#: Left sides of bars: sums of terms that no minus takes away again.
effects = _algebra("+ + * :", variables)
_groups = st.sampled_from(
    ["g", "h", "g:h", "(g:h)", "factor(g)", "g/h", "g/h/k", "g/(h:k)", "g/h:k"]
) | st.lists(st.sampled_from("ghkm"), min_size=2, max_size=5).map("/".join)
_bars = st.tuples(
    st.tuples(st.sampled_from(["", "0 + ", "1 + ", "-1 + "]), effects).map("".join),
    st.sampled_from(["|", "||"]),
    _groups,
).map(" ".join) | _groups.map("1 | {}".format)


def _mixed() -> st.SearchStrategy[str]:
    bar = _bars.map("({})".format) | _bars.map("(({}))".format)
    summand = st.recursive(
        bar | effects, lambda inner: st.tuples(inner, inner).map("({0[0]} + {0[1]})".format)
    )
    sums = st.tuples(
        variables,
        st.lists(summand | st.tuples(bar, bar).map(" + ".join), min_size=1, max_size=4),
        st.sampled_from(["", " - 1", " - a", " + 0"]),
    )
    random_only = st.lists(bar, min_size=1, max_size=3).map(" + ".join)
    return (sums.map(lambda parts: " + ".join([parts[0], *parts[1]]) + parts[2]) | random_only).map(
        "y ~ {}".format
    )


#: Formulas with random terms in all places where they may stand.
mixed_formulas = _mixed()


def draw_many(strategy: st.SearchStrategy[T], number: int) -> list[T]:
    """Different examples, the same at each call: R is asked about all of them at once."""
    drawn: dict[Any, T] = {}

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: T) -> None:
        drawn.setdefault(repr(example), example)

    collect()
    return list(drawn.values())
