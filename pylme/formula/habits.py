"""Translation of the notation of patsy, statsmodels and NumPy into R's language.

A formula is translated as a whole, so that the message can show the line to write. `allow` decides
whether pylme accepts that line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pylme.formula.deparse import deparse
from pylme.formula.nodes import (
    BARS,
    Argument,
    Binary,
    Call,
    Constant,
    Name,
    Number,
    Paren,
    String,
    Unary,
    left_spine,
)
from pylme.formula.terms import ALGEBRA

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylme.formula.formula import Formula
    from pylme.formula.nodes import Node

__all__ = [
    "is_of_python",
    "lone_power",
    "name_in_r",
    "patsy_argument",
    "translated",
    "without_packages",
]

_MODULES: Final = frozenset(
    {"np", "numpy", "math", "scipy", "sp", "special", "stats", "pd", "pandas", "patsy"}
)
_PACKAGE: Final = re.compile(r"(?<![\w.])[A-Za-z.][\w.]*:::?(?=[A-Za-z.])")
#: Functions with another name in R, or in one of Python's modules alone.
_RENAMED: Final[dict[str, str]] = {
    name: name
    for name in (
        *("log", "log2", "log10", "log1p", "exp", "expm1", "sqrt", "sin", "cos", "tan", "sinh"),
        *("cosh", "tanh", "asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh", "sign"),
        *("abs", "floor", "trunc", "mean", "median", "min", "max", "sum", "round"),
    )
} | {
    "ceil": "ceiling", "absolute": "abs", "fabs": "abs", "rint": "round", "around": "round",
    "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "amin": "min", "amax": "max", "maximum": "pmax",
    "minimum": "pmin", "fmax": "pmax", "fmin": "pmin", "where": "ifelse", "isnan": "is.na",
    "expit": "plogis", "logit": "qlogis", "ndtr": "pnorm", "ndtri": "qnorm",
    "float64": "as.numeric", "int64": "as.integer",
}  # fmt: skip
_BUILTINS: Final = {"float": "as.numeric", "int": "as.integer"}
_CONSTANTS: Final = {"True": "TRUE", "False": "FALSE", "None": "NULL"}
#: As members of Python's modules.
_NUMBERS: Final = {
    "pi": Name(name="pi"),
    "e": Call(function="exp", arguments=(Argument(value=Number(value=1.0)),)),
}
#: Summaries of a column: one number, and no term of a model by itself.
_SUMMARIES: Final = frozenset({"mean", "median", "min", "max", "sum"})
_CODINGS: Final = {"Sum": "contr.sum", "Helmert": "contr.helmert", "Poly": "contr.poly"}
_FACTORS: Final = frozenset({"C", "factor", "as.factor", "as.ordered", "ordered"})
_BS: Final = {"include_intercept": "intercept"}
_BOUNDS: Final = ("lower_bound", "upper_bound")


def translated(formula: Formula, *, as_factors: frozenset[str] = frozenset()) -> str:
    """The formula in R's language, which may be the formula itself.

    Parameters
    ----------
    formula : Formula
    as_factors : frozenset of str
        Numeric columns that ``C()`` codes as factors.
    """
    translator = _Translator(formula.text, as_factors)
    tree = Binary(
        operator="~",
        left=translator.inside(formula.response),
        right=translator.terms(formula.right),
    )
    return deparse(tree)


def without_packages(text: str) -> str:
    """The text without prefixes such as ``splines::``."""
    return _PACKAGE.sub("", text)


def is_of_python(name: str) -> bool:
    """Whether a function's name begins with a Python module."""
    first, dot, _ = name.partition(".")
    return bool(dot) and first in _MODULES


def name_in_r(name: str) -> str | None:
    """R's name of a function of a Python module; None if R has no direct equivalent."""
    return _RENAMED.get(name.rpartition(".")[2])


def lone_power(node: Node, text: str) -> bool:
    """Whether the node is ``x**2`` of one variable, which as a term of a model means x."""
    return (
        isinstance(node, Binary)
        and text[slice(*node.at)] == "**"
        and isinstance(node.left, Name | Call)
    )


def patsy_argument(call: Call) -> bool:
    """Whether a call of ``bs()`` has an argument that only patsy has."""
    named = {argument.name for argument in call.arguments}
    return call.function == "bs" and not named.isdisjoint({*_BS, *_BOUNDS})


