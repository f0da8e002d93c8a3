"""The labels of axes: what is drawn, and its unit.

An effect has the unit of the linear predictor, which is the response's where the link is the
identity, divided by the units of the numeric columns that it multiplies.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

import pandas as pd

from pylme.errors import NotAvailableError
from pylme.plot.axes import shown

if TYPE_CHECKING:
    from pylme.families.family import Family
    from pylme.plot.fitted import Fitted

__all__ = ["effect_label", "label", "response_label", "response_name", "scale", "unit"]

#: Calls whose columns are 0 or 1.
_INDICATORS: Final = re.compile(r"(dummy|factor|as\.factor|ordered|as\.ordered)\(")


class Model(Protocol):
    """A model with a formula and a family."""

    @property
    def formula(self) -> str:
        """As R writes it."""
        ...

    @property
    def family(self) -> Family:
        """The conditional distribution of the response and the link."""
        ...


def response_name(fit: Model) -> str:
    """The left side of the formula."""
    return fit.formula.split("~", maxsplit=1)[0].strip()


def scale(fit: Model) -> str:
    """What the linear predictor is measured in: the response, or the name of the link."""
    link = fit.family.link
    return response_name(fit) if link == "identity" else link


def response_label(fit: Fitted, kind: str) -> str:
    """What is predicted: the response, or the linear predictor."""
    name = response_name(fit)
    if fit.family.link == "identity":
        return shown(name)
    if name.startswith("cbind("):
        name = name.removeprefix("cbind(").split(",", maxsplit=1)[0]
    if kind == "link":
        return shown(f"{fit.family.link} of the mean of {name}", most=60)
    mean = "Probability" if fit.family.name == "binomial" else "Mean"
    return shown(f"{mean} of {name}", most=60)


def unit(fit: Fitted, term: str) -> str | None:
    """The unit of an effect, as ``Reaction / Days``; None where the data cannot tell."""
    numeric = _numeric_parts(fit, term)
    if numeric is None:
        return None
    return " / ".join([scale(fit), *numeric])


def _numeric_parts(fit: Fitted, term: str) -> list[str] | None:
    if term == "(Intercept)":
        return []
    try:
        data: object = fit.to_pandas().data
    except NotAvailableError:
        return None
    if not isinstance(data, pd.DataFrame):  # lazy
        return None
    numbers = {str(name) for name in data if data[name].dtype.kind in "iuf"}
    others = tuple(str(name) for name in data if str(name) not in numbers)
    found = []
    for part in term.split(":"):
        name = part.strip("`")
        if name in numbers or (
            "(" in part and not _INDICATORS.match(part) and part != "(Intercept)"
        ):
            found.append(name)
        elif not (_INDICATORS.match(part) or name.startswith(others)):
            return None
    return found


def label(what: str, measured: str | None) -> str:
    """What is drawn with its unit in brackets."""
    return what if measured is None else f"{what} [{shown(measured)}]"


def effect_label(what: str, fit: Fitted, term: str) -> str:
    """As ``Mode of Days [Reaction / Days]``."""
    return label(f"{what}{shown(term)}", unit(fit, term))
