"""Tokens into a tree, by operator precedence (Pratt, 1973), with R's precedences.

From loose to tight, as in R's ?Syntax: ~, then | ||, & &&, !, comparisons (which do not chain),
+ -, * /, %op%, :, unary + -, and ^ (from right to left). A prefix operator takes as its operand
whatever binds tighter than itself, at any position: a * !b + c is a * (!(b + c)), as in R.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Final

from pylme.errors import (
    CodeNotAllowedError,
    FormulaError,
    FormulaSyntaxError,
    NonlinearModelError,
    OptionError,
)
from pylme.formula.nodes import (
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
from pylme.formula.scan import read_number, scan, unescape

if TYPE_CHECKING:
    from pylme.formula.nodes import Node, Span
    from pylme.formula.scan import Token

COMPARISONS: Final = frozenset({"<", ">", "<=", ">=", "==", "!="})
BINDING: Final = {
    "~": 10,
    "|": 20,
    "||": 20,
    "&": 30,
    "&&": 30,
    **dict.fromkeys(COMPARISONS, 50),
    "+": 60,
    "-": 60,
    "*": 70,
    "/": 70,
    ":": 90,
    "^": 110,
}
PREFIX_BINDING: Final = {"~": 10, "!": 40, "-": 100, "+": 100}
SPECIAL_BINDING: Final = 80
# R's own parser stops at 50 nested brackets.
DEEPEST: Final = 50
#: Names, numbers and texts of a formula, and operators in a row within a call: more are an accident
#: of a program that writes formulas, and what works through trees by recursion has its limits.
MOST_PARTS: Final = 10_000
LONGEST: Final = 200

_PARTS: Final = frozenset({"name", "quoted", "number", "string", "constant"})
_EXAMPLE = "y ~ x + (1 | g)"
_OPERAND = "a column, a number, a call or an opening parenthesis"
_AT_THE_END = {**dict.fromkeys("~),", "the end of the formula"), "=": "'~'"}
_AFTER = {"|": "a grouping factor", "||": "a grouping factor", "~": "a term of the model"}


def parse_tree(text: str) -> Node:
    """The syntax tree of a formula, or of any expression that can be part of one.

    Parameters
    ----------
    text : str
        Such as ``"y ~ x + (1 | g)"``; also one-sided, or without a tilde.

    Raises
    ------
    FormulaSyntaxError
        With a caret at the position that cannot be read.
    CodeNotAllowedError
        If it contains R code that is not part of a formula.
    """
    if not isinstance(text, str):
        raise OptionError(option="formula", value=text, allowed=f"a string such as {_EXAMPLE!r}")
    if not text.strip():
        raise FormulaSyntaxError(
            text=text,
            start=0,
            stop=0,
            expected=f"a formula such as {_EXAMPLE}",
            found="nothing",
            remedy="Write a formula.",
        )
    _require_unicode(text)
    return _Parser(text).whole()


def _require_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FormulaSyntaxError(
            # No stream could write the message with the character itself.
            text=text.encode(errors="replace").decode(),
            start=error.start,
            stop=error.end,
            expected="a character",
            found="half of a surrogate pair",
            remedy="Rename the column that the formula names, and write the new name.",
        ) from None


class _Parser:
    """A position in the tokens, and a method for each rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = scan(text)
        self._position = 0
        self._depth = 0
        self._calls = 0
        parts = sum(token.kind in _PARTS for token in self._tokens)
        if parts > MOST_PARTS:
            raise FormulaError(
                asked="Reading the formula",
                found=f"it has {parts:,} parts, and a formula has at most {MOST_PARTS:,}",
                remedy="Leave terms out, or compute sums of columns in Python and name those.",
            )

    def whole(self) -> Node:
        first = self._next
        if self._takes("operator", "~"):
            operand = self._expression(PREFIX_BINDING["~"] + 1, after=first)
            tree: Node = Unary(operator="~", operand=operand, span=(first.start, operand.span[1]))
        else:
            tree = self._expression(BINDING["~"] + 1, after=None)
            tilde = self._next
            if self._takes("operator", "~"):
                right = self._expression(BINDING["~"] + 1, after=tilde)
                tree = _joined(tilde, tree, right)
        if self._next.text == "~" and any(t.text == "|" for t in self._tokens[self._position :]):
            raise NonlinearModelError(found="it has three parts, as nlmer's formulas have")
        if self._next.kind != "end":
            raise self._unfit(_AT_THE_END.get(self._next.text))
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _takes(self, kind: str, text: str | None = None) -> bool:
        token = self._tokens[self._position]
        if token.kind != kind or (text is not None and token.text != text):
            return False
        self._position += 1
        return True

    def _expression(self, least: int, *, after: Token | None) -> Node:
        """Whatever binds at least as tightly as `least`; `after` is the token before it."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._refused(self._next, f"no nesting deeper than {DEEPEST} levels", "one more")
        left = self._operand(after)
        for length in count():
            operator = self._next
            if operator.kind != "operator":
                break
            binding = _binding(operator.text)
            if binding is None or binding < least or operator.text == "~":
                break
            if self._calls and length >= LONGEST:
                raise self._refused(
                    operator, f"no more than {LONGEST} operators in a row in a call"
                )
            self._position += 1
            right = self._expression(binding + (operator.text != "^"), after=operator)
            left = _joined(operator, left, right)
            if operator.text in COMPARISONS and self._next.text in COMPARISONS:
                raise self._refused(self._next, "the end of the comparison")
        self._depth -= 1
        return left

    def _operand(self, after: Token | None) -> Node:
        token = self._next
        self._position += 1
        span = token.start, token.stop
        match token.kind:
            case "name":
                if self._next.kind == "open":
                    return self._call(token)
                return Name(name=token.text, span=span)
            case "quoted":
                return Name(name=self._unescaped(token), span=span)
            case "number":
                return self._number(token)
            case "string":
                return String(value=self._unescaped(token), span=span)
            case "constant":
                return Constant(text=token.text, span=span)
            case "open":
                inner = self._expression(0, after=token)
                return Paren(inner=inner, span=(token.start, self._closing(token)))
            case "operator" if token.text in {"-", "+", "!"}:
                operand = self._expression(PREFIX_BINDING[token.text], after=token)
                return Unary(
                    operator=token.text, operand=operand, span=(token.start, operand.span[1])
                )
        raise self._refused(token, _AFTER.get(after.text, _OPERAND) if after else _OPERAND)

    def _call(self, function: Token) -> Call:
        opening = self._next
        self._position += 1
        self._calls += 1
        arguments: list[Argument] = []
        if self._next.kind != "close":
            arguments.append(self._argument(opening))
            while (comma := self._next).kind == "comma":
                self._position += 1
                arguments.append(self._argument(comma))
        stop = self._closing(opening)
        self._calls -= 1
        return Call(function=function.text, arguments=tuple(arguments), span=(function.start, stop))

    def _argument(self, after: Token) -> Argument:
        token = self._next
        if token.kind in {"name", "quoted"} and self._tokens[self._position + 1].text == "=":
            self._position += 2
            value = self._expression(0, after=self._tokens[self._position - 1])
            name = token.text if token.kind == "name" else self._unescaped(token)
            return Argument(name=name, value=value, span=(token.start, value.span[1]))
        value = self._expression(0, after=after)
        return Argument(value=value, span=value.span)

    def _closing(self, opening: Token) -> int:
        """The end of the parenthesis that closes `opening`."""
        token = self._next
        if self._takes("close"):
            return token.stop
        if token.kind == "end":
            raise FormulaSyntaxError(
                text=self._text,
                start=opening.start,
                stop=opening.stop,
                expected="a closing parenthesis",
                found="the end of the formula",
                remedy="Close the parenthesis at the marked position.",
            )
        raise self._unfit("a closing parenthesis" if token.kind in {"operator", "comma"} else None)

    def _number(self, token: Token) -> Number:
        read = read_number(token.text)
        if read is None:
            raise self._refused(
                token, "an integer of R" if token.text.endswith("L") else "a finite number"
            )
        return Number(value=read[0], integer=read[1], span=(token.start, token.stop))

    def _unescaped(self, token: Token) -> str:
        value = unescape(token.text[1:-1])
        if value is None:
            raise self._refused(token, "text whose escapes (backslashes) R knows")
        return value

    def _unfit(self, expected: str | None) -> FormulaSyntaxError | CodeNotAllowedError:
        """The error for a token that cannot follow a finished operand."""
        token, before = self._next, self._tokens[self._position - 1]
        if token.kind == "open" and before.kind in {"string", "quoted"}:
            return CodeNotAllowedError(
                name=before.text[1:-1], text=self._text, start=before.start, stop=before.stop
            )
        return self._refused(token, expected or "an operator such as +")

    def _refused(self, token: Token, expected: str, found: str | None = None) -> FormulaSyntaxError:
        return FormulaSyntaxError(
            text=self._text,
            start=token.start,
            stop=token.stop,
            expected=expected,
            found=found or _described(token),
        )


def _binding(operator: str) -> int | None:
    """How tightly an operator binds its two operands; None for `!` and `=`, not binary ones."""
    return BINDING.get(operator, SPECIAL_BINDING if operator[0] == "%" else None)


def _joined(operator: Token, left: Node, right: Node) -> Binary:
    span: Span = left.span[0], right.span[1]
    at = operator.start, operator.stop
    return Binary(operator=operator.text, left=left, right=right, span=span, at=at)


def _described(token: Token) -> str:
    """A token as an error message describes it."""
    match token.kind:
        case "end":
            return "the end of the formula"
        case "operator" | "open" | "close" | "comma":
            return f"{token.text!r}"
        case "quoted":
            return f"the name {token.text}"
        case "string":
            return f"the string {token.text}"
        case kind:
            return f"the {kind} {token.text!r}"
