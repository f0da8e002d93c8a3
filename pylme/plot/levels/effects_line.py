"""A single random effect: its modes, under the normal density that was fitted.

The density is that of N(0, σ_b²), its shaded parts are the central regions in which given shares of
all levels are expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.special import ndtri

from pylme.plot.axes import GREY, STYLES, axes, ink, shown
from pylme.plot.levels.planes import levels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from pylme.plot.fitted import Fitted

__all__ = ["draw_line", "effect_line"]

#: How far the density is drawn, in standard deviations, and at how many places.
_REACH: Final = 3.2
_POINTS: Final = 161


def effect_line(
    fit: Fitted, group: str, by: str | None, probabilities: Sequence[float]
) -> pd.DataFrame:
    """Modes, central regions and density of the only effect of a grouping factor."""
    modes = fit.ranef[group].iloc[:, 0]
    sd = float(fit.varcorr[group].sd.iloc[0])
    parts = [
        _part(name, "mode", modes.to_numpy()[present], list(modes.index[present]))
        for name, present in levels_of(fit, group, by)
    ]
    for probability in probabilities:
        end = float(ndtri(0.5 + probability / 2)) * sd
        ends = np.array([-end, end])
        parts.append(
            _part("", "interval", ends, probability=probability, density=_normal(ends, sd))
        )
    if sd > 0:
        places = np.linspace(-_REACH, _REACH, _POINTS) * sd
        parts.append(_part("", "density", places, density=_normal(places, sd)))
    return pd.concat(parts, ignore_index=True)


def _part(
    by: str,
    layer: str,
    values: NDArray[np.float64],
    levels: Sequence[Any] | None = None,
    *,
    probability: float = np.nan,
    density: NDArray[np.float64] | float = np.nan,
) -> pd.DataFrame:
    names = [None] * len(values) if levels is None else [str(level) for level in levels]
    return pd.DataFrame(
        {
            "by": by,
            "layer": layer,
            "level": pd.Series(names, dtype=np.dtype(object)),
            "probability": probability,
            "estimate": values,
            "density": density,
        }
    )


def _normal(x: NDArray[np.float64], sd: float) -> NDArray[np.float64]:
    if sd == 0:
        return np.full(len(x), np.nan)
    return np.asarray(np.exp(-0.5 * (x / sd) ** 2) / (sd * np.sqrt(2.0 * np.pi)))


def draw_line(
    ax: Axes | None, data: pd.DataFrame, *, what: str, title: str, by: str | None
) -> Axes:
    """Draw the density with the modes below it."""
    ax = axes(ax, width=6.0, height=3.6)
    density = data[data["layer"] == "density"]
    top = float(density["density"].max()) if len(density) else 1.0
    for _, ends in data[data["layer"] == "interval"].groupby("probability"):
        low, high = ends["estimate"]
        inside = density[density["estimate"].between(low, high)]
        x = np.concatenate([[low], inside["estimate"], [high]])
        y = np.concatenate([ends["density"][:1], inside["density"], ends["density"][1:]])
        ax.fill_between(x, 0.0, y, color=GREY, alpha=0.25, linewidth=0, zorder=1)
    ax.plot(density["estimate"], density["density"], color=ink(ax), linewidth=1.2, zorder=2)
    ax.axhline(0.0, color=GREY, linewidth=0.8)
    ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=":")
    found = list(data[data["layer"] == "mode"].groupby("by", sort=False))
    for (name, own), style in zip(found, STYLES, strict=False):
        # Multiples of the golden ratio fill the height evenly, and the same way each time.
        spread = (np.arange(len(own)) * 0.618033988749895) % 1.0
        ax.scatter(
            own["estimate"], -top * (0.04 + 0.26 * spread), color=style.color,
            marker=style.marker, s=float(np.clip(6000 / len(own), 4, 30)), linewidths=0,
            alpha=0.7 if len(own) < 300 else 0.4, label=shown(name), zorder=3,
            rasterized=len(own) > 1000,
        )  # fmt: skip
    if by is not None:
        ax.legend(title=shown(by), frameon=False)
    ax.set_ylim(-0.34 * top, 1.08 * top)
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= 1.08 * top])
    ax.set_xlabel(what)
    ax.set_ylabel("Fitted density, modes below")
    ax.set_title(title, fontsize="medium")
    return ax
