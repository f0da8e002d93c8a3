"""Intercepts and slopes of a fit by the levels of another variable, for any form of its terms.

A row's random effects add zᵀb to its response. Where z is linear in a covariate x, z = a₀ + a₁x,
the intercept and the slope of a level are

    (a₀ᵀb, a₁ᵀb) = Ab,   with covariance AΣAᵀ

and A may differ by the level of another variable: in ``(ses:sector | sch.id)`` the slopes in the
two sectors are different effects. A is computed from the rows of Z, so that ``ses``,
``ses*sector``, ``ses:sector`` and separate blocks by sector are all treated alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.covariance.roots import eigen_root
from pylme.errors import NotAvailableError, OptionError, UnknownColumnError
from pylme.options import optional_text
from pylme.plot.axes import STYLES
from pylme.plot.fitted import require_fit
from pylme.plot.levels.conditional_modes import the_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scipy.sparse import csc_array

    from pylme.plot.fitted import Fitted

__all__ = [
    "Plane", "columns_by_level", "covariance_ellipse", "intercept_and_slope", "levels_of",
    "one_covariance", "planes",
]  # fmt: skip


def columns_by_level(
    Zt: csc_array, Gp: NDArray[np.int32], widths: Sequence[int], terms: Sequence[int]
) -> NDArray[np.float64]:
    """The columns of terms on one grouping factor, shape (n, k), which multiply a level's b.

    Parameters
    ----------
    Zt : csc_array, shape (q, n)
    Gp : ndarray, shape (terms + 1,)
        Where each term begins among the rows of `Zt`.
    widths : sequence of int
        The number of columns of each term.
    terms : sequence of int
        The positions of the terms wanted.
    """
    rows = Zt.tocsr()
    made = []
    for term in terms:
        own = rows[Gp[term] : Gp[term + 1]]
        # Each row of the data belongs to one level, so the sum over levels has one summand.
        made += [own[column :: widths[term]].sum(axis=0) for column in range(widths[term])]
    return np.column_stack([np.asarray(column).ravel() for column in made])


def intercept_and_slope(
    z: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """The A of shape (2, k) with z = A[0] + A[1]x in every row; None where no such A exists.

    Parameters
    ----------
    z : ndarray, shape (n, k)
    x : ndarray, shape (n,)
    """
    centre = x.mean()
    spread = float(np.abs(x - centre).max())
    if spread <= 1e-12 * abs(centre):
        return None
    scaled = (x - centre) / spread
    slope = scaled @ (z - z.mean(axis=0)) / (scaled @ scaled - len(x) * scaled.mean() ** 2)
    at_centre = z.mean(axis=0) - slope * scaled.mean()
    off = np.abs(z - at_centre - np.outer(scaled, slope)).max()
    if off > 1e-9 * np.abs(z).max(initial=1.0):
        return None
    slope = slope / spread
    return np.vstack([at_centre - slope * centre, slope])


def covariance_ellipse(
    covariance: NDArray[np.float64], probability: float, *, points: int = 181
) -> NDArray[np.float64]:
    """The border of the central region of N(0, Σ) in the plane, shape (points, 2).

    It is {Lv : |v|² = χ²₂(probability)} with Σ = LLᵀ; a segment where Σ is singular.
    """
    radius = np.sqrt(-2.0 * np.log1p(-probability))
    angle = np.linspace(0.0, 2.0 * np.pi, points)
    circle = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.asarray(circle @ eigen_root(covariance).T)


ASKED: Final = "Drawing intercepts against slopes"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plane:
    """Intercepts and slopes of the levels of a grouping factor that have one level of `by`.

    Attributes
    ----------
    by : str
        The level; empty without such a variable.
    levels : tuple of str
        The levels of the grouping factor.
    modes : ndarray, shape (levels, 2)
        Intercepts and slopes.
    covariance : ndarray, shape (2, 2)
        Their covariance matrix, as fitted.
    """

    by: str
    levels: tuple[str, ...]
    modes: NDArray[np.float64]
    covariance: NDArray[np.float64]


def one_covariance(found: list[Plane]) -> bool:
    """Whether several planes have the same covariance matrix."""
    return len(found) > 1 and all(
        np.allclose(plane.covariance, found[0].covariance, rtol=1e-9, atol=0) for plane in found
    )


def planes(
    fit: Fitted, group: str | None, slope: str | None, by: str | None
) -> tuple[str, tuple[str, str], list[Plane]]:
    """The grouping factor, the names of the two axes, and a plane for each level of `by`.

    Raises
    ------
    UnknownNameError, UnknownColumnError, OptionError, NotAvailableError
        As `pylme.plot.random_effects_data`.
    """
    require_fit(fit)
    slope, by = optional_text("slope", slope), optional_text("by", by)
    fit = fit.to_pandas()
    modes = fit.ranef
    group = the_group(modes, group)
    own = modes[group]
    if slope is None and by is None and own.shape[1] == 2:
        plane = Plane(
            by="",
            levels=tuple(map(str, own.index)),
            modes=own.to_numpy(),
            covariance=fit.varcorr[group].cov.to_numpy(),
        )
        return group, (str(own.columns[0]), str(own.columns[1])), [plane]
    frame = fit.model_frame()
    labels, codes = _levels(frame, by)
    z = _columns(fit, group)
    slope, loadings = _loadings(frame, z, codes, slope, group)
    of_row = fit.getme("flist")[group].codes
    covariance = fit.varcorr[group].cov.to_numpy()
    found = []
    for at, A in loadings.items():
        present = np.unique(of_row[codes == at])
        found.append(
            Plane(
                by=labels[at],
                levels=tuple(map(str, own.index[present])),
                modes=own.to_numpy()[present] @ A.T,
                covariance=A @ covariance @ A.T,
            )
        )
    return group, ("intercept", f"slope of {slope}"), found


def levels_of(fit: Fitted, group: str, by: str | None) -> list[tuple[str, NDArray[np.intp]]]:
    """The levels of `by`, and which levels of a grouping factor have rows with each of them."""
    if by is None:
        return [("", np.arange(len(fit.ranef[group])))]
    labels, codes = _levels(fit.model_frame(), by)
    of_row = fit.getme("flist")[group].codes
    return [(label, np.unique(of_row[codes == at])) for at, label in enumerate(labels)]


def _levels(frame: pd.DataFrame, by: str | None) -> tuple[list[str], NDArray[np.intp]]:
    if by is None:
        return [""], np.zeros(len(frame), dtype=np.intp)
    if by not in frame:
        raise UnknownColumnError(name=by, available=tuple(frame.columns), where="`by`")
    codes, levels = pd.factorize(frame[by], sort=True)
    if len(levels) > len(STYLES):
        raise OptionError(
            option="by", value=by,
            allowed=f"a column with at most {len(STYLES)} values: this one has {len(levels)}",
        )  # fmt: skip
    return [str(level) for level in levels], codes


def _columns(fit: Fitted, group: str) -> NDArray[np.float64]:
    terms = fit.varcorr.terms
    return columns_by_level(
        fit.getme("Zt"),
        fit.getme("Gp"),
        [len(term.names) for term in terms],
        [at for at, term in enumerate(terms) if term.group == group],
    )


def _loadings(
    frame: pd.DataFrame,
    z: NDArray[np.float64],
    codes: NDArray[np.intp],
    slope: str | None,
    group: str,
) -> tuple[str, dict[int, NDArray[np.float64]]]:
    """The covariate whose slope varies, and A for each level of `by`."""
    numeric = [str(name) for name in frame if pd.api.types.is_numeric_dtype(frame[name])]
    if slope is not None and slope not in numeric:
        raise UnknownColumnError(name=slope, available=numeric, where="`slope`")
    found = {}
    for name in numeric if slope is None else [slope]:
        x = frame[name].to_numpy(dtype=np.float64)
        by_level = {int(at): intercept_and_slope(z[codes == at], x[codes == at])
                    for at in np.unique(codes)}  # fmt: skip
        loadings = {at: A for at, A in by_level.items() if A is not None}
        if len(loadings) == len(by_level) and any(A[1].any() for A in loadings.values()):
            found[name] = loadings
    if len(found) == 1:
        return next(iter(found.items()))
    if found:
        raise OptionError(option="slope", value=None, allowed=tuple(found))
    raise NotAvailableError(
        asked=ASKED if slope is None else f"{ASKED} of {slope!r}",
        found=f"the random effects of {group!r} are not linear in "
        + ("any column of the model" if slope is None else "that column"),
        remedy="This plot needs a term such as (x | g), x*f, x:f, or blocks by the levels of f.",
    )