class _Translator:
    """Writes a tree anew; `terms` where it is a sum of terms, `inside` where it computes."""

    def __init__(self, text: str, as_factors: frozenset[str]) -> None:
        self._text = text
        self._as_factors = as_factors

    def terms(self, node: Node) -> Node:
        if lone_power(node, self._text):
            return Call(function="I", arguments=(Argument(value=self.inside(node)),))
        first, chain = left_spine(node, ALGEBRA)
        if not chain:
            return self._summand(node)
        result = self.terms(first)
        for step in chain:
            if lone_power(step, self._text):
                power = Binary(operator="^", left=self.inside(step.left), right=step.right)
                result = Call(function="I", arguments=(Argument(value=power),))
            else:
                right = self.terms(step.right)
                result = Binary(operator=step.operator, left=result, right=right)
        return result

    def _summand(self, node: Node) -> Node:
        match node:
            case Paren(inner=inner):
                return Paren(inner=self.terms(inner))
            case Unary(operator=operator, operand=operand):
                return Unary(operator=operator, operand=self.terms(operand))
            case Binary(operator=operator, left=left, right=right) if operator in BARS:
                return Binary(operator=operator, left=self.terms(left), right=self._group(right))
        return self._whole(node)

    def _whole(self, node: Node) -> Node:
        """A term that is computed; ``np.mean(x)`` is one number, in R `ave()` repeats it."""
        match node:
            case Call(function=name, arguments=(column,)) if (
                is_of_python(name) and (there := name_in_r(name)) in _SUMMARIES
            ):
                found = Argument(name="FUN", value=Name(name=str(there)))
                return Call(
                    function="ave", arguments=(Argument(value=self.inside(column.value)), found)
                )
        return self.inside(node)

    def _group(self, node: Node) -> Node:
        """A grouping factor, which is a factor whatever the type of its column."""
        match node:
            case Call(function=name, arguments=(Argument(value=Name() as column),)) if (
                name in _FACTORS
            ):
                return column
            case Binary(operator=operator, left=left, right=right):
                return Binary(operator=operator, left=self._group(left), right=self._group(right))
        return self.inside(node)

    def inside(self, node: Node) -> Node:
        match node:
            case Name(name=name) if name in _CONSTANTS:
                return Constant(text=_CONSTANTS[name])
            case Name(name=name) if is_of_python(name) and name.rpartition(".")[2] in _NUMBERS:
                return _NUMBERS[name.rpartition(".")[2]]
            case Paren(inner=inner):
                return Paren(inner=self.inside(inner))
            case Unary(operator=operator, operand=operand):
                return Unary(operator=operator, operand=self.inside(operand))
            case Binary(operator=operator, left=left, right=right):
                return Binary(operator=operator, left=self.inside(left), right=self.inside(right))
            case Call():
                return self._call(node)
        return node

    def _call(self, call: Call) -> Node:
        arguments = tuple(
            Argument(name=argument.name, value=self.inside(argument.value))
            for argument in call.arguments
        )
        *_, base = call.function.split(".")
        prefixed = is_of_python(call.function)
        if (prefixed or call.function == base) and (special := _SPECIAL.get(base)) is not None:
            return special(arguments) or call
        if call.function in _GROUP_MEANS and len(arguments) > 1:
            return _group_means(arguments)
        if call.function == "C":
            return self._coded(call, arguments)
        if call.function == "bs" and patsy_argument(call):
            return _bs(arguments)
        name = _RENAMED.get(base) if prefixed else _BUILTINS.get(call.function)
        return Call(function=name or call.function, arguments=arguments)

    def _coded(self, call: Call, arguments: tuple[Argument, ...]) -> Node:
        """Patsy's ``C(x, Treatment('b'))``, and ``C()`` of a column of numbers."""
        column, *rest = arguments or (Argument(value=call),)
        made = Call(function="factor", arguments=(Argument(value=column.value),))
        names = {argument.name for argument in rest}
        if len(rest) == 1 and names <= {None, "contr"}:
            match rest[0].value:
                case Name(name="Treatment") | Call(function="Treatment", arguments=()):
                    return made
                case Call(function="Treatment", arguments=(Argument(value=reference),)):
                    text = reference.value if isinstance(reference, String) else deparse(reference)
                    ref = Argument(name="ref", value=String(value=text))
                    return Call(function="relevel", arguments=(Argument(value=made), ref))
                case Name(name=name) | Call(function=name, arguments=()) if name in _CODINGS:
                    contrast = Argument(value=Name(name=_CODINGS[name]))
                    return Call(function="C", arguments=(Argument(value=made), contrast))
        if isinstance(column.value, Name) and column.value.name in self._as_factors:
            return made if not rest else Call(function="C", arguments=(Argument(value=made), *rest))
        return Call(function="C", arguments=arguments)


