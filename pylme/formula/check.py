"""The check of the functions that a formula calls, and the line to write instead where possible."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING, Final, NoReturn

from pylme.errors import (
    CodeNotAllowedError,
    FormulaError,
    FunctionNotAllowedError,
    NonlinearModelError,
)
from pylme.errors.message import pointed_at
from pylme.formula.bars import is_structured
from pylme.formula.deparse import deparse
from pylme.formula.formula import CONTRAST_FUNCTIONS, read_formula
from pylme.formula.habits import (
    is_of_python,
    lone_power,
    patsy_argument,
    translated,
    without_packages,
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
    children,
    walk,
)
from pylme.formula.parse import BINDING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pylme.formula.formula import Formula
    from pylme.formula.nodes import Node

from pylme.formula.allow import AVERAGES, RUN_CODE, is_allowed
from pylme.formula.rewriting import with_dot, without_idle_parentheses

__all__ = ["check_functions", "model_formula", "parse_formula", "translation"]

_PLAIN_OPERATORS: Final = frozenset(BINDING) | {"%in%", "%%", "%/%"}
_C_ARGUMENTS: Final = frozenset(
    {"object", "contr", "how.many", "base", "scores", "contrasts", "sparse"}
)
#: R's self-starting curves, and those of a user that are named like them.
_SELF_STARTING: Final = re.compile(r"SS[a-z]\w*")
#: Operators that name the package of a function.
_PACKAGES: Final = frozenset({"::", ":::"})
_SMOOTHS: Final = frozenset({"s", "te", "ti", "t2", "lo", "rcs"})
_SMOOTH_REMEDY: Final = (
    "Smooth terms are of other packages (gamm4, mgcv). A natural spline is near: ns(x, df = 4)."
)
_NUMERIC: Final = frozenset({"c", "cbind", "seq", "rep"})
_C_REMEDY: Final = (
    f"C() takes a column and one of {', '.join(sorted(CONTRAST_FUNCTIONS))}, by name or in quotes, "
    "or a matrix of numbers."
)


def parse_formula(text: str) -> Formula:
    """Parse the text of a formula.

    Parameters
    ----------
    text : str
        In lme4's notation: ``"y ~ x + (x | g)"``.

    Returns
    -------
    Formula

    Raises
    ------
    FormulaSyntaxError
        With a caret at the position that cannot be read, or that lme4 would misread.
    CodeNotAllowedError
        If it contains R code that is not part of a formula.
    OptionError
        If `text` is not a string.

    Examples
    --------
    >>> formula = parse_formula("math ~ ses*sector + (ses | sch.id)")
    >>> formula.columns
    ('math', 'ses', 'sector', 'sch.id')
    """
    try:
        return read_formula(text)
    except CodeNotAllowedError as error:
        line = _accepted(without_packages(text)) if error.name in _PACKAGES else None
        if line is None:
            raise
        start, stop = error.start, error.stop
        remedy = f"Write it without the package: {line}"
        raise CodeNotAllowedError(
            name=error.name, text=text, start=start, stop=stop, remedy=remedy
        ) from None


def model_formula(text: str, available: Iterable[str]) -> Formula:
    """The checked formula of a model, with every dot replaced by columns of its data.

    Parameters
    ----------
    text : str
    available : iterable of str
        The columns of the data.

    Raises
    ------
    FormulaError, OptionError
        As `parse_formula`, `with_dot` and `check_functions`.
    """
    formula = parse_formula(text)
    if formula.has_dot:
        formula = with_dot(formula, available)
    check_functions(formula)
    return without_idle_parentheses(formula)


def translation(formula: Formula, *, as_factors: frozenset[str] = frozenset()) -> str | None:
    """The formula in R's language; None if that is the formula itself, or not allowed.

    Parameters
    ----------
    formula : Formula
    as_factors : frozenset of str
        Numeric columns that ``C()`` codes as factors.
    """
    line = translated(formula, as_factors=as_factors)
    return None if line == str(formula) else _accepted(line)


def _accepted(line: str) -> str | None:
    """The line, if it is a formula that may be used."""
    try:
        check_functions(read_formula(line))
    except FormulaError:
        return None
    return line


def check_functions(formula: Formula) -> None:
    """Raise for a call that is not allowed.

    Parameters
    ----------
    formula : Formula

    Raises
    ------
    FunctionNotAllowedError
        With the name, and a caret at the call.
    CodeNotAllowedError
        If `C()` would call something that is not a contrast function.
    """
    if not formula.functions and formula.operators <= _PLAIN_OPERATORS and "**" not in formula.text:
        return
    _refuse_lone_powers(formula)
    for node in chain(walk(formula.response), walk(formula.right)):
        match node:
            case Call(function=name, span=(start, _)):
                _require_allowed(formula, name, start)
                if name == "C":
                    _check_contrasts(formula, node)
                elif name == "ave":
                    _check_summary(formula.text, node)
                elif patsy_argument(node):
                    _refuse_habit(formula, node, "'bs' has other arguments in R")
            case Binary(operator=name, at=(start, _)) if name not in _PLAIN_OPERATORS:
                _require_allowed(formula, name, start)


def _require_allowed(formula: Formula, name: str, start: int) -> None:
    if is_allowed(name):
        return
    text, stop = formula.text, start + len(name)
    if _SELF_STARTING.fullmatch(name):
        raise NonlinearModelError(found=f"{name}() is a nonlinear function of parameters")
    line = translation(formula)
    if name in _SMOOTHS:
        remedy = _SMOOTH_REMEDY
    elif line is not None:
        remedy = f"R evaluates the formula. Write it in R's language: {line}"
    else:
        remedy = (
            "Compute the column in Python and name it in the formula." if is_of_python(name) else ""
        )
    if name in RUN_CODE:
        written = remedy if line is not None else ""
        raise CodeNotAllowedError(name=name, text=text, start=start, stop=stop, remedy=written)
    raise FunctionNotAllowedError(name=name, text=text, start=start, stop=stop, remedy=remedy)


def _refuse_lone_powers(formula: Formula) -> None:
    """Refuse ``x**2`` as a term: in R and in patsy it means x."""
    waiting: list[Node] = [formula.right]
    while waiting:
        node = waiting.pop()
        if lone_power(node, formula.text):
            _refuse_habit(
                formula,
                node,
                f"{deparse(node)!r} as a term is {deparse(children(node)[0])!r} alone: powers of "
                "terms are interactions",
            )
        # Within a call it is arithmetic.
        if not isinstance(node, Call) or is_structured(node):
            waiting.extend(children(node))


def _refuse_habit(formula: Formula, node: Node, found: str) -> NoReturn:
    line = translation(formula)
    raise FormulaError(
        asked="Checking the formula",
        found=f"{found}\n{pointed_at(formula.text, *node.span)}",
        remedy="Compute the column in Python and name it in the formula."
        if line is None
        else f"Write it in R's language: {line}",
    )


def _check_summary(text: str, call: Call) -> None:
    """Allow `ave()` columns, and one of the summaries of a column."""
    for argument in call.arguments:
        match argument:
            case Argument(name=None):
                continue
            case Argument(name="FUN", value=Name(name=name)) if name in AVERAGES:
                continue
        start, stop = argument.span
        raise CodeNotAllowedError(
            name=text[start:stop], text=text, start=start, stop=stop,
            remedy=f"ave() takes columns, and FUN = {' or '.join(sorted(AVERAGES))}.",
        )  # fmt: skip


def _check_contrasts(formula: Formula, call: Call) -> None:
    """Allow `C()` a column, contrast functions, and numbers.

    R also matches arguments by parts of their names. Only full names are accepted here, because
    otherwise it would be unclear which argument is the column.
    """
    for argument in call.arguments:
        if argument.name is not None and argument.name not in _C_ARGUMENTS:
            _refuse_contrast(formula, argument)
    column = next(
        (argument for argument in call.arguments if argument.name == "object"),
        next((argument for argument in call.arguments if argument.name is None), None),
    )
    for argument in call.arguments:
        if argument is not column:
            _check_contrast(formula, argument)


def _check_contrast(formula: Formula, argument: Argument) -> None:
    for node in walk(argument):
        match node:
            case Name(name=name) | String(value=name) | Call(function=name):
                if name in CONTRAST_FUNCTIONS or (isinstance(node, Call) and name in _NUMERIC):
                    continue
            case Number() | Constant() | Argument() | Paren() | Unary() | Binary():
                continue
        _refuse_contrast(formula, node)


def _refuse_contrast(formula: Formula, node: Node) -> NoReturn:
    text, (start, stop) = formula.text, node.span
    line = translation(formula)
    raise CodeNotAllowedError(
        name=text[start:stop],
        text=text,
        start=start,
        stop=stop,
        remedy=_C_REMEDY if line is None else f"Write it in R's language: {line}",
    )
