"""What the panels of residuals show: against what, and in which units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pylme.plot.axes import shown
from pylme.plot.quantiles import envelope, normal_line, plotting_positions, smooth
from pylme.plot.units import response_label, response_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pylme.plot.fitted import Fitted

__all__ = ["Panel", "against_fitted", "against_normal", "panel"]

Name = Literal["fitted", "normal", "scale"]
#: The normal quantile of a pointwise envelope of 95 %.
_REACH: Final = float(ndtri(0.975))


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes
    ----------
    name : {"fitted", "normal", "scale"}
    x, y : str
        The columns that it draws.
    x_label, y_label : str
    """

    name: Name
    x: str
    y: str
    x_label: str
    y_label: str


def panel(name: Name, fit: Fitted, kind: str) -> Panel:
    """The panel of that name, for residuals of a kind."""
    what = f"{kind.capitalize()} residual"
    if kind == "scaled":
        what = "Scaled residual (Pearson / σ)"
    elif kind == "response":
        what = f"Response residual [{shown(response_name(fit))}]"
    if name == "normal":
        return Panel(
            name=name, x="normal", y="residual", x_label="Standard normal quantile", y_label=what
        )
    fitted = response_label(fit, "response")
    lowered = fitted[:1].lower() + fitted[1:] if fit.family.link != "identity" else fitted
    x_label = f"Fitted {lowered}" if fit.family.link != "identity" else f"Fitted value of {fitted}"
    if name == "scale":
        what = f"√|{what[:1].lower()}{what[1:]}|"
    return Panel(
        name=name, x="fitted", y="spread" if name == "scale" else "residual",
        x_label=x_label, y_label=what,
    )  # fmt: skip


def against_normal(residual: pd.Series[float]) -> pd.DataFrame:
    """Residuals with normal quantiles, and the envelope of as many normal numbers."""
    rank = residual.rank(method="first").to_numpy().astype(np.intp) - 1
    center, slope = normal_line(np.asarray(residual, dtype=np.float64))
    low, high = envelope(len(residual))
    return pd.DataFrame(
        {
            "normal": ndtri(plotting_positions(len(residual)))[rank],
            "residual": residual,
            "envelope_low": center + slope * ndtri(low)[rank],
            "envelope_high": center + slope * ndtri(high)[rank],
        }
    )


def against_fitted(
    fitted: pd.Series[float], residual: pd.Series[float], *, spread: bool
) -> pd.DataFrame:
    """Residuals, or the roots of their sizes, with a smooth line and its envelope.

    A smooth line is linear in what it follows, Σ l_i y_i, so that of independent y with one mean
    and variance it has the standard deviation sd(y) |l| about their mean, which is zero for
    residuals.
    """
    table = pd.DataFrame({"fitted": fitted, "residual": residual})
    if spread:
        table["spread"] = np.sqrt(residual.abs())
    y: NDArray[np.float64] = table.iloc[:, -1].to_numpy()
    middle = float(y.mean()) if spread else 0.0
    x = np.asarray(fitted, dtype=np.float64)
    places, found, norm = smooth(x, y)
    reach = _REACH * float(np.sqrt(np.mean((y - middle) ** 2))) * np.interp(x, places, norm)
    table["smooth"] = np.interp(x, places, found)
    table["envelope_low"], table["envelope_high"] = middle - reach, middle + reach
    return table