Arguments = tuple[Argument, ...]


def _one(arguments: Arguments) -> Node | None:
    return arguments[0].value if len(arguments) == 1 and arguments[0].name is None else None


def _computed(operator: str, left: Node, right: Node) -> Node:
    sides = [Paren(inner=side) if isinstance(side, Binary) else side for side in (left, right)]
    value = Binary(operator=operator, left=sides[0], right=sides[1])
    return Call(function="I", arguments=(Argument(value=value),))


def _quoted(arguments: Arguments) -> Node | None:
    node = _one(arguments)
    return Name(name=node.value) if isinstance(node, String) and node.value else None


def _centred(arguments: Arguments) -> Node | None:
    false = Argument(name="scale", value=Constant(text="FALSE"))
    return (
        None if _one(arguments) is None else Call(function="scale", arguments=(*arguments, false))
    )


def _standardized(arguments: Arguments) -> Node | None:
    names = {None: None, "x": None, "center": "center", "rescale": "scale"}
    if any(argument.name not in names for argument in arguments):
        return None
    return Call(
        function="scale",
        arguments=tuple(Argument(name=names[a.name], value=a.value) for a in arguments),
    )


def _square(arguments: Arguments) -> Node | None:
    node = _one(arguments)
    return None if node is None else _computed("^", node, Number(value=2.0))


def _reciprocal(arguments: Arguments) -> Node | None:
    node = _one(arguments)
    return None if node is None else _computed("/", Number(value=1.0), node)


def _power(arguments: Arguments) -> Node | None:
    return _computed("^", *(a.value for a in arguments)) if len(arguments) == 2 else None


def _clipped(arguments: Arguments) -> Node | None:
    if len(arguments) != 3:
        return None
    column, low, high = (Argument(value=argument.value) for argument in arguments)
    inner = Call(function="pmax", arguments=(column, low))
    return Call(function="pmin", arguments=(Argument(value=inner), high))


#: Names that others give to the mean of a group in each of its rows; what R has is `ave()`.
_GROUP_MEANS: Final = frozenset(
    {"group_mean", "groupmean", "group_means", "gmean", "between", "tapply", "cluster_mean"}
)


def _group_means(arguments: Arguments) -> Call:
    """``group_mean(x, g)`` and ``tapply(x, g, mean)`` as ``ave(x, g)``."""
    column, group, *summary = (Argument(value=argument.value) for argument in arguments)
    function = (Argument(name="FUN", value=part.value) for part in summary)
    return Call(function="ave", arguments=(column, group, *function))


def _natural(arguments: Arguments) -> Node | None:
    """Patsy's natural cubic spline of `df` columns, one of which is the intercept's."""
    if len(arguments) != 2 or not isinstance(df := arguments[1].value, Number) or df.value < 3:
        return None
    fewer = Argument(name="df", value=Number(value=df.value - 1))
    return Call(function="ns", arguments=(arguments[0], fewer))


def _bs(arguments: Arguments) -> Node:
    bounds = {a.name: a.value for a in arguments if a.name in _BOUNDS}
    kept = [
        Argument(name=None if a.name is None else _BS.get(a.name, a.name), value=a.value)
        for a in arguments
        if a.name not in _BOUNDS
    ]
    if len(bounds) == len(_BOUNDS):
        ends = tuple(Argument(value=bounds[name]) for name in _BOUNDS)
        both = Call(function="c", arguments=ends)
        kept.append(Argument(name="Boundary.knots", value=both))
    return Call(function="bs", arguments=tuple(kept))


_SPECIAL: Final[dict[str, Callable[[Arguments], Node | None]]] = {
    "Q": _quoted,
    "center": _centred,
    "demean": _centred,
    "standardize": _standardized,
    "zscore": _standardized,
    "square": _square,
    "reciprocal": _reciprocal,
    "power": _power,
    "pow": _power,
    "clip": _clipped,
    "cr": _natural,
}
