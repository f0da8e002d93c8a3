"""Errors of formulas, and of the columns that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pylme.errors.message import PylmeError, pointed_at
from pylme.text import suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CodeNotAllowedError",
    "FormulaError",
    "FormulaSyntaxError",
    "FunctionNotAllowedError",
    "NoRandomEffectsError",
    "NonlinearModelError",
    "UnknownColumnError",
]

_R_CONSTANTS: Final = {"True": "TRUE", "False": "FALSE", "None": "NULL"}


class FormulaError(PylmeError, ValueError):
    """A formula that cannot be read, or that names something that does not exist."""


class FormulaSyntaxError(FormulaError):
    """The text is not a formula; `start` and `stop` mark the offending position in `text`."""

    def __init__(
        self,
        *,
        text: str,
        start: int,
        stop: int,
        expected: str,
        found: str,
        remedy: str = "Correct the formula at the marked position.",
    ) -> None:
        super().__init__(
            asked="Reading the formula",
            found=f"found {found} where {expected} was expected\n{pointed_at(text, start, stop)}",
            remedy=remedy,
        )
        self.text = text
        self.start = start
        self.stop = stop
        self.expected = expected


class FunctionNotAllowedError(FormulaError):
    """The formula calls a function that pylme does not allow R to evaluate."""

    def __init__(self, *, name: str, text: str, start: int, stop: int, remedy: str = "") -> None:
        super().__init__(
            asked="Checking the formula before R evaluates it",
            found=f"{name!r} is not on the list of functions that a formula may call\n"
            f"{pointed_at(text, start, stop)}",
            remedy=remedy
            or "Compute the column in Python and name it in the formula; or, if R has a function "
            f"of that name that you trust, call pylme.allow_function({name!r}) first.",
        )
        self.name = name
        self.text = text
        self.start = start
        self.stop = stop


class NonlinearModelError(FormulaError):
    """A nonlinear mixed model, which neither engine fits."""

    def __init__(self, *, found: str) -> None:
        super().__init__(
            asked="Reading the formula",
            found=f"{found}: this is a nonlinear mixed model",
            remedy="pylme fits linear and generalized linear mixed models. Fit it in R by "
            "lme4::nlmer or nlme::nlme, or approximate the curve with ns(x, df = 4).",
        )


class CodeNotAllowedError(FunctionNotAllowedError):
    """The formula contains R code that cannot be allowed: `::`, `$`, `{`, `function`, …."""

    def __init__(self, *, name: str, text: str, start: int, stop: int, remedy: str = "") -> None:
        FormulaError.__init__(
            self,
            asked="Checking the formula before R evaluates it",
            found=f"{name!r} is not allowed in a formula\n{pointed_at(text, start, stop)}",
            remedy=remedy or "Compute the column in Python and name it in the formula.",
        )
        self.name = name
        self.text = text
        self.start = start
        self.stop = stop


class NoRandomEffectsError(FormulaError):
    """The formula of a mixed model has no random-effects term."""

    def __init__(self, *, formula: str) -> None:
        super().__init__(
            asked=f"Fitting a mixed model to {formula}",
            found="no random-effects terms specified in the formula",
            remedy="Add one in parentheses, such as (1 | g) for a column g of groups; a model "
            "without random effects is for lm or glm.",
        )
        self.formula = formula


class UnknownColumnError(FormulaError):
    """A formula or an argument names a column that the data frame does not have."""

    def __init__(self, *, name: str, available: Sequence[str], where: str = "the formula") -> None:
        super().__init__(
            asked=f"Looking up {name!r}, which {where} names, in the data",
            found="the data have no such column",
            remedy=f"R writes {_R_CONSTANTS[name]} for Python's {name}."
            if name in _R_CONSTANTS
            else suggestion(name, available),
        )
        self.name = name
        self.available = tuple(available)
