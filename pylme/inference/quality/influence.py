"""How estimates change when a group of rows is left out, as a record.

With β̂₍ⱼ₎, θ̂₍ⱼ₎, σ̂₍ⱼ₎ the estimates without group j, and Φ̂ the covariance matrix of β̂,

    Cook's distance   (β̂ - β̂₍ⱼ₎)ᵀ Φ̂⁻¹ (β̂ - β̂₍ⱼ₎) / p
    DFBETAS           (β̂ - β̂₍ⱼ₎)_i / se(β̂₍ⱼ₎)_i

(Belsley, Kuh & Welsch 1980, Regression Diagnostics, section 2.1; for mixed models Demidenko &
Stukel 2005, Statistics in Medicine 24).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pylme.arrays import read_only
from pylme.covariance.names import block_labels, cells
from pylme.frame import Library, to_native
from pylme.model_matrix.random_term import RandomTerm
from pylme.options import choice
from pylme.render import Rendered, frame_table

if TYPE_CHECKING:
    from typing import Any

    from pylme.render import Table

__all__ = ["Estimated", "Influence", "nothing_estimated"]

View = Literal["influence", "changes", "estimates"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Estimated:
    """Estimates of R fits, NaN where a model could not be fitted.

    Attributes
    ----------
    criterion, sigma : ndarray, shape (R,)
    beta : ndarray, shape (R, p)
    vcov : ndarray, shape (R, p, p)
    theta : ndarray, shape (R, m)
        lme4's.
    shape : ndarray, shape (R,)
        ϑ of a negative binomial that was estimated; else NaN.
    converged : ndarray of bool, shape (R,)
    """

    criterion: NDArray[np.float64]
    sigma: NDArray[np.float64]
    beta: NDArray[np.float64]
    vcov: NDArray[np.float64]
    theta: NDArray[np.float64]
    shape: NDArray[np.float64]
    converged: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Influence(Rendered):
    """The influence of groups of rows on the estimates.

    Attributes
    ----------
    by : str
        What groups the rows.
    levels : tuple of str, length J
        The groups.
    rows : ndarray of int, shape (J,)
        Rows of each group.
    names : tuple of str, length p
        The fixed effects.
    terms : tuple of RandomTerm
        The random-effects terms.
    whole : Estimated
        The estimates from all rows.
    without : Estimated
        The estimates without each group. A fixed effect that only this group determines is NaN.
    scale : bool
        Whether the model has a residual standard deviation.
    library : {"pandas", "polars", "pyarrow"}
        The library of the data, in which frames are given.
    """

    by: str
    levels: tuple[str, ...]
    rows: NDArray[np.intp]
    names: tuple[str, ...]
    terms: tuple[RandomTerm, ...]
    whole: Estimated
    without: Estimated
    scale: bool = True
    library: Library = "pandas"

    def __len__(self) -> int:
        return len(self.levels)

    @property
    def cooks_distance(self) -> NDArray[np.float64]:
        """Cook's distance of each group, shape (J,); of the coefficients that are left."""
        p = len(self.names)
        if not p:
            return np.full(len(self), np.nan)
        change = self.whole.beta - self.without.beta
        missing = np.isnan(change)
        distance = np.einsum("ji,ik,jk->j", change, np.linalg.inv(self.whole.vcov[0]), change) / p
        for j in np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1)):
            left = ~missing[j]
            own = self.whole.vcov[0][np.ix_(left, left)]
            distance[j] = change[j, left] @ np.linalg.solve(own, change[j, left]) / left.sum()
        return read_only(distance)

    @property
    def dfbetas(self) -> NDArray[np.float64]:
        """Changes of the fixed effects in standard errors without the group, shape (J, p)."""
        error = np.sqrt(self.without.vcov.diagonal(axis1=1, axis2=2))
        return read_only((self.whole.beta - self.without.beta) / error)

    def to_frame(self, view: View = "influence") -> Any:
        """A row for each group.

        Parameters
        ----------
        view : {"influence", "changes", "estimates"}
            "influence": rows, Cook's distance, DFBETAS, and whether the refit converged.
            "estimates": criterion, σ or ϑ, fixed effects, standard deviations and correlations of
            random effects without the group. "changes": these less those from all rows, except for
            the criterion, which is not comparable between different rows.
        """
        choice("view", view, View)
        columns: dict[str, Any] = {self.by: list(self.levels), "rows": self.rows}
        if view == "influence":
            columns["cooks_distance"] = self.cooks_distance
            columns |= {f"dfbetas[{n}]": c for n, c in zip(self.names, self.dfbetas.T, strict=True)}
            columns["converged"] = self.without.converged
        else:
            own = self._parameters(self.without)
            if view == "changes":
                whole = self._parameters(self.whole)
                own = {n: v - whole[n] for n, v in own.items() if n != "criterion"}
            columns |= own
        return to_native(pd.DataFrame(columns), self.library)

    def _parameters(self, of: Estimated) -> dict[str, NDArray[np.float64]]:
        """Estimates by name, each of shape (R,)."""
        found = {"criterion": of.criterion}
        if self.scale:
            found["sigma"] = of.sigma
        if np.isfinite(self.whole.shape).all():
            found["shape"] = of.shape
        found |= {f"beta[{name}]": of.beta[:, i] for i, name in enumerate(self.names)}
        labels = block_labels(term.group for term in self.terms)
        for term, label in zip(self.terms, labels, strict=True):
            effects = term.names
            T = of.sigma[:, None, None] * term.factor(of.theta)
            covariance = T @ T.swapaxes(1, 2)
            sd = np.sqrt(covariance.diagonal(axis1=1, axis2=2))
            found |= {f"sd[{name} | {label}]": sd[:, i] for i, name in enumerate(effects)}
            for row, column in cells(len(effects)):
                if row > column:
                    with np.errstate(invalid="ignore", divide="ignore"):
                        corr = covariance[:, row, column] / (sd[:, row] * sd[:, column])
                    found[f"corr[{effects[column]}, {effects[row]} | {label}]"] = corr
        return found

    def describe(self) -> Table:
        """The groups with the greatest Cook's distances."""
        distance = self.cooks_distance
        order = np.argsort(np.where(np.isnan(distance), -np.inf, distance), kind="stable")[::-1]
        shown = {"rows": self.rows, "Cook's distance": distance}
        shown |= {f"DFBETAS {n}": c for n, c in zip(self.names, self.dfbetas.T, strict=True)}
        frame = pd.DataFrame(shown, index=list(self.levels)).iloc[order]
        caption = f"Influence of {len(self):,} levels of {self.by}, the greatest first"
        return frame_table(frame, caption=caption, labels=True)

    def __repr__(self) -> str:
        distance = self.cooks_distance
        known = np.flatnonzero(np.isfinite(distance))
        if not len(known):
            return f"<Influence of {len(self)} levels of {self.by}>"
        most = known[distance[known].argmax()]
        return (
            f"<Influence of {len(self)} levels of {self.by}: "
            f"the greatest Cook's distance is {distance[most]:.3g}, of {self.levels[most]}>"
        )


def nothing_estimated(J: int, p: int, m: int) -> Estimated:
    """The record of J fits that are still to be made."""
    return Estimated(
        criterion=np.full(J, np.nan),
        sigma=np.full(J, np.nan),
        beta=np.full((J, p), np.nan),
        vcov=np.full((J, p, p), np.nan),
        theta=np.full((J, m), np.nan),
        shape=np.full(J, np.nan),
        converged=np.zeros(J, dtype=np.bool_),
    )
