"""The functions that a formula may call.

R evaluates a formula as code. What is not on the list never reaches R; the list has only functions
that compute from their arguments' values. None of them takes a function to be applied or a text to
be evaluated (no `sapply`, `do.call`, `eval`, `get`, `outer`), but for two: `C()`, which calls the
contrast function that it is given, and `ave()`, which calls a summary. Their arguments are checked
one by one.
"""

from __future__ import annotations

import re
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn

from pylme.errors import (
    CodeNotAllowedError,
    FormulaError,
    FunctionNotAllowedError,
    NonlinearModelError,
    OptionError,
    UnsafeFunctionWarning,
    pointed_at,
    warn,
)
from pylme.formula.bars import STRUCTURES, is_structured
from pylme.formula.deparse import deparse
from pylme.formula.formula import CONTRAST_FUNCTIONS
from pylme.formula.habits import (
    is_of_python,
    lone_power,
    name_in_r,
    patsy_argument,
    translation,
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
from pylme.r_names import is_reserved

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
            *("quantile", "rank", "cumsum", "pmin", "pmax", "ave"),
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
#: R's self-starting curves, and those of a user that are named like them.
_SELF_STARTING: Final = re.compile(r"SS[a-z]\w*")
_SMOOTHS: Final = frozenset({"s", "te", "ti", "t2", "lo", "rcs"})
_SMOOTH_REMEDY: Final = (
    "Smooth terms are of other packages (gamm4, mgcv). A natural spline is near: ns(x, df = 4)."
)
#: What `ave()` may compute of each group.
AVERAGES: Final = frozenset({"mean", "median", "min", "max", "sum", "sd", "var", "length"})
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

    It must be a function of R's base, stats, splines or lme4, or one that you define in R's global
    environment before the fit. R is asked for it at the fit: a name that R does not have ends there
    in a `FormulaError` with the nearest names that it has.

    Parameters
    ----------
    name : str
        As a formula calls it, such as ``"logit"`` or ``"%o%"``, without a package.

    Raises
    ------
    OptionError
        If this is no name of a function, or one of Python's.

    Warns
    -----
    UnsafeFunctionWarning
        If the function runs code or commands, or reads or writes files.
    """
    if not isinstance(name, str) or not _ALLOWABLE.fullmatch(name) or is_reserved(name):
        allowed = "the plain name of a function, such as 'logit', without a package"
        raise OptionError(option="the function to allow", value=name, allowed=allowed)
    if is_of_python(name):
        there = name_in_r(name)
        allowed = "a function of R's, which evaluates formulas and has none of Python's: " + (
            f"{there}() is what {name}() is in R, and needs no permission"
            if there in _allowed
            else "compute the column in Python, and name it in the formula"
        )
        raise OptionError(option="the function to allow", value=name, allowed=allowed)
    if name in RUN_CODE:
        warn(UnsafeFunctionWarning(name=name))
    _allowed.add(name)


#: What runs commands, reads files or evaluates text: nobody is told how to allow these.
RUN_CODE: Final = frozenset(
    {
        "Recall", "Reduce", "Filter", "Map", "apply", "assign", "attach", "delayedAssign",
        "do.call", "dyn.load", "eval", "evalq", "file", "get", "get0", "getFromNamespace", "lapply",
        "library", "load", "loadNamespace", "local", "mapply", "match.arg", "match.fun", "mget",
        "outer", "parse", "pipe", "q", "quit", "rapply", "requireNamespace", "rm", "save",
        "saveRDS", "socketConnection", "sys.source", "Sys.setenv", "Sys.getenv", "Sys.chmod",
        "cat", "dput", "dump", "dget", "download.file", "dir.create", "eapply", "environment",
        "file.append", "file.copy", "file.create", "file.remove", "file.rename", "fifo", "gzfile",
        "install.packages", "invisible", "makeActiveBinding", "on.exit", "options", "read.csv",
        "read.table", "read.delim", "shell.exec", "sys.call", "trace", "untar", "unzip",
        "write", "write.csv", "write.table", "Vectorize", "aggregate", "by", "optim", "optimize",
        "uniroot", "integrate", "nlm", "bquote", "body", "as.function", ".Call", ".C",
        ".External", ".Fortran", ".Internal", ".Primitive", "dyn.unload", "reorder", "setattr",
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
    if name in _allowed:
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
    """Refuse ``x**2`` as a term: it is x alone, in R and in patsy."""
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
    """Let `ave()` have columns, and one of the summaries of a column."""
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
    """Let `C()` have a column, contrast functions, and numbers.

    R matches arguments by parts of their names too, so that only full names are taken here: else
    it could not be said which argument is the column.
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
