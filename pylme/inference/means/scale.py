"""The scale of marginal means: of the linear predictor, or back on that of the response.

With the inverse g⁻¹ of a link or of a transformed response,

    estimate g⁻¹(η̂)    s.e. |dg⁻¹/dη| s.e.(η̂)    ends g⁻¹ of the ends

and with bias adjustment g⁻¹(η) + ½σ² d²g⁻¹/dη² in place of g⁻¹: a second-order approximation to the
mean of g⁻¹(η + e) over e of variance σ² (Lenth 2016, Journal of Statistical Software 69, section
3). Differences of logarithms and of logits become ratios and odds ratios.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from pylme.families import link_of
from pylme.formula import Call, Paren

if TYPE_CHECKING:
    from pylme.formula import Node

__all__ = ["Scale", "ScaleKind", "link_scale", "response_scale", "transformation"]

ScaleKind = Literal["link", "response"]
Derivatives = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """How the linear predictor is shown.

    Attributes
    ----------
    name : str or None
        Of the link or the transformation; None where there is none.
    base : float or None
        Of the logarithm whose differences become ratios.
    mean, derivatives : callable or None
        g⁻¹ and its first three derivatives; None on the scale of the linear predictor.
    sigma : float
        Of the bias adjustment, 0 for none.
    """

    name: str | None
    base: float | None = None
    mean: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    derivatives: Derivatives | None = None
    sigma: float = 0.0

    @property
    def on_response(self) -> bool:
        """Whether means are on the scale of the response."""
        return self.mean is not None

    @property
    def ratios(self) -> bool:
        """Whether contrasts are shown as ratios."""
        return self.on_response and self.base is not None

    def value(self, eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """What is shown of η."""
        if self.mean is None or self.derivatives is None:
            return eta
        if not self.sigma:
            return self.mean(eta)
        adjusted: NDArray[np.float64] = (
            self.mean(eta) + 0.5 * self.sigma**2 * self.derivatives(eta)[1]
        )
        return adjusted

    def slope(self, eta: NDArray[np.float64]) -> NDArray[np.float64]:
        """The absolute derivative of what is shown."""
        if self.derivatives is None:
            return np.ones_like(eta)
        first, _, third = self.derivatives(eta)
        return np.asarray(np.abs(first + 0.5 * self.sigma**2 * third))

    def ratio(self, difference: NDArray[np.float64]) -> NDArray[np.float64]:
        """The ratio that belongs to a difference."""
        return np.asarray(np.exp(np.log(self.base or 1.0) * difference))


def link_scale(name: str | None) -> Scale:
    """The scale of the linear predictor."""
    return Scale(name=name)


def response_scale(name: str, sigma: float = 0.0) -> Scale:
    """The scale of the response, of a link or a transformation.

    Parameters
    ----------
    name : str
        Of the link, or the function that transformed the response.
    sigma : float
        Of the bias adjustment.
    """
    if name in _LOGARITHMS:
        base = _LOGARITHMS[name]
        factor = float(np.log(base))
        shift = 1.0 if name == "log1p" else 0.0
        return Scale(
            name=name,
            base=None if shift else base,
            mean=lambda eta: np.asarray(np.exp(factor * eta) - shift),
            derivatives=lambda eta: tuple(
                np.asarray(factor**order * np.exp(factor * eta)) for order in (1, 2, 3)
            ),
            sigma=sigma,
        )
    link = link_of(name)
    return Scale(
        name=name,
        base=math.e if name == "logit" else None,
        mean=link.mean,
        derivatives=link.derivatives,
        sigma=sigma,
    )


_LOGARITHMS: Final = {"log": math.e, "log2": 2.0, "log10": 10.0, "log1p": math.e}


def transformation(response: Node) -> str | None:
    """The function that a linear model's response was transformed by; None for none known."""
    while isinstance(response, Paren):
        response = response.inner
    if not isinstance(response, Call) or len(response.arguments) != 1:
        return None
    if response.function in (*_LOGARITHMS, "sqrt"):
        return response.function
    return None
