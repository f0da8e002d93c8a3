"""Residuals that are uniform where the model is right, whatever its distribution.

A residual is the probability that the model gives to responses below the one observed. For a linear
model it has a closed form. With the random effects drawn anew, V = I + ZΣZᵀ in whitened rows,

    Φ((y_i - x_iᵀβ̂)/(σ√(1/w_i + z_iᵀΣz_i)))

Residuals of one group depend on each other. They are independent after a rotation: Φ of the
elements of L⁻¹(y - Xβ̂)/σ with LLᵀ = V, each row given those before it. Given the modes of the
random effects, all held, it is Φ(e_i√w_i/σ), whose spread is too small by the leverage of each row.

For other families, or on request, responses are drawn from the model; a residual is the share of
them below the one observed, and where some are equal to it, a number drawn uniformly between the
shares below and not above (Dunn & Smyth 1996, Journal of Computational and Graphical Statistics 5;
Hartig's R package DHARMa).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from scipy.linalg import solve_triangular
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtr

from pylme.draws.from_model import draw_from_model
from pylme.errors import NotAvailableError
from pylme.frame import Rows, to_native
from pylme.render import Document, Facts, Rendered

if TYPE_CHECKING:
    from pylme.draws.from_model import ResponseModel
    from pylme.draws.seeds import Seeds
    from pylme.frame import Library

__all__ = ["ResidualMethod", "SimulatedResiduals", "exact_residuals", "residuals_by_simulation"]

#: "rotated" and "exact" are closed forms, for linear models.
ResidualMethod = Literal["rotated", "exact", "simulation"]
#: Rows that depend on each other and are rotated together: a matrix of their square is needed.
MOST_ROWS: Final = 6000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SimulatedResiduals(Rendered):
    """Residuals between 0 and 1, uniform where the model is right.

    Attributes
    ----------
    residuals : ndarray, shape (n,)
        In the rows used.
    fitted : ndarray, shape (n,)
        The mean of the response in the model: exact, or over the drawn responses.
    observed : ndarray, shape (n,)
        The response; of successes and failures the successes.
    method : {"rotated", "exact", "simulation"}
    simulated : ndarray, shape (draws, n), or None
        The responses drawn.
    seed : int, tuple of int or None
        Of the draws: the same again gives the same residuals.
    rows : Rows
    """

    residuals: NDArray[np.float64]
    fitted: NDArray[np.float64]
    observed: NDArray[np.float64]
    method: ResidualMethod
    simulated: NDArray[np.float64] | None
    seed: int | tuple[int, ...] | None
    rows: Rows

    @property
    def library(self) -> Library:
        """The library of the data, in which frames are given."""
        return self.rows.library

    def to_frame(self) -> Any:
        """Residuals and fitted values in the rows of the data given; NaN in rows left out."""
        table = pd.DataFrame(
            {
                "residual": self.rows.place(self.residuals, name="residual"),
                "fitted": self.rows.place(self.fitted, name="fitted"),
            }
        )
        labelled = self.library == "pandas" or self.rows.index is not None
        return to_native(table if labelled else table.reset_index(drop=True), self.library)

    def uniformity(self) -> dict[str, float]:
        """The test of Kolmogorov and Smirnov that residuals are uniform: statistic and p_value.

        Right for rotated residuals; others of a group depend on each other, and the test rejects
        too often or too rarely.
        """
        found = stats.kstest(self.residuals, "uniform")
        return {"statistic": float(found.statistic), "p_value": float(found.pvalue)}

    def dispersion(self) -> dict[str, float]:
        """The variance of y about its mean over that of the drawn responses.

        Returns
        -------
        dict
            ``ratio`` (above 1: overdispersed), and ``p_value``, two-sided, from the drawn ones.

        Raises
        ------
        NotAvailableError
            If no responses were drawn.
        """
        drawn = self._drawn("Testing the dispersion")
        spread = np.var(drawn - self.fitted, axis=1, ddof=1)
        own = float(np.var(self.observed - self.fitted, ddof=1))
        return {"ratio": own / float(spread.mean()), "p_value": _two_sided(own, spread)}

    def zeros(self) -> dict[str, float]:
        """The number of zeros, observed and on average of the drawn responses.

        Returns
        -------
        dict
            ``observed``, ``expected``, ``ratio`` (above 1: more zeros than the model allows), and
            ``p_value``, two-sided, from the drawn ones.

        Raises
        ------
        NotAvailableError
            If no responses were drawn.
        """
        drawn = self._drawn("Testing the number of zeros")
        counts = (drawn == 0).sum(axis=1).astype(np.float64)
        own, expected = float((self.observed == 0).sum()), float(counts.mean())
        ratio = own / expected if expected > 0 else (np.nan if own == 0 else np.inf)
        return {
            "observed": own,
            "expected": expected,
            "ratio": ratio,
            "p_value": _two_sided(own, counts),
        }

    def _drawn(self, asked: str) -> NDArray[np.float64]:
        if self.simulated is None:
            raise NotAvailableError(
                asked=asked,
                found=f"these residuals are computed by the method {self.method!r}, which draws no "
                "responses",
                remedy='Ask for fit.simulated_residuals(method="simulation").',
            )
        return self.simulated

    def describe(self) -> Document:
        """The method, and the tests of the residuals."""
        uniform = self.uniformity()
        facts = [
            ("Method", self.method),
            ("Rows", f"{len(self.residuals):,}"),
            ("Uniformity", f"D = {uniform['statistic']:.4g}, p = {uniform['p_value']:.3g}"),
        ]
        if self.simulated is not None:
            spread = self.dispersion()
            facts.append(("Draws", f"{len(self.simulated):,}"))
            facts.append(
                ("Dispersion", f"ratio {spread['ratio']:.4g}, p = {spread['p_value']:.3g}")
            )
        return Document(title="Simulated residuals", blocks=(Facts(tuple(facts)),))

    def __repr__(self) -> str:
        p = self.uniformity()["p_value"]
        return f"<SimulatedResiduals of {len(self.residuals)} rows, {self.method}: p {p:.3g}>"


def _two_sided(own: float, drawn: NDArray[np.float64]) -> float:
    """Twice the smaller share of draws on one side, the observation counted as one of them."""
    below = (1 + int((drawn <= own).sum())) / (len(drawn) + 1)
    above = (1 + int((drawn >= own).sum())) / (len(drawn) + 1)
    return min(1.0, 2.0 * min(below, above))


def exact_residuals(
    model: ResponseModel, y: NDArray[np.float64], *, rotated: bool
) -> NDArray[np.float64]:
    """The closed form for a linear model, shape (n,).

    Parameters
    ----------
    model : ResponseModel
    y : ndarray, shape (n,)
    rotated : bool
        Whether residuals are made independent.

    Raises
    ------
    NotAvailableError
        If too many rows depend on each other to be rotated.
    """
    scale = model.sigma / np.sqrt(model.weights)
    left = (y - model.eta) / scale
    # The columns of the drawn effects in units of each row's residual standard deviation.
    columns = [part.columns / scale[:, None] for part in model.drawn]
    if not rotated:
        variance = np.ones(len(y))
        for part, own in zip(model.drawn, columns, strict=True):
            variance += np.einsum("na,ab,nb->n", own, part.covariance, own)
        return np.asarray(ndtr(left / np.sqrt(variance)))
    for rows in _dependent_rows(model):
        V = np.eye(len(rows))
        for part, own in zip(model.drawn, columns, strict=True):
            codes = part.codes[rows]
            cross = own[rows] @ part.covariance @ own[rows].T
            V += np.where(codes[:, None] == codes, cross, 0.0)
        left[rows] = solve_triangular(np.linalg.cholesky(V), left[rows], lower=True)
    return np.asarray(ndtr(left))


def _dependent_rows(model: ResponseModel) -> list[NDArray[np.intp]]:
    """The rows that share levels of drawn effects, directly or through others."""
    n = len(model.eta)
    parts, start = [], n
    for part in model.drawn:
        parts.append(part.codes + start)
        start += part.levels
    ends = np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)
    begins = np.tile(np.arange(n), len(parts))
    graph = coo_array((np.ones(len(ends)), (begins, ends)), shape=(start, start))
    labels = connected_components(graph, directed=False)[1][:n]
    order = np.argsort(labels, kind="stable")
    blocks = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    largest = max(len(block) for block in blocks)
    if largest > MOST_ROWS:
        raise NotAvailableError(
            asked="Rotating residuals",
            found=f"{largest:,} rows depend on each other through shared groups, and at most "
            f"{MOST_ROWS:,} are rotated together",
            remedy='Ask for method="exact" or method="simulation".',
        )
    return blocks


def residuals_by_simulation(
    model: ResponseModel, y: NDArray[np.float64], seeds: Seeds, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Residuals from drawn responses, shape (rows,), and these, shape (n, rows)."""
    drawn = draw_from_model(model, [seeds.generator(i) for i in range(n)])
    below, not_above = (drawn < y).mean(axis=0), (drawn <= y).mean(axis=0)
    between = seeds.generator(n).uniform(size=len(y))
    return below + between * (not_above - below), drawn
