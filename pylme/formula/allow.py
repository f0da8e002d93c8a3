"""The functions that a formula may call.

R evaluates a formula as code. What is not on the list never reaches R; the list has only functions
that compute from their arguments' values. None of them takes a function to be applied or a text to
be evaluated (no `sapply`, `do.call`, `ave`, `eval`, `get`, `outer`), but for `C()`, which calls the
contrast function that it is given: its arguments are checked one by one.
"""

from __future__ import annotations

import re
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn

from pylme.errors import CodeNotAllowedError, FunctionNotAllowedError, OptionError
from pylme.formula.bars import STRUCTURES
from pylme.formula.formula import CONTRAST_FUNCTIONS
from pylme.formula.literals import is_reserved
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
    walk,
)
from pylme.formula.parse import BINDING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pylme.formula.formula import Formula
    from pylme.formula.nodes import Node

#: The allow-list, by purpose.
FUNCTIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "as it is": ("I", "offset", "c", "cbind", "seq", "rep", "identity"),
        "powers and logarithms": ("sqrt", "exp", "expm1", "log", "log2", "log10", "log1p"),
        "rounding and sign": ("abs", "sign", "round", "signif", "floor", "ceiling", "trunc"),
        "trigonometry": (
            *("sin", "cos", "tan", "asin", "acos", "atan", "atan2"),
            *("sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sinpi", "cospi", "tanpi"),
        ),
        "distributions": ("plogis", "qlogis", "pnorm", "qnorm"),
        "summaries of a column": (
            *("sum", "mean", "median", "sd", "var", "min", "max", "range", "length"),
            *("quantile", "rank", "cumsum", "pmin", "pmax"),
        ),
        "conditions": ("ifelse", "is.na", "xor", "any", "all"),
        "bases": ("scale", "poly", "polym", "ns", "bs"),
        "factors": (
            *("factor", "ordered", "as.factor", "as.ordered", "relevel", "droplevels"),
            *("interaction", "cut", "nlevels", "paste", "paste0", "dummy"),
        ),
        "types": ("as.numeric", "as.integer", "as.logical", "as.character"),
        "contrasts": ("C", *sorted(CONTRAST_FUNCTIONS)),
        "covariance structures": tuple(sorted(STRUCTURES)),
    }
)

_PLAIN_OPERATORS: Final = frozenset(BINDING) | {"%in%", "%%", "%/%"}
_ALLOWABLE: Final = re.compile(r"(?:[^\W\d_]|\.(?!\d))[\w.]*|%[^%\s]*%")
_C_ARGUMENTS: Final = frozenset(
    {"object", "contr", "how.many", "base", "scores", "contrasts", "sparse"}
)
_NUMERIC: Final = frozenset({"c", "cbind", "seq", "rep"})
_C_REMEDY: Final = (
    f"C() takes a column and one of {', '.join(sorted(CONTRAST_FUNCTIONS))}, by name or in quotes, "
    "or a matrix of numbers."
)

_allowed: set[str] = set(chain.from_iterable(FUNCTIONS.values()))


def allow_function(name: str) -> None:
    """Let formulas call one more function, in this process.

    R will call it with whatever a formula passes: allow none that runs code from its arguments if
    formulas come from people who are not trusted.

    Parameters
    ----------
    name : str
        As a formula calls it, such as ``"logit"`` or ``"%o%"``, without a package.

    Raises
    ------
    OptionError
        If this is no name of a function.
    """
    if not isinstance(name, str) or not _ALLOWABLE.fullmatch(name) or is_reserved(name):
        allowed = "the plain name of a function, such as 'logit', without a package"
        raise OptionError(option="the function to allow", value=name, allowed=allowed)
    _allowed.add(name)


#: What runs commands, reads files or evaluates text: nobody is told how to allow these.
_RUN_CODE: Final = frozenset(
    {
        "Recall", "Reduce", "Filter", "Map", "apply", "assign", "attach", "ave", "delayedAssign",
        "do.call", "dyn.load", "eval", "evalq", "file", "get", "get0", "getFromNamespace", "lapply",
        "library", "load", "local", "mapply", "match.fun", "mget", "outer", "parse",
        "pipe", "q", "quit",
        "readRDS", "readline", "readLines", "require", "sapply", "scan", "setwd", "shell", "sink",
        "source", "str2expression", "str2lang", "sys.function", "system", "system2", "tapply",
        "unlink", "url", "vapply", "with", "within", "writeLines",
    }
)  # fmt: skip


def allowed_functions() -> frozenset[str]:
    """All functions that formulas may call now."""
    return frozenset(_allowed)


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
        Where `C()` is to call what is no contrast function.
    """
    for node in chain(walk(formula.response), walk(formula.right)):
        match node:
            case Call(function=name, span=(start, _)):
                _require_allowed(formula.text, name, start)
                if name == "C":
                    _check_contrasts(formula.text, node)
            case Binary(operator=name, at=(start, _)) if name not in _PLAIN_OPERATORS:
                _require_allowed(formula.text, name, start)


def _require_allowed(text: str, name: str, start: int) -> None:
    if name not in _allowed:
        kind = CodeNotAllowedError if name in _RUN_CODE else FunctionNotAllowedError
        raise kind(name=name, text=text, start=start, stop=start + len(name))


def _check_contrasts(text: str, call: Call) -> None:
    """Let `C()` have a column, contrast functions, and numbers.

    R matches arguments by parts of their names too, so that only full names are taken here: else
    it could not be said which argument is the column.
    """
    for argument in call.arguments:
        if argument.name is not None and argument.name not in _C_ARGUMENTS:
            _refuse_contrast(text, argument)
    column = next(
        (argument for argument in call.arguments if argument.name == "object"),
        next((argument for argument in call.arguments if argument.name is None), None),
    )
    for argument in call.arguments:
        if argument is not column:
            _check_contrast(text, argument)


def _check_contrast(text: str, argument: Argument) -> None:
    for node in walk(argument):
        match node:
            case Name(name=name) | String(value=name) | Call(function=name):
                if name in CONTRAST_FUNCTIONS or (isinstance(node, Call) and name in _NUMERIC):
                    continue
            case Number() | Constant() | Argument() | Paren() | Unary() | Binary():
                continue
        _refuse_contrast(text, node)


def _refuse_contrast(text: str, node: Node) -> NoReturn:
    start, stop = node.span
    raise CodeNotAllowedError(
        name=text[start:stop], text=text, start=start, stop=stop, remedy=_C_REMEDY
    )
