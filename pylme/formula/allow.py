"""The functions that a formula may call.

R evaluates a formula as code. Functions that are not on the list never reach R; the list contains
only functions that compute from the values of their arguments. None of them takes a function to
apply or a text to evaluate (no `sapply`, `do.call`, `eval`, `get`, `outer`), with two exceptions:
`C()`, which calls a contrast function, and `ave()`, which calls a summary. Their arguments are
checked one by one.
"""

from __future__ import annotations

import re
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from pylme.errors import (
    OptionError,
    UnsafeFunctionWarning,
    warn,
)
from pylme.formula.bars import STRUCTURES
from pylme.formula.formula import CONTRAST_FUNCTIONS
from pylme.formula.habits import (
    is_of_python,
    name_in_r,
)
from pylme.r_names import is_reserved

if TYPE_CHECKING:
    from collections.abc import Mapping


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

_ALLOWABLE: Final = re.compile(r"(?:[^\W\d_]|\.(?!\d))[\w.]*|%[^%\s]*%")
#: What `ave()` may compute of each group.
AVERAGES: Final = frozenset({"mean", "median", "min", "max", "sum", "sd", "var", "length"})

_allowed: set[str] = set(chain.from_iterable(FUNCTIONS.values()))


def allow_function(name: str) -> None:
    """Allow formulas to call one more function, in this process.

    R calls it with whatever arguments a formula passes: if formulas come from people whom you do
    not trust, do not allow a function that runs code from its arguments.

    It must be a function of R's base, stats, splines or lme4, or one that you define in R's global
    environment before the fit. R looks it up at the fit: if R has no such function, the fit raises
    a `FormulaError` with the nearest names that R has.

    Parameters
    ----------
    name : str
        The name that a formula uses, such as ``"logit"`` or ``"%o%"``, without a package.

    Raises
    ------
    OptionError
        If this is not a name of a function, or if it is a function of Python.

    Warns
    -----
    UnsafeFunctionWarning
        If the function runs code or commands, or reads or writes files.

    Examples
    --------
    >>> import pylme
    >>> pylme.allow_function("besselJ")
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


#: Functions that run commands, read files or evaluate text: no message says how to allow these.
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


def is_allowed(name: str) -> bool:
    """Whether formulas may call the function now."""
    return name in _allowed
